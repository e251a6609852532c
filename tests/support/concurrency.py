"""Requests that run at the same time, and logins that collide with others."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.db import OperationalError, connections

from social_endpoints.tokens.drf import TokenSerializer
from tests.support.frontend import Frontend
from tests.support.pipeline import AFTER_SOCIAL_USER

if TYPE_CHECKING:
    # Its base class needs the configured apps, and new processes import this module before.
    from tests.support.openid_provider import OpenIDProvider

THREADS = 4


def together(calls: list[Callable[[], Any]]) -> list[Any]:
    """Run each call in its own thread, all at the same time, and return their results."""
    results: list[Any] = [None] * len(calls)
    barrier = threading.Barrier(len(calls))

    def run(index: int) -> None:
        try:
            barrier.wait(timeout=10)
            results[index] = calls[index]()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def log_in_together(openid: OpenIDProvider, transport: str = "cookie") -> list[Any]:
    """Complete ``THREADS`` logins of one identity at the same time, each in its own browser."""
    frontends = [Frontend(transport) for _ in range(THREADS)]
    begun = [frontend.begin() for frontend in frontends]
    callbacks = [openid.authorize(response.data["authorization_url"]) for response in begun]
    barrier = threading.Barrier(THREADS)
    openid.before_userinfo = lambda: barrier.wait(timeout=10)

    def complete(index: int) -> Callable[[], Any]:
        return lambda: frontends[index].complete(begun[index], callbacks[index])

    return together([complete(index) for index in range(THREADS)])


class CollidingStep:
    """A pipeline step that raises ``error`` in its first calls."""

    error: type[Exception] = OperationalError
    collisions = 1
    calls = 0

    @classmethod
    def run(cls, *args: Any, **kwargs: Any) -> None:
        cls.calls += 1
        if cls.calls <= cls.collisions:
            raise cls.error


collide = CollidingStep.run


class CollidingSerializer(TokenSerializer):
    """A token serializer that meets another login's lock in its first call."""

    calls = 0

    def issue(self, login: Any) -> Any:
        type(self).calls += 1
        if self.calls == 1:
            raise OperationalError
        return super().issue(login)


class MeetingPoint:
    """Makes simultaneous logins wait for each other: at the provider and in a step."""

    STEP = (AFTER_SOCIAL_USER, "tests.support.concurrency.meet")

    _barrier = threading.Barrier(1)
    _thread = threading.local()

    @classmethod
    def expect(cls, logins: int) -> None:
        """Set the number of logins that meet."""
        cls._barrier = threading.Barrier(logins)

    @classmethod
    def at_the_provider(cls) -> None:
        """Wait until all logins have claimed their flows; SQLite has only one writer."""
        cls._barrier.wait(timeout=10)

    @classmethod
    def in_pipeline(cls, *args: Any, **kwargs: Any) -> None:
        """Wait for the other logins, but only once: a collision runs the pipeline again."""
        if getattr(cls._thread, "passed", None) is not cls._barrier:
            cls._thread.passed = cls._barrier
            cls._barrier.wait(timeout=10)


meet = MeetingPoint.in_pipeline
