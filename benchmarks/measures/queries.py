"""The SQL statements of begin and complete, and the rows that they leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from benchmarks.bench import Provider, Site
from benchmarks.figures import Figures
from benchmarks.login import OPENID_CONNECT, RETURNING, log_in, new_user


def measure(sites: Sequence[Site], provider: Provider, figures: Figures) -> None:
    for site in sites:
        name = site.peer.name
        begin, returning, _ = _counted(site, provider, RETURNING)
        figures.put("begin_queries", name, begin)
        figures.put("complete_queries_returning", name, returning)
        if site.peer.asks_provider:
            _, new, savepoints = _counted(site, provider, new_user())
            figures.put("complete_queries_new", name, new)
            figures.put("complete_savepoints_new", name, savepoints)


def _counted(site: Site, provider: Provider, user: str) -> tuple[int, int, int]:
    """Return the queries of begin and complete, and complete's statements for savepoints.

    A statement that begins or ends a transaction is neither: most databases' drivers send
    it by themselves, where nobody can count it.
    """
    with site.counting():
        log_in(site, provider, OPENID_CONNECT, user)
        begin, complete = (
            Counter(_kind(statement) for statement in request["statements"])
            for request in site.requests()
        )
    return begin["query"], complete["query"], complete["savepoint"]


def _kind(statement: str) -> str:
    match statement.split(maxsplit=1)[0]:
        case "SAVEPOINT" | "RELEASE":
            return "savepoint"
        case "BEGIN" | "COMMIT" | "ROLLBACK":
            return "transaction"
    return "query"
