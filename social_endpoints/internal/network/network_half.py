"""The network half of a login: one place among the waiting requests, and one circuit."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from threading import Lock
from typing import Any

import requests

from social_endpoints.conf import get_limit
from social_endpoints.exceptions import ProviderUnavailable
from social_endpoints.internal.network.circuit import Circuit, Send

BUSY_SECONDS = 1
"""``Retry-After`` if too many requests wait for a provider."""


class Places:
    """The places of a process for requests that wait, by provider.

    No lock is held during network access.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Release all places. A thread that a forked child does not have may hold the old lock."""
        self._lock = Lock()
        self._taken = Counter[str]()

    def take(self, provider: str) -> None:
        """Take a place.

        :raises ProviderUnavailable: all places are taken.
        """
        limit = get_limit("PROVIDER_CONCURRENCY")
        with self._lock:
            if limit is not None and self._taken[provider] >= limit:
                raise ProviderUnavailable(BUSY_SECONDS, cause="too_many_waiting")
            self._taken[provider] += 1

    def give_back(self, provider: str) -> None:
        with self._lock:
            self._taken[provider] -= 1


places = Places()
with suppress(AttributeError):  # Windows has no fork.
    os.register_at_fork(after_in_child=places.clear)


class NetworkHalf:
    """The requests of one login before its pipeline. They wait in one place and count once.

    So a login that has sent its code is not refused in the middle. A login is judged by all of its
    requests: the token endpoint may respond while the profile does not.

    Requests to a host that a browser names have a place, but no circuit. Requests of pipeline steps
    have neither: a user may control their host, such as that of a picture.

    :ivar has_asked: whether a request may have sent a value of the callback.
    """

    has_asked = False

    def __init__(self) -> None:
        self._circuit: Circuit | None = None
        self._provider: str | None = None
        self._has_ended = False

    def ask(
        self, provider: str, url: str, send: Send, options: Mapping[str, Any], *, own_circuit: bool
    ) -> requests.Response:
        """Send a request.

        :param own_circuit: True for a request that is judged alone, such as that for discovery. It
            contains no value of the callback.
        :raises ProviderUnavailable: the provider is not asked.
        """
        if self._has_ended:
            return send()
        if self._provider is None:
            places.take(provider)
            self._provider = provider
        circuit = None
        if not options.get("hosts"):
            circuit = self._enter(provider, url, options, own_circuit)
        self.has_asked |= not own_circuit
        if circuit is None:
            return send()
        try:
            return circuit.ask(send)
        finally:
            if circuit is not self._circuit:
                circuit.leave()

    def _enter(
        self, provider: str, url: str, options: Mapping[str, Any], own_circuit: bool
    ) -> Circuit:
        if not own_circuit and self._circuit is not None:
            return self._circuit
        circuit = Circuit(provider, url, options)
        circuit.enter()
        if not own_circuit:
            self._circuit = circuit
        return circuit

    def end(self) -> None:
        """Give the place back and report the outcome. Does nothing the second time."""
        if self._has_ended:
            return
        self._has_ended = True
        if self._provider is not None:
            places.give_back(self._provider)
        if self._circuit is not None:
            self._circuit.leave()
