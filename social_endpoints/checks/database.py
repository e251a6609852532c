"""System checks that read from the database.

``manage.py migrate`` and ``manage.py check --database default`` run them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Tags, Warning
from django.db import connections, router, transaction

from social_endpoints.checks.pipelines import find_pipeline
from social_endpoints.checks.providers import loaded_backends
from social_endpoints.conf import settings
from social_endpoints.internal.accounts.emails import email_field, similar_address
from social_endpoints.internal.accounts.linking import ASSOCIATING_STEPS

_ADDRESS = "nobody@example.com"

_INDEXES = {
    "postgresql": 'Index(Upper("{name}"), name=...)',
    "mysql": 'Index(fields=["{name}"], name=...)',
    "sqlite": 'Index(Collate("{name}", "NOCASE"), name=...)',
}
"""For each supported database, the index that serves ``iexact``."""

_COLLATION = """
    SELECT collation_name FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = %s AND column_name = %s
"""


def check_email_column(
    databases: Collection[str] | None = None, **kwargs: Any
) -> Iterator[CheckMessage]:
    """Report that logins look for an e-mail address without an index, or do not ignore case."""
    model = get_user_model()
    alias, name = router.db_for_write(model), email_field(model)
    if name is None or alias not in (databases or ()):
        return
    vendor = connections[alias].vendor
    if vendor not in _INDEXES or not (settings.UNIQUE_EMAIL or _associates()):
        return
    field: Any = model._meta.get_field(name)
    try:
        is_indexed, ignores_case = _is_indexed(field, alias), _ignores_case(field, alias)
    except Exception:  # noqa: BLE001 - before the first migration, or a field without iexact
        return
    column = f"{field.model._meta.db_table}.{field.column}"
    if not is_indexed:
        yield Warning(
            f"Logins read the whole table to find an e-mail address, because no index of {column}"
            " serves the comparison.",
            hint=f"Add {_INDEXES[vendor].format(name=name)}, or the migration in the documentation"
            " if the model is not your own. The comparison is Django's 'iexact'.",
            id="social_endpoints.W031",
        )
    if not ignores_case:
        yield Warning(
            f"The collation of {column} distinguishes upper and lower case. Logins do not find an"
            " address that is stored in another case.",
            hint="Use a collation that ignores case, or store all addresses in lower case.",
            id="social_endpoints.W032",
        )


def _associates() -> bool:
    """Return whether a pipeline looks for an account by its address."""
    steps = (str(step) for each in loaded_backends() for step in find_pipeline(each) or ())
    return any(step.rpartition(".")[2] in ASSOCIATING_STEPS for step in steps)


def _is_indexed(field: Any, alias: str) -> bool:
    """Return whether an index serves the query of logins, even if the table is empty."""
    # With multi-table inheritance, the column is in the table of a parent.
    rows = field.model._base_manager.using(alias).filter(similar_address(field.name, _ADDRESS))
    connection = connections[alias]
    if connection.vendor == "sqlite":
        return "SCAN" not in rows.explain()
    if connection.vendor == "mysql":  # The second word is in version 2 of MySQL's format.
        plan = rows.explain(format="JSON")
        return "possible_keys" in plan or "index_name" in plan
    # PostgreSQL reads a small table as a whole, unless that is switched off.
    with transaction.atomic(using=alias):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
        plan = rows.explain()
        transaction.set_rollback(True, using=alias)  # In an outer transaction, ends SET LOCAL.
    conditions = [line for line in plan.splitlines() if "Index Cond:" in line]
    return any(field.column in line for line in conditions)


def _ignores_case(field: Any, alias: str) -> bool:
    """Return whether ``iexact`` ignores case. MySQL and MariaDB leave it to the collation."""
    if connections[alias].vendor != "mysql":
        return True
    with connections[alias].cursor() as cursor:
        cursor.execute(_COLLATION, [field.model._meta.db_table, field.column])
        row = cursor.fetchone()
    return not str(row and row[0]).endswith(("_bin", "_cs"))


CHECKS: dict[Any, tuple[str, ...]] = {check_email_column: (Tags.database,)}
