"""Fixtures of the handoff's tests."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache


@pytest.fixture(autouse=True)
def posting_provider(settings: Any) -> None:
    """Let the OpenID provider post its responses to the server, and empty the cache."""
    settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS = {"response_mode": "form_post"}
    cache.clear()
