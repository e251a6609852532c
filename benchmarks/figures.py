"""The figures: what each is called, how it is written, and what it should be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """One row of the table.

    :param digits: after the decimal point.
    :param goal: the project's figure at most.
    :param ratio: the project's figure at most, as a part of djoser's.
    :param noise: what the measurement may add to a figure that is a whole number by nature.
    """

    figure: str
    title: str
    digits: int = 0
    goal: float | None = None
    ratio: float | None = None
    noise: float = 0


ROWS = (
    Row("oidc_begin_cpu", "Begin: CPU, ms", 2, ratio=0.45),
    Row("begin_queries", "Begin: SQL queries", goal=0),
    Row("begin_rows", "Begin: rows left", goal=0),
    Row("oidc_complete_cpu", "Complete: CPU, ms", 2, ratio=0.15),
    Row("complete_queries_returning", "Complete, returning user: SQL queries", goal=4),
    Row("complete_queries_new", "Complete, new user: SQL queries", goal=10),
    Row("complete_savepoints_new", "Complete, new user: statements for savepoints"),
    Row("oidc_warm_requests", "Warm login: requests to the provider"),
    Row("oidc_warm_connections", "Warm login: connections"),
    Row("oidc_warm_handshakes", "Warm login: TLS handshakes", goal=0),
    Row("oidc_warm_round_trips", "Warm login: round trips", 1, goal=2, noise=0.5),
    Row("quiet_handshakes", "After a quiet minute: TLS handshakes"),
    Row("quiet_round_trips", "After a quiet minute: round trips", 1, goal=4, noise=0.5),
    Row("first_requests", "First login of a process: requests to the provider"),
    Row("first_handshakes", "First login of a process: TLS handshakes"),
    Row("first_round_trips", "First login of a process: round trips", 1, goal=6, noise=0.5),
    Row("first_cpu", "First login of a process: CPU, ms", 1),
    Row("shared_cache_requests", "The same, shared cache: requests to the provider", goal=2),
    Row("github_begin_cpu", "OAuth 2, begin: CPU, ms", 2),
    Row("github_complete_cpu", "OAuth 2, complete: CPU, ms", 2),
    Row("github_warm_requests", "OAuth 2, warm login: requests to the provider"),
    Row("github_warm_handshakes", "OAuth 2, warm login: TLS handshakes"),
    Row("github_warm_round_trips", "OAuth 2, warm login: round trips", 1),
    Row("memory", "Memory of the worker after all logins, MiB", 1),
    Row("abandoned_rows", "Rows left by abandoned logins"),
    Row("abandoned_bytes", "KiB left by abandoned logins"),
    Row("workers_1_per_cpu_second", "One worker: logins for each CPU second"),
    Row("workers_1_per_second", "One worker: logins a second"),
    Row("workers_2_per_cpu_second", "Two workers: logins for each CPU second"),
    Row("workers_2_per_second", "Two workers: logins a second"),
)


@dataclass(frozen=True)
class Figures:
    """Figures by name and peer."""

    values: dict[str, dict[str, float]] = field(default_factory=dict)

    def put(self, figure: str, peer: str, value: float) -> None:
        self.values.setdefault(figure, {})[peer] = value

    def put_most(self, prefix: str, peer: str, values: Mapping[str, float]) -> None:
        """Take up what a login has needed; of several logins the most counts."""
        for name, value in values.items():
            before = self.values.get(f"{prefix}_{name}", {}).get(peer, 0)
            self.put(f"{prefix}_{name}", peer, max(before, value))
