"""System checks of connecting: ``CONNECT_SCOPES`` and ``REAUTHENTICATION``."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from inspect import iscoroutinefunction
from typing import Any

from django.core.checks import CheckMessage, Error
from django.utils.module_loading import import_string

from social_endpoints.checks.providers import configured_providers, unknown_provider_hint
from social_endpoints.checks.settings import COLLECTIONS
from social_endpoints.conf import NAME, settings
from social_endpoints.internal.backends.config import is_redirect_class
from social_endpoints.internal.backends.extensions.more_access import CONNECT_SCOPES, has_scopes
from social_endpoints.internal.backends.registry import Provider
from social_endpoints.internal.connections.token_response import is_scope


def check_connect_scopes(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report entries of ``CONNECT_SCOPES`` for unknown or unsuitable providers, and bad scopes."""
    scopes, providers = settings.CONNECT_SCOPES, configured_providers()
    if providers is None or not isinstance(scopes, Mapping):
        return
    for name, listed in scopes.items():
        for problem, hint in _problems(name, listed, providers):
            yield Error(problem, hint=hint, id="social_endpoints.E029")


def _problems(
    name: Any, listed: Any, providers: Mapping[str, Provider]
) -> Iterator[tuple[str, str]]:
    if name not in providers:
        problem = f"{CONNECT_SCOPES} contains {name!r}, which is not configured."
        yield problem, unknown_provider_hint(name, providers)
    elif not has_scopes(providers[name].backend):
        yield f"{CONNECT_SCOPES} contains {name!r}, which does not use OAuth 2.0.", "Remove it."
    elif not is_redirect_class(providers[name].backend):
        yield f"{CONNECT_SCOPES} contains {name!r}, which has no redirect login.", "Remove it."
    scopes: Collection[Any] = listed if isinstance(listed, COLLECTIONS) else ()
    backend = providers[name].backend if name in providers else None
    separator = getattr(backend, "SCOPE_SEPARATOR", None) or " "
    for scope in scopes:
        if isinstance(scope, str) and (separator in scope or not is_scope(scope)):
            problem = f"{CONNECT_SCOPES}[{name!r}] contains {scope!r}, which is not one scope."
            yield problem, "Write each scope as a separate string."


def check_reauthentication(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report a coroutine function, whose result is never True."""
    try:
        callback = import_string(settings.REAUTHENTICATION or "")
    except Exception:  # noqa: BLE001 - check_dotted_paths() reports it
        return
    if iscoroutinefunction(callback):
        yield Error(
            f"{NAME}['REAUTHENTICATION']: {settings.REAUTHENTICATION!r} is a coroutine function.",
            hint="Define it with 'def'. A coroutine is never True, so every request is refused.",
            id="social_endpoints.E030",
        )


CHECKS: dict[Any, tuple[str, ...]] = {check_connect_scopes: (), check_reauthentication: ()}
