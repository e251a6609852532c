"""Token serializers of a project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from typing_extensions import override

from social_endpoints.conf import settings
from social_endpoints.tokens import (
    DjoserSerializer,
    JWTCookieAuthentication,
    JWTCookieSerializer,
    JWTSerializer,
    KnoxTokenSerializer,
    LoginSerializer,
    SessionSerializer,
    TokenSerializer,
)
from social_endpoints.types import Login
from social_endpoints.users import UserSerializer


class OpaqueToken(LoginSerializer):
    required_apps = ("tokens",)
    required_middleware = ()
    sets_cookies = False
    authentication_classes = ("tokens.OpaqueTokenAuthentication",)
    logout_authentication_classes = ()
    token = serializers.CharField()

    @override
    def issue(self, login: Login) -> Mapping[str, Any]:
        return {"token": f"{login.provider}-{login.user.pk}-{settings.FLOW_TRANSPORT}"}

    @override
    def check_refresh(self, request: Request) -> None:
        super().check_refresh(request)

    @override
    def refresh_login(self, request: Request) -> Mapping[str, Any]:
        return {"token": request.COOKIES["token"]}

    @override
    def log_out(self, request: Request) -> None:
        super().log_out(request)

    @override
    def delete_cookies(self, response: Response) -> None:
        response.delete_cookie("token")

    @override
    def revoke(self, user: Any) -> None:
        TokenSerializer().revoke(user)


class Djoser(DjoserSerializer):
    pass


class Drf(TokenSerializer):
    is_new_user = serializers.BooleanField(source="is_new")


class Jwt(JWTSerializer):
    pass


class JwtCookie(JWTCookieSerializer):
    sets_cookies = True


class JwtCookieAuthentication(JWTCookieAuthentication):
    pass


class Knox(KnoxTokenSerializer):
    pass


class Session(SessionSerializer):
    pass


class UserWithPlan(UserSerializer):
    plan = serializers.CharField()

    @override
    def get_name(self, user: Any) -> str:
        return super().get_name(user).title()
