"""What goes over the network: requests, connections, handshakes, and waiting for them."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from statistics import median

from benchmarks.bench import Bench, Provider, Site
from benchmarks.figures import Figures
from benchmarks.fit import slope
from benchmarks.login import OAUTH2, OPENID_CONNECT, log_in
from benchmarks.peers import Peer
from benchmarks.plan import Plan

COUNTED = ("requests", "connections", "handshakes")


def measure_warm(sites: Sequence[Site], provider: Provider, plan: Plan, figures: Figures) -> None:
    """Measure logins of a worker that has just done others."""
    for backend in (OPENID_CONNECT, OAUTH2):
        for _ in range(plan.warm_up):
            for site in sites:
                log_in(site, provider, backend)
        waited = _Waited()
        for delay in plan.delays * plan.repeats:
            provider.proxy.round_trip = delay
            for site in sites:
                counts = _log_in(site, provider, waited, backend)
                figures.put_most(f"{backend}_warm", site.peer.name, counts)
        provider.proxy.round_trip = 0
        waited.put(f"{backend}_warm_round_trips", figures)


def measure_quiet(bench: Bench, peers: Sequence[Peer], plan: Plan, figures: Figures) -> None:
    """Measure the first login after some time without any."""
    waited, provider = _Waited(), bench.provider
    with bench.sites([*peers] * plan.processes, idle=plan.idle) as sites:
        for delay in plan.delays:
            for site in sites:
                log_in(site, provider)
            time.sleep(plan.quiet)
            provider.proxy.round_trip = delay
            for site in sites:
                counts = _log_in(site, provider, waited)
                figures.put_most("quiet", site.peer.name, counts)
            provider.proxy.round_trip = 0
    waited.put("quiet_round_trips", figures)


def measure_first(bench: Bench, peers: Sequence[Peer], plan: Plan, figures: Figures) -> None:
    """Measure the first login of a new process; its cache is its own."""
    waited, provider = _Waited(), bench.provider
    cpu = defaultdict(list)
    for delay in plan.delays * plan.processes:
        with bench.sites(peers) as sites:
            provider.proxy.round_trip = delay
            for site in sites:
                counts = _log_in(site, provider, waited)
                figures.put_most("first", site.peer.name, counts)
                cpu[site.peer.name].append(sum(request["cpu"] for request in site.requests()))
            provider.proxy.round_trip = 0
    waited.put("first_round_trips", figures)
    for name, seconds in cpu.items():
        figures.put("first_cpu", name, median(seconds) * 1000)


def measure_shared_cache(bench: Bench, peers: Sequence[Peer], figures: Figures) -> None:
    """Measure the first login of a new process, after one of another with the same cache."""
    waited = _Waited()
    for _ in range(2):
        with bench.sites(peers, shared_cache=True) as sites:
            for site in sites:
                counts = _log_in(site, bench.provider, waited)
                # Those of the second process stay.
                figures.put("shared_cache_requests", site.peer.name, counts["requests"])


class _Waited:
    """How long the logins of each peer have taken with each delay."""

    def __init__(self) -> None:
        self._seconds: dict[str, dict[float, list[float]]] = defaultdict(lambda: defaultdict(list))

    def note(self, peer: Peer, delay: float, seconds: float) -> None:
        self._seconds[peer.name][delay].append(seconds)

    def put(self, figure: str, figures: Figures) -> None:
        for name, by_delay in self._seconds.items():
            # What else the machine does can make a login longer, and never shorter.
            shortest = {delay: min(seconds) for delay, seconds in by_delay.items()}
            figures.put(figure, name, slope(shortest))


def _log_in(
    site: Site, provider: Provider, waited: _Waited, backend: str = OPENID_CONNECT
) -> dict[str, int]:
    """Log in; return what the provider has counted meanwhile."""
    before = provider.counts()
    seconds = log_in(site, provider, backend)
    waited.note(site.peer, provider.proxy.round_trip, seconds)
    counts = provider.counts() - before
    return {name: counts[name] for name in COUNTED}
