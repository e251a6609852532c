"""How many logins one worker and two can do."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import median

from benchmarks.bench import Bench, Provider, Site
from benchmarks.figures import Figures
from benchmarks.login import log_in
from benchmarks.peers import Peer
from benchmarks.plan import Plan


def measure(bench: Bench, peers: Sequence[Peer], plan: Plan, figures: Figures) -> None:
    """Keep one client busy for each worker; the peers take turns."""
    per_second, per_cpu_second = defaultdict(list), defaultdict(list)
    with bench.sites(peers) as first, bench.sites(peers) as second:
        pairs = list(zip(first, second, strict=True))
        for site in (*first, *second):
            for _ in range(plan.warm_up):
                log_in(site, bench.provider)
        for _ in range(plan.rounds):
            for pair in pairs:
                for workers in (1, 2):
                    seconds, cpu = _spent(pair[:workers], bench.provider, plan.shared)
                    key, logins = (pair[0].peer.name, workers), plan.shared * workers
                    per_second[key].append(logins / seconds)
                    per_cpu_second[key].append(logins / cpu)
    for name, workers in per_second:
        key = (name, workers)
        figures.put(f"workers_{workers}_per_second", name, median(per_second[key]))
        figures.put(f"workers_{workers}_per_cpu_second", name, median(per_cpu_second[key]))


def _spent(sites: Sequence[Site], provider: Provider, logins: int) -> tuple[float, float]:
    """Return the seconds and the sites' CPU seconds that so many logins of each have taken."""

    def log_in_often(site: Site) -> None:
        user = f"worker{sites.index(site)}"
        for _ in range(logins):
            log_in(site, provider, user=user)

    cpu, started = sum(site.cpu() for site in sites), time.perf_counter()
    with ThreadPoolExecutor(len(sites)) as pool:
        list(pool.map(log_in_often, sites))
    return time.perf_counter() - started, sum(site.cpu() for site in sites) - cpu
