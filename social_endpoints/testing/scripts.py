"""Scripted responses of a fake provider: errors, slowness, and any other response."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from threading import Lock
from typing import get_args

from social_endpoints.testing.endpoints import Endpoint
from social_endpoints.testing.messages import ProviderRequest, ProviderResponse

Responder = Callable[[ProviderRequest], ProviderResponse]


@dataclass
class _Script:
    """A change of an endpoint's responses. ``times`` is how often it applies; None for ever."""

    respond: Responder | None
    delay: float = 0
    times: int | None = None


class ScriptedResponses:
    """The endpoints whose responses a test has changed."""

    def __init__(self) -> None:
        self._scripts: dict[str, list[_Script]] = {}
        self._lock = Lock()

    def replace(
        self, endpoint: str, response: ProviderResponse | Responder, *, times: int | None = None
    ) -> None:
        """Replace the responses of an endpoint.

        :param endpoint: ``"token"``, ``"userinfo"``, ``"discovery"``, ``"jwks"``,
            ``"revocation"``, ``"introspection"``, or a URL without its query.
        :param response: a response, or a function of the request that returns one.
        :param times: how many responses; None for all.
        :raises ValueError: there is no such endpoint.
        """
        respond = response if callable(response) else lambda request: response
        self._add(endpoint, _Script(respond, times=times))

    def fail(
        self,
        endpoint: str,
        status: int = HTTPStatus.SERVICE_UNAVAILABLE,
        error: str = "",
        *,
        times: int | None = None,
    ) -> None:
        """Make an endpoint fail. The other parameters are those of :meth:`replace`.

        :param status: the HTTP status.
        :param error: the error code of OAuth 2, such as ``"invalid_grant"``.
        """
        content = {"error": error} if error else "The provider has failed."
        self.replace(endpoint, ProviderResponse(status, content), times=times)

    def delay(self, endpoint: str, seconds: float, *, times: int | None = None) -> None:
        """Make an endpoint slow. The other parameters are those of :meth:`replace`.

        In a test, a delay that is longer than the time limit of the request is a time-out at once.
        """
        self._add(endpoint, _Script(None, seconds, times))

    def restore(self) -> None:
        """Undo :meth:`replace`, :meth:`fail` and :meth:`delay`."""
        with self._lock:
            self._scripts.clear()

    def _add(self, endpoint: str, script: _Script) -> None:
        names = get_args(Endpoint)
        if endpoint not in names and "://" not in endpoint:
            raise ValueError(f"{endpoint!r} is neither a URL nor one of {', '.join(names)}.")
        with self._lock:
            self._scripts.setdefault(endpoint, []).append(script)

    def take_script(self, *endpoints: str) -> tuple[Responder | None, float]:
        """Return the latest replacement and the sum of the delays of an endpoint."""
        responder, delay = None, 0.0
        with self._lock:
            for script in [each for name in endpoints for each in self._scripts.get(name, [])]:
                if script.times == 0:
                    continue
                if script.times is not None:
                    script.times -= 1
                responder, delay = script.respond or responder, delay + script.delay
        return responder, delay
