"""URL configurations that a test builds."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from django.urls import include, path

ENDPOINTS = path("auth/", include("social_endpoints.urls"))


def urlconf(*patterns: Any) -> ModuleType:
    module = ModuleType("project_urls")
    module.urlpatterns = list(patterns)
    return module
