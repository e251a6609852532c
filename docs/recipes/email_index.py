"""Migration that creates the index for the search for an e-mail address."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import migrations, router

FIELD = "email"  # EMAIL_FIELD of the user model

CREATE = {
    "postgresql": [
        # An attempt that was interrupted leaves an invalid index.
        "DROP INDEX CONCURRENTLY IF EXISTS social_endpoints_email",
        "CREATE INDEX CONCURRENTLY social_endpoints_email ON {table} (UPPER({column}))",
        "ANALYZE {table}",
    ],
    "mysql": ["CREATE INDEX social_endpoints_email ON {table} ({column})"],
    "sqlite": ["CREATE INDEX social_endpoints_email ON {table} ({column} COLLATE NOCASE)"],
}
DROP = {
    "postgresql": ["DROP INDEX CONCURRENTLY IF EXISTS social_endpoints_email"],
    "mysql": ["DROP INDEX social_endpoints_email ON {table}"],
    "sqlite": ["DROP INDEX IF EXISTS social_endpoints_email"],
}


def create_index(apps: Any, schema_editor: Any) -> None:
    execute(CREATE, apps, schema_editor)


def drop_index(apps: Any, schema_editor: Any) -> None:
    execute(DROP, apps, schema_editor)


def execute(statements: dict[str, list[str]], apps: Any, schema_editor: Any) -> None:
    connection, model = schema_editor.connection, apps.get_model(settings.AUTH_USER_MODEL)
    if not router.allow_migrate_model(connection.alias, model):
        return
    table = schema_editor.quote_name(model._meta.db_table)
    column = schema_editor.quote_name(model._meta.get_field(FIELD).column)
    for statement in statements[connection.vendor]:
        schema_editor.execute(statement.format(table=table, column=column))


class Migration(migrations.Migration):
    atomic = False  # PostgreSQL creates an index CONCURRENTLY only outside of a transaction.
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        # The newest of the user model's app. On SQLite, each change of a column removes the index.
        ("auth", "0012_alter_user_first_name_max_length"),
    ]
    operations = [migrations.RunPython(create_index, drop_index)]
