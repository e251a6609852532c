"""What social-core keeps in a cache of its own, which ours takes the place of."""

from __future__ import annotations

from typing import Any

from social_core.backends.base import BaseAuth


def fetched(method: Any, backend: BaseAuth[Any], url: str) -> Any:
    """Have a method that social-core caches ask the provider, and keep nothing there.

    Its cache knows no bounds.
    """
    try:
        return method.refresh(backend, url)
    finally:
        method.invalidate(backend, url)


def is_cores(backend: Any, *names: str) -> bool:
    """Say whether methods of a backend's class are social-core's; who overrides them is not."""
    # Not the functions' module: what core's cache decorates seems to be core's.
    classes = [
        next((each for each in backend.__mro__ if name in vars(each)), BaseAuth) for name in names
    ]
    return all(each.__module__.startswith("social_core.") for each in classes)
