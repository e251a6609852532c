"""The table of figures, in a terminal and in the documentation."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.bench import ROOT
from benchmarks.peers import DJOSER, PEERS, PROJECT

RECORDED = ROOT / "benchmarks" / "recorded.json"
PAGE = ROOT / "docs" / "explanation" / "performance.inc"
NONE = "n/a"


@dataclass(frozen=True)
class Row:
    """One row of the table.

    :param goal: upper limit of this project's figure.
    :param ratio: upper limit of this project's figure, divided by djoser's.
    """

    figure: str
    title: str
    digits: int = 0
    goal: float | None = None
    ratio: float | None = None


ROWS = (
    Row("begin_cpu", "Begin: CPU, ms", 2),
    Row("begin_queries", "Begin: SQL queries", goal=0),
    Row("begin_rows", "Begin: rows written", goal=0),
    Row("complete_cpu", "Complete: CPU, ms", 2, ratio=0.16),
    Row("complete_queries_returning", "Complete, returning user: SQL queries", goal=5),
    Row("complete_queries_new", "Complete, new user: SQL queries", goal=11),
    Row("warm_requests", "Warm login: requests to the provider", goal=2),
    Row("warm_handshakes", "Warm login: TLS handshakes", goal=0),
    Row("warm_round_trips", "Warm login: round trips", goal=2),
    Row("quiet_round_trips", "After a quiet minute: round trips", goal=4),
    Row("first_requests", "First login of a process: requests to the provider"),
    Row("first_round_trips", "First login of a process: round trips", goal=6),
)

Values = Mapping[str, Mapping[str, float]]


def lines(values: Values) -> list[list[str]]:
    """Return the heading and the rows, each as a list of cells.

    :param values: figures by name and peer.
    """
    names = [peer.name for peer in PEERS if any(peer.name in row for row in values.values())]
    titles = [peer.title for peer in PEERS if peer.name in names]
    heading = ["", *titles, "project / djoser", "goal", ""]
    return [
        heading,
        *(_cells(row, values[row.figure], names) for row in ROWS if row.figure in values),
    ]


def as_text(values: Values) -> str:
    """Return the table in columns."""
    cells = lines(values)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    )


def as_page(run: Mapping[str, Any]) -> str:
    """Return what the documentation includes: the figures, the machine and the versions.

    A table has three columns, because a telephone has no space for more.
    """
    heading, *rows = lines(run["figures"])
    columns = {name: number for number, name in enumerate(heading[:-1])}
    compared = [DJOSER.title, PROJECT.title]
    others = [peer.title for peer in PEERS if peer.title in columns and peer.title not in compared]
    page = [".. Written by python3 -m benchmarks --record", ""]
    for names in (compared, others):
        page += [f"{' and '.join(names)}:", ""]
        cells = [[row[0], *(row[columns[name]] for name in names)] for row in rows]
        page += _list_table(["", *names], cells)
    page += ["The goals, and this project's figure divided by djoser's:", ""]
    goals = [[row[0], row[-3], ", ".join(filter(None, row[-2:]))] for row in rows]
    page += _list_table(["", "Ratio", "Goal"], goals)
    page += [
        f"Measured on {run['date']} with {run['machine']}.",
        f"CPU times are medians of {run['logins']} logins.",
        f"The quiet minute had {run['quiet']:g} seconds.",
        "",
    ]
    for peer in PEERS:
        versions = run["versions"][peer.name].items()
        packages = ", ".join(f"{name} {version}" for name, version in versions)
        page += [f"- {peer.title}: {packages}"]
    return "\n".join(page) + "\n"


def _list_table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    page = [".. list-table::", "   :header-rows: 1", "   :widths: 44 28 28", ""]
    for line in (heading, *rows):
        bullets = ["* - ", *["  - "] * (len(line) - 1)]
        page += [f"   {bullet}{cell}".rstrip() for bullet, cell in zip(bullets, line, strict=True)]
    return [*page, ""]


def record(run: Mapping[str, Any]) -> None:
    """Store a run, and show it in the documentation."""
    RECORDED.write_text(json.dumps(run, indent=2, ensure_ascii=False) + "\n")
    PAGE.write_text(as_page(run))


def _cells(row: Row, by_peer: Mapping[str, float], names: Sequence[str]) -> list[str]:
    project, djoser = by_peer.get(PROJECT.name), by_peer.get(DJOSER.name)
    ratio = project / djoser if project is not None and djoser else None
    goal, value = NONE, project
    if row.ratio is not None:
        goal, value = f"≤ {row.ratio} of djoser", ratio
    elif row.goal is not None:
        goal = f"≤ {row.goal:g}"
    verdict = ""
    if goal != NONE and value is not None:
        verdict = "reached" if value <= (row.goal if row.ratio is None else row.ratio) else "missed"
    figures = [_format(by_peer.get(name), row.digits) for name in names]
    return [row.title, *figures, _format(ratio, 3), goal, verdict]


def _format(value: float | None, digits: int) -> str:
    return NONE if value is None else f"{value:.{digits}f}"
