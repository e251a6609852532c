"""Where each server of the tests answers. All of their processes read it."""

from __future__ import annotations

import os
from dataclasses import dataclass

from example_project.addresses import Addresses as ExampleAddresses


@dataclass(frozen=True)
class Addresses(ExampleAddresses):
    """The three of the example, and the providers after them.

    The providers are on ``localhost`` and the site is on ``127.0.0.1``: to a browser
    these are two sites, as providers and sites are, though both are this machine.
    """

    @property
    def ports(self) -> range:
        return range(self.port_base, self.port_base + 8)

    @property
    def openid_connect(self) -> str:
        return f"http://localhost:{self.ports[3]}"

    @property
    def oauth1(self) -> str:
        return f"http://localhost:{self.ports[4]}"

    @property
    def openid2(self) -> str:
        return f"http://localhost:{self.ports[5]}"

    @property
    def other_openid2(self) -> str:
        """Another server of the same kind, which the login was not begun with."""
        return f"http://localhost:{self.ports[6]}"

    @property
    def saml(self) -> str:
        return f"http://localhost:{self.ports[7]}"

    def handoff(self, provider: str) -> str:
        """Return where a provider that answers to the server sends its answer."""
        return f"{self.site}/auth/o/{provider}/callback/"


addresses = Addresses(int(os.environ.get("EXAMPLE_PORT_BASE", "8000")))
