"""Signing out at the provider (OpenID Connect RP-Initiated Logout 1.0)."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import responses
from django.test import override_settings
from django.utils.translation import override
from rest_framework.authtoken.models import Token
from social_django.models import UserSocialAuth

from social_endpoints.internal.connections.encryption import PREFIX, encrypt
from tests.support.accounts import logged_in, user_with
from tests.support.configuration import Configure
from tests.support.frontend import Frontend, browser, error
from tests.support.openid_provider import OpenIDProvider

pytestmark = pytest.mark.django_db

ENDPOINT = "https://id.example.com/logout"
SIGNED_OUT = "https://app.example.com/signed-out"
FIELD = "post_logout_redirect_uri"


@pytest.fixture(autouse=True)
def provider(openid: OpenIDProvider, configure: Configure) -> OpenIDProvider:
    """Return a provider with the endpoint; one URI is allowed."""
    configure(ALLOWED_LOGOUT_REDIRECT_URIS=[SIGNED_OUT])
    openid.endpoints["end_session_endpoint"] = ENDPOINT
    return openid


def ask(client: Any, uri: Any = SIGNED_OUT, provider: str = "oidc", **extra: Any) -> Any:
    query = {} if uri is None else {FIELD: uri}
    return client.get(f"/auth/o/{provider}/logout/", query, secure=True, **extra)


def sent(response: Any) -> dict[str, list[str]]:
    """Return the parameters of the logout URL."""
    assert response.status_code == 200, response.data
    assert set(response.data) == {"logout_url", "state"}
    query = urlsplit(response.data["logout_url"]).query
    return parse_qs(query, keep_blank_values=True, strict_parsing=True)


def signed_in(openid: OpenIDProvider) -> Any:
    """Sign in by redirect; return the user's client."""
    assert Frontend().log_in(openid).status_code == 201
    return logged_in(UserSocialAuth.objects.get().user)


def test_logout_url_has_the_id_token_and_a_state(openid: OpenIDProvider) -> None:
    client = signed_in(openid)

    response = ask(client)

    id_token = UserSocialAuth.objects.get().extra_data["id_token"]
    assert response.data["logout_url"].partition("?")[0] == ENDPOINT
    assert sent(response) == {
        "id_token_hint": [id_token],
        FIELD: [SIGNED_OUT],
        "state": [response.data["state"]],
        "ui_locales": ["en-US"],
    }
    assert len(response.data["state"]) >= 32
    assert response.data["state"] != ask(client).data["state"]
    assert "no-store" in response.headers["Cache-Control"]
    assert Token.objects.exists()  # The local login has not ended.


@pytest.mark.parametrize("identities", [[], [("oidc", "user-1")], [("github", "1")]])
def test_logout_url_has_the_client_id_without_an_id_token(identities: Any) -> None:
    client = logged_in(user_with(*identities))

    parameters = sent(ask(client))

    assert parameters["client_id"] == ["our-client-id"]
    assert "id_token_hint" not in parameters


@pytest.mark.parametrize(
    "id_token",
    ["", 7, {"a": 1}, None, "x" * 7_000, "ü", f"{PREFIX}garbage", f"{PREFIX}gAAAAA=="],
)
def test_unusable_id_token_is_not_sent(id_token: Any) -> None:
    user = user_with(("oidc", "user-1"))
    user.social_auth.update(extra_data={"id_token": id_token})

    parameters = sent(ask(logged_in(user)))

    assert parameters["client_id"] == ["our-client-id"]
    assert "id_token_hint" not in parameters


@pytest.mark.parametrize(("language", "tag"), [("sr@latin", "sr"), ("ca-es@valencia", "ca-ES")])
def test_modifier_of_the_language_is_not_sent(language: str, tag: str) -> None:
    with override(language):
        assert sent(ask(logged_in(user_with())))["ui_locales"] == [tag]


def test_encrypted_id_token_is_decrypted() -> None:
    user = user_with(("oidc", "user-1"))
    user.social_auth.update(extra_data={"id_token": encrypt("a.b.c")})
    client = logged_in(user)

    assert sent(ask(client))["id_token_hint"] == ["a.b.c"]
    with override_settings(SECRET_KEY="another key, under which the token cannot be decrypted"):
        assert sent(ask(client))["client_id"] == ["our-client-id"]


def test_id_token_of_the_connection_used_last_is_sent() -> None:
    user = user_with(("oidc", "user-1"), ("oidc", "user-2"), ("oidc", "user-3"))
    for uid, auth_time in (("user-1", 2_000), ("user-2", 3_000), ("user-3", 1_000)):
        extra_data = {"id_token": uid, "auth_time": auth_time}
        user.social_auth.filter(uid=uid).update(extra_data=extra_data)

    assert sent(ask(logged_in(user)))["id_token_hint"] == ["user-2"]


def test_id_token_of_another_user_is_not_sent(openid: OpenIDProvider) -> None:
    signed_in(openid)

    assert "id_token_hint" not in sent(ask(logged_in(user_with(username="grace"))))


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        (f"{ENDPOINT}?p=B2C_1%20x&q", f"{ENDPOINT}?p=B2C_1%20x&q&client_id="),
        (f"{ENDPOINT}?", f"{ENDPOINT}?client_id="),
        (f"{ENDPOINT}?client_id=other&a=1", f"{ENDPOINT}?a=1&client_id="),
        (f"{ENDPOINT}?client%5Fid=other", f"{ENDPOINT}?client_id="),
        (f"{ENDPOINT}#part", f"{ENDPOINT}?client_id="),
    ],
)
def test_query_of_the_endpoint_is_kept(
    endpoint: str, expected: str, openid: OpenIDProvider
) -> None:
    openid.endpoints["end_session_endpoint"] = endpoint

    url = ask(logged_in(user_with())).data["logout_url"]

    assert url.startswith(f"{expected}our-client-id&")
    assert url.count("client_id") == 1


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example.com/ü?a=1&b=%20#x",
        "com.example.app:/signed-out",
        "https://app.example.com/?state=a&state=b+c",
    ],
)
def test_listed_uri_is_sent_unchanged(uri: str, configure: Configure) -> None:
    configure(ALLOWED_LOGOUT_REDIRECT_URIS=[uri])

    assert sent(ask(logged_in(user_with()), uri))[FIELD] == [uri]


def test_loopback_uri_may_have_any_port(configure: Configure) -> None:
    configure(ALLOWED_LOGOUT_REDIRECT_URIS=["http://127.0.0.1/signed-out"])
    uri = "http://127.0.0.1:49152/signed-out"

    assert sent(ask(logged_in(user_with()), uri))[FIELD] == [uri]


@pytest.mark.parametrize(
    ("uri", "code"),
    [
        (None, "missing"),
        ("", "missing"),
        ([SIGNED_OUT, SIGNED_OUT], "repeated"),
        (f"{SIGNED_OUT}/", "not_allowed"),
        ("https://evil.example.com/", "not_allowed"),
        ("https://app.example.com/login/callback", "not_allowed"),
        ("javascript:alert(1)", "not_allowed"),
    ],
)
def test_uri_that_is_not_listed_is_refused(uri: Any, code: str) -> None:
    response = ask(logged_in(user_with()), uri)

    assert error(response) == (400, f"{FIELD}_{code}")
    assert set(response.data) == {FIELD, "error_code", "error_recovery", "error_id"}


def is_allowed_by_project(uri: str, *, provider: str, request: Any) -> bool:
    return (uri, provider, request.path) == (f"{SIGNED_OUT}?x", "oidc", "/auth/o/oidc/logout/")


def test_callable_decides_which_uris_are_allowed(configure: Configure) -> None:
    configure(ALLOWED_LOGOUT_REDIRECT_URIS=f"{__name__}.is_allowed_by_project")
    client = logged_in(user_with())

    assert ask(client, f"{SIGNED_OUT}?x").status_code == 200
    assert error(ask(client)) == (400, f"{FIELD}_not_allowed")


def test_logout_is_for_signed_in_users() -> None:
    assert error(ask(browser())) == (401, "not_authenticated")


@pytest.mark.parametrize("uri", [SIGNED_OUT, None])
def test_provider_without_discovery_is_not_supported(uri: Any) -> None:
    client = logged_in(user_with())

    assert error(ask(client, uri, "github")) == (404, "logout_not_supported")
    assert error(ask(client, uri, "unknown")) == (404, "provider_not_supported")


@pytest.mark.parametrize("value", [None, ""])
def test_provider_without_the_endpoint_is_not_supported(value: Any, openid: OpenIDProvider) -> None:
    openid.endpoints["end_session_endpoint"] = value

    assert error(ask(logged_in(user_with()))) == (404, "logout_not_supported")


@pytest.mark.parametrize(
    "value",
    [
        "javascript:alert(1)",
        "/logout",
        7,
        "ftp://x/",
        "https://[",
        "https://x/\r\ny",
        "https://x:99999/",
    ],
)
def test_endpoint_that_is_not_a_web_url_is_refused(value: Any, openid: OpenIDProvider) -> None:
    openid.endpoints["end_session_endpoint"] = value

    assert error(ask(logged_in(user_with()))) == (400, "malformed_response")


def test_setting_replaces_discovery(settings: Any, openid: OpenIDProvider) -> None:
    settings.SOCIAL_AUTH_GITHUB_END_SESSION_URL = "https://sso.example.com/logout"
    settings.SOCIAL_AUTH_OIDC_END_SESSION_URL = "https://id.example.com/end"
    client = logged_in(user_with())

    urls = [ask(client, provider=name).data["logout_url"] for name in ("github", "oidc")]

    assert urls[0].startswith("https://sso.example.com/logout?client_id=our-github-id&")
    assert urls[1].startswith("https://id.example.com/end?client_id=our-client-id&")
    assert openid.paths == []


@pytest.mark.parametrize(
    ("setting", "value"),
    [("END_SESSION_URL", "no URL"), ("END_SESSION_URL", "ftp://id.example.com/"), ("KEY", "")],
)
def test_wrong_setting_is_a_mistake_of_the_project(setting: str, value: str, settings: Any) -> None:
    setattr(settings, f"SOCIAL_AUTH_OIDC_{setting}", value)

    assert ask(logged_in(user_with())).status_code == 500


def test_provider_without_an_endpoint_for_discovery_is_not_supported(settings: Any) -> None:
    del settings.SOCIAL_AUTH_OIDC_OIDC_ENDPOINT
    settings.SOCIAL_AUTH_OIDC_AUTHORIZATION_URL = "https://id.example.com/authorize"

    assert error(ask(logged_in(user_with()))) == (404, "logout_not_supported")


def test_outage_is_reported(wire: responses.RequestsMock) -> None:
    url = "https://id.example.com/.well-known/openid-configuration"
    wire.remove("GET", url)
    wire.add("GET", url, body=requests.ConnectionError())

    response = ask(logged_in(user_with()))

    assert error(response) == (400, "connection_failed")
    assert response.data["error_recovery"] == "retry_later"


@pytest.mark.parametrize(
    ("language", "tag"), [("de", "de"), ("pt-br", "pt-BR"), ("zh-hans", "zh-Hans")]
)
def test_active_language_is_sent(language: str, tag: str, settings: Any) -> None:
    settings.MIDDLEWARE = ["django.middleware.locale.LocaleMiddleware"]
    client = logged_in(user_with())

    with override("en-us"):  # The middleware leaves the language of the request active.
        assert sent(ask(client, HTTP_ACCEPT_LANGUAGE=language))["ui_locales"] == [tag]
        settings.USE_I18N = False
        assert "ui_locales" not in sent(ask(client, HTTP_ACCEPT_LANGUAGE=language))


def test_microsoft_publishes_the_endpoint(wire: responses.RequestsMock, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.azuread.AzureADOAuth2"]
    settings.SOCIAL_AUTH_AZUREAD_OAUTH2_KEY = "our-azure-id"
    base = "https://login.microsoftonline.com/common"
    document = {
        "issuer": "https://sts.windows.net/{tenantid}/",
        "jwks_uri": f"{base}/discovery/keys",
        "end_session_endpoint": f"{base}/oauth2/logout",
    }
    wire.add("GET", f"{base}/.well-known/openid-configuration", json=document)
    user = user_with(("azuread-oauth2", "1"))
    user.social_auth.update(extra_data={"id_token": "a.b.c"})

    response = ask(logged_in(user), provider="azuread-oauth2")

    assert response.data["logout_url"].startswith(f"{base}/oauth2/logout?id_token_hint=a.b.c&")


def test_log_has_no_token(openid: OpenIDProvider, caplog: pytest.LogCaptureFixture) -> None:
    client = signed_in(openid)
    with caplog.at_level("DEBUG"):
        sent(ask(client))
        ask(client, "https://evil.example.com/")

    assert UserSocialAuth.objects.get().extra_data["id_token"] not in caplog.text
    assert "provider logout completed provider=oidc" in caplog.text
    assert "redirect_uri=https://evil.example.com/" in caplog.text
