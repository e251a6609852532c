"""The recorded run, and the page of the documentation that shows it."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.peers import PEERS
from benchmarks.processes import ROOT
from benchmarks.table import as_rst

RECORDED = ROOT / "benchmarks" / "recorded.json"
PAGE = ROOT / "docs" / "performance.inc"
# What differs between the peers and matters.
PACKAGES = (
    "django",
    "djangorestframework",
    "social-auth-core",
    "social-auth-app-django",
    "djoser",
    "requests",
    "urllib3",
)


def write(run: dict[str, Any]) -> None:
    """Keep a run, and show it in the documentation."""
    RECORDED.write_text(json.dumps(run, indent=2, ensure_ascii=False) + "\n")
    PAGE.write_text(as_page(run))


def recorded() -> dict[str, Any]:
    return json.loads(RECORDED.read_text())


def as_page(run: dict[str, Any]) -> str:
    """Return what the documentation includes: the table, machine and versions."""
    machine = run["machine"]
    versions = [
        f"- {PEERS[name].title}: "
        + ", ".join(f"{package} {of[package]}" for package in PACKAGES if package in of)
        for name, of in run["versions"].items()
    ]
    measured_on = (
        f"Measured on {run['date']}: {machine['processor']}, {machine['cores']} cores, "
        f"{machine['system']}; Python {machine['python']}, {machine['openssl']}, "
        f"{run['database']}. {run['logins']} logins of each for CPU time; "
        f"{run['abandoned']} abandoned; a quiet minute of {run['quiet']:g} seconds."
    )
    heading = ".. Written by the benchmarks: python3 -m benchmarks --record"
    return "\n".join([heading, "", as_rst(run["figures"]), measured_on, "", *versions, ""])
