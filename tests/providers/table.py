"""The table of expected results for each version of social-core, and its page in the docs."""

from __future__ import annotations

import csv
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from social_endpoints.internal.backends.documentation import documentation_page
from tests.providers.backends import path_of, shipped
from tests.providers.examine import SIGNS_IN, Row
from tests.providers.links import links
from tests.providers.required_settings import needs
from tests.providers.sdist import DISTRIBUTION, ROOT

FOLDER = Path(__file__).parent / "baseline"
DESCRIPTIONS = Path(__file__).parent / "descriptions.csv"
PAGE = ROOT / "docs" / "providers/backends.rst"

_BEGIN = ".. The table: python -m tests.providers\n\n"
_END = "\n.. End of the table.\n"


class Description(NamedTuple):
    """What the table says about a backend beside the result.

    :ivar path: its class, without ``social_core.backends.``.
    :ivar page: its page in our documentation.
    :ivar settings: the names of the settings that it needs, separated by spaces.
    :ivar links: the links to other pages, in reStructuredText.
    """

    backend: str
    path: str
    page: str
    settings: str
    links: str


def describe(name: str) -> Description:
    """Return the description of a backend of the installed version."""
    backend = shipped()[name]
    texts = ", ".join(f"`{label} <{url}>`__" for label, url in links(backend))
    path = path_of(backend).removeprefix("social_core.backends.")
    return Description(name, path, documentation_page(backend), " ".join(needs(name)), texts)


def descriptions() -> dict[str, Description]:
    """Return the descriptions for the newest version of social-core."""
    with DESCRIPTIONS.open(newline="", encoding="utf-8") as file:
        header, *lines = csv.reader(file)
    assert tuple(header) == Description._fields
    return {line[0]: Description(*line) for line in lines}


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
    if installed() == versions()[0]:
        with DESCRIPTIONS.open("w", newline="", encoding="utf-8") as file:
            described = [describe(row.backend) for row in found]
            csv.writer(file, lineterminator="\n").writerows([Description._fields, *described])
    PAGE.write_text(page(), encoding="utf-8")


def page() -> str:
    """Return the page with the table of the baseline."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}{_table()}{_END}{after}"


def _table() -> str:
    newest, *older = versions()
    known = rows(newest)
    described = descriptions()
    lines = [
        f"social-core {newest} has {len(known)} backends:",
        "",
        ".. list-table::",
        "   :header-rows: 1",
        "   :widths: 18 24 20 18 20",
        "",
        *_cells(("Backend", "Class", "Login", "Settings", "Documentation")),
    ]
    for row in known.values():
        lines += _cells(_texts(row, described[row.backend]))
    for release in older:
        lines += ["", f"social-core {release}: {_differences(rows(release), known)}"]
    return "\n".join(lines) + "\n"


def _texts(row: Row, description: Description) -> tuple[str, ...]:
    """Return the cells of a backend."""
    notes = row.reason if row.result == SIGNS_IN else f"no login by redirect: {row.reason}"
    login = "; ".join(filter(None, [row.protocol, notes]))
    settings = " ".join(f"``{name}``" for name in description.settings.split())
    page = "" if description.page == "providers/backends" else f":doc:`/{description.page}`"
    documentation = ", ".join(filter(None, [page, description.links]))
    path = f"``{description.path}``"
    return f"``{row.backend}``", path, login, settings or "none", documentation


def _cells(cells: tuple[str, ...]) -> list[str]:
    first, *others = cells
    return [f"   * - {first}", *(f"     - {cell}".rstrip() for cell in others)]


def _differences(of: dict[str, Row], known: dict[str, Row]) -> str:
    missing = [f"``{name}`` is not there" for name in known if name not in of]
    other = [f"``{name}`` {row.result}" for name, row in of.items() if known.get(name) != row]
    return "; ".join(missing + other) + "." if missing or other else "the same."
