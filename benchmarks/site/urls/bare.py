"""The floor: what a view of Django REST framework costs that reads a user and its token."""

from __future__ import annotations

from typing import Any

from django.urls import path
from rest_framework.authtoken.models import Token
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from benchmarks.site.prepare import USER


class BareView(APIView):
    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request, *arguments: Any) -> Response:
        return Response({"authorization_url": "https://127.0.0.1/"})

    def post(self, request: Request, *arguments: Any) -> Response:
        token = Token.objects.select_related("user").get(user__username=USER)
        return Response({"token": token.key}, status=201)


urlpatterns = [path("auth/", BareView.as_view())]
