"""One login, from a browser that has never been here."""

from __future__ import annotations

import time
from itertools import count

from benchmarks.bench import Provider, Site
from benchmarks.browser import Browser

RETURNING = "returning"
OPENID_CONNECT, OAUTH2 = "oidc", "github"
_numbers = count()


def log_in(
    site: Site, provider: Provider, backend: str = OPENID_CONNECT, user: str = RETURNING
) -> float:
    """Begin, sign in at the provider, complete.

    :return: how long the client has waited for both answers of the site, in seconds.
    """
    browser, peer = Browser(site.port), site.peer
    started = time.perf_counter()
    asked, sent = peer.begin(browser, backend)
    waited = time.perf_counter() - started
    if peer.asks_provider:
        sent |= {"code": provider.sign_in(asked, user), "state": asked["state"]}
    started = time.perf_counter()
    peer.complete(browser, backend, sent)
    return waited + time.perf_counter() - started


def new_user() -> str:
    """Return a name that no site has seen."""
    return f"user{next(_numbers)}"
