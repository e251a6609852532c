"""The command that starts the OpenID Connect provider of npm's better-auth."""

from __future__ import annotations

from pathlib import Path

from tests.support import npm
from tests.support.servers.addresses import CLIENT_ID, CLIENT_SECRET, Addresses

NAME = "better-auth"
PACKAGES = {
    "better-auth": "1.7.5",
    "@better-auth/oauth-provider": "1.7.5",
    # npm's newest versions of these do not fit together.
    "@better-auth/core": "1.7.5",
    "@better-auth/memory-adapter": "1.7.5",
    "@better-auth/utils": "0.4.2",
    "@better-fetch/fetch": "1.3.2",
    "better-call": "1.4.0",
}
SCRIPT = Path(__file__).with_name("better_auth.mjs")


def command(addresses: Addresses) -> list[str]:
    client = {
        "clientId": CLIENT_ID,
        "clientSecret": CLIENT_SECRET,
        "redirectUris": addresses.redirect_uris,
        "postLogoutRedirectUris": addresses.logout_redirect_uris,
        "backchannelLogoutUri": addresses.backchannel_logout(NAME),
        "tokenEndpointAuthMethod": "client_secret_basic",
        "grantTypes": ["authorization_code", "refresh_token"],
        "responseTypes": ["code"],
        "enableEndSession": True,
        "skipConsent": True,
    }
    configuration = {
        "origin": addresses.provider(NAME),
        "port": addresses.port(NAME),
        "client": client,
    }
    return npm.command(SCRIPT, PACKAGES, configuration)
