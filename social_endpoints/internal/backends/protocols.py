"""Which protocol a backend speaks, as python-social-auth's classes have it."""

from __future__ import annotations

from social_core.backends.oauth import BaseOAuth1, BaseOAuth2
from social_core.backends.open_id import OpenIdAuth
from social_core.backends.open_id_connect import OpenIdConnectAuth

from social_endpoints.internal.backends.kinds import SAML, BackendClass, is_kind

OTHER = "other"

# The first that fits: OpenID Connect is OAuth 2 as well.
_CLASSES = {
    OpenIdConnectAuth: "openid_connect",
    BaseOAuth2: "oauth2",
    BaseOAuth1: "oauth1",
    OpenIdAuth: "openid2",
}

PROTOCOLS = (*_CLASSES.values(), "saml", OTHER)


def protocol(backend: BackendClass) -> str:
    """Return one of ``PROTOCOLS``."""
    if is_kind(backend, SAML):
        return "saml"
    return next((name for kind, name in _CLASSES.items() if issubclass(backend, kind)), OTHER)
