"""Fixtures: an OpenID provider over HTTP, and the events that Sentry would send."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache

from social_endpoints.internal.network.document_cache import process_cache
from tests.support.http_provider import served
from tests.support.openid_provider import OpenIDProvider


@pytest.fixture
def openid(settings: Any) -> Iterator[OpenIDProvider]:
    """Return an OpenID provider that answers over HTTP."""
    cache.clear()
    process_cache.clear()
    with served() as (url, provider):
        settings.SOCIAL_AUTH_OIDC_OIDC_ENDPOINT = url
        yield provider
