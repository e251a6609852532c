"""The example's URLs, and the provider made with django-oauth-toolkit."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("toolkit/", include("tests.support.servers.toolkit.urls")),
    path("", include("example_project.urls")),
]
