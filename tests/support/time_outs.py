"""A process in which requests time out: ``python -m tests.support.time_outs URL SECONDS PREFIX``"""

from __future__ import annotations

import sys
from contextlib import suppress

import django
import requests
from django.conf import settings
from django.core.cache import cache

if __name__ == "__main__":
    django.setup()
    from social_endpoints.internal.network.sessions import ProviderRequests
    from tests.support.caches import redis_cache

    url, seconds, prefix = sys.argv[1:]
    settings.CACHES = redis_cache(prefix)
    cache.get("connect")  # On a busy machine, this alone takes longer than a request may use.
    options = {"timeout": float(seconds), "proxies": None, "verify": True, "repeats_get": False}
    for _ in range(3):
        with suppress(requests.Timeout), ProviderRequests() as current:
            current.send("loopback", "POST", url, **options)
