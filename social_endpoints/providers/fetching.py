"""How python3-openid fetches what an OpenID 2.0 provider says: with limits.

The library's own fetcher waits for as long as the server likes, and with generic OpenID
it is the user who chooses the server.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import requests
from openid import fetchers
from social_core.backends.base import BaseAuth

MAX_BYTES = 1_000_000
"""Of an answer; what the library's own fetcher reads, too."""

MAX_REDIRECTS = 5

_STOCK = (fetchers.Urllib2Fetcher, fetchers.CurlHTTPFetcher)


@dataclass
class Fetching:
    """What a backend has python3-openid fetch, and why that has failed, if it has."""

    backend: BaseAuth[Any]
    failure: Exception | None = None


_fetching: ContextVar[Fetching | None] = ContextVar("fetching", default=None)


@contextmanager
def fetching_for(backend: BaseAuth[Any]) -> Iterator[Fetching]:
    """Have python3-openid fetch with the time limit and the proxies of a backend's settings.

    Everything else in the process fetches as before, and a fetcher that the project has
    set (``openid.fetchers.setDefaultFetcher()``) is left alone.
    """
    fetcher = fetchers.getDefaultFetcher()
    if isinstance(getattr(fetcher, "fetcher", fetcher), _STOCK):
        fetchers.setDefaultFetcher(BoundedFetcher(fetcher))
    fetching = Fetching(backend)
    token = _fetching.set(fetching)
    try:
        yield fetching
    finally:
        _fetching.reset(token)


class BoundedFetcher(fetchers.HTTPFetcher):  # type: ignore[misc]  # it is not typed
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


def _fetched(backend: BaseAuth[Any], url: str, body: Any, headers: dict[str, str]) -> Any:
    if body is not None:
        headers = {**headers, "Content-Type": "application/x-www-form-urlencoded"}
    seconds = backend.setting("REQUESTS_TIMEOUT") or 5.0
    deadline = time.monotonic() + 2 * seconds
    with requests.Session() as session:
        session.max_redirects = MAX_REDIRECTS
        with session.request(
            "GET" if body is None else "POST",
            url,
            data=body,
            headers={"User-Agent": fetchers.USER_AGENT, **headers},
            timeout=seconds,
            proxies=backend.setting("PROXIES"),
            verify=backend.setting("VERIFY_SSL", True),
            stream=True,
        ) as response:
            text = _text(response, deadline)
    lowered = {name.lower(): value for name, value in response.headers.items()}
    return fetchers.HTTPResponse(response.url, response.status_code, lowered, text)


def _text(response: requests.Response, deadline: float) -> str:
    content = b""
    for chunk in response.iter_content(16_384):
        content += chunk
        if time.monotonic() > deadline:
            raise requests.ReadTimeout("The answer took too long.")
        if len(content) > MAX_BYTES:
            raise requests.RequestException("The answer is too large.")
    return content.decode(response.encoding or "latin-1", "replace")
