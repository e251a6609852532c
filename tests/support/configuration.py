"""Change the settings of the test project."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

Configure: TypeAlias = Callable[..., None]


def configure_endpoints(settings: Any, **entries: Any) -> None:
    """Set entries of SOCIAL_ENDPOINTS and leave the other ones as they are.

    :param settings: pytest-django's fixture, which restores the settings after the test.
    """
    settings.SOCIAL_ENDPOINTS = {**settings.SOCIAL_ENDPOINTS, **entries}
