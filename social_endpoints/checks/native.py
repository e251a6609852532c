"""System checks of the providers whose tokens sign in natively."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

from social_endpoints.checks.project import can_load
from social_endpoints.conf import NAME, settings
from social_endpoints.flow import LOGIN, Flow
from social_endpoints.providers.loading import load
from social_endpoints.providers.native import possible_kinds
from social_endpoints.providers.registry import Provider, configured


def check_native_providers(**kwargs: Any) -> list[CheckMessage]:
    """Find names in ``NATIVE_PROVIDERS`` with which nobody can sign in."""
    names = settings.NATIVE_PROVIDERS
    if not isinstance(names, (list, tuple, set, frozenset)):
        return []  # Reported by check_dictionary().
    try:
        providers = configured()
    except ImproperlyConfigured:
        return []  # Reported by check_providers().
    return [
        Error(problem, hint=hint, id="social_endpoints.E019")
        for name in names
        for problem, hint in _problems(name, providers)
    ]


def _problems(name: Any, providers: dict[str, Provider]) -> Iterator[tuple[str, str]]:
    if not isinstance(name, str) or name not in providers:
        nearest = get_close_matches(str(name), providers, n=1)
        hint = f"Did you mean {nearest[0]!r}?" if nearest else f"There are: {', '.join(providers)}."
        yield f"{NAME}['NATIVE_PROVIDERS'] names {name!r}, which is no provider.", hint
    elif not _takes_tokens(providers[name]):
        hint = "Take it out; or name a class in NATIVE_VERIFIERS that can ask the provider."
        yield f"{NAME}['NATIVE_PROVIDERS'] names {name!r}, whose tokens cannot be verified.", hint


def _takes_tokens(provider: Provider) -> bool:
    if not can_load():
        return True  # Nobody knows before there is a request.
    try:
        _, backend = load(provider, request=None, data={}, flow=Flow(provider.name, LOGIN, ""))
        return bool(possible_kinds(backend))
    except ImproperlyConfigured:
        return True  # Reported by check_providers() or check_verifiers().
