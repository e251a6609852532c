"""Whose callback it is: the issuer that a provider names in it (RFC 9207)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from social_core.backends.base import BaseAuth
from social_core.backends.oauth import BaseOAuth2
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.exceptions import AuthResponseError

from social_endpoints.internal.backends.kinds import core_name

# What those name that have no discovery in social-core.
_ISSUERS = {
    "discord": "https://discord.com",
    "github": "https://github.com/login/oauth",
    "github-app": "https://github.com/login/oauth",
    "github-org": "https://github.com/login/oauth",
    "github-team": "https://github.com/login/oauth",
    "google-oauth2": "https://accounts.google.com",
}


def refuse_other_issuer(backend: BaseAuth[Any]) -> None:
    """Refuse a callback whose ``iss`` is not the provider's (RFC 9207 section 2.4).

    One that has none passes: frontends are free to post code and state alone.

    :raises AuthResponseError: the callback is of another provider: a mix-up.
    """
    if not isinstance(backend, BaseOAuth2):
        return
    issuer = backend.data.get("iss")
    if issuer and not _is_issuer(backend, issuer):
        raise AuthResponseError(backend, code="invalid_claim", claim="iss", stage="callback")


def _is_issuer(backend: BaseOAuth2[Any], issuer: str) -> bool:
    known = _known_issuer(backend)
    if known and "{" not in known:
        return issuer == known  # Simple string comparison: RFC 3986 section 6.2.1.
    # Nobody knows it, or there is one for each tenant: it has to be at least of the
    # origin that the user was sent to.
    return _origin(issuer) == _origin(known or backend.authorization_url())


def _known_issuer(backend: BaseOAuth2[Any]) -> str:
    if isinstance(backend, OpenIdConnectAuth):
        return backend.id_token_issuer()
    by_class = getattr(backend, "ID_TOKEN_ISSUER", "")
    return str(
        backend.setting("ID_TOKEN_ISSUER", by_class) or _ISSUERS.get(core_name(type(backend)), "")
    )


def _origin(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", url
    return parts.scheme, parts.netloc.lower()
