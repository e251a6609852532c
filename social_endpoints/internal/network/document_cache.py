"""What providers say of themselves, remembered by this process and in Django's cache.

Discovery and keys are the same for every login and change seldom. A process keeps what it has
used; where the project's cache is shared, a new process finds there what another one has fetched.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.core.cache import DEFAULT_CACHE_ALIAS, caches
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache
from social_core.backends.base import BaseAuth

from social_endpoints.exceptions import log_failure

LIFETIME = 86_400
"""Seconds for which an answer is not asked for again; social-core's, too."""

GRACE = 86_400
"""Seconds for which it serves after that, while the provider gives no better one."""

PAUSE = 60
"""Seconds between two requests for what is known: while these fail, and where anybody can
cause them."""

SKEW = 60
"""Seconds by which the clock of another server may be ahead."""

MAX_LENGTH = 1_000_000
"""Characters of an answer in the cache; memcached keeps nothing above as many bytes."""

MAX_MEMORY = 8_000_000
"""Characters of all answers that a process keeps. Those of a thousand tenants find room."""


@dataclass
class Answer:
    """What a provider has said.

    :param fetched: when, in seconds since the epoch.
    :param size: its characters, as JSON.
    :param asked: when this process has last asked for a newer one.
    """

    value: Any
    fetched: float
    size: int
    asked: float = 0.0

    @property
    def is_fresh(self) -> bool:
        """Say whether it need not be asked for again."""
        return -SKEW <= time.time() - self.fetched < LIFETIME

    @property
    def is_usable(self) -> bool:
        """Say whether it can serve. Nothing is of the future: a clock was wrong."""
        return -SKEW <= time.time() - self.fetched < LIFETIME + GRACE


class Memory:
    """What this process remembers, by name; the oldest goes when there is too much.

    A change replaces the whole, so that threads and forks need no lock.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}

    def keep(self, name: str, answer: Answer) -> None:
        """Remember an answer, in place of the one of that name."""
        answers = {each: known for each, known in self.answers.items() if each != name}
        answers[name] = answer
        size = sum(known.size for known in answers.values())
        while size > MAX_MEMORY:
            size -= answers.pop(next(iter(answers))).size
        self.answers = answers

    def clear(self) -> None:
        """Forget everything."""
        self.answers = {}


memory = Memory()


class Remembered:
    """What a provider says at one URL.

    :param kind: what it is (``"jwks"``, say); it names the entry in the cache.
    :param backend: the provider's, as loaded. Its class and how it verifies certificates are
        a part of the name: what one has taken must not pass for what another one would have.
    :param fetch: asks the provider.
    :param is_good: says whether a value, from wherever, is such an answer. What is not is never
        remembered.
    """

    def __init__(
        self,
        kind: str,
        backend: BaseAuth[Any],
        url: str,
        fetch: Callable[[], Any],
        is_good: Callable[[Any], bool],
    ) -> None:
        path = f"{type(backend).__module__}.{type(backend).__qualname__}"
        parts = json.dumps([path, url, str(backend.setting("VERIFY_SSL", True))])
        self._name = f"social_endpoints.{kind}.{hashlib.sha256(parts.encode()).hexdigest()}"
        self._fetch = fetch
        self._is_good = is_good

    def get(self) -> Any:
        """Return what is known, if it is not too old; else what the provider says now.

        :raises Exception: nothing is known, and what ``fetch`` has raised.
        """
        return self._current()[0]

    def versions(self, *, paused: bool) -> Iterator[Any]:
        """Yield what is known, then what another process knows, then what the provider says now.

        Whoever finds what it looks for goes no further.

        :param paused: ask the provider once in :data:`PAUSE` at most, because anybody can
            look for what there is not.
        :raises Exception: what ``fetch`` has raised.
        """
        value, tried = self._current()
        yield value
        if tried is None:  # The provider has just been asked.
            return
        shared = self._shared()
        if shared is not None and shared.fetched > tried.fetched:
            memory.keep(self._name, tried := shared)
            yield tried.value
        if not paused or self._may_ask(tried):
            yield self._fetched()

    def _current(self) -> tuple[Any, Answer | None]:
        """Return what to go on with, and the answer that it was remembered as."""
        known = self._known()
        if known is None:
            return self._fetched(), None
        if known.is_fresh or not self._may_ask(known):
            return known.value, known
        try:
            value = self._fetched()
        except Exception as error:  # noqa: BLE001 - what is known serves, whatever is wrong
            log_failure("A provider's old answer stands in for a new one", error)
            return known.value, known
        return (value, None) if self._is_good(value) else (known.value, known)

    def _known(self) -> Answer | None:
        own = memory.answers.get(self._name)
        if own is not None and own.is_fresh:
            return own
        shared = self._shared()
        if shared is not None and (own is None or shared.fetched > own.fetched):
            memory.keep(self._name, shared)
            return shared
        return own if own is not None and own.is_usable else None

    def _may_ask(self, known: Answer) -> bool:
        """Say whether the pause is over, and begin the next one: of many who look, one asks."""
        now = time.time()
        if now - max(known.fetched, known.asked) < PAUSE:
            return False
        known.asked = now
        name = f"{self._name}.asked"
        # One that is down without saying so adds nothing, and has nothing either.
        return bool(
            _in_cache(lambda cache: cache.add(name, 1, PAUSE) or not cache.get(name), default=True)
        )

    def _fetched(self) -> Any:
        now = time.time()
        value = self._fetch()
        if not self._is_good(value):
            return value
        try:
            text = json.dumps([now, value])
        except (TypeError, ValueError, RecursionError):  # Of the project's making, or too deep.
            return value
        memory.keep(self._name, Answer(value, now, len(text)))
        if len(text) <= MAX_LENGTH:
            _in_cache(lambda cache: cache.set(self._name, text, LIFETIME + GRACE))
        return value

    def _shared(self) -> Answer | None:
        """Return what is in the cache, if it is what a process of ours would have put there."""
        text = _in_cache(lambda cache: cache.get(self._name))
        if not isinstance(text, str) or len(text) > MAX_LENGTH:
            return None
        try:
            fetched, value = json.loads(text)
            answer = Answer(value, float(fetched), len(text))
        except (ValueError, TypeError, OverflowError, RecursionError):
            return None
        return answer if answer.is_usable and self._is_good(value) else None


def _in_cache(act: Callable[[BaseCache], Any], default: Any = None) -> Any:
    """Do something with the project's cache, if it is shared; one that fails is as good as none."""
    try:
        cache = caches[DEFAULT_CACHE_ALIAS]
        # These hold no more than this process knows, and the project has another use for them.
        return default if isinstance(cache, (DummyCache, LocMemCache)) else act(cache)
    except Exception as error:  # noqa: BLE001 - each cache has errors of its own
        log_failure("The cache cannot remember what a provider says", error)
        return default
