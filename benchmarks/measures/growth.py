"""What is left of logins that nobody completes."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.bench import Site
from benchmarks.browser import Browser
from benchmarks.figures import Figures
from benchmarks.login import OPENID_CONNECT
from benchmarks.plan import Plan


def measure(sites: Sequence[Site], plan: Plan, figures: Figures) -> None:
    """Begin from browsers that have never been here."""
    for site in sites:
        before = site.database()
        for _ in range(plan.abandoned):
            site.peer.begin(Browser(site.port), OPENID_CONNECT)
        after = site.database()
        site.requests()
        name = site.peer.name
        figures.put("begin_rows", name, (after["rows"] - before["rows"]) / plan.abandoned)
        figures.put("abandoned_rows", name, after["rows"] - before["rows"])
        figures.put("abandoned_bytes", name, (after["bytes"] - before["bytes"]) / 1024)
