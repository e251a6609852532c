"""djoser's views for social logins."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("auth/", include("djoser.social.urls"))]
