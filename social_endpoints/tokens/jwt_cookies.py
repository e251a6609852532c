"""A pair of tokens of Simple JWT in cookies that no script can read."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.csrf import rotate_token
from django.utils.module_loading import import_string
from rest_framework import serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework_simplejwt import settings as jwt_settings
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import AuthenticationFailed
from rest_framework_simplejwt.tokens import Token

from social_endpoints.conf import settings
from social_endpoints.tokens.base import LoginSerializer
from social_endpoints.types import Login


class JWTCookieSerializer(LoginSerializer):
    """``{"user": "…"}``, with access and refresh token in HttpOnly cookies.

    Authenticate the requests that follow with :class:`JWTCookieAuthentication`.
    """

    # Without it no browser gets the CSRF token that JWTCookieAuthentication asks for.
    required_middleware = ("django.middleware.csrf.CsrfViewMiddleware",)
    sets_cookies = True

    user = serializers.CharField(read_only=True)

    def issue(self, login: Login) -> dict[str, Any]:
        """Issue a new pair, with the claims that the project adds to its own logins."""
        serializer = import_string(jwt_settings.api_settings.TOKEN_OBTAIN_SERIALIZER)
        self._pair = serializer.get_token(login.user)
        return {}

    def log_in(self, request: HttpRequest, login: Login) -> None:
        """Tell the project of the login, and have Django hand out a CSRF token for it."""
        super().log_in(request, login)
        rotate_token(request)

    def set_cookies(self, response: Response) -> None:
        """Put each token into its cookie, for as long as it is valid."""
        secure = self.context["request"].is_secure()
        set_jwt_cookie(response, settings.JWT_ACCESS_COOKIE, self._pair.access_token, secure)
        set_jwt_cookie(response, settings.JWT_REFRESH_COOKIE, self._pair, secure)


class JWTCookieAuthentication(JWTAuthentication):
    """Authenticates by the access token's cookie, and enforces CSRF as DRF does for sessions.

    An invalid or expired cookie counts as none: a browser sends it on its own, also
    to the endpoint where the user is about to log in.
    """

    def authenticate(self, request: Request) -> tuple[Any, Token] | None:
        """Return the user and the token, or None where there is no valid cookie."""
        raw_token = request.COOKIES.get(settings.JWT_ACCESS_COOKIE, "")
        try:
            token = self.get_validated_token(raw_token.encode())
            user = self.get_user(token)
        except AuthenticationFailed:
            return None
        SessionAuthentication().enforce_csrf(request)
        return user, token


def set_jwt_cookie(response: HttpResponseBase, name: str, token: Token, secure: bool) -> None:
    """Set the cookie of a token, as the settings ``JWT_COOKIE_…`` have it.

    :param name: ``JWT_ACCESS_COOKIE`` or ``JWT_REFRESH_COOKIE``.
    :param secure: whether the request came over HTTPS, for where the settings do not say.
    """
    configured = settings.JWT_COOKIE_SECURE
    response.set_cookie(
        name,
        str(token),
        max_age=token.lifetime,
        path=settings.JWT_COOKIE_PATH,
        domain=settings.JWT_COOKIE_DOMAIN,
        secure=secure if configured is None else configured,
        httponly=True,
        samesite=settings.JWT_COOKIE_SAMESITE,
    )


def delete_jwt_cookies(response: HttpResponseBase) -> None:
    """Remove both cookies, for a view that signs out."""
    for name in (settings.JWT_ACCESS_COOKIE, settings.JWT_REFRESH_COOKIE):
        response.delete_cookie(
            name,
            path=settings.JWT_COOKIE_PATH,
            domain=settings.JWT_COOKIE_DOMAIN,
            samesite=settings.JWT_COOKIE_SAMESITE,
        )
