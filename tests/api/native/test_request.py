"""The endpoint of native sign-in: parameters, content types, listed providers, signals."""

from __future__ import annotations

import json
import logging
from typing import Any
from urllib.parse import urlencode

import pytest
import responses
from django.contrib.auth.signals import user_login_failed
from rest_framework.test import APIClient
from social_core.backends.open_id_connect import OpenIdConnectAuth

from social_endpoints.signals import signed_in
from social_endpoints.tokens import TokenSerializer
from tests.support.access_token_providers import TOKEN
from tests.support.access_token_providers import github as create_github
from tests.support.configuration import Configure
from tests.support.frontend import browser, error
from tests.support.id_token_providers import PROVIDERS, IdTokenProvider
from tests.support.keys import other_key
from tests.support.native import assert_refused, post_tokens
from tests.support.openid_provider import OpenIDProvider
from tests.support.signals import received

pytestmark = [pytest.mark.django_db]

HERE = "tests.api.native.test_request"
PATH = "/auth/o/oidc/token/"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def oidc(wire: responses.RequestsMock, settings: Any) -> IdTokenProvider:
    provider: IdTokenProvider = PROVIDERS["oidc"](wire)
    provider.install(settings)
    return provider


# --- Parameters -----------------------------------------------------------------------


@pytest.mark.parametrize("body", [{}, {"nonce": "n"}, {"id_token": ""}, {"access_token": ""}])
def test_request_without_a_token_is_a_field_error(
    body: dict[str, str], oidc: IdTokenProvider
) -> None:
    response = post_tokens("oidc", **body)

    assert response.status_code == 400
    assert response.data["id_token"] == ["This field is required."]


@pytest.mark.parametrize("name", ["id_token", "access_token", "nonce"])
@pytest.mark.parametrize("value", [7, ["x"], {"x": 1}, True, "a\0b"])
def test_parameter_of_a_wrong_type_is_a_field_error(
    name: str, value: Any, oidc: IdTokenProvider
) -> None:
    response = post_tokens("oidc", **{"id_token": "x", name: value})

    assert response.status_code == 400
    assert name in response.data


@pytest.mark.parametrize("encoding", ["json", "form", "multipart", "query"])
def test_parameters_are_accepted_in_every_encoding(encoding: str, oidc: IdTokenProvider) -> None:
    body = {"id_token": oidc.token(), "nonce": oidc.nonce}
    arguments: dict[str, tuple[str, dict[str, Any]]] = {
        "json": (PATH, {"data": body, "format": "json"}),
        "form": (PATH, {"data": urlencode(body), "content_type": FORM}),
        "multipart": (PATH, {"data": body, "format": "multipart"}),
        "query": (f"{PATH}?{urlencode(body)}", {"data": "", "content_type": FORM}),
    }
    url, options = arguments[encoding]

    assert APIClient().post(url, secure=True, **options).status_code == 201


def test_only_json_is_accepted_if_the_serializer_sets_a_cookie(
    oidc: IdTokenProvider, settings: Any, configure: Configure
) -> None:
    settings.MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]
    configure(TOKEN_SERIALIZER="social_endpoints.tokens.SessionSerializer")
    body = {"id_token": oidc.token(), "nonce": oidc.nonce}
    query = f"{PATH}?{urlencode(body)}"

    from_other_sites = [
        APIClient().post(PATH, urlencode(body), content_type=FORM, secure=True),
        APIClient().post(PATH, body, format="multipart", secure=True),
        APIClient().post(PATH, json.dumps(body), content_type="text/plain", secure=True),
        APIClient().post(query, secure=True),
        APIClient().generic("POST", query, b"", content_type="", secure=True),
    ]
    own_page = post_tokens("oidc", **body)

    assert [response.status_code for response in from_other_sites] == [415] * 5
    assert all("sessionid" not in response.cookies for response in from_other_sites)
    assert own_page.status_code == 201
    assert own_page.cookies["sessionid"]


def test_authorization_header_is_ignored(oidc: IdTokenProvider) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION="Token expired")
    body = {"id_token": oidc.token(), "nonce": oidc.nonce}

    assert client.post(PATH, body, format="json", secure=True).status_code == 201


def test_get_is_not_allowed(oidc: IdTokenProvider) -> None:
    assert APIClient().get(PATH, secure=True).status_code == 405


# --- Providers ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["unknown", "oidc", "email"])
def test_provider_that_is_not_listed_is_not_found(
    name: str, oidc: IdTokenProvider, settings: Any, configure: Configure
) -> None:
    configure(NATIVE_PROVIDERS=["email"])
    settings.AUTHENTICATION_BACKENDS = [oidc.path, "social_core.backends.email.EmailAuth"]

    response = post_tokens(name, id_token=oidc.token())

    assert response.status_code == 404
    assert response.data["detail"] == f"Provider '{name}' not supported"
    is_configured = name == "oidc"
    code = "native_sign_in_disabled" if is_configured else "provider_not_supported"
    assert response.data["error_code"] == code


def test_no_provider_is_listed_by_default(oidc: IdTokenProvider, settings: Any) -> None:
    del settings.SOCIAL_ENDPOINTS["NATIVE_PROVIDERS"]

    assert oidc.sign_in().status_code == 404


@pytest.mark.parametrize("names", ["oidc", "oidc,github", None, 7])
@pytest.mark.parametrize("path", ["oidc/token/", ""])
def test_setting_that_is_not_a_list_is_a_configuration_error(
    names: Any,
    path: str,
    oidc: IdTokenProvider,
    configure: Configure,
    caplog: pytest.LogCaptureFixture,
) -> None:
    configure(NATIVE_PROVIDERS=names)
    send = browser().post if path else browser().get

    response = send(f"/auth/o/{path}", {"id_token": oidc.token()}, secure=True)

    assert response.status_code == 500
    assert response.data["error_code"] == "invalid_setting"
    assert "NATIVE_PROVIDERS" in caplog.text


class WithTypo(TokenSerializer):
    def issue(self, login: Any) -> Any:
        return {"token": login.usr}


def test_mistake_in_the_serializer_is_a_500(oidc: IdTokenProvider, configure: Configure) -> None:
    configure(NATIVE_PROVIDERS=["oidc"], TOKEN_SERIALIZER=f"{HERE}.WithTypo")

    response = oidc.sign_in()

    assert error(response) == (500, "unknown_error")
    assert response.data["error_stage"] == "pipeline"
    configure(TOKEN_SERIALIZER="social_endpoints.tokens.TokenSerializer")
    assert oidc.sign_in().status_code == 201


class ConnectOnly(OpenIdConnectAuth):
    name = "oidc-connect-only"
    OIDC_ENDPOINT = "https://id.example.com"
    ASSOCIATION_ONLY = True


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("social_core.backends.github.GithubOAuth2", "unsupported_feature"),
        (f"{HERE}.ConnectOnly", "authentication_disallowed"),
    ],
)
def test_provider_without_id_tokens_is_refused(
    path: str, code: str, oidc: IdTokenProvider, settings: Any, configure: Configure
) -> None:
    name = "github" if "github" in path else ConnectOnly.name
    settings.AUTHENTICATION_BACKENDS = [path]
    configure(NATIVE_PROVIDERS=[name])

    response = post_tokens(name, id_token=oidc.token())

    assert_refused(response, code)
    assert ("id_token" in response.data) is (name == "github")


@pytest.mark.parametrize(
    ("listed", "capabilities"),
    [
        ([], ["redirect", "connect"]),
        (["oidc"], ["redirect", "id_token", "access_token", "connect"]),
    ],
)
def test_provider_list_contains_the_token_types(
    listed: list[str], capabilities: list[str], oidc: IdTokenProvider, configure: Configure
) -> None:
    configure(NATIVE_PROVIDERS=listed)

    (provider,) = APIClient().get("/auth/o/", secure=True).data

    assert provider["capabilities"] == capabilities


# --- Signals and logs -----------------------------------------------------------------


def test_signals_are_sent(openid: OpenIDProvider, configure: Configure) -> None:
    github = create_github()
    github.install(openid)
    configure(NATIVE_PROVIDERS=["github"])
    with received(signed_in, user_login_failed) as signals:
        github.sign_in()
        github.claims.update(github.of_others)
        github.sign_in()

    success, failure = signals
    assert (success["provider"], success["is_new_user"]) == ("github", True)
    assert failure["credentials"] == {"provider": "github", "error_code": "invalid_claim"}
    assert TOKEN not in str(signals)


def test_no_secret_is_logged_or_returned(
    oidc: IdTokenProvider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secrets, written = ["secret-nonce", "posted-nonce"], ""
    for claims in ({"aud": "their-client-id"}, {"nonce": "secret-nonce"}, {"exp": 1}, {"x": {}}):
        token = oidc.token(other_key() if "x" in claims else None, **claims)
        secrets += token.split(".")[1:]
        response = oidc.sign_in(token, nonce="posted-nonce")
        assert response.status_code == 400
        written += response.content.decode()

    assert not [secret for secret in secrets if secret in caplog.text + written]
