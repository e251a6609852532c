"""The benchmarks count what happens, and the documentation shows the recorded run."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from benchmarks import measures, table
from benchmarks.bench import Bench, running_provider
from benchmarks.peers import DJOSER, PROJECT, WITHOUT_POOL
from tests.support.interpreter import python

PLAN = measures.Plan(logins=1, warm_up=1, quiet=0)


def test_figures_of_a_login_are_counted(tmp_path: Path) -> None:
    interpreter, name = Path(sys.executable), WITHOUT_POOL.name
    figures: measures.Figures = {}
    with running_provider(interpreter, tmp_path) as provider:
        bench = Bench(provider, tmp_path, {WITHOUT_POOL.site: interpreter})
        for step in measures.STEPS:
            step(bench, [WITHOUT_POOL], PLAN, figures)

    # Without the pool, each request needs a new connection. The first login of a process also
    # requests the discovery document and the keys.
    assert figures["warm_requests"] == figures["warm_handshakes"] == {name: 2}
    assert figures["quiet_round_trips"] == {name: 2 * 3}
    assert figures["first_requests"] == {name: 4}
    assert figures["first_round_trips"] == {name: 4 * 3}
    assert figures["begin_queries"] == figures["begin_rows"] == {name: 0}
    assert figures["complete_queries_new"][name] > figures["complete_queries_returning"][name] > 0
    assert set(figures) >= {row.figure for row in table.ROWS}


def test_table_compares_figures_with_goals() -> None:
    figures = {
        "begin_cpu": {DJOSER.name: 2.0, PROJECT.name: 0.9},
        "begin_queries": {DJOSER.name: 6, PROJECT.name: 1},
        "complete_cpu": {DJOSER.name: 50.0, PROJECT.name: 8.0},
        "warm_round_trips": {DJOSER.name: 6, PROJECT.name: 2},
        "quiet_round_trips": {DJOSER.name: 6},
    }

    rows = [re.split(r"\s{2,}", line.strip()) for line in table.as_text(figures).splitlines()]
    assert rows == [
        ["djoser", "this project", "project / djoser", "goal"],
        ["Begin: CPU, ms", "2.00", "0.90", "0.450", "n/a"],
        ["Begin: SQL queries", "6", "1", "0.167", "≤ 0", "missed"],
        ["Complete: CPU, ms", "50.00", "8.00", "0.160", "≤ 0.16 of djoser", "reached"],
        ["Warm login: round trips", "6", "2", "0.333", "≤ 2", "reached"],
        ["After a quiet minute: round trips", "6", "n/a", "n/a", "≤ 4"],
    ]


def test_command_needs_only_the_standard_library() -> None:
    result = python("-S", "-m", "benchmarks", "--help")

    assert result.stdout.startswith("usage: python3 -m benchmarks"), result.stderr


def test_documentation_shows_the_recorded_run() -> None:
    run = json.loads(table.RECORDED.read_text())

    assert table.as_page(run) == table.PAGE.read_text()
    assert set(run["figures"]) >= {row.figure for row in table.ROWS}
