"""Two providers of OpenID Connect."""

from __future__ import annotations

from social_core.backends.open_id_connect import OpenIdConnectAuth


class Acme(OpenIdConnectAuth):
    """Its settings begin with ``SOCIAL_AUTH_ACME_``."""

    name = "acme"
    title = "Acme"


class Globex(OpenIdConnectAuth):
    """The endpoint may also be a part of the class."""

    name = "globex"
    title = "Globex"
    OIDC_ENDPOINT = "https://sso.globex.example"
