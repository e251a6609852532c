"""The table of expected results for each version of social-core, and its page in the docs."""

from __future__ import annotations

import csv
from importlib.metadata import version
from pathlib import Path

from tests.providers.examine import Row
from tests.providers.sdist import DISTRIBUTION, ROOT

FOLDER = Path(__file__).parent / "baseline"
PAGE = ROOT / "docs" / "providers.rst"

_BEGIN = ".. The table: python -m tests.providers\n\n"
_END = "\n.. End of the table.\n"


def installed() -> str:
    """Return the version of social-core as in the names of the baseline files, such as 7.0."""
    return ".".join(version(DISTRIBUTION).split(".")[:2])


def versions() -> list[str]:
    """Return the versions with a baseline, newest first."""
    return sorted((path.stem for path in FOLDER.glob("*.csv")), key=_key, reverse=True)


def expected() -> dict[str, Row]:
    """Return the row of each backend for the installed version or the last one before it."""
    return rows(next(known for known in versions() if _key(known) <= _key(installed())))


def _key(release: str) -> tuple[int, ...]:
    return tuple(map(int, release.split(".")))


def rows(release: str) -> dict[str, Row]:
    with (FOLDER / f"{release}.csv").open(newline="", encoding="utf-8") as file:
        header, *lines = csv.reader(file)
    assert tuple(header) == Row._fields
    return {line[0]: Row(*line) for line in lines}


def write(found: list[Row]) -> None:
    """Write the rows of the installed version and update the page."""
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / f"{installed()}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([Row._fields, *found])
    PAGE.write_text(page(), encoding="utf-8")


def page() -> str:
    """Return the page with the table of the baseline."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}{_table()}{_END}{after}"


def _table() -> str:
    newest, *older = versions()
    known = rows(newest)
    lines = [
        f"social-core {newest}:",
        "",
        ".. list-table::",
        "   :header-rows: 1",
        "",
        *_cells(("Backend", "Protocol", "Result", "Reason")),
    ]
    for row in known.values():
        lines += _cells((f"``{row.backend}``", *row[1:]))
    for release in older:
        lines += ["", f"social-core {release}: {_differences(rows(release), known)}"]
    return "\n".join(lines) + "\n"


def _cells(cells: tuple[str, ...]) -> list[str]:
    first, *others = cells
    return [f"   * - {first}", *(f"     - {cell}".rstrip() for cell in others)]


def _differences(of: dict[str, Row], known: dict[str, Row]) -> str:
    missing = [f"``{name}`` is not there" for name in known if name not in of]
    other = [f"``{name}`` {row.result}" for name, row in of.items() if known.get(name) != row]
    return "; ".join(missing + other) + "." if missing or other else "the same."
