"""A project's own views and URLs."""

from __future__ import annotations

from django.urls import include, path
from rest_framework.response import Response
from typing_extensions import override

from social_endpoints.tokens import JWTSerializer, LoginSerializer
from social_endpoints.types import Connected, Login, Paused
from social_endpoints.urls import urlpatterns as endpoints
from social_endpoints.views import (
    ConnectionDetailView,
    ConnectionListView,
    CurrentUserView,
    LogoutView,
    ProviderAuthView,
    ProviderBackchannelLogoutView,
    ProviderCallbackView,
    ProviderConnectTokenView,
    ProviderConnectView,
    ProviderListView,
    ProviderLogoutView,
    ProviderTokenView,
    RefreshView,
)


class AuthView(ProviderAuthView):
    @override
    def get_token_serializer_class(self) -> type[LoginSerializer]:
        return JWTSerializer

    @override
    def get_login_response(self, login: Login) -> Response:
        response = super().get_login_response(login)
        response["X-Provider"] = f"{login.provider} {login.is_new} {login.new_association}"
        return response

    @override
    def get_paused_response(self, paused: Paused) -> Response:
        response = super().get_paused_response(paused)
        response["X-Redirect"] = paused.redirect_to or ""
        return response


class TokenView(ProviderTokenView):
    pass


class ConnectView(ProviderConnectView):
    @override
    def get_connected_response(self, connected: Connected) -> Response:
        return Response({"provider": connected.provider, "new": connected.new_association})


class ConnectTokenView(ProviderConnectTokenView):
    pass


class CallbackView(ProviderCallbackView):
    pass


class ListView(ProviderListView):
    pass


class ConnectionsView(ConnectionListView):
    pass


class ConnectionView(ConnectionDetailView):
    pass


class SignOutView(LogoutView):
    @override
    def get_logout_response(self) -> Response:
        response = super().get_logout_response()
        response["Clear-Site-Data"] = '"cache"'
        return response


class ProviderSignOutView(ProviderLogoutView):
    pass


class BackchannelLogoutView(ProviderBackchannelLogoutView):
    pass


class WhoAmIView(CurrentUserView):
    pass


class AppRefreshView(RefreshView):
    @override
    def get_token_serializer_class(self) -> type[LoginSerializer]:
        return JWTSerializer


urlpatterns = [
    path("auth/o/<str:provider>/", AuthView.as_view(), name="provider-auth"),
    path("auth/", include("social_endpoints.urls")),
    path("api/", include(endpoints)),
]
