"""Run every backend and write the table: ``python -m tests.providers``.

With names of backends, only print their rows.
"""

from __future__ import annotations

import logging
import os
import sys
from collections import Counter

import django
from django.test.utils import setup_databases, setup_test_environment, teardown_databases


def main(names: list[str]) -> int:
    """Examine backends and return the number of failures."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    # They import Django's models.
    from tests.providers.backends import shipped
    from tests.providers.examine import FAILS, examine
    from tests.providers.table import write

    logging.disable(logging.CRITICAL)  # The row contains a failure.
    setup_test_environment()
    databases = setup_databases(verbosity=0, interactive=False)
    try:
        found = [examine(name) for name in names or shipped()]
    finally:
        teardown_databases(databases, verbosity=0)
    for row in found:
        if names or row.result == FAILS:
            print(*row, sep=" | ")  # noqa: T201 - this is a command
    print(dict(Counter(row.result for row in found)))  # noqa: T201 - as above
    if not names:
        write([row for row in found if row.result != FAILS])
    return sum(row.result == FAILS for row in found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
