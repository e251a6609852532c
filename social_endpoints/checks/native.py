"""System checks of the providers whose tokens sign in natively."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from social_core.utils import setting_name

from social_endpoints.checks.project import can_load
from social_endpoints.conf import NAME, settings
from social_endpoints.internal.backends.loading import load
from social_endpoints.internal.backends.registry import Provider, configured
from social_endpoints.internal.flows.flow import LOGIN, Flow
from social_endpoints.internal.native.providers import possible_kinds, wrong_setting


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
    elif can_load():  # Else nobody knows before there is a request.
        yield from _of_backend(providers[name])


def _of_backend(provider: Provider) -> Iterator[tuple[str, str]]:
    try:
        _, backend = load(provider, request=None, data={}, flow=Flow(provider.name, LOGIN, ""))
        kinds = possible_kinds(backend)
    except ImproperlyConfigured:
        return  # Reported by check_providers() or check_verifiers().
    if not kinds:
        hint = "Take it out; or name a class in NATIVE_VERIFIERS that can ask the provider."
        name = provider.name
        yield f"{NAME}['NATIVE_PROVIDERS'] names {name!r}, whose tokens cannot be verified.", hint
    elif wrong := wrong_setting(backend):
        full_name = setting_name(provider.name, wrong)
        hint = "Correct it, or take the provider out of NATIVE_PROVIDERS."
        yield f"{full_name} is of no use to verify tokens of {provider.name!r} with.", hint
