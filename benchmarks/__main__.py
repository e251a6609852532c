"""Measures all peers: ``python3 -m benchmarks``, with nothing but Python on the machine."""

from __future__ import annotations

import argparse
import datetime as dt
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import machine, record
from benchmarks.bench import Bench, provider_with
from benchmarks.environments import python_of
from benchmarks.figures import Figures
from benchmarks.measures import cpu, growth, network, queries, workers
from benchmarks.peers import PEERS, PROJECT, Peer
from benchmarks.plan import FULL, QUICK, Plan
from benchmarks.processes import ROOT
from benchmarks.table import as_text

DATA = ROOT / ".benchmarks"


def main() -> int:
    # Said here because an older pip says it less clearly.
    if sys.version_info < (3, 11):  # noqa: UP036
        sys.exit("The benchmarks need Python 3.11 or newer.")
    options = parse_options()
    # The servers end with this process in any case; the databases go only in good order.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        run = measured(options.peers, QUICK if options.quick else FULL, options.database)
    except KeyboardInterrupt:
        return 130
    except subprocess.CalledProcessError:
        sys.exit("A part could not be prepared; the reason stands above.")
    print(f"\n{as_text(run['figures'])}")
    if options.record:
        record.write(run)
        print(f"\nRecorded in {record.RECORDED} and {record.PAGE}.")
    return 0


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python3 -m benchmarks",
        description="Measures what a login costs, side by side with other packages.",
        epilog="All of it runs on this machine's loopback interface. Ctrl-C stops it.",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="less of each, and a quiet minute of two seconds: three minutes, not fifteen",
    )
    parser.add_argument(
        "--peers",
        type=peers_named,
        default=list(PEERS.values()),
        metavar="NAME,…",
        help=f"measure only these (default: {','.join(PEERS)})",
    )
    parser.add_argument(
        "--database",
        choices=("sqlite", "postgresql"),
        default="sqlite",
        help="where the sites keep their rows: files, or the PostgreSQL of this machine at "
        "PGHOST as PGUSER, in databases of their own (default: %(default)s)",
    )
    parser.add_argument(
        "--record",
        action="store_true",
        help="write the figures into benchmarks/recorded.json and the documentation",
    )
    return parser.parse_args()


def peers_named(names: str) -> list[Peer]:
    """Return the peers, in the order of the table."""
    wanted = set(names.split(","))
    for name in sorted(wanted - set(PEERS)):
        raise argparse.ArgumentTypeError(f"there is no peer {name!r}")
    return [peer for name, peer in PEERS.items() if name in wanted]


def measured(peers: Sequence[Peer], plan: Plan, database: str) -> dict[str, Any]:
    """Measure peers; return what is recorded."""
    pythons = {peer.site: python_of(peer, DATA) for peer in [*peers, PROJECT]}
    data = Path(tempfile.mkdtemp(prefix="run-", dir=DATA))
    figures = Figures()
    try:
        with provider_with(pythons[PROJECT.site], data) as provider:
            bench = Bench(provider, data, lambda peer: pythons[peer.site], database=database)
            try:
                versions = measure(bench, peers, plan, figures)
            finally:
                bench.drop_databases()
    finally:
        shutil.rmtree(data)
    return {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": machine.described(),
        "database": next(iter(versions.values()))["database"],
        "logins": plan.logins,
        "abandoned": plan.abandoned,
        "quiet": plan.quiet,
        "versions": versions,
        "figures": figures.values,
    }


def measure(
    bench: Bench, peers: Sequence[Peer], plan: Plan, figures: Figures
) -> dict[str, dict[str, str]]:
    """Fill in the figures; return the versions of what was measured, by peer."""
    started, provider = time.monotonic(), bench.provider

    def say(what: str) -> None:
        print(f"{time.monotonic() - started:4.0f} s  {what} …", flush=True)

    asking = [peer for peer in peers if peer.asks_provider]
    say("starting the sites")
    with bench.sites(peers) as sites:
        versions = {site.peer.name: site.versions() for site in sites}
        say("CPU time")
        cpu.measure(sites, provider, plan, figures)
        say("SQL statements")
        queries.measure(sites, provider, figures)
        say("abandoned logins")
        growth.measure(sites, plan, figures)
        say("warm logins")
        talking = [site for site in sites if site.peer.asks_provider]
        network.measure_warm(talking, provider, plan, figures)
    say(f"first logins after {plan.quiet:g} s")
    network.measure_quiet(bench, asking, plan, figures)
    say("first logins of a process")
    network.measure_first(bench, asking, plan, figures)
    say("first logins of a process, with a shared cache")
    network.measure_shared_cache(bench, asking, figures)
    say("one worker and two")
    workers.measure(bench, peers, plan, figures)
    say("done")
    return versions


if __name__ == "__main__":
    sys.exit(main())
