"""The table: as text for a terminal, and as a table of the documentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.figures import ROWS, Row
from benchmarks.peers import DJOSER, PEERS, PROJECT

Values = Mapping[str, Mapping[str, float]]
NONE = "-"


def lines(values: Values) -> list[list[str]]:
    """Return the heading and the rows, each as its cells.

    :param values: figures by name and peer; what is missing is shown as a dash.
    """
    peers = [name for name in PEERS if any(name in by_peer for by_peer in values.values())]
    heading = ["", *(PEERS[name].title for name in peers), "project / djoser", "goal", ""]
    rows = [_cells(row, values[row.figure], peers) for row in ROWS if row.figure in values]
    return [heading, *rows]


def as_text(values: Values) -> str:
    """Return the table in columns."""
    cells = lines(values)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if number == 0 else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    )


def as_rst(values: Values) -> str:
    """Return the table as reStructuredText."""
    written = [".. list-table::", "   :header-rows: 1", ""]
    for line in lines(values):
        marks = ["* - ", *["  - "] * (len(line) - 1)]
        written += [f"   {mark}{cell}".rstrip() for mark, cell in zip(marks, line, strict=True)]
    return "\n".join(written) + "\n"


def _cells(row: Row, by_peer: Mapping[str, float], peers: Sequence[str]) -> list[str]:
    figures = [_written(by_peer.get(name), row.digits) for name in peers]
    ours, theirs = by_peer.get(PROJECT.name), by_peer.get(DJOSER.name)
    ratio = ours / theirs if ours is not None and theirs else None
    goal, reached = NONE, ""
    if row.ratio is not None:
        goal, reached = f"≤ {row.ratio} of djoser", _judged(ratio, row.ratio)
    elif row.goal is not None:
        goal, reached = f"≤ {row.goal:g}", _judged(ours, row.goal + row.noise)
    return [row.title, *figures, _written(ratio, 3), goal, reached]


def _written(value: float | None, digits: int) -> str:
    return NONE if value is None else f"{value:.{digits}f}"


def _judged(value: float | None, limit: float) -> str:
    if value is None:
        return ""
    return "reached" if value <= limit else "missed"
