"""The site of ``benchmarks.outage``: two providers, PostgreSQL, and Redis as the cache."""

from __future__ import annotations

import json
import os
from typing import Any

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from social_core.backends.open_id_connect import OpenIdConnectAuth

from benchmarks.peers import REDIRECT_URI
from benchmarks.site import configure

POSTGRESQL = {"NAME": "outage", "USER": "postgres", "HOST": "127.0.0.1"}


class FailingOIDC(OpenIdConnectAuth):  # type: ignore[type-arg]  # in social-core 6 it is not generic
    name = "failing"


def prepare() -> None:
    """Configure Django as the other benchmarks do, with a database and a cache for a load."""
    configure()
    settings.DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", **POSTGRESQL}}
    redis = "django.core.cache.backends.redis.RedisCache"
    settings.CACHES = {"default": {"BACKEND": redis, "LOCATION": "redis://127.0.0.1:6379/5"}}
    failing = f"{FailingOIDC.__module__}.{FailingOIDC.__name__}"
    settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, failing]
    for name, value in json.loads(os.environ["BENCHMARK_FAILING"]).items():
        setattr(settings, f"SOCIAL_AUTH_FAILING_{name}", value)
    more = json.loads(os.environ["BENCHMARK_SETTINGS"])
    settings.SOCIAL_ENDPOINTS = {"ALLOWED_REDIRECT_URIS": [REDIRECT_URI], **more}
    django.setup()


def wsgi() -> Any:
    prepare()
    return get_wsgi_application()


def asgi() -> Any:
    prepare()
    return get_asgi_application()
