"""URLs of a project with protected views, one for each kind of authentication."""

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


class PublicView(APIView):
    """Returns the name of the user, or an empty string."""

    permission_classes = (permissions.AllowAny,)
    schema = None  # The OpenAPI document does not contain it.

    def get_authenticators(self) -> list[Any]:
        return [import_string(AUTHENTICATIONS[self.kwargs["authentication"]])()]

    def get(self, request: Request, authentication: str) -> Response:
        return Response(request.user.get_username())

    def post(self, request: Request, authentication: str) -> Response:
        return Response(request.user.get_username())


class ProtectedView(PublicView):
    permission_classes = (permissions.IsAuthenticated,)


class ProjectAuthView(ProviderAuthView):
    def post(self, request: Request, provider: str) -> Response:
        response = super().post(request, provider)
        response.data["added"] = f"by the project, for {provider}"
        return response


class SignOutView(APIView):
    """Deletes the cookies of JWTCookieSerializer."""

    authentication_classes = ()

    def post(self, request: Request) -> Response:
        # Imported here, because the extra may not be installed.
        from social_endpoints.tokens.jwt import delete_jwt_cookies

        response = Response(status=status.HTTP_204_NO_CONTENT)
        delete_jwt_cookies(response)
        return response


urlpatterns = [
    path("auth/", include("social_endpoints.urls")),
    path("project/o/<provider>/", ProjectAuthView.as_view()),
    path("protected/<authentication>/", ProtectedView.as_view()),
    path("public/<authentication>/", PublicView.as_view()),
    path("sign-out/", SignOutView.as_view()),
]
