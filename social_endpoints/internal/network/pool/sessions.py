"""How a request is sent: with a session of its own, over the connections of the process."""

from __future__ import annotations

import math
import os
from contextlib import closing, suppress
from functools import cache
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from social_endpoints.conf import settings
from social_endpoints.internal.network.bounded import BoundedAdapter
from social_endpoints.internal.network.deadline import within
from social_endpoints.internal.network.pool.adapter import ProviderAdapter


def request(method: str, url: str, **options: Any) -> requests.Response:
    """Send a request as ``requests.request()`` does, and by the deadline of this login.

    :param options: those of ``requests.request()``.
    :raises requests.RequestException: as ``requests.request()`` does, and where the time
        is up.
    """
    left = within(math.inf)
    if settings.HTTP_POOL:
        return _sent(_kept(), method, url, options)
    with closing(BoundedAdapter(left)) as adapter:
        try:
            return _sent(adapter, method, url, options)
        except requests.RequestException as error:
            if adapter.is_over:
                raise requests.Timeout from error
            raise


def _sent(
    adapter: HTTPAdapter, method: str, url: str, options: dict[str, Any]
) -> requests.Response:
    # A session keeps cookies and authentication: no two requests share one.
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, adapter)
    return session.request(method, url, **options)


@cache
def _kept() -> ProviderAdapter:
    return ProviderAdapter()


with suppress(AttributeError):  # Not on Windows, which knows no fork.
    # The child must not speak on the parent's connections.
    os.register_at_fork(after_in_child=_kept.cache_clear)
