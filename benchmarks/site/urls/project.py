"""The endpoints of this project."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("auth/", include("social_endpoints.urls"))]
