"""Logins with each token serializer: what they can do, and how they end."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from django.contrib.auth import get_user_model
from django.urls import path
from django.utils.module_loading import import_string
from rest_framework.authtoken.models import Token

from social_endpoints.views import LogoutView
from tests.support import token_urls
from tests.support.frontend import Frontend, browser
from tests.support.urlconf import urlconf

JWT_BLACKLIST = "rest_framework_simplejwt.token_blacklist"

# By serializer: the name of the authentication class in token_urls, the scheme of the header, and
# the name of the token in the body.
AUTHENTICATIONS = {
    "TokenSerializer": ("token", "Token", "token"),
    "SessionSerializer": ("session", "", ""),
}
if find_spec("rest_framework_simplejwt"):
    # Simple JWT decides when it is imported whether tokens have a blacklist. Some tests remove its
    # app from INSTALLED_APPS.
    import rest_framework_simplejwt.tokens  # noqa: F401

    AUTHENTICATIONS |= {
        "JWTSerializer": ("jwt", "Bearer", "access"),
        "JWTCookieSerializer": ("jwt-cookie", "", ""),
    }
if find_spec("knox"):
    AUTHENTICATIONS["KnoxTokenSerializer"] = ("knox", "Token", "token")


@dataclass
class Login:
    """A login in a browser of its own.

    :param serializer: name of the shipped token serializer, or the one that issues this token.
    """

    serializer: str
    response: Any
    frontend: Frontend
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _, scheme, key = AUTHENTICATIONS[self.serializer]
        if scheme:
            self.headers["Authorization"] = f"{scheme} {self.response.data[key]}"

    @property
    def refresh(self) -> str:
        """The refresh token, of a serializer of JWTs."""
        cookie = self.response.cookies.get("refresh_token")
        return self.response.data["refresh"] if cookie is None else cookie.value

    @property
    def is_alive(self) -> bool:
        """Whether the login authenticates requests."""
        view, _, _ = AUTHENTICATIONS[self.serializer]
        client = self.frontend.client
        response = client.get(f"/protected/{view}/", headers=self.headers, secure=True)
        return bool(response.status_code == 200)

    @property
    def can_refresh(self) -> bool:
        """Whether its refresh token is still accepted."""
        from rest_framework_simplejwt.exceptions import TokenError
        from rest_framework_simplejwt.tokens import RefreshToken

        try:
            RefreshToken(self.refresh)  # type: ignore[arg-type]  # a wrong annotation
        except TokenError:
            return False
        return True

    def log_out(self, body: Any = None, *, csrf: bool = True, **extra: Any) -> Any:
        """Sign out with the refresh token and the CSRF token, or with another body."""
        headers = {"Origin": "https://testserver", **self.headers, **extra.pop("headers", {})}
        cookie = self.frontend.client.cookies.get("csrftoken")
        if csrf and cookie is not None:
            headers["X-CSRFToken"] = cookie.value
        if body is None:
            body = {"refresh": self.refresh} if self.serializer == "JWTSerializer" else {}
        extra.setdefault("format", "json")
        return self.frontend.client.post(
            "/auth/logout/", body, headers=headers, secure=True, **extra
        )


def log_in(openid: Any, serializer: str, subject: str = "1", frontend: Any = None) -> Login:
    """Sign in as the user with this subject.

    :param frontend: the browser, if it is not a new one.
    """
    openid.claims["sub"] = openid.userinfo["sub"] = subject
    frontend = frontend or Frontend("cookie", browser(enforce_csrf_checks=True))
    response = frontend.log_in(openid)
    assert response.status_code == 201, response.data
    return Login(serializer, response, frontend)


def user_of(subject: str) -> Any:
    return get_user_model().objects.get(social_auth__uid=subject)


def route_logout(settings: Any, *names: str) -> None:
    """Route the logout view with authentication classes, of which the names are in token_urls."""
    route_account(settings, *names, logout=LogoutView)


def route_account(settings: Any, *names: str, **views: Any) -> None:
    """Route views with authentication classes, of which the names are in token_urls.

    DRF binds its settings to the attributes of a view when the view's module is imported.

    :param views: the views by the names in their paths.
    """
    classes = [import_string(token_urls.AUTHENTICATIONS.get(name, name)) for name in names]
    routes = [
        path(f"auth/{name}/", view.as_view(authentication_classes=classes))
        for name, view in views.items()
    ]
    settings.ROOT_URLCONF = urlconf(*routes, *token_urls.urlpatterns)


class TokenStrategy:
    """A token strategy of djoser that issues the token of DRF."""

    @classmethod
    def obtain(cls, user: Any) -> dict[str, Any]:
        return {"token": Token.objects.get_or_create(user=user)[0].key}


class JWTStrategy:
    """Issues the tokens as djoser's strategy does."""

    @classmethod
    def obtain(cls, user: Any) -> dict[str, Any]:
        from rest_framework_simplejwt.tokens import RefreshToken

        refresh = RefreshToken.for_user(user)
        return {"access": str(refresh.access_token), "refresh": str(refresh), "user": user}


STRATEGIES = {"TokenSerializer": TokenStrategy}
if find_spec("rest_framework_simplejwt"):
    STRATEGIES["JWTSerializer"] = JWTStrategy  # type: ignore[assignment]  # another class
