"""Measure all peers: ``python3 -m benchmarks``"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import measures, table
from benchmarks.bench import DATA, Bench, install, running_provider
from benchmarks.peers import PEERS, PROJECT


def main() -> int:
    # An older pip reports this less clearly.
    if sys.version_info < (3, 11):  # noqa: UP036 - for users with an older Python
        sys.exit("The benchmarks need Python 3.11 or newer.")
    options = parse_options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        run = measure(measures.QUICK if options.quick else measures.FULL)
    except KeyboardInterrupt:
        return 130
    except subprocess.CalledProcessError:
        sys.exit("A peer could not be installed or prepared. The reason is above.")
    print(f"\n{table.as_text(run['figures'])}")
    if options.record:
        table.record(run)
        print(f"\nRecorded in {table.RECORDED} and {table.PAGE}.")
    return 0


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python3 -m benchmarks",
        description="Measure the cost of a login, beside other packages.",
        epilog="Everything runs on the loopback interface. Press Ctrl-C to stop.",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="fewer logins, and two quiet seconds instead of a minute",
    )
    parser.add_argument(
        "--record",
        action="store_true",
        help="write the figures to benchmarks/recorded.json and to the documentation",
    )
    return parser.parse_args()


def measure(plan: measures.Plan) -> dict[str, Any]:
    """Measure all peers; return the run as it is recorded."""
    pythons = {peer.site: install(peer) for peer in PEERS}
    with tempfile.TemporaryDirectory(dir=DATA) as directory:
        data = Path(directory)
        with running_provider(pythons[PROJECT.site], data) as provider:
            bench = Bench(provider, data, pythons)
            started = time.monotonic()
            figures: measures.Figures = {}
            for step in measures.STEPS:
                print(f"{time.monotonic() - started:4.0f} s  {step.__doc__}", flush=True)
                step(bench, PEERS, plan, figures)
    return {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": describe_machine(),
        "logins": plan.logins,
        "quiet": plan.quiet,
        "versions": bench.versions,
        "figures": figures,
    }


def describe_machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if sys.platform == "linux" else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    processor = next(models, platform.machine())
    system = platform.platform(terse=True)
    return f"{processor}, {os.cpu_count()} cores, {system}, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main())
