"""The URLs of a project with protected views, one for each way to be known there."""

from __future__ import annotations

from typing import Any

from django.urls import include, path
from django.utils.module_loading import import_string
from rest_framework import permissions, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from social_endpoints.views import ProviderAuthView

AUTHENTICATIONS = {
    "token": "rest_framework.authentication.TokenAuthentication",
    "session": "rest_framework.authentication.SessionAuthentication",
    "jwt": "rest_framework_simplejwt.authentication.JWTAuthentication",
    "jwt-cookie": "social_endpoints.tokens.JWTCookieAuthentication",
    "knox": "knox.auth.TokenAuthentication",
}


class WhoAmI(APIView):
    """Says who the user is, to anybody."""

    permission_classes = (permissions.AllowAny,)

    def get_authenticators(self) -> list[Any]:
        """Return the one that the path names."""
        return [import_string(AUTHENTICATIONS[self.kwargs["how"]])()]

    def get(self, request: Request, how: str) -> Response:
        return Response(request.user.get_username())

    def post(self, request: Request, how: str) -> Response:
        return Response(request.user.get_username())


class WhoAmIProtected(WhoAmI):
    """Says who the user is, to the user."""

    permission_classes = (permissions.IsAuthenticated,)


class OurAuthView(ProviderAuthView):
    """A project's own view, which adds to the answer."""

    def post(self, request: Request, provider: str) -> Response:
        response = super().post(request, provider)
        response.data["added"] = f"by the project, for {provider}"
        return response


class SignOut(APIView):
    """Signs a browser out whose tokens are in cookies."""

    authentication_classes = ()

    def post(self, request: Request) -> Response:
        # Here, because the extra may not be installed.
        from social_endpoints.tokens.jwt_cookies import delete_jwt_cookies

        response = Response(status=status.HTTP_204_NO_CONTENT)
        delete_jwt_cookies(response)
        return response


urlpatterns = [
    path("auth/", include("social_endpoints.urls")),
    path("ours/o/<provider>/", OurAuthView.as_view()),
    path("me/<how>/", WhoAmIProtected.as_view()),
    path("anyone/<how>/", WhoAmI.as_view()),
    path("sign-out/", SignOut.as_view()),
]
