"""What the example keeps from one start to the next: databases, keys and secrets."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
DATA = Path(os.environ.get("EXAMPLE_DATA", ROOT / ".example"))


def kept(name: str, make: Callable[[], str]) -> str:
    """The text of the file ``name``, which ``make`` writes at the first start.

    So that no key and no secret stands in the source, where it would be copied.
    """
    path = DATA / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(make())
    return path.read_text()


def database(name: str) -> dict[str, Any]:
    """One SQLite file as Django's ``DATABASES`` setting."""
    DATA.mkdir(parents=True, exist_ok=True)
    return {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": DATA / f"{name}.sqlite3",
            # Logins that run in parallel wait for each other instead of failing
            # with "database is locked".
            "OPTIONS": {"transaction_mode": "IMMEDIATE"},
        }
    }
