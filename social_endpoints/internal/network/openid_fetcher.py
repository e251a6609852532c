"""How python3-openid fetches what an OpenID 2.0 provider says: with limits, and in silence.

The library's own fetcher waits for as long as the server likes, and with generic OpenID
it is the user who chooses the server. What it does not like it logs with all that was
sent, signature and profile included.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import requests
from openid import fetchers
from social_core.backends.base import BaseAuth
from urllib3.exceptions import HTTPError

from social_endpoints.internal.network.bounded import BoundedAdapter
from social_endpoints.internal.network.deadline import until, within

MAX_BYTES = 1_000_000
"""Of an answer; what the library's own fetcher reads, too."""

MAX_REDIRECTS = 5

_FORM = "application/x-www-form-urlencoded"
_STOCK = (fetchers.Urllib2Fetcher, fetchers.CurlHTTPFetcher)
_LOGGERS = ("openid.consumer.consumer", "openid.consumer.discover", "openid.kvform")


@dataclass
class Fetching:
    """What a backend has python3-openid fetch, and why that has failed, if it has."""

    backend: BaseAuth[Any]
    failure: Exception | None = None


_fetching: ContextVar[Fetching | None] = ContextVar("fetching", default=None)


@contextmanager
def fetching_for(backend: BaseAuth[Any]) -> Iterator[Fetching]:
    """Have python3-openid fetch with the time limit and the proxies of a backend's settings.

    Everything else in the process fetches and logs as before, and a fetcher that the
    project has set (``openid.fetchers.setDefaultFetcher()``) is left alone.
    """
    fetcher = fetchers.getDefaultFetcher()
    if isinstance(getattr(fetcher, "fetcher", fetcher), _STOCK):
        fetchers.setDefaultFetcher(BoundedFetcher(fetcher))
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_is_of_somebody_else)
    fetching = Fetching(backend)
    strategy: Any = backend.strategy
    token = _fetching.set(fetching)
    try:
        with until(strategy.deadline):
            yield fetching
    finally:
        _fetching.reset(token)


def _is_of_somebody_else(record: logging.LogRecord) -> bool:
    return _fetching.get() is None


class BoundedFetcher(fetchers.HTTPFetcher):  # type: ignore[misc]  # openid is untyped: Any to mypy
    """Fetches in bounded time, and no more than a bounded answer.

    :param stock: fetches where no backend of this app is asking.
    """

    def __init__(self, stock: Any) -> None:
        self._stock = stock

    def fetch(self, url: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        """Return the answer to a GET, or to a POST of ``body``, whatever its status is.

        :raises requests.RequestException: there is none, in time and in size.
        """
        fetching = _fetching.get()
        if fetching is None:
            return self._stock.fetch(url, body, headers)
        try:
            return _fetched(fetching.backend, url, body, headers or {})
        except requests.RequestException as error:
            # The library turns it into a text, or into "not signed".
            fetching.failure = error
            raise


class WithoutRedirects(requests.Session):
    """Follows no redirect, and so reads no body of one, as requests would, to its end."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Return no target, whatever the answer says."""
        return None


def _fetched(backend: BaseAuth[Any], url: str, body: Any, headers: dict[str, str]) -> Any:
    seconds = backend.setting("REQUESTS_TIMEOUT") or 5.0
    with closing(BoundedAdapter(within(2 * seconds))) as adapter, WithoutRedirects() as session:
        for scheme in ("http://", "https://"):
            session.mount(scheme, adapter)
        session.headers.update({"User-Agent": fetchers.USER_AGENT, "Accept-Encoding": "identity"})
        options = {
            "headers": headers | ({} if body is None else {"Content-Type": _FORM}),
            "timeout": seconds,
            "proxies": backend.setting("PROXIES"),
            "verify": backend.setting("VERIFY_SSL", True),
        }
        with _in_words_of_requests(adapter):
            return _answer(session, url, body, options)


def _answer(session: requests.Session, url: str, body: Any, options: dict[str, Any]) -> Any:
    method = "GET" if body is None else "POST"
    for _ in range(MAX_REDIRECTS + 1):
        with session.request(method, url, data=body, stream=True, **options) as response:
            if method == "POST" or not response.is_redirect:
                lowered = {name.lower(): value for name, value in response.headers.items()}
                return fetchers.HTTPResponse(url, response.status_code, lowered, _text(response))
            url = urljoin(url, response.headers["Location"])
    raise requests.TooManyRedirects


def _text(response: requests.Response) -> str:
    content = b""
    # As it came: nobody has asked for it to be compressed.
    while chunk := response.raw.read(16_384, decode_content=False):
        content += chunk
        if len(content) > MAX_BYTES:
            raise requests.RequestException("The answer is too large.")
    return content.decode(response.encoding or "latin-1", "replace")


@contextmanager
def _in_words_of_requests(adapter: BoundedAdapter) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, LookupError, HTTPError) as error:
        # OSError is requests' own, too. ValueError: a URL that is none; LookupError: no
        # encoding; HTTPError is urllib3's, while a body comes.
        if adapter.is_over:
            raise requests.ReadTimeout from error
        if isinstance(error, requests.RequestException):
            raise
        raise requests.ConnectionError from error
