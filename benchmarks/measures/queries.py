"""The SQL statements of begin and complete, and the rows that they leave."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from benchmarks.bench import Provider, Site
from benchmarks.figures import Figures
from benchmarks.login import OPENID_CONNECT, RETURNING, log_in, new_user

TIMES = 3


def measure(sites: Sequence[Site], provider: Provider, figures: Figures) -> None:
    for site in sites:
        name = site.peer.name
        returning = [_statements(site, provider, RETURNING) for _ in range(TIMES)]
        new = [_statements(site, provider, new_user()) for _ in range(TIMES)]
        figures.put("begin_queries", name, median(login[0] for login in returning))
        figures.put("complete_queries_returning", name, median(login[1] for login in returning))
        if site.peer.asks_provider:
            figures.put("complete_queries_new", name, median(login[1] for login in new))


def _statements(site: Site, provider: Provider, user: str) -> list[int]:
    """Return how many statements begin and complete have sent, those of savepoints included."""
    with site.counting():
        log_in(site, provider, OPENID_CONNECT, user)
        return [len(request["statements"]) for request in site.requests()]
