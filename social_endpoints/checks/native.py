"""System checks of native sign-in: ``NATIVE_PROVIDERS`` and ``NATIVE_VERIFIERS``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from social_core.utils import setting_name

from social_endpoints.checks.providers import (
    can_load_backends,
    configured_providers,
    load_backend,
    unknown_provider_hint,
)
from social_endpoints.checks.settings import COLLECTIONS
from social_endpoints.conf import NAME, settings
from social_endpoints.internal.backends.registry import Provider
from social_endpoints.internal.native.providers import (
    find_invalid_setting,
    import_verifier,
    verifiable_token_types,
)


def check_native_providers(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report entries of ``NATIVE_PROVIDERS`` that are unknown or cannot verify tokens."""
    names = settings.NATIVE_PROVIDERS
    for name in names if isinstance(names, COLLECTIONS) else ():
        for problem, hint in _provider_problems(name):
            yield Error(problem, hint=hint, id="social_endpoints.E019")


def _provider_problems(name: Any) -> Iterator[tuple[str, str]]:
    providers = configured_providers()
    if providers is None:
        return
    if not isinstance(name, str) or name not in providers:
        problem = f"{NAME}['NATIVE_PROVIDERS'] contains {name!r}, which is not configured."
        yield problem, unknown_provider_hint(name, providers)
    elif can_load_backends():
        yield from _backend_problems(providers[name])


def _backend_problems(provider: Provider) -> Iterator[tuple[str, str]]:
    name = provider.name
    try:
        backend = load_backend(provider)
        token_types = verifiable_token_types(backend)
        setting = find_invalid_setting(backend)
    except Exception:  # noqa: BLE001 - check_providers() or check_verifiers() reports it
        return
    if not token_types:
        yield (
            f"{NAME}['NATIVE_PROVIDERS'] contains {name!r}, whose tokens cannot be verified.",
            "Remove it, or name a verifier for this provider in NATIVE_VERIFIERS.",
        )
    elif setting:
        yield (
            f"{setting_name(name, setting)} is invalid. Tokens of {name!r} cannot be verified.",
            "Correct the setting, or remove the provider from NATIVE_PROVIDERS.",
        )


def check_verifiers(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report entries of ``NATIVE_VERIFIERS`` with an unknown provider or an unsuitable class."""
    paths = settings.NATIVE_VERIFIERS
    for name, path in paths.items() if isinstance(paths, Mapping) else ():
        for problem, hint in _verifier_problems(str(name), path):
            yield Error(problem, hint=hint, id="social_endpoints.E020")


def _verifier_problems(name: str, path: Any) -> Iterator[tuple[str, str]]:
    try:
        import_verifier(name, path)
    except ImproperlyConfigured as error:
        yield str(error), "Set it to the dotted path of a subclass of TokenVerifier."
    providers = configured_providers()
    if providers is not None and name not in providers:
        problem = f"{NAME}['NATIVE_VERIFIERS'] contains {name!r}, which is not configured."
        yield problem, unknown_provider_hint(name, providers)


CHECKS: dict[Any, tuple[str, ...]] = {check_native_providers: (), check_verifiers: ()}
