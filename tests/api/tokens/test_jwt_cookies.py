"""JWTCookieSerializer: the token pair of Simple JWT in cookies."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from http.cookies import Morsel
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from rest_framework.test import APIClient
from rest_framework_simplejwt.serializers import TokenObtainPairSerializer
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from tests.support.frontend import REDIRECT_URI, Frontend
from tests.support.openid_provider import OpenIDProvider

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cookie_middleware")]
User = get_user_model()
UseSerializer = Callable[..., None]


@pytest.fixture(autouse=True)
def jwt_cookie_serializer(use_serializer: UseSerializer) -> None:
    use_serializer("JWTCookieSerializer")


# The tests allow that a second ends between the creation of a token and that of its cookie.


def attributes(cookie: Morsel[str]) -> dict[str, Any]:
    return {name: value for name, value in cookie.items() if value and name != "expires"}


def get_user(browser: Frontend, view: str = "protected") -> Any:
    return browser.client.get(f"/{view}/jwt-cookie/", secure=True)


def test_tokens_are_in_cookies_that_scripts_cannot_read(
    browser: Frontend, openid: OpenIDProvider
) -> None:
    response = browser.log_in(openid)

    user_id = str(User.objects.get().pk)
    access, refresh = response.cookies["access_token"], response.cookies["refresh_token"]
    assert response.json() == {"user": "ada"}
    assert AccessToken(access.value)["user_id"] == user_id
    assert RefreshToken(refresh.value)["user_id"] == user_id
    shared = {"path": "/", "httponly": True, "secure": True, "samesite": "Lax"}
    for cookie, lifetime in (
        (access, api_settings.ACCESS_TOKEN_LIFETIME),
        (refresh, api_settings.REFRESH_TOKEN_LIFETIME),
    ):
        remaining = attributes(cookie).pop("max-age")
        assert attributes(cookie) == {**shared, "max-age": remaining}
        assert 0 <= lifetime.total_seconds() - remaining < 60


class ShortTokenSerializer(TokenObtainPairSerializer):
    """Issues tokens with another lifetime than that of their class, or without one."""

    lifetime: timedelta | None = timedelta(minutes=90)

    @classmethod
    def get_token(cls, user: Any) -> Any:
        token = super().get_token(user)
        if cls.lifetime is None:
            del token.payload["exp"]
        else:
            token.set_exp(lifetime=cls.lifetime)
        return token


@pytest.mark.parametrize(
    ("lifetime", "max_age"),
    [(timedelta(minutes=90), 5_400), (timedelta(seconds=-5), 0), (None, "")],
)
def test_cookie_expires_with_its_token(
    lifetime: Any,
    max_age: Any,
    browser: Frontend,
    openid: OpenIDProvider,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.SIMPLE_JWT = {"TOKEN_OBTAIN_SERIALIZER": f"{__name__}.ShortTokenSerializer"}
    monkeypatch.setattr(ShortTokenSerializer, "lifetime", lifetime)

    cookies = browser.log_in(openid).cookies

    assert cookies["refresh_token"]["max-age"] in {max_age, max_age and max_age - 1}
    lifetime_of_access = api_settings.ACCESS_TOKEN_LIFETIME.seconds
    assert 0 <= lifetime_of_access - cookies["access_token"]["max-age"] < 60


@pytest.mark.parametrize("samesite", ["Lax", "Strict", "None"])
def test_cookies_have_the_attributes_of_the_settings_until_they_are_deleted(
    samesite: str, openid: OpenIDProvider, use_serializer: UseSerializer
) -> None:
    use_serializer(
        "JWTCookieSerializer",
        JWT_ACCESS_COOKIE="a",
        JWT_REFRESH_COOKIE="__Secure-r",
        JWT_COOKIE_PATH="/api/",
        JWT_COOKIE_DOMAIN="example.com",
        JWT_COOKIE_SAMESITE=samesite,
    )

    issued = Frontend("cookie").log_in(openid).cookies
    deleted = APIClient().post("/sign-out/", secure=True).cookies

    expected = {"path": "/api/", "domain": "example.com", "samesite": samesite}
    assert {"a", "__Secure-r"} < issued.keys()
    assert not {"access_token", "refresh_token"} & issued.keys()
    assert deleted.keys() == {"a", "__Secure-r"}
    for name, cookie in deleted.items():
        assert attributes(issued[name]).items() >= {**expected, "httponly": True}.items()
        assert attributes(cookie).items() >= expected.items()
        assert (cookie.value, cookie["max-age"]) == ("", 0)
    assert deleted["__Secure-r"]["secure"]
    assert bool(deleted["a"]["secure"]) is (samesite == "None")


@pytest.mark.parametrize(
    ("configured", "https", "secure"),
    [(None, True, True), (None, False, False), (True, False, True), (False, True, False)],
)
def test_secure_attribute(
    configured: bool | None,
    https: bool,
    secure: bool,
    client: APIClient,
    openid: OpenIDProvider,
    use_serializer: UseSerializer,
) -> None:
    use_serializer("JWTCookieSerializer", JWT_COOKIE_SECURE=configured)
    path = "/auth/o/oidc/"
    begun = client.get(path, {"redirect_uri": REDIRECT_URI}, secure=https)

    callback = openid.authorize(begun.data["authorization_url"])
    response = client.post(path, callback, secure=https)

    for name in ("access_token", "refresh_token"):
        assert bool(response.cookies[name]["secure"]) is secure


def test_refresh_token_in_the_access_cookie_and_deleted_cookies_do_not_authenticate(
    browser: Frontend, openid: OpenIDProvider
) -> None:
    browser.log_in(openid)
    browser.client.cookies["access_token"] = browser.client.cookies["refresh_token"].value
    assert get_user(browser).status_code == 401

    browser.log_in(openid)
    assert get_user(browser).status_code == 200
    browser.client.post("/sign-out/", secure=True)
    assert get_user(browser).status_code == 401
    assert browser.client.cookies["refresh_token"].value == ""


# --- Invalid cookies ------------------------------------------------------------------


def expired(user: Any) -> str:
    token = AccessToken.for_user(user)
    token.set_exp(lifetime=-timedelta(seconds=1))
    return str(token)


def of_deleted_user(user: Any) -> str:
    token = str(AccessToken.for_user(user))
    user.delete()
    return token


def of_inactive_user(user: Any) -> str:
    User.objects.filter(pk=user.pk).update(is_active=False)
    return str(AccessToken.for_user(user))


@pytest.mark.parametrize(
    "cookie",
    [
        expired,
        of_deleted_user,
        of_inactive_user,
        lambda user: "",
        lambda user: "no.token.ü",
        lambda user: str(AccessToken.for_user(user))[:-1],
    ],
    ids=["expired", "deleted user", "inactive user", "empty", "not a token", "truncated"],
)
def test_request_with_an_invalid_cookie_is_anonymous(
    cookie: Callable[[Any], str], browser: Frontend, openid: OpenIDProvider
) -> None:
    browser.client.cookies["access_token"] = cookie(User.objects.create_user("grace"))

    public = get_user(browser, "public")
    assert (public.status_code, public.data) == (200, "")
    assert browser.client.post("/public/jwt-cookie/", secure=True).status_code == 200
    assert get_user(browser).status_code == 401
    assert browser.log_in(openid).status_code == 201
    assert get_user(browser).json() == "ada"
