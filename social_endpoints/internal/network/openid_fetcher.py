"""A fetcher for python3-openid, with the session, the limits and the deadline of a login.

python3-openid's own fetcher has no time limit, and with generic OpenID the user chooses the
server. It logs messages that it rejects, with signature and profile. Remove when it accepts a
fetcher for each call and does not log messages.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import requests
from openid import fetchers
from social_core.backends.base import BaseAuth

from social_endpoints.internal.network import sessions
from social_endpoints.internal.network.adapter import MalformedResponse
from social_endpoints.internal.network.transport import request_options

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_STOCK = (fetchers.Urllib2Fetcher, fetchers.CurlHTTPFetcher)
_LOGGERS = ("openid.consumer.consumer", "openid.consumer.discover", "openid.kvform")


@dataclass
class Fetching:
    """One use of python3-openid by a backend, with the error of its last failed request."""

    backend: BaseAuth[Any]
    failure: requests.RequestException | None = None


_fetching: ContextVar[Fetching | None] = ContextVar("fetching", default=None)


@contextmanager
def fetching_for(backend: BaseAuth[Any]) -> Iterator[Fetching]:
    """Make python3-openid fetch with the settings of a backend, and without logging.

    Other code in the process fetches and logs as before. A fetcher that the project has set with
    ``openid.fetchers.setDefaultFetcher()`` is not replaced.
    """
    fetcher = fetchers.getDefaultFetcher()
    if isinstance(getattr(fetcher, "fetcher", fetcher), _STOCK):
        fetchers.setDefaultFetcher(ProviderFetcher(fetcher))
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_is_loggable)
    fetching = Fetching(backend)
    token = _fetching.set(fetching)
    try:
        yield fetching
    finally:
        _fetching.reset(token)


def _is_loggable(record: logging.LogRecord) -> bool:
    return _fetching.get() is None


class ProviderFetcher(fetchers.HTTPFetcher):  # type: ignore[misc]  # openid is untyped: Any to mypy
    """Fetches with the session of a login.

    :param stock: the fetcher for all other code in the process.
    """

    def __init__(self, stock: Any) -> None:
        self._stock = stock

    def fetch(self, url: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        """Return the response to a GET, or to a POST of ``body``, with any status.

        :raises requests.RequestException: there is no response, or it exceeds a limit.
        """
        fetching = _fetching.get()
        if fetching is None:
            return self._stock.fetch(url, body, headers)
        try:
            return _fetch(fetching.backend, url, body, headers or {})
        except requests.RequestException as error:
            # python3-openid only reports a text or an invalid signature.
            fetching.failure = error
            raise


def _fetch(backend: BaseAuth[Any], url: str, body: Any, headers: dict[str, str]) -> Any:
    is_get = body is None
    response = sessions.send(
        backend.name,
        "GET" if is_get else "POST",
        url,
        data=body,
        headers={"User-Agent": fetchers.USER_AGENT, **({} if is_get else _FORM), **headers},
        allow_redirects=is_get,
        repeats_get=True,
        **request_options(backend),
    )
    lowered = {name.lower(): value for name, value in response.headers.items()}
    try:
        text = response.content.decode(response.encoding or "latin-1", "replace")
    except (LookupError, ValueError) as error:
        raise MalformedResponse("The encoding of the response is unknown.") from error
    return fetchers.HTTPResponse(response.url, response.status_code, lowered, text)
