"""Columns with JSON as the database stores them, read with SQL."""

from __future__ import annotations

from typing import Any

from django.db import connection
from social_django.models import UserSocialAuth


def raw_column(model: Any = UserSocialAuth, field: str = "extra_data") -> str:
    """Return the values of a column of all rows as one text."""
    name, table = model._meta.get_field(field).column, model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {name} FROM {table} ORDER BY id")
        return "\n".join(str(value) for (value,) in cursor.fetchall())
