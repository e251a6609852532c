"""Pipeline steps of the tests' project."""

from __future__ import annotations

from typing import Any


def remember(strategy: Any, user: Any, **kwargs: Any) -> None:
    """Write down what a step can know of the request that began and of this one."""
    strategy.session_set("seen", True)
    assert strategy.session_get("seen") is True
    user.first_name = strategy.session_get("invitation")
    user.last_name = strategy.request.path
    user.save()
