"""A pair of tokens of Simple JWT in cookies."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from http.cookies import Morsel
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from rest_framework.test import APIClient
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from tests.support.frontend import REDIRECT_URI, Frontend
from tests.support.jwt_claims import WithClaims
from tests.support.openid_provider import OpenIDProvider

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cookie_middleware")]
User = get_user_model()

Choose = Callable[..., None]


@pytest.fixture(autouse=True)
def _serializer(answer_with: Choose) -> None:
    answer_with("JWTCookieSerializer")


@pytest.fixture(params=["auto", "cookie"])
def browser(request: pytest.FixtureRequest, answer_with: Choose) -> Frontend:
    """Return a browser against which CSRF is enforced, for both transports allowed."""
    answer_with("JWTCookieSerializer", FLOW_TRANSPORT=request.param)
    return Frontend("cookie", APIClient(enforce_csrf_checks=True))


def attributes(cookie: Morsel[str]) -> dict[str, Any]:
    """Return the attributes of a cookie that are set."""
    return {name: value for name, value in cookie.items() if value and name != "expires"}


def unsafe(browser: Frontend, *, csrf: bool, view: str = "me") -> Any:
    """Post to a view, with or without the CSRF token of the browser."""
    headers = {"Origin": "https://testserver"}
    if csrf:
        headers["X-CSRFToken"] = browser.client.cookies["csrftoken"].value
    return browser.client.post(f"/{view}/jwt-cookie/", headers=headers, secure=True)


def known(browser: Frontend, view: str = "me") -> Any:
    """Ask a view who the browser's user is."""
    return browser.client.get(f"/{view}/jwt-cookie/", secure=True)


def test_tokens_are_in_cookies_and_not_in_the_body(
    browser: Frontend, openid: OpenIDProvider
) -> None:
    answer = browser.log_in(openid)

    user_id = str(User.objects.get().pk)
    assert answer.json() == {"user": "ada"}
    assert AccessToken(answer.cookies["access"].value)["user_id"] == user_id
    assert RefreshToken(answer.cookies["refresh"].value)["user_id"] == user_id


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(
    browser: Frontend, openid: OpenIDProvider
) -> None:
    answer = browser.log_in(openid)

    lifetimes = {
        "access": api_settings.ACCESS_TOKEN_LIFETIME,
        "refresh": api_settings.REFRESH_TOKEN_LIFETIME,
    }
    for name, lifetime in lifetimes.items():
        assert attributes(answer.cookies[name]) == {
            "path": "/",
            "max-age": lifetime.total_seconds(),
            "httponly": True,
            "secure": True,
            "samesite": "Lax",
        }


def test_attributes_of_the_cookies_come_from_the_settings(
    openid: OpenIDProvider, answer_with: Choose
) -> None:
    answer_with(
        "JWTCookieSerializer",
        JWT_ACCESS_COOKIE="a",
        JWT_REFRESH_COOKIE="r",
        JWT_COOKIE_PATH="/api/",
        JWT_COOKIE_DOMAIN="example.com",
        JWT_COOKIE_SAMESITE="Strict",
    )

    answer = Frontend("cookie").log_in(openid)

    assert {"a", "r"} < set(answer.cookies)
    assert not {"access", "refresh"} & set(answer.cookies)
    for name in ("a", "r"):
        found = attributes(answer.cookies[name])
        assert found["path"] == "/api/"
        assert found["domain"] == "example.com"
        assert found["samesite"] == "Strict"
        assert found["httponly"] is True


@pytest.mark.parametrize(
    ("configured", "https", "secure"),
    [
        (None, True, True),
        (None, False, False),
        (True, False, True),
        (False, True, False),
    ],
)
def test_secure_is_what_the_settings_or_the_request_say(
    configured: bool | None,
    https: bool,
    secure: bool,
    client: APIClient,
    openid: OpenIDProvider,
    answer_with: Choose,
) -> None:
    answer_with("JWTCookieSerializer", JWT_COOKIE_SECURE=configured)
    path = "/auth/o/oidc/"
    begun = client.get(path, {"redirect_uri": REDIRECT_URI}, secure=https)

    callback = openid.authorize(begun.data["authorization_url"])
    answer = client.post(path, callback, secure=https)

    for name in ("access", "refresh"):
        assert bool(answer.cookies[name]["secure"]) is secure


def test_claims_of_the_project_are_in_both_tokens(
    browser: Frontend, openid: OpenIDProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Simple JWT reads SIMPLE_JWT once: to override the setting would not reach it.
    dotted_path = f"{WithClaims.__module__}.{WithClaims.__name__}"
    monkeypatch.setattr(api_settings, "TOKEN_OBTAIN_SERIALIZER", dotted_path)

    cookies = browser.log_in(openid).cookies

    assert AccessToken(cookies["access"].value)["email"] == "ada@example.com"
    assert RefreshToken(cookies["refresh"].value)["email"] == "ada@example.com"


def test_cookie_opens_a_protected_view(browser: Frontend, openid: OpenIDProvider) -> None:
    assert known(browser).status_code == 401
    browser.log_in(openid)

    assert known(browser).json() == "ada"


def test_change_needs_the_csrf_token_that_the_login_brought(
    browser: Frontend, openid: OpenIDProvider
) -> None:
    browser.log_in(openid)

    assert unsafe(browser, csrf=False).status_code == 403
    assert unsafe(browser, csrf=True).json() == "ada"


def test_csrf_token_from_before_the_login_is_of_no_use_after_it(
    browser: Frontend, openid: OpenIDProvider
) -> None:
    browser.log_in(openid)
    old = browser.client.cookies["csrftoken"].value
    browser.log_in(openid)

    headers = {"Origin": "https://testserver", "X-CSRFToken": old}
    answer = browser.client.post("/me/jwt-cookie/", headers=headers, secure=True)

    assert browser.client.cookies["csrftoken"].value != old
    assert answer.status_code == 403


def test_refresh_token_in_the_access_cookie_opens_nothing(
    browser: Frontend, openid: OpenIDProvider
) -> None:
    browser.log_in(openid)
    browser.client.cookies["access"] = browser.client.cookies["refresh"].value

    assert known(browser).status_code == 401


def expired(user: Any) -> str:
    """Return an access token that has expired."""
    token = AccessToken.for_user(user)
    token.set_exp(lifetime=-timedelta(seconds=1))
    return str(token)


def of_a_user_who_is_gone(user: Any) -> str:
    """Return the access token of a user who has been deleted."""
    token = str(AccessToken.for_user(user))
    user.delete()
    return token


def of_a_user_who_is_inactive(user: Any) -> str:
    """Return the access token of a user who has been locked out."""
    User.objects.filter(pk=user.pk).update(is_active=False)
    return str(AccessToken.for_user(user))


COOKIES: dict[str, Callable[[Any], str]] = {
    "expired": expired,
    "empty": lambda user: "",
    "no token": lambda user: "no.token.ü",
    "truncated": lambda user: str(AccessToken.for_user(user))[:-1],
    "deleted user": of_a_user_who_is_gone,
    "inactive user": of_a_user_who_is_inactive,
}


@pytest.mark.parametrize("cookie", COOKIES.values(), ids=COOKIES)
def test_cookie_that_is_of_no_use_counts_as_none(
    cookie: Callable[[Any], str], browser: Frontend
) -> None:
    """A browser sends it on its own, also to where anybody may go."""
    browser.client.cookies["access"] = cookie(User.objects.create_user("grace"))

    assert known(browser).status_code == 401
    assert (known(browser, "anyone").status_code, known(browser, "anyone").data) == (200, "")
    assert unsafe(browser, csrf=False, view="anyone").status_code == 200


@pytest.mark.parametrize("cookie", COOKIES.values(), ids=COOKIES)
def test_cookie_that_is_of_no_use_does_not_disturb_a_login(
    cookie: Callable[[Any], str], browser: Frontend, openid: OpenIDProvider
) -> None:
    browser.client.cookies["access"] = cookie(User.objects.create_user("grace"))

    assert browser.log_in(openid).status_code == 201
    assert known(browser).json() == "ada"


def test_project_can_sign_out(browser: Frontend, openid: OpenIDProvider) -> None:
    browser.log_in(openid)

    browser.client.post("/sign-out/", secure=True)

    assert known(browser).status_code == 401
    assert browser.client.cookies["refresh"].value == ""


@pytest.mark.parametrize("samesite", ["Lax", "Strict", "None"])
def test_cookies_are_deleted_where_they_were_set(
    samesite: str, openid: OpenIDProvider, answer_with: Choose
) -> None:
    """Else the browser keeps them."""
    answer_with(
        "JWTCookieSerializer",
        JWT_ACCESS_COOKIE="a",
        JWT_REFRESH_COOKIE="__Secure-r",
        JWT_COOKIE_PATH="/api/",
        JWT_COOKIE_DOMAIN="example.com",
        JWT_COOKIE_SAMESITE=samesite,
    )

    were_set = Frontend("cookie").log_in(openid).cookies
    deleted = APIClient().post("/sign-out/", secure=True).cookies

    assert set(deleted) == {"a", "__Secure-r"}
    for name, cookie in deleted.items():
        assert (cookie.value, cookie["max-age"]) == ("", 0)
        for attribute in ("path", "domain", "samesite"):
            assert cookie[attribute] == were_set[name][attribute]
    assert deleted["__Secure-r"]["secure"]
    assert bool(deleted["a"]["secure"]) is (samesite == "None")


def test_flow_is_only_handed_out_in_the_cookie(browser: Frontend, openid: OpenIDProvider) -> None:
    begun = browser.begin()

    assert set(begun.data) == {"authorization_url"}
    assert [name for name in begun.cookies if "auth_flow_" in name]


def test_posted_flow_is_refused(browser: Frontend, openid: OpenIDProvider) -> None:
    """An attacker can post one from another site."""
    begun = browser.begin()
    callback = openid.authorize(begun.data["authorization_url"])
    (cookie,) = begun.cookies.values()

    victim = Frontend("cookie")
    answer = victim.post({**callback, "flow": cookie.value})

    assert answer.status_code == 400
    assert answer.data["error_code"] == "session_context_missing"
    assert not set(answer.cookies) & {"access", "refresh"}
    assert browser.complete(begun, callback).status_code == 201


@pytest.mark.parametrize("method", ["get", "post"])
def test_flow_in_the_body_is_a_mistake_in_the_settings(
    method: str, answer_with: Choose, client: APIClient, caplog: pytest.LogCaptureFixture
) -> None:
    answer_with("JWTCookieSerializer", FLOW_TRANSPORT="body")
    data = {"redirect_uri": REDIRECT_URI, "code": "c", "state": "s"}

    answer = getattr(client, method)("/auth/o/oidc/", data)

    assert answer.status_code == 500
    assert answer.data["error_source"] == "configuration"
    assert "FLOW_TRANSPORT" in caplog.text
