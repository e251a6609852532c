"""Whose callback it is: the issuer that a provider names in it (RFC 9207)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from social_core.backends.base import BaseAuth
from social_core.backends.oauth import BaseOAuth2
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.exceptions import AuthResponseError


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
        return issuer == known
    # OAuth 2 without discovery, or one issuer for each tenant: at least, it is who the
    # user was sent to.
    return _origin(issuer) == _origin(known or backend.authorization_url())


def _known_issuer(backend: BaseOAuth2[Any]) -> str:
    if isinstance(backend, OpenIdConnectAuth):
        return backend.id_token_issuer()
    return str(getattr(backend, "ID_TOKEN_ISSUER", None) or "")


def _origin(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", url
    return parts.scheme, parts.netloc.lower()
