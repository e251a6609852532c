"""The URLs of the tests: where a project includes ours."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("auth/", include("social_endpoints.urls"))]
