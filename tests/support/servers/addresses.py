"""Addresses and OAuth clients, which all processes of a test run share."""

from __future__ import annotations

import os
from dataclasses import dataclass

# oauthlib requires 20 to 30 letters and digits.
CLIENT_ID = "clientOfEveryProvider"
CLIENT_SECRET = "secretThatBothSidesKnow"

# Two more clients of the OpenID provider: the project's native app and somebody else's app.
NATIVE_APP, FOREIGN_APP = "theNativeAppOfTheProject", "theAppOfSomebodyElse00"

SERVERS = ("site", "openid-connect", "better-auth", "oauth1", "openid2", "other-openid2", "saml")


@dataclass(frozen=True)
class Addresses:
    """One port for each server, in a row.

    The site's API is at ``127.0.0.1`` and the providers are at ``localhost``: browsers
    treat these as different sites, as in production.
    """

    first_port: int

    def port(self, server: str) -> int:
        return self.first_port + SERVERS.index(server)

    @property
    def site(self) -> str:
        return f"http://127.0.0.1:{self.port('site')}"

    @property
    def other_origin(self) -> str:
        """Return the origin of the page that is not on the API's origin."""
        return f"http://localhost:{self.port('site')}"

    @property
    def redirect_uris(self) -> list[str]:
        return [f"{origin}/login/callback/" for origin in (self.site, self.other_origin)]

    @property
    def logout_redirect_uris(self) -> list[str]:
        return [f"{origin}/" for origin in (self.site, self.other_origin)]

    def provider(self, server: str) -> str:
        return f"http://localhost:{self.port(server)}"

    def handoff(self, provider: str) -> str:
        """Return the URL of the handoff, for providers that answer to the server."""
        return f"{self.site}/auth/o/{provider}/callback/"

    def backchannel_logout(self, provider: str) -> str:
        """Return the URL to which the provider posts its logout tokens."""
        return f"{self.site}/auth/o/{provider}/logout/backchannel/"


@dataclass(frozen=True)
class LiveAddresses(Addresses):
    """Addresses of a test run in which the site is in the process of the tests."""

    site_port: int

    def port(self, server: str) -> int:
        return self.site_port if server == "site" else super().port(server)


addresses = Addresses(int(os.environ.get("EXAMPLE_PORT", "8000")))
