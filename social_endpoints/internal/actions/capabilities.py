"""What can be done with a provider."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from social_core.backends.base import BaseAuth

from social_endpoints.internal.backends.config import has_redirect, missing_settings
from social_endpoints.internal.native.providers import native_kinds

CAPABILITIES = ("redirect", "id_token", "access_token", "connect")


def capabilities(backend: BaseAuth[Any]) -> tuple[str, ...]:
    """Return what can be done with a provider, of ``CAPABILITIES`` and in their order.

    ``redirect``: a login can begin. ``id_token``, ``access_token``: one can sign in with
    such a token of a native SDK's. ``connect``: it can be connected to an account that
    exists. Nobody is asked: neither the provider nor the database.
    """
    return tuple(_capabilities(backend))


def _capabilities(backend: BaseAuth[Any]) -> Iterator[str]:
    can_begin = has_redirect(backend) and not missing_settings(backend, to_begin=True)
    if can_begin and not backend.ASSOCIATION_ONLY:
        yield "redirect"
    yield from native_kinds(backend)
    if can_begin:
        yield "connect"
