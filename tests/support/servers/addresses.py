"""Addresses and OAuth clients, which all processes of a test run share."""

from __future__ import annotations

import os
from dataclasses import dataclass

# oauthlib requires 20 to 30 letters and digits.
CLIENT_ID = "clientOfEveryProvider"
CLIENT_SECRET = "secretThatBothSidesKnow"

# Two more clients of the OpenID provider: the project's native app and somebody else's app.
NATIVE_APP, FOREIGN_APP = "theNativeAppOfTheProject", "theAppOfSomebodyElse00"

SERVERS = ("site", "openid-connect", "oauth1", "openid2", "other-openid2", "saml")


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

    def provider(self, server: str) -> str:
        return f"http://localhost:{self.port(server)}"

    def handoff(self, provider: str) -> str:
        """Return the URL of the handoff, for providers that answer to the server."""
        return f"{self.site}/auth/o/{provider}/callback/"


addresses = Addresses(int(os.environ.get("EXAMPLE_PORT", "8000")))
