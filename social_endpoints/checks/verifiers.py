"""System checks of the classes that say for whom a provider has issued an access token."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

from social_endpoints.conf import NAME, settings
from social_endpoints.internal.backends.registry import configured
from social_endpoints.internal.native.verifiers.choice import SETTING, named_verifier


def check_verifiers(**kwargs: Any) -> list[CheckMessage]:
    """Find entries of ``NATIVE_VERIFIERS`` that cannot be followed."""
    paths = settings.NATIVE_VERIFIERS
    if not isinstance(paths, Mapping):
        return []  # Nothing, or reported by check_dictionary().
    return [
        Error(problem, hint=hint, id="social_endpoints.E020")
        for name, path in paths.items()
        for problem, hint in _problems(str(name), path)
    ]


def _problems(name: str, path: Any) -> Iterator[tuple[str, str]]:
    try:
        named_verifier(name, path)
    except ImproperlyConfigured as error:
        yield str(error), "Give the dotted path of a subclass of the verifier that you start from."
    try:
        providers = configured()
    except ImproperlyConfigured:
        return  # Reported by check_providers().
    if name not in providers:
        nearest = get_close_matches(name, providers, n=1)
        hint = f"Did you mean {nearest[0]!r}?" if nearest else f"There are: {', '.join(providers)}."
        yield f"{NAME}[{SETTING!r}] names {name!r}, which is no provider.", hint
