"""The settings of a provider that this app reads itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from social_core.backends.base import BaseAuth
from social_core.backends.open_id import OPENID_ID_FIELD
from social_core.exceptions import AuthConfigurationError

from social_endpoints.internal.backends.kinds import LIVEJOURNAL, SAML, SHOPIFY, is_kind

_ASKED = {LIVEJOURNAL: "openid_lj_user", SAML: "idp", SHOPIFY: "shop"}


def lifetime(backend: BaseAuth[Any]) -> int:
    """Return the seconds for which a flow of this backend lives.

    :raises AuthConfigurationError: ``STATE_LIFETIME`` is no positive whole number.
    """
    seconds = backend.setting("STATE_LIFETIME", 1800)
    if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds <= 0:
        raise AuthConfigurationError(
            backend, code="invalid_setting", parameter="STATE_LIFETIME", stage="begin"
        )
    return seconds


def stored_fields(backend: BaseAuth[Any]) -> set[str]:
    """Return the names of what begin keeps from its query for the pipeline."""
    return _names(backend.setting("FIELDS_STORED_IN_SESSION"))


def overridable_arguments(backend: BaseAuth[Any]) -> set[str]:
    """Return the names of what begin's query may say to the provider."""
    return _names(backend.setting("AUTH_EXTRA_ARGUMENTS_OVERRIDE_ALLOWLIST"))


def asked_at_begin(backend: BaseAuth[Any]) -> set[str]:
    """Return the names of what a begin must say of its user, for there to be a URL.

    Which identity provider of several, which shop: nothing of the project's can know.
    """
    kind = type(backend)
    return {next((name for path, name in _ASKED.items() if is_kind(kind, path)), OPENID_ID_FIELD)}


def presets(backend: BaseAuth[Any]) -> dict[str, str]:
    """Return what need not be said at begin, because there is one possibility."""
    providers = backend.setting("ENABLED_IDPS") if is_kind(type(backend), SAML) else None
    if isinstance(providers, dict) and len(providers) == 1:
        return {"idp": next(iter(providers))}
    return {}


def _names(value: str | Iterable[str] | None) -> set[str]:
    return {value} if isinstance(value, str) else set(value or ())
