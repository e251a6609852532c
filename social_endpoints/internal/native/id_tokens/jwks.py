"""The keys that a provider signs its ID tokens with (RFC 7517)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from social_core.backends.base import BaseAuth

from social_endpoints.internal.backends.extensions.discovery import signing_keys


def key_sets(backend: BaseAuth[Any], uri: str) -> Iterator[list[dict[str, Any]]]:
    """Yield the stored keys at a URI and then those that the provider has now.

    The second are requested at most once a minute, because anybody can post a token with a
    signature that no key fits.

    :raises SocialAuthBaseException: the provider failed.
    """
    return signing_keys(backend, uri).versions(rate_limited=True)
