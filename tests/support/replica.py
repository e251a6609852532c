"""A project with a replica that is far behind the primary database."""

from __future__ import annotations

from typing import Any


class ReplicaRouter:
    """Sends reads to a database that does not exist, so every such read fails.

    The token of the tests' authentication is an exception, because the project reads it.
    """

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "default" if model.__name__ == "Token" else "replica"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        assert model._meta.label  # As in routers that choose by model.
        return "default"
