"""The handoff: a provider posts its response to the server, and the frontend completes."""

from __future__ import annotations

import logging
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.urls import include, path
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from social_endpoints.views import ProviderAuthView
from tests.support.configuration import Configure
from tests.support.frontend import REDIRECT_URI, Frontend, authorization_params, error
from tests.support.handoff import CALLBACK, FORM, handoff_params, post_to_callback
from tests.support.openid_provider import OpenIDProvider
from tests.support.urlconf import urlconf

pytestmark = pytest.mark.django_db
User = get_user_model()
CALLBACK_URL = f"https://testserver{CALLBACK}"
MAX_LENGTH = 250_000


@pytest.mark.parametrize("encoding", ["json", "multipart"])
def test_login_completes_with_the_code_of_the_handoff(
    encoding: str, frontend: Frontend, openid: OpenIDProvider, django_assert_num_queries: Any
) -> None:
    frontend.format = encoding
    with django_assert_num_queries(0):
        begun, posted = frontend.authorize(openid)
        response = post_to_callback(posted)

    assert authorization_params(begun)["redirect_uri"] == CALLBACK_URL
    assert response.status_code == 303
    assert response.headers["Location"].startswith(f"{REDIRECT_URI}?code=")
    assert handoff_params(response)["state"] == posted["state"]
    assert posted["code"] not in response.headers["Location"]
    assert "no-store" in response.headers["Cache-Control"]
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert not response.cookies
    assert not User.objects.exists()
    assert "/token" not in openid.paths

    completed = frontend.complete(begun, handoff_params(response))
    assert completed.status_code == 201, completed.data
    assert completed.data == {"token": Token.objects.get(user__username="ada").key}


@pytest.mark.parametrize(
    ("uri", "location"),
    [
        ("com.example.app:/callback", "com.example.app:/callback?code="),
        ("https://app.example.com/cb?x=%2F", "https://app.example.com/cb?x=%2F&code="),
        ("https://app.example.com/#/cb", "https://app.example.com/?code="),
        ("https://app.example.com/é", "https://app.example.com/%C3%A9?code="),
    ],
)
def test_handoff_redirects_only_to_the_redirect_uri_of_begin(
    uri: str, location: str, frontend: Frontend, openid: OpenIDProvider, configure: Configure
) -> None:
    configure(ALLOWED_REDIRECT_URIS=[uri])
    begun = frontend.begin(redirect_uri=uri)
    posted = openid.authorize(begun.data["authorization_url"])
    evil = "https://evil.example.com/"

    response = post_to_callback(
        {**posted, "redirect_uri": evil, "next": evil, "RelayState": evil, "flow": "flow"}
    )

    assert response.headers["Location"].startswith(location)
    assert response.headers["Location"].endswith(uri.partition("/#")[2])
    assert frontend.complete(begun, handoff_params(response)).status_code == 201


@pytest.mark.parametrize("method", ["get", "post"])
def test_error_of_the_provider_is_handed_off(
    method: str, frontend: Frontend, openid: OpenIDProvider
) -> None:
    begun, posted = frontend.authorize(openid)

    response = post_to_callback({"error": "access_denied", "state": posted["state"]}, method=method)

    completed = frontend.complete(begun, handoff_params(response))
    assert error(completed) == (400, "authorization_declined")


# --- The code -------------------------------------------------------------------------


def test_code_is_accepted_once_and_not_logged(
    frontend: Frontend, openid: OpenIDProvider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    begun, posted = frontend.authorize(openid)
    cookies = dict(frontend.client.cookies)
    code = handoff_params(post_to_callback(posted))
    post_to_callback({**posted, "state": "unknown"})
    frontend.complete(begun, {**code, "code": "wrong"})
    assert frontend.complete(begun, code).status_code == 201
    frontend.client.cookies.update(cookies)

    assert error(frontend.complete(begun, code)) == (400, "state_mismatch")
    assert openid.paths.count("/token") == 1
    text = "".join(record.getMessage() for record in caplog.records)
    assert posted["code"] not in text
    assert code["code"] not in text


def test_code_of_another_login_or_of_the_provider_is_rejected(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    victim, attacker = frontend, Frontend(frontend.transport)
    begun, posted = victim.authorize(openid)
    other, callback = attacker.authorize(openid)
    code = handoff_params(post_to_callback(posted))
    post_to_callback({"code": "forged", "state": posted["state"]})

    for stolen in (code, {**code, "state": callback["state"]}):
        assert attacker.complete(other, stolen).status_code == 400
    assert error(victim.complete(begun, posted)) == (400, "state_mismatch")
    assert not User.objects.exists()
    assert victim.complete(begun, code).status_code == 201


# --- The project ----------------------------------------------------------------------


def test_client_may_choose_the_response_mode_if_the_project_allows_it(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS_OVERRIDE_ALLOWLIST = ["response_mode"]
    begun = frontend.begin(response_mode="query")
    callback = openid.authorize(begun.data["authorization_url"])

    assert authorization_params(begun)["redirect_uri"] == REDIRECT_URI
    assert frontend.complete(begun, callback).status_code == 201


def test_callback_url_follows_the_projects_urlconf(openid: OpenIDProvider, settings: Any) -> None:
    endpoints = include(("social_endpoints.urls", "tenants"), "tenants")
    settings.ROOT_URLCONF = urlconf(path("<slug:tenant>/auth/", endpoints))
    query = {"redirect_uri": REDIRECT_URI}
    begun = Frontend().client.get("/tenant-7/auth/o/oidc/", query, secure=True)
    callback_url = authorization_params(begun)["redirect_uri"]

    response = post_to_callback(
        openid.authorize(begun.data["authorization_url"]), urlsplit(callback_url).path
    )

    assert callback_url == "https://testserver/tenant-7/auth/o/oidc/callback/"
    assert response.status_code == 303


def test_begin_without_a_route_for_the_callback_is_a_500(
    openid: OpenIDProvider, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.ROOT_URLCONF = urlconf(path("auth/o/<str:provider>/", ProviderAuthView.as_view()))

    assert error(Frontend().begin()) == (500, "invalid_setting")
    assert "provider-callback" in caplog.text


def test_callback_url_is_https_behind_a_proxy_if_the_project_says_so(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_REDIRECT_IS_HTTPS = True

    begun = frontend.client.get("/auth/o/oidc/", {"redirect_uri": REDIRECT_URI})

    assert authorization_params(begun)["redirect_uri"] == CALLBACK_URL


# --- Errors: small HTML pages ---------------------------------------------------------


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    ("path", "params", "status"),
    [
        (CALLBACK, {"code": "code", "state": "of no login"}, 400),
        (CALLBACK, {"code": "code"}, 400),
        (CALLBACK, {}, 400),
        (CALLBACK, {"code": "code", "state": "\0"}, 400),
        ("/auth/o/github/callback/", {"code": "code", "state": "state"}, 400),
        ("/auth/o/unknown/callback/", {"code": "code", "state": "state"}, 404),
        ("/auth/o/email/callback/", {"email": "ada@example.com"}, 404),
        ("/auth/o/%3Cb%3E/callback/", {"code": "code", "state": "state"}, 404),
    ],
)
def test_callback_without_a_login_is_a_readable_page(
    method: str, path: str, params: dict[str, str], status: int
) -> None:
    page = post_to_callback(params, path, method=method)

    assert page.status_code == status
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    text = page.content.decode()
    assert re.search(r"<p>[A-Z][^<]+\.", text) or "not supported" in text
    assert "<b>" not in text
    assert "code" not in text.replace("charset", "")


@pytest.mark.parametrize("size", [MAX_LENGTH + 1, 10_000_000])
def test_response_that_is_too_large_or_for_another_provider_is_rejected(
    size: int, frontend: Frontend, openid: OpenIDProvider
) -> None:
    _, posted = frontend.authorize(openid)

    page = post_to_callback({**posted, "code": "x" * size})

    assert post_to_callback(posted, "/auth/o/github/callback/").status_code == 400
    assert page.status_code == 413
    assert "is too large.</p>" in page.content.decode()


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"<xml/>", "text/xml", 415),
        (b"\xff" * 10, FORM, 400),
        (b'{"partial_token": "x", "state": "s", "foo": 5}', "application/json", 400),
        (b'{"partial_token": "x", "state": null}', "application/json", 400),
        (b'{"partial_token": "x", "state": ["s"], "code": {}}', "application/json", 400),
        (b'{"%s": "", "state": "s"}' % (b"x" * (MAX_LENGTH + 1)), "application/json", 413),
    ],
    ids=lambda value: str(value)[:40],
)
def test_malformed_body_is_a_page(
    body: bytes, content_type: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="social_endpoints")

    page = APIClient().post(CALLBACK, body, content_type=content_type, secure=True)

    assert page.status_code == status
    assert page.content.startswith(b"<!doctype html>")
    (error_id,) = re.findall(r"Error ID: ([\w-]+)", page.content.decode())
    assert error_id in caplog.text


def test_other_methods_are_a_405() -> None:
    assert APIClient().put(CALLBACK, secure=True).status_code == 405
