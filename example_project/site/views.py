"""Two endpoints for signed-in users, and the page."""

from __future__ import annotations

from pathlib import Path

import requests
from django.conf import settings
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.static import serve
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from example_project import local
from social_endpoints.provider_tokens import ProviderAuth

PAGE = Path(__file__).parent.parent / "page"


class UserSerializer(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = ("username", "first_name", "email")


class MeView(APIView):
    @extend_schema(responses=UserSerializer)
    def get(self, request: Request) -> Response:
        return Response(UserSerializer(request.user).data)


class ProviderProfileView(APIView):
    """Ask the provider for the user's profile, with the token that the login has stored."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, provider: str) -> Response:
        auth = ProviderAuth(request.user, provider)
        response = requests.get(settings.PROFILE_URL, auth=auth, timeout=5)
        response.raise_for_status()
        return Response(response.json())


def page(request: HttpRequest, name: str = "index.html") -> HttpResponseBase:
    if f"http://{request.get_host()}" not in (local.SITE, local.OTHER_ORIGIN):
        return wrong_address(request)  # For example, a tunnel from another port.
    return serve(request, name, document_root=str(PAGE))


def popup_page(request: HttpRequest) -> HttpResponseBase:
    response = page(request, "popup.html")
    # With Django's default, "same-origin", this page could not see whether its popup is open.
    response["Cross-Origin-Opener-Policy"] = "same-origin-allow-popups"
    return response


def file(request: HttpRequest, path: str) -> HttpResponseBase:
    """Serve a file of the page. Django's own page about a missing one lists the URL patterns."""
    try:
        return serve(request, path, document_root=str(PAGE))
    except Http404:
        return render(request, "404.html", status=404)


def wrong_address(request: HttpRequest) -> HttpResponse:
    context = {"site": local.SITE, "other_origin": local.OTHER_ORIGIN}
    return render(request, "wrong_address.html", context, status=400)
