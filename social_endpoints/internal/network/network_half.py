"""The requests of a login before its pipeline: how many may wait, and their circuit."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from threading import Lock
from typing import Any

import requests

from social_endpoints.conf import get_limit
from social_endpoints.exceptions import AuthProviderUnavailable
from social_endpoints.internal.network.circuit import Circuit, Send

BUSY_SECONDS = 1
"""``Retry-After`` if too many logins wait for a provider."""


class WaitingLimit:
    """Counts the logins of this process that wait for each provider, and limits their number.

    The lock is not held during network access.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Reset the numbers. A thread that a forked child does not have may hold the old lock."""
        self._lock = Lock()
        self._numbers = Counter[str]()

    def acquire(self, provider: str) -> None:
        """Count a login that begins to wait.

        :raises AuthProviderUnavailable: as many logins as ``PROVIDER_CONCURRENCY`` wait.
        """
        limit = get_limit("PROVIDER_CONCURRENCY")
        with self._lock:
            if limit is not None and self._numbers[provider] >= limit:
                raise AuthProviderUnavailable(BUSY_SECONDS, cause="too_many_waiting")
            self._numbers[provider] += 1

    def release(self, provider: str) -> None:
        """Stop counting a login that has waited."""
        with self._lock:
            self._numbers[provider] -= 1


waiting_limit = WaitingLimit()
with suppress(AttributeError):  # Windows has no fork.
    os.register_at_fork(after_in_child=waiting_limit.clear)


class NetworkHalf:
    """The requests of one login before its pipeline.

    The limit and the circuit count them as one, so a login that has sent its code is not refused
    afterwards. All requests determine the outcome: the token endpoint may respond while the
    profile does not.

    Requests to a host that a browser names are limited, but have no circuit. Requests of pipeline
    steps have neither: a user may control their host, such as that of a picture.

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

        :param own_circuit: True for a request with a circuit of its own, such as that for
            discovery. It contains no value of the callback.
        :raises AuthProviderUnavailable: the provider is not asked.
        """
        if self._has_ended:
            return send()
        if self._provider is None:
            waiting_limit.acquire(provider)
            self._provider = provider
        circuit = None
        if not options.get("hosts"):
            circuit = self._begin_circuit(provider, url, options, own_circuit)
        self.has_asked |= not own_circuit
        if circuit is None:
            return send()
        try:
            return circuit.ask(send)
        finally:
            if circuit is not self._circuit:
                circuit.end()

    def _begin_circuit(
        self, provider: str, url: str, options: Mapping[str, Any], own_circuit: bool
    ) -> Circuit:
        if not own_circuit and self._circuit is not None:
            return self._circuit
        circuit = Circuit(provider, url, options)
        circuit.begin()
        if not own_circuit:
            self._circuit = circuit
        return circuit

    def end(self) -> None:
        """End the waiting and report the outcome to the circuit. A second call has no effect."""
        if self._has_ended:
            return
        self._has_ended = True
        if self._provider is not None:
            waiting_limit.release(self._provider)
        if self._circuit is not None:
            self._circuit.end()
