"""Caches that work, fail or hang, and a way to make cached documents older."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from django.core.cache import cache, caches
from django.core.cache.backends.locmem import LocMemCache

from social_endpoints.internal import cache as guard
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


class SwitchedCache(LocMemCache):
    """A cache that raises ``error`` if it is set. ``calls`` counts the operations.

    ``meanwhile`` is called during each operation.
    """

    error: ClassVar[BaseException | None] = None
    calls: ClassVar[int] = 0
    meanwhile: ClassVar[Callable[[], object]] = lambda: None

    def validate_key(self, key: str) -> None:
        """Run this code in each operation, before its access to the store."""
        super().validate_key(key)
        type(self).calls += 1
        type(self).meanwhile()
        if self.error is not None:
            raise self.error


@dataclass
class CacheServer:
    """A server at 127.0.0.1 that closes each connection, or accepts it and remains silent."""

    is_silent: bool
    connections: list[socket.socket] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def configuration(self) -> dict[str, Any]:
        """Return a new value of the setting ``CACHES``."""
        return {
            "default": {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": f"redis://127.0.0.1:{self.port}",
                "OPTIONS": {"socket_timeout": 0.05},
            }
        }

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self.connections:
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            if not self.is_silent:
                connection.close()


def end_pause(seconds: float = guard.PAUSE) -> None:
    """Let the time pass for which the process does not use a cache that has failed."""
    status = guard._process._status
    assert status.retry_at is not None
    guard._process._status = replace(status, retry_at=status.retry_at - seconds)


def age_operations(seconds: float) -> None:
    """Let time pass for the operations that have begun and not ended."""
    operations = guard._process._status.operations
    for operation in operations:
        operations[operation] -= seconds


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


def redis_cache(prefix: str) -> dict[str, Any]:
    """Return a value of the setting ``CACHES`` for the Redis server of the tests."""
    return {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:6379/5",
            "KEY_PREFIX": prefix,
        }
    }
