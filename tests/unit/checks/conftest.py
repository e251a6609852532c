"""Fixtures for the tests of the system checks."""

from __future__ import annotations

from typing import Any

import pytest

DRF = "rest_framework"


@pytest.fixture(autouse=True)
def _database(db: None) -> None:
    """Allow access to the database, which Django's own checks need since version 6.1."""


@pytest.fixture(autouse=True)
def _production(settings: Any) -> None:
    """Configure a project that ``check --deploy`` accepts."""
    settings.SESSION_COOKIE_SECURE = True
    settings.SOCIAL_ENDPOINTS = {**settings.SOCIAL_ENDPOINTS, "ENCRYPT_PROVIDER_TOKENS": True}
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache"}
    }
    settings.REST_FRAMEWORK = {
        "DEFAULT_AUTHENTICATION_CLASSES": [
            f"{DRF}.authentication.SessionAuthentication",
            f"{DRF}.authentication.TokenAuthentication",
        ],
        "DEFAULT_THROTTLE_CLASSES": [f"{DRF}.throttling.AnonRateThrottle"],
        "DEFAULT_THROTTLE_RATES": {"anon": "10/min"},
        "NUM_PROXIES": 0,
    }
