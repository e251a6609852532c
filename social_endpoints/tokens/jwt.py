"""The token pair of Simple JWT: in the body, or in cookies that scripts cannot read."""

from __future__ import annotations

from calendar import timegm
from datetime import timedelta
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.csrf import rotate_token
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework_simplejwt import settings as jwt_settings
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import AuthenticationFailed, InvalidToken, TokenError
from rest_framework_simplejwt.tokens import RefreshToken, Token, UntypedToken

from social_endpoints.conf import settings
from social_endpoints.exceptions import (
    LoginNotEnded,
    RefreshTokenInvalid,
    StorageFailure,
    StorageUnavailable,
)
from social_endpoints.internal.accounts.logins import (
    blacklist_jwts,
    can_be_blacklisted,
    has_jwt_blacklist,
    is_blacklisted,
    lock_refresh_token,
)
from social_endpoints.internal.actions.refresh_login import find_active_user
from social_endpoints.internal.http.login_session import store_csrf_token
from social_endpoints.internal.http.parameters import text_parameter
from social_endpoints.tokens.base import LoginSerializer
from social_endpoints.types import Login

ROTATION_SECONDS = 60
"""Time in which a browser that has several tabs may send a refresh token that was just replaced."""


class RevocableJWT(LoginSerializer):
    """Base class of the serializers that issue token pairs of Simple JWT."""

    def revoke(self, user: Any) -> None:
        """Blacklist the user's refresh tokens. Access tokens are valid until they expire.

        Without the app ``rest_framework_simplejwt.token_blacklist``, this method does nothing.
        """
        if has_jwt_blacklist():
            blacklist_jwts(user)

    def exchange_refresh_token(self, text: str) -> dict[str, Any]:
        """Return the result of Simple JWT's ``TOKEN_REFRESH_SERIALIZER`` for a refresh token.

        :raises RefreshTokenInvalid: the token is not accepted, or its user is not active.
        """
        require_accepted(text)
        path = jwt_settings.api_settings.TOKEN_REFRESH_SERIALIZER
        serializer = import_string(path)(data={"refresh": text}, context=self.context)
        try:
            serializer.is_valid(raise_exception=True)
        except (AuthenticationFailed, TokenError) as error:
            raise RefreshTokenInvalid from error
        except ObjectDoesNotExist as error:  # It reads the user, perhaps from a replica.
            raise StorageUnavailable(StorageFailure(stage="refresh")) from error
        return dict(serializer.validated_data)


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
        posted = text_parameter(request, "refresh", in_query=True)  # It ends with this request.
        refresh = find_refresh_token(posted, request.auth)
        if refresh is None:
            # Translators: "refresh token" is the term of OAuth 2.0.
            text = _("This refresh token is not valid.")
            raise serializers.ValidationError({"refresh": [text]})
        refresh.blacklist()
        super().log_out(request)

    def refresh_login(self, request: Request) -> dict[str, Any]:
        """Return ``{"access": "…"}``, with a new ``refresh`` if Simple JWT rotates these tokens.

        :raises ValidationError: ``refresh`` is missing in the body. A query string is ignored.
        :raises RefreshTokenInvalid: the token is not accepted.
        """
        return self.exchange_refresh_token(text_parameter(request, "refresh", in_query=False))


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
        refresh = get_refresh_token(login.user)
        self._tokens = [
            (settings.JWT_ACCESS_COOKIE, refresh.access_token),
            (settings.JWT_REFRESH_COOKIE, refresh),
        ]
        return {}

    def log_in(self, request: HttpRequest, login: Login) -> None:
        """Send ``user_logged_in`` and make Django issue a new CSRF token."""
        super().log_in(request, login)
        rotate_token(request)
        store_csrf_token(request)

    def set_cookies(self, response: Response) -> None:
        """Set one cookie for each new token, with the lifetime of the token."""
        secure = self.context["request"].is_secure()
        for name, token in self._tokens:
            set_jwt_cookie(response, name, token, secure)

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

    def check_refresh(self, request: Request) -> None:
        """Enforce CSRF, unless there is no cookie that another site could use.

        :raises RefreshTokenInvalid: the cookie with the refresh token is missing.
        """
        if not request.COOKIES.get(settings.JWT_REFRESH_COOKIE):
            raise RefreshTokenInvalid
        super().check_refresh(request)

    def refresh_login(self, request: Request) -> dict[str, Any]:
        """Exchange the refresh token in its cookie. The new tokens are in cookies as well.

        :raises RefreshTokenInvalid: the token is not accepted.
        """
        tokens = self.exchange_refresh_token(request.COOKIES[settings.JWT_REFRESH_COOKIE])
        names = {"access": settings.JWT_ACCESS_COOKIE, "refresh": settings.JWT_REFRESH_COOKIE}
        self._tokens = [
            (cookie, issued_token(tokens.pop(name)))
            for name, cookie in names.items()
            if name in tokens
        ]
        return tokens

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


def require_accepted(text: str) -> None:
    """Require a valid refresh token of an active user.

    Simple JWT checks some of this as well, but perhaps in a replica of the database.

    :raises RefreshTokenInvalid: it is not accepted.
    """
    config, token = jwt_settings.api_settings, parse_refresh_token(text)
    if token is None or has_ended(token):
        raise RefreshTokenInvalid(deletes_cookies=not was_just_rotated(text))
    user_id = token.get(config.USER_ID_CLAIM)
    user = find_active_user(**{config.USER_ID_FIELD: user_id}) if user_id else None
    if user is None:
        raise RefreshTokenInvalid
    if config.CHECK_REVOKE_TOKEN:  # It compares the password, which the serializer does not do.
        try:
            JWTAuthentication().get_user(token)
        except AuthenticationFailed as error:
            raise RefreshTokenInvalid from error


def has_ended(token: Token) -> bool:
    """Return whether a refresh token is blacklisted. Wait for a request that is replacing it.

    A token with an identifier that the blacklist cannot store is refused as well.
    """
    if not has_jwt_blacklist():
        return False
    token_id = str(token[jwt_settings.api_settings.JTI_CLAIM])
    if not can_be_blacklisted(token_id):
        return True
    if rotates_once():
        lock_refresh_token(token_id)
    return is_blacklisted(token_id)


def rotates_once() -> bool:
    """Return whether Simple JWT replaces a refresh token at each refresh and blacklists it."""
    config = jwt_settings.api_settings
    return bool(config.ROTATE_REFRESH_TOKENS and config.BLACKLIST_AFTER_ROTATION)


def was_just_rotated(text: str) -> bool:
    """Return whether a refresh token was probably replaced by another request of this browser.

    Another tab may have sent it at the same time. The response to the slower request must not
    delete the cookies that the other response has set.
    """
    if not (has_jwt_blacklist() and rotates_once()):
        return False
    try:
        token = UntypedToken(text)  # type: ignore[arg-type]  # a wrong annotation
    except (TokenError, KeyError, RecursionError):  # See parse_refresh_token().
        return False
    token_id = str(token.get(jwt_settings.api_settings.JTI_CLAIM))
    return is_blacklisted(token_id, since=timezone.now() - timedelta(seconds=ROTATION_SECONDS))


def issued_token(text: str) -> Token:
    """Return a token that Simple JWT has just issued. It is not verified again."""
    return UntypedToken(text, verify=False)  # type: ignore[arg-type]  # a wrong annotation


def find_refresh_token(text: str, authenticated_by: Token) -> Any:
    """Return a refresh token, or None if it is not valid or was issued to another user.

    :param authenticated_by: the token that authenticates the request.
    """
    token, claim = parse_refresh_token(text), jwt_settings.api_settings.USER_ID_CLAIM
    if token is None or str(token.get(claim)) != str(authenticated_by.get(claim)):
        return None
    return None if has_ended(token) else token


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
