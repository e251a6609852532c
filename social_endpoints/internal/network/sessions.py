"""The sessions of requests that logins borrow, one login at a time.

HTTP/1.1 does not bind a response to its request. If two logins shared a connection, one surplus
response would sign in the second user as the first. So a login borrows a session, and the session
rests before another login uses it.
"""

from __future__ import annotations

import atexit
import os
import time
from collections import deque
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from threading import Lock
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import LocationValueError

from social_endpoints.conf import get_seconds, settings
from social_endpoints.internal.log.events import add_provider_time
from social_endpoints.internal.network import substitutes
from social_endpoints.internal.network.adapter import MalformedResponse, ProviderAdapter
from social_endpoints.internal.network.database import release_connections
from social_endpoints.internal.network.network_half import NetworkHalf
from social_endpoints.internal.network.public_hosts import PublicHosts

MAX_SESSIONS = 256
"""Maximum number of resting sessions in a process."""

REST = 1.0
"""Seconds before another login may use a session."""

MAX_AGE = 600
"""Seconds for which a session is used. A new session resolves the host name again."""

MAX_REDIRECTS = 5
MAX_LOCATION = 4_096
"""Characters of a ``Location`` header."""


class DeadlineExceeded(requests.Timeout):
    """The requests of a login have taken longer than ``LOGIN_TIMEOUT``."""


class ProviderSession(requests.Session):
    """A session for one provider, which ``key`` identifies, with limits on redirects and time."""

    def __init__(self, key: str = "", adapter: ProviderAdapter | None = None) -> None:
        super().__init__()
        self.key = key
        self.max_redirects = MAX_REDIRECTS
        self.adapter = adapter or ProviderAdapter()
        self.mount("http://", self.adapter)
        self.mount("https://", self.adapter)
        self.created = self.returned = time.monotonic()

    def ask(
        self,
        method: str,
        url: str,
        *,
        deadline: float,
        repeats_get: bool,
        hosts: PublicHosts | None = None,
        **options: Any,
    ) -> requests.Response:
        """Send a request as ``requests.request()`` does, within limits.

        Database connections are released first: a provider may take seconds.

        :param deadline: when all requests of the login must have ended, by ``time.monotonic()``.
        :param repeats_get: whether a GET is sent again if there is no response.
        :param hosts: the hosts that may be contacted, also by redirects; None for all hosts.
        :raises MalformedResponse: the response exceeds a limit.
        :raises requests.RequestException: as ``requests.request()`` does.
        """
        self.cookies.clear()
        self.adapter.deadline, self.adapter.repeats_get = deadline, repeats_get
        self.adapter.hosts = hosts
        release_connections()
        started = time.monotonic()
        try:
            return self.request(method, url, **options)
        except LocationValueError as error:  # requests does not translate all of them.
            raise requests.exceptions.InvalidURL(error) from error
        except (requests.ConnectionError, requests.Timeout) as error:
            if time.monotonic() < deadline:
                raise
            # requests raises ConnectionError for a timeout in the body of a response.
            raise DeadlineExceeded("The time limit is exceeded.") from error
        finally:
            add_provider_time(time.monotonic() - started)

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        try:
            url = super().get_redirect_target(resp)
            if url is not None:
                _require_bounded_redirect(resp, url)
        except Exception:
            resp.close()
            raise
        return url

    def resolve_redirects(self, *args: Any, **kwargs: Any) -> Any:
        try:
            yield from super().resolve_redirects(*args, **kwargs)
        except (requests.TooManyRedirects, ValueError) as error:
            # All errors about URLs are ValueErrors, in requests, urllib3 and Python.
            raise MalformedResponse("A redirect cannot be followed.") from error


def _require_bounded_redirect(response: requests.Response, target: str) -> None:
    if len(target) > MAX_LOCATION:
        raise MalformedResponse(f"A redirect is longer than {MAX_LOCATION} characters.")
    # After a 307 or 308, requests would post code and client secret to any origin
    # (RFC 9110 sections 15.4.8 and 15.4.9).
    if response.status_code in {307, 308} and response.request.body:
        here, there = response.url, urljoin(response.url, target)
        if urlsplit(here)[:2] != urlsplit(there)[:2]:
            message = "A body is redirected to another origin."
            raise requests.RequestException(message, response=response)


class SessionStore:
    """The resting sessions of a process, with the oldest one first.

    No lock is held during network access.
    """

    def __init__(self) -> None:
        self._resting: deque[ProviderSession] = deque()
        self._lock = Lock()

    def take(self, key: str, max_idle: float) -> ProviderSession:
        """Return the last used session that has rested and has this key, or a new session."""
        now = time.monotonic()
        rested, expired, others = None, [], deque[ProviderSession]()
        with self._lock:
            for session in reversed(self._resting):
                idle = now - session.returned
                limit = min(max_idle, session.adapter.max_idle)
                if idle >= limit or now - session.created >= MAX_AGE:
                    expired.append(session)
                elif rested is None and session.key == key and idle >= REST:
                    rested = session
                else:
                    others.appendleft(session)
            self._resting = others
        for session in expired:
            session.close()
        return rested or ProviderSession(key)

    def give_back(self, session: ProviderSession) -> None:
        """Keep a session for a later login; if there are too many, close the oldest one."""
        session.returned = time.monotonic()
        with self._lock:
            self._resting.append(session)
            oldest = self._resting.popleft() if len(self._resting) > MAX_SESSIONS else None
        if oldest is not None:
            oldest.close()

    def clear(self) -> None:
        """Close all sessions. In a forked child, the parent's connections remain open."""
        resting, self._resting = self._resting, deque()
        self._lock = Lock()  # A thread that the child does not have may hold the old one.
        for session in resting:
            session.close()


store = SessionStore()
atexit.register(store.clear)
with suppress(AttributeError):  # Windows has no fork.
    os.register_at_fork(after_in_child=store.clear)


class ProviderRequests:
    """The requests in a ``with`` block. They share a ``LOGIN_TIMEOUT`` and, if pooled, a session.

    If an exception leaves the block, the login has failed and its session is not used again.

    :param is_guarded: whether requests are refused if the provider does not respond.
    """

    def __init__(self, *, is_guarded: bool = True) -> None:
        self.network_half = NetworkHalf()
        if not is_guarded:
            self.network_half.end()
        self._deadline: float | None = None
        self._session: ProviderSession | None = None

    def __enter__(self) -> Self:
        self._token = _current.set(self)
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        _current.reset(self._token)
        self.network_half.end()
        session, self._session = self._session, None
        if session is None:
            return
        if error is None and session.adapter.is_reusable:
            store.give_back(session)
        else:
            session.close()

    def send(
        self, provider: str, method: str, url: str, *, own_circuit: bool = False, **options: Any
    ) -> requests.Response:
        """Send a request with the session and the deadline of this login.

        :param own_circuit: as for :meth:`NetworkHalf.ask`.
        :raises AuthProviderUnavailable: the provider is not asked.
        """
        send = partial(self._send, provider, method, url, options)
        return self.network_half.ask(provider, url, send, options, own_circuit=own_circuit)

    def _send(
        self, provider: str, method: str, url: str, options: dict[str, Any]
    ) -> requests.Response:
        if self._deadline is None:
            self._deadline = time.monotonic() + get_seconds("LOGIN_TIMEOUT")
        options = {**options, "deadline": self._deadline}
        if substitute := substitutes.find(provider):
            with ProviderSession(adapter=substitute.create_adapter()) as session:
                return session.ask(method, url, **options)
        # A browser can name any number of hosts, and must not replace the resting sessions.
        if not settings.HTTP_POOL or options.get("hosts"):
            with ProviderSession() as session:
                return session.ask(method, url, **options)
        if self._session is None:
            # The tenants of a project may use different hosts and proxies.
            key = repr([provider, str(url).split("/", 3)[:3], options.get("proxies")])
            self._session = store.take(key, get_seconds("HTTP_POOL_IDLE"))
        return self._session.ask(method, url, **options)


_current: ContextVar[ProviderRequests | None] = ContextVar("provider_requests", default=None)


def send(provider: str, method: str, url: str, **options: Any) -> requests.Response:
    """Send a request as :meth:`ProviderSession.ask` does, with the session of this login.

    Outside a :class:`ProviderRequests` block, a session is borrowed for this request only.
    """
    current = _current.get()
    if current is not None:
        return current.send(provider, method, url, **options)
    with ProviderRequests(is_guarded=False) as current:
        return current.send(provider, method, url, **options)


def begin_pipeline() -> None:
    """End the network half of this login."""
    current = _current.get()
    if current is not None:
        current.network_half.end()
