"""One login, from a browser that has never been here."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import count

from benchmarks.bench import Provider, Site
from benchmarks.browser import Browser

RETURNING = "returning"
OPENID_CONNECT, OAUTH2 = "oidc", "github"
_numbers = count()


@dataclass(frozen=True)
class Durations:
    """How long the client has waited for each answer, in seconds."""

    begin: float
    complete: float

    @property
    def both(self) -> float:
        return self.begin + self.complete


def log_in(
    site: Site, provider: Provider, backend: str = OPENID_CONNECT, user: str = RETURNING
) -> Durations:
    """Begin, sign in at the provider, complete."""
    browser, peer = Browser(site.port), site.peer
    started = time.perf_counter()
    asked = peer.begin(browser, backend)
    begin = time.perf_counter() - started
    sent = {name: asked[name] for name in ("state", "flow") if name in asked}
    if peer.asks_provider:
        sent["code"] = provider.sign_in(asked, user)
    started = time.perf_counter()
    peer.complete(browser, backend, sent)
    return Durations(begin, time.perf_counter() - started)


def new_user() -> str:
    """Return a name that no site has seen."""
    return f"user{next(_numbers)}"
