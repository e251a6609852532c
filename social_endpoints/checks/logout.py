"""System checks of ``POST logout/``, and of logouts at the provider in both directions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning
from social_core.utils import setting_name

from social_endpoints.checks.providers import configured_providers, unknown_provider_hint
from social_endpoints.checks.settings import COLLECTIONS
from social_endpoints.checks.tokens import configured_serializer
from social_endpoints.conf import NAME, settings
from social_endpoints.internal.accounts.logins import (
    JWT_BLACKLIST,
    has_jwt_blacklist,
    lists_sessions,
)
from social_endpoints.internal.actions.provider_logout import END_SESSION_URL
from social_endpoints.internal.backends.extensions.discovery import is_web_url
from social_endpoints.internal.backends.registry import OPENID_CONNECT, protocol
from social_endpoints.tokens.base import LoginSerializer, loaded_classes
from social_endpoints.tokens.djoser import AUTH_TOKEN, DjoserSerializer, can_revoke

_SETTING = f"{NAME}['BACKCHANNEL_LOGOUT_PROVIDERS']"

_REVOCABLE_JWT = "social_endpoints.tokens.jwt.RevocableJWT"
_NO_BLACKLIST = f"Add {JWT_BLACKLIST!r} to INSTALLED_APPS and run migrate."

# Shipped classes, whether the requirement of their revoke() is met, and the hint if it is not.
_REQUIREMENTS: tuple[tuple[str, Callable[[], bool], str], ...] = (
    (_REVOCABLE_JWT, has_jwt_blacklist, _NO_BLACKLIST),
    (
        "social_endpoints.tokens.session.SessionSerializer",
        lists_sessions,
        "Set SESSION_ENGINE to 'django.contrib.sessions.backends.cached_db' or '….db'.",
    ),
    (
        "social_endpoints.tokens.djoser.DjoserSerializer",
        can_revoke,
        f"Add {AUTH_TOKEN!r} or {JWT_BLACKLIST!r}, or give the strategy a method revoke(user).",
    ),
)


def check_backchannel_providers(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report providers that are unknown or cannot send logout tokens."""
    names, providers = settings.BACKCHANNEL_LOGOUT_PROVIDERS, configured_providers()
    if providers is None or not isinstance(names, COLLECTIONS):
        return
    for name in names:
        if not isinstance(name, str) or name not in providers:
            problem = f"{_SETTING} contains {name!r}, which is not configured."
            hint = unknown_provider_hint(name, providers)
        elif protocol(providers[name].backend) != OPENID_CONNECT:
            problem = f"{_SETTING} contains {name!r}, whose backend is not for OpenID Connect."
            hint = "Remove it, or use a backend that derives from OpenIdConnectAuth."
        else:
            continue
        yield Error(problem, hint=hint, id="social_endpoints.E031")


def check_revocation(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report a token serializer that cannot end the logins of a user."""
    serializer = configured_serializer() if settings.BACKCHANNEL_LOGOUT_PROVIDERS else None
    hint = _find_requirement(serializer) if serializer is not None else None
    if serializer is not None and hint is not None:
        yield Warning(
            f"{_SETTING} is set, but {serializer.__name__} cannot end the logins of a user.",
            hint=hint,
            id="social_endpoints.W034",
        )


def _find_requirement(serializer: type[LoginSerializer]) -> str | None:
    """Return what the method revoke() of a serializer needs, or None if it has everything."""
    if serializer.revoke is LoginSerializer.revoke:
        return (
            "Override revoke() in your serializer. If a receiver of logged_out_by_provider ends"
            " the logins, add this id to SILENCED_SYSTEM_CHECKS."
        )
    for path, is_met, hint in _REQUIREMENTS:
        with suppress(Exception):  # Other checks report a wrong SESSION_ENGINE or strategy.
            for shipped in loaded_classes([path]):
                if serializer.revoke is shipped.revoke and not is_met():
                    return hint
    return None


def check_logout_endpoints(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report logout endpoints in the settings that are not URLs."""
    for provider in configured_providers() or ():
        name = setting_name(provider, END_SESSION_URL)
        value = getattr(django_settings, name, None)
        if value and not is_web_url(value):
            yield Error(
                f"{name} is not an http or https URL.",
                hint="Write the complete URL of the provider's logout endpoint, or remove it.",
                id="social_endpoints.E032",
            )


def check_logout(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report a token serializer whose tokens ``POST logout/`` cannot end; for ``--deploy``."""
    serializer = configured_serializer()
    hint = None if serializer is None else _find_logout_requirement(serializer)
    if serializer is not None and hint is not None:
        yield Warning(
            f"POST logout/ cannot end the tokens of {serializer.__name__}.",
            hint=hint,
            id="social_endpoints.W036",
        )


def _find_logout_requirement(serializer: type[LoginSerializer]) -> str | None:
    """Return what ``log_out()`` of a serializer needs, or None if it has everything."""
    if issubclass(serializer, DjoserSerializer):
        return None  # Its strategy is not known.
    if serializer.log_out is LoginSerializer.log_out:
        return (
            "Override log_out() in your serializer. If it issues tokens of DRF, add this id to"
            " SILENCED_SYSTEM_CHECKS."
        )
    for shipped in loaded_classes([_REVOCABLE_JWT]):
        if issubclass(serializer, shipped) and not has_jwt_blacklist():
            return _NO_BLACKLIST
    return None


CHECKS: dict[Any, tuple[str, ...]] = {
    check_backchannel_providers: (),
    check_revocation: (),
    check_logout_endpoints: (),
}
