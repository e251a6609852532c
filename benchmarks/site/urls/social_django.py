"""social_django's own views."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("auth/", include("social_django.urls"))]
