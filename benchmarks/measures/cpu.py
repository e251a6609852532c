"""The CPU time of begin and complete, and what a worker has grown to by then."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import median

from benchmarks.bench import Provider, Site
from benchmarks.figures import Figures
from benchmarks.login import OAUTH2, OPENID_CONNECT, log_in
from benchmarks.plan import Plan


def measure(sites: Sequence[Site], provider: Provider, plan: Plan, figures: Figures) -> None:
    """Log in with one site after the other, and over again, so that all meet the same machine."""
    for backend in (OPENID_CONNECT, OAUTH2):
        seen: dict[str, list[list[float]]] = defaultdict(list)
        for number in range(plan.warm_up + plan.logins):
            for site in sites:
                log_in(site, provider, backend)
                requests = site.requests()
                if number >= plan.warm_up:
                    seen[site.peer.name].append([request["cpu"] for request in requests])
        for name, logins in seen.items():
            for part, values in zip(("begin", "complete"), zip(*logins, strict=True), strict=True):
                figures.put(f"{backend}_{part}_cpu", name, median(values) * 1000)
    for site in sites:
        memory = site.memory()
        if memory is not None:
            figures.put("memory", site.peer.name, memory / 2**20)
