"""Caches for tests of cached documents, and a way to make the documents older."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django.core.cache import cache, caches
from django.core.cache.backends.locmem import LocMemCache

from social_endpoints.internal.network.document_cache import process_cache

SECRET = "password of the cache"


class TrackedCache(LocMemCache):
    names: ClassVar[set[str]] = set()

    def set(self, key: str, *args: Any, **kwargs: Any) -> None:
        self.names.add(key)
        super().set(key, *args, **kwargs)

    def add(self, key: str, *args: Any, **kwargs: Any) -> bool:
        self.names.add(key)
        return super().add(key, *args, **kwargs)


class FailingCache(TrackedCache):
    def get(self, *args: Any, **kwargs: Any) -> Any:
        raise ConnectionError(SECRET)

    def add(self, key: str, *args: Any, **kwargs: Any) -> Any:
        self.names.add(key)
        raise ConnectionError(SECRET)

    set = add


class SilentCache(TrackedCache):
    """A cache whose client ignores that the server is down (``ignore_exc`` for memcached)."""

    def get(self, key: Any, default: Any = None, version: Any = None) -> Any:
        return default

    def add(self, key: str, *args: Any, **kwargs: Any) -> bool:
        self.names.add(key)
        return False


def document_names(content_type: str = "") -> list[str]:
    """Return the names of the documents in the cache ``default``."""
    prefix = f"social_endpoints.{content_type}"
    names = sorted(name for name in TrackedCache.names if name.startswith(prefix))
    return [name for name in names if isinstance(cache.get(name), str)]


def stored_document(name: str) -> Any:
    return json.loads(cache.get(name))[2]


def replace_document(name: str, document: Any) -> None:
    """Store another document with the same times."""
    fetched, expires, _ = json.loads(cache.get(name))
    cache.set(name, json.dumps([fetched, expires, document]))


def age_documents(seconds: float) -> None:
    """Make all documents older, and end the pause between two requests."""
    working = [process_cache, *([] if isinstance(caches["default"], FailingCache) else [cache])]
    for name in [name for name in TrackedCache.names if name.startswith("social_endpoints.")]:
        for each in working:
            value = each.get(name)
            if isinstance(value, str):
                fetched, expires, document = json.loads(value)
                each.set(name, json.dumps([fetched - seconds, expires - seconds, document]))
            else:
                each.delete(name)
