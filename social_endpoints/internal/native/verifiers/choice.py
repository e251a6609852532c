"""Which verifier a provider's access tokens are asked about with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from social_core.backends.base import BaseAuth
from social_core.backends.facebook import FacebookOAuth2
from social_core.backends.facebook_limited import FacebookLimitedLogin
from social_core.backends.github import GithubOAuth2
from social_core.backends.google import GoogleOAuth2
from social_core.backends.oauth import BaseOAuth2
from social_core.backends.okta import OktaMixin

from social_endpoints.conf import NAME, import_path, settings
from social_endpoints.internal.backends.registry import configured
from social_endpoints.internal.native.verifiers.base import Verifier
from social_endpoints.internal.native.verifiers.facebook import FacebookDebugToken
from social_endpoints.internal.native.verifiers.github import GithubToken
from social_endpoints.internal.native.verifiers.google import GoogleTokenInfo
from social_endpoints.internal.native.verifiers.introspection import (
    Introspection,
    OktaIntrospection,
)

SETTING = "NATIVE_VERIFIERS"

# The first that a backend's class derives from counts.
_BY_CLASS: tuple[tuple[type[Any], type[Verifier] | None], ...] = (
    (GoogleOAuth2, GoogleTokenInfo),
    (FacebookLimitedLogin, None),  # It hands out no access token that anything could be read with.
    (FacebookOAuth2, FacebookDebugToken),
    (GithubOAuth2, GithubToken),
    (OktaMixin, OktaIntrospection),
    (BaseOAuth2, Introspection),
)


def has_verifier(backend: BaseAuth[Any]) -> bool:
    """Say, without asking the network, whether access tokens of a provider can sign in.

    Discovery may yet turn out to have no introspection endpoint.

    :raises ImproperlyConfigured: ``NATIVE_VERIFIERS`` cannot be followed.
    """
    return find_verifier(backend) is not None


def find_verifier(backend: BaseAuth[Any]) -> Verifier | None:
    """Return what asks about access tokens of a provider: the project's, or ours; else None.

    :raises ImproperlyConfigured: ``NATIVE_VERIFIERS`` cannot be followed.
    """
    of_project = named_verifiers().get(backend.name)
    kind = of_project or next((kind for base, kind in _BY_CLASS if isinstance(backend, base)), None)
    # Tokens of OAuth 1.0a are no texts, and other protocols have none.
    if kind is None or not isinstance(backend, BaseOAuth2) or not kind.is_available(backend):
        return None
    return kind(backend)


def named_verifiers() -> dict[str, type[Verifier]]:
    """Return the verifiers of ``NATIVE_VERIFIERS``, by provider.

    All are looked at for each: a slip in one may mean that a provider is asked more
    carelessly than the project wanted.

    :raises ImproperlyConfigured: a provider is not configured, or a path names no subclass
        of :class:`Verifier`.
    """
    paths = settings.NATIVE_VERIFIERS or {}
    if not isinstance(paths, Mapping):
        raise ImproperlyConfigured(f"{NAME}[{SETTING!r}] must be a dictionary.")
    for name in paths:
        if name not in configured():
            raise ImproperlyConfigured(f"{NAME}[{SETTING!r}] names {name!r}, which is no provider.")
    return {name: named_verifier(name, path) for name, path in paths.items()}


def named_verifier(name: str, path: Any) -> type[Verifier]:
    """Return what an entry of ``NATIVE_VERIFIERS`` names.

    :raises ImproperlyConfigured: it cannot be imported, or is no subclass of :class:`Verifier`.
    """
    setting = f"{NAME}[{SETTING!r}][{name!r}]"
    value = import_path(path, setting)
    if not (isinstance(value, type) and issubclass(value, Verifier)):
        base = f"{Verifier.__module__}.{Verifier.__name__}"
        raise ImproperlyConfigured(f"{setting}: {path!r} is not a subclass of {base}.")
    return value
