"""The measurements. Each one adds figures, by their name and the peer's."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.bench import Bench, Site, new_user
from benchmarks.peers import Peer

Figures = dict[str, dict[str, float]]

# A user takes longer than a session of this project rests after begin, one second.
SECONDS_AT_PROVIDER = 1.2


@dataclass(frozen=True)
class Plan:
    """The size of a run.

    :param logins: measured logins of each site.
    :param warm_up: logins of each site before that. They must take longer than a session of
        this project rests, one second.
    :param idle: seconds after which this project drops a silent connection.
    :param quiet: seconds without a login.
    """

    logins: int = 60
    warm_up: int = 10
    idle: int = 50
    quiet: float = 60


FULL = Plan()
QUICK = Plan(logins=25, idle=1, quiet=2)


def measure_warm(bench: Bench, peers: Sequence[Peer], plan: Plan, figures: Figures) -> None:
    """CPU time, queries and requests of warm logins"""
    samples: dict[tuple[str, str], list[float]] = defaultdict(list)
    with bench.sites(peers) as sites:
        # The sites take turns, so that other load on the machine meets all of them.
        for number in range(plan.warm_up + plan.logins):
            for site in sites:
                before = bench.provider.counts()
                begin, complete = site.log_in(bench.provider)
                if number < plan.warm_up:
                    continue
                name = site.peer.name
                samples["begin_cpu", name].append(begin.figure("Cpu") * 1000)
                samples["complete_cpu", name].append(complete.figure("Cpu") * 1000)
                for figure, value in _network(bench.provider.counts() - before).items():
                    samples[f"warm_{figure}", name].append(value)
        for site in sites:
            _measure_queries(bench, site, figures)
    for (figure, name), values in samples.items():
        figures.setdefault(figure, {})[name] = median(values)


def measure_quiet(bench: Bench, peers: Sequence[Peer], plan: Plan, figures: Figures) -> None:
    """Requests of the first login after a quiet time"""
    with bench.sites(peers, idle=plan.idle) as sites:
        for site in sites:
            site.log_in(bench.provider)
        time.sleep(plan.quiet)
        _measure_one_login(bench, sites, "quiet", figures)


def measure_first(bench: Bench, peers: Sequence[Peer], plan: Plan, figures: Figures) -> None:
    """Requests of the first login of a process"""
    with bench.sites(peers) as sites:
        _measure_one_login(bench, sites, "first", figures)


STEPS = (measure_warm, measure_quiet, measure_first)


def _measure_queries(bench: Bench, site: Site, figures: Figures) -> None:
    name = site.peer.name
    begin, complete = site.log_in(bench.provider, counted=True)
    second_begin, _ = site.log_in(bench.provider, counted=True)
    _, new = site.log_in(bench.provider, new_user(), counted=True)
    for figure, value in {
        "begin_queries": begin.figure("Queries"),
        "begin_rows": second_begin.figure("Rows") - complete.figure("Rows"),
        "complete_queries_returning": complete.figure("Queries"),
        "complete_queries_new": new.figure("Queries"),
    }.items():
        figures.setdefault(figure, {})[name] = value


def _measure_one_login(bench: Bench, sites: Sequence[Site], prefix: str, figures: Figures) -> None:
    for site in sites:
        before = bench.provider.counts()
        site.log_in(bench.provider, seconds_at_provider=SECONDS_AT_PROVIDER)
        for figure, value in _network(bench.provider.counts() - before).items():
            figures.setdefault(f"{prefix}_{figure}", {})[site.peer.name] = value


def _network(counts: dict[str, int]) -> dict[str, float]:
    requests, handshakes = counts.get("requests", 0), counts.get("handshakes", 0)
    # A new connection takes one round trip for TCP and one for TLS 1.3 (RFC 8446 section 2).
    round_trips = requests + 2 * handshakes
    return {"requests": requests, "handshakes": handshakes, "round_trips": round_trips}
