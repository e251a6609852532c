"""A view beside ``JWTCookieSerializer``: a new access token."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from rest_framework import status
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework_simplejwt.exceptions import InvalidToken
from rest_framework_simplejwt.serializers import TokenRefreshSerializer
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken
from rest_framework_simplejwt.views import TokenRefreshView

from social_endpoints.conf import settings
from social_endpoints.tokens.jwt import set_jwt_cookie


class CookieRefreshSerializer(TokenRefreshSerializer):
    """Takes the refresh token from its cookie, and nothing from the body."""

    refresh = None

    def validate(self, attrs: dict[str, Any]) -> dict[str, str]:
        cookies = self.context["request"].COOKIES
        try:
            return super().validate({"refresh": cookies.get(settings.JWT_REFRESH_COOKIE, "")})
        except ObjectDoesNotExist as error:  # the user has been deleted
            raise InvalidToken from error


class RefreshView(TokenRefreshView):
    """Sets a new access token, and a new refresh token where Simple JWT rotates them."""

    serializer_class = CookieRefreshSerializer

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        SessionAuthentication().enforce_csrf(request)
        tokens = super().post(request, *args, **kwargs).data
        response = Response(status=status.HTTP_204_NO_CONTENT)
        secure = request.is_secure()
        set_jwt_cookie(response, settings.JWT_ACCESS_COOKIE, AccessToken(tokens["access"]), secure)
        if "refresh" in tokens:
            refresh = RefreshToken(tokens["refresh"])
            set_jwt_cookie(response, settings.JWT_REFRESH_COOKIE, refresh, secure)
        return response
