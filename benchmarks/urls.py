"""The URLs of a peer's site."""

from __future__ import annotations

import os

from django.urls import include, path

URLS = {
    "social_django": "social_django.urls",
    "djoser": "djoser.social.urls",
    "project": "social_endpoints.urls",
}

urlpatterns = [path("auth/", include(URLS[os.environ["BENCHMARK_PEER"]]))]
