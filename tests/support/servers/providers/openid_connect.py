"""The command that starts npm's oidc-provider."""

from __future__ import annotations

from pathlib import Path

from tests.support import npm
from tests.support.servers.addresses import (
    CLIENT_ID,
    CLIENT_SECRET,
    FOREIGN_APP,
    NATIVE_APP,
    Addresses,
)
from tests.support.servers.toolkit import demo

NAME = "openid-connect"
PACKAGES = {"oidc-provider": "9.13.3"}
SCRIPT = Path(__file__).with_name("openid_connect.mjs")


def command(addresses: Addresses) -> list[str]:
    client = {
        "client_secret": CLIENT_SECRET,
        "redirect_uris": [*addresses.redirect_uris, addresses.handoff("openid-connect-form-post")],
        "response_types": ["code"],
        "grant_types": ["authorization_code"],
        "post_logout_redirect_uris": addresses.logout_redirect_uris,
        # That of the site for the foreign app as well: such a logout token must be refused.
        "backchannel_logout_uri": addresses.backchannel_logout(NAME),
        "backchannel_logout_session_required": True,
    }
    site = {
        **client,
        "client_id": CLIENT_ID,
        "grant_types": ["authorization_code", "refresh_token"],
    }
    apps = [{**client, "client_id": client_id} for client_id in (NATIVE_APP, FOREIGN_APP)]
    configuration = {
        "issuer": addresses.provider(NAME),
        "port": addresses.port(NAME),
        "clients": [site, *apps],
        "email": demo.EMAIL,
    }
    return npm.command(SCRIPT, PACKAGES, configuration)
