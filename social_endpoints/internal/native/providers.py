"""Which providers take part in native sign-in, and with what kinds of tokens."""

from __future__ import annotations

from typing import Any

from social_core.backends.base import BaseAuth
from social_core.exceptions import AuthConfigurationError

from social_endpoints.conf import get_names
from social_endpoints.exceptions import ProviderNotSupported
from social_endpoints.internal.backends.registry import Provider, find
from social_endpoints.internal.native.audiences import own_client_ids
from social_endpoints.internal.native.id_tokens.issuers import find_issuer, issues_id_tokens
from social_endpoints.internal.native.leeway import leeway_of
from social_endpoints.internal.native.verifiers.choice import has_verifier
from social_endpoints.internal.native.verifiers.endpoint import configured_url


def find_native(name: str) -> Provider:
    """Return a configured provider that ``NATIVE_PROVIDERS`` lists.

    :raises ProviderNotSupported: there is none of this name.
    :raises ImproperlyConfigured: the setting is no list.
    """
    if name not in get_names("NATIVE_PROVIDERS"):
        raise ProviderNotSupported(name)
    return find(name)


def native_kinds(backend: BaseAuth[Any]) -> list[str]:
    """Return with what tokens of a native SDK's users of a backend can sign in.

    ``id_token``, ``access_token``, both or none. The network is not asked.

    :raises ImproperlyConfigured: ``NATIVE_PROVIDERS`` is no list, or ``NATIVE_VERIFIERS``
        cannot be followed.
    """
    if backend.name not in get_names("NATIVE_PROVIDERS"):
        return []
    return possible_kinds(backend)


def possible_kinds(backend: BaseAuth[Any]) -> list[str]:
    """Return the same for a backend, be it listed or not."""
    if backend.ASSOCIATION_ONLY:
        return []
    id_token = ["id_token"] if issues_id_tokens(type(backend)) else []
    return [*id_token, *(["access_token"] if has_verifier(backend) else [])]


def wrong_setting(backend: BaseAuth[Any]) -> str | None:
    """Return the name of a setting that is of no use to verify tokens with, if there is one.

    The name is without its ``SOCIAL_AUTH_<BACKEND>_``. The network is not asked.
    """
    issuer = find_issuer(backend)
    try:
        own_client_ids(backend)
        leeway_of(backend)
        configured_url(backend)
        if issuer is not None:
            issuer.algorithms()
    except AuthConfigurationError as error:
        return error.parameter if error.code == "invalid_setting" else None
    return None
