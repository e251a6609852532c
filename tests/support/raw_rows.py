"""The column ``extra_data`` as the database stores it."""

from __future__ import annotations

from django.db import connection
from social_django.models import UserSocialAuth


def raw_column() -> str:
    """Return the values of the column of all rows, read with SQL, as one text."""
    meta = UserSocialAuth._meta
    name, table = meta.get_field("extra_data").column, meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {name} FROM {table} ORDER BY id")
        return "\n".join(str(value) for (value,) in cursor.fetchall())
