"""The token pair of Simple JWT: in the body, or in cookies that scripts cannot read."""

from __future__ import annotations

from calendar import timegm
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.csrf import rotate_token
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework_simplejwt import settings as jwt_settings
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import AuthenticationFailed, InvalidToken, TokenError
from rest_framework_simplejwt.tokens import RefreshToken, Token

from social_endpoints.conf import settings
from social_endpoints.exceptions import LoginNotEnded
from social_endpoints.internal.accounts.logins import blacklist_jwts, has_jwt_blacklist
from social_endpoints.internal.http.login_session import store_csrf_token
from social_endpoints.internal.http.parameters import text_parameter
from social_endpoints.tokens.base import LoginSerializer
from social_endpoints.types import Login


class RevocableJWT(LoginSerializer):
    """Base class of the serializers that issue token pairs of Simple JWT."""

    def revoke(self, user: Any) -> None:
        """Blacklist the user's refresh tokens. Access tokens are valid until they expire.

        Without the app ``rest_framework_simplejwt.token_blacklist``, this method does nothing.
        """
        if has_jwt_blacklist():
            blacklist_jwts(user)


class JWTSerializer(RevocableJWT):
    """``{"access": "…", "refresh": "…", "user": "…"}``, as in djoser."""

    authentication_classes = ("rest_framework_simplejwt.authentication.JWTAuthentication",)

    access = serializers.CharField(read_only=True)
    refresh = serializers.CharField(read_only=True)
    user = serializers.CharField(read_only=True)

    def issue(self, login: Login) -> dict[str, Any]:
        """Return a new token pair."""
        refresh = get_refresh_token(login.user)
        return {"access": str(refresh.access_token), "refresh": str(refresh)}

    def log_out(self, request: Request) -> None:
        """Blacklist the refresh token that the client posts as ``refresh``.

        :raises LoginNotEnded: the request is not authenticated by a token of Simple JWT, or the
            app ``rest_framework_simplejwt.token_blacklist`` is not installed.
        :raises ValidationError: ``refresh`` is missing or not a valid refresh token of this user.
        """
        if not (has_jwt_blacklist() and isinstance(request.auth, Token)):
            raise LoginNotEnded
        refresh = find_refresh_token(text_parameter(request, "refresh"), request.auth)
        if refresh is None:
            raise serializers.ValidationError({"refresh": [_("Invalid token.")]})
        refresh.blacklist()
        super().log_out(request)


class JWTCookieSerializer(RevocableJWT):
    """``{"user": "…"}``, with access and refresh token in HttpOnly cookies.

    Use :class:`JWTCookieAuthentication` to authenticate later requests.
    """

    # This middleware sends the CSRF token that JWTCookieAuthentication requires.
    required_middleware = ("django.middleware.csrf.CsrfViewMiddleware",)
    sets_cookies = True
    authentication_classes = ("social_endpoints.tokens.JWTCookieAuthentication",)
    logout_authentication_classes = ("social_endpoints.tokens.jwt.RefreshCookieAuthentication",)

    user = serializers.CharField(read_only=True)

    def issue(self, login: Login) -> dict[str, Any]:
        """Issue a new token pair."""
        self._refresh_token = get_refresh_token(login.user)
        return {}

    def log_in(self, request: HttpRequest, login: Login) -> None:
        """Send ``user_logged_in`` and make Django issue a new CSRF token."""
        super().log_in(request, login)
        rotate_token(request)
        store_csrf_token(request)

    def set_cookies(self, response: Response) -> None:
        """Set one cookie for each token, with the lifetime of the token."""
        secure, refresh = self.context["request"].is_secure(), self._refresh_token
        set_jwt_cookie(response, settings.JWT_ACCESS_COOKIE, refresh.access_token, secure)
        set_jwt_cookie(response, settings.JWT_REFRESH_COOKIE, refresh, secure)

    def log_out(self, request: Request) -> None:
        """Blacklist the refresh token in its cookie, if Simple JWT's blacklist app is installed.

        :raises LoginNotEnded: the request is not authenticated by a token of Simple JWT.
        """
        if not isinstance(request.auth, Token):
            raise LoginNotEnded
        cookie = request.COOKIES.get(settings.JWT_REFRESH_COOKIE, "")
        refresh = find_refresh_token(cookie, request.auth) if has_jwt_blacklist() else None
        if refresh is not None:
            refresh.blacklist()
        super().log_out(request)

    def delete_cookies(self, response: Response) -> None:
        """Delete both cookies."""
        delete_jwt_cookies(response)


class JWTCookieAuthentication(JWTAuthentication):
    """Authenticates by the cookie with the access token, and enforces CSRF as DRF does.

    A request with an invalid or expired cookie is anonymous and not a 401, because browsers send
    the cookie automatically, even with the request that signs the user in again.
    """

    def authenticate(self, request: Request) -> tuple[Any, Token] | None:
        """Return the user and the token, or None if there is no valid cookie.

        :raises PermissionDenied: the request fails Django's CSRF check.
        """
        try:
            token = self.get_cookie_token(request)
            user = self.get_user(token)
        except AuthenticationFailed:
            return None
        SessionAuthentication().enforce_csrf(request)
        return user, token

    def get_cookie_token(self, request: Request) -> Token:
        """Return the token in the cookie.

        :raises AuthenticationFailed: it is not valid.
        """
        raw_token = request.COOKIES.get(settings.JWT_ACCESS_COOKIE, "")
        try:
            return self.get_validated_token(raw_token.encode())
        except RecursionError as error:  # See parse_refresh_token().
            raise InvalidToken from error


class RefreshCookieAuthentication(JWTCookieAuthentication):
    """Authenticates by the cookie with the refresh token, and enforces CSRF.

    A user can sign out after the access token has expired, so ``POST logout/`` uses this class.
    """

    def get_cookie_token(self, request: Request) -> Token:
        """Return the token in the cookie.

        :raises AuthenticationFailed: it is not valid.
        """
        token = parse_refresh_token(request.COOKIES.get(settings.JWT_REFRESH_COOKIE, ""))
        if token is None:
            raise InvalidToken
        return token


def get_refresh_token(user: Any) -> Any:
    """Return a refresh token with the claims of Simple JWT's ``TOKEN_OBTAIN_SERIALIZER``."""
    return import_string(jwt_settings.api_settings.TOKEN_OBTAIN_SERIALIZER).get_token(user)


def parse_refresh_token(text: str) -> Token | None:
    """Return a refresh token, or None if it is not valid, has expired or is blacklisted."""
    serializer = import_string(jwt_settings.api_settings.TOKEN_OBTAIN_SERIALIZER)
    token_class: Any = getattr(serializer, "token_class", RefreshToken)
    try:
        token: Token = token_class(text)
    except (TokenError, KeyError, RecursionError):
        # KeyError: it was not issued by Simple JWT and has no id. RecursionError: its header is
        # nested deeply. PyJWT parses it before it verifies the signature. Remove when PyJWT 2.15 is
        # required.
        return None
    return token


def find_refresh_token(text: str, authenticated_by: Token) -> Any:
    """Return a refresh token, or None if it is not valid or was issued to another user.

    :param authenticated_by: the token that authenticates the request.
    """
    token, claim = parse_refresh_token(text), jwt_settings.api_settings.USER_ID_CLAIM
    if token is None or str(token.get(claim)) != str(authenticated_by.get(claim)):
        return None
    return token


def set_jwt_cookie(response: HttpResponseBase, name: str, token: Token, secure: bool) -> None:
    """Set a cookie with a token, using the ``JWT_COOKIE_…`` settings.

    :param name: value of the setting ``JWT_ACCESS_COOKIE`` or ``JWT_REFRESH_COOKIE``.
    :param secure: Secure attribute of the cookie if ``JWT_COOKIE_SECURE`` is None.
    """
    configured = settings.JWT_COOKIE_SECURE
    response.set_cookie(
        name,
        str(token),
        max_age=_remaining_seconds(token),
        path=settings.JWT_COOKIE_PATH,
        domain=settings.JWT_COOKIE_DOMAIN,
        secure=secure if configured is None else configured,
        httponly=True,
        samesite=settings.JWT_COOKIE_SAMESITE,
    )


def _remaining_seconds(token: Token) -> int | None:
    """Return the lifetime of this token, or None if it does not expire.

    A project may set another ``exp`` than that of the token's class.
    """
    expiry = token.get("exp")
    issued = timegm(token.current_time.utctimetuple())
    return None if expiry is None else max(0, int(expiry) - issued)


def delete_jwt_cookies(response: HttpResponseBase) -> None:
    """Delete both cookies. Call it in a view that signs out."""
    for name in (settings.JWT_ACCESS_COOKIE, settings.JWT_REFRESH_COOKIE):
        response.delete_cookie(
            name,
            path=settings.JWT_COOKIE_PATH,
            domain=settings.JWT_COOKIE_DOMAIN,
            samesite=settings.JWT_COOKIE_SAMESITE,
        )
        if settings.JWT_COOKIE_SECURE:
            response.cookies[name]["secure"] = True
