"""The paths of a project that keeps its users logged in by JWT in cookies."""

from __future__ import annotations

from django.urls import include, path

from docs.recipes import jwt_cookies

urlpatterns = [
    path("auth/", include("social_endpoints.urls")),
    path("auth/refresh/", jwt_cookies.RefreshView.as_view()),
]
