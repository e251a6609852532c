"""How many logins one worker and two can do."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from benchmarks.bench import Bench, Provider, Site
from benchmarks.figures import Figures
from benchmarks.login import log_in
from benchmarks.peers import Peer
from benchmarks.plan import Plan


def measure(bench: Bench, peers: Sequence[Peer], plan: Plan, figures: Figures) -> None:
    """Keep one client busy for each worker, with one peer after the other."""
    for peer in peers:
        for workers in (1, 2):
            with bench.sites([peer] * workers) as sites:
                seconds, cpu = _spent(sites, bench.provider, plan)
            logins = plan.shared * workers
            figures.put(f"workers_{workers}_per_second", peer.name, logins / seconds)
            figures.put(f"workers_{workers}_per_cpu_second", peer.name, logins / cpu)


def _spent(sites: Sequence[Site], provider: Provider, plan: Plan) -> tuple[float, float]:
    """Return the seconds and the sites' CPU seconds that so many logins of each have taken."""

    def log_in_often(site: Site, times: int) -> None:
        # Each worker has a user of its own, who is new at the warm-up.
        user = f"worker{sites.index(site)}"
        for _ in range(times):
            log_in(site, provider, user=user)

    for site in sites:
        log_in_often(site, plan.warm_up)
    cpu, started = sum(site.cpu() for site in sites), time.perf_counter()
    with ThreadPoolExecutor(len(sites)) as pool:
        list(pool.map(log_in_often, sites, [plan.shared] * len(sites)))
    return time.perf_counter() - started, sum(site.cpu() for site in sites) - cpu
