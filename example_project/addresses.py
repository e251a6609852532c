"""Where the parts of the example answer. The command and both Django projects read it."""

from __future__ import annotations

import os
from dataclasses import dataclass

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Addresses:
    """Three ports in a row; each origin is one of them."""

    port_base: int = 8000

    @property
    def ports(self) -> range:
        return range(self.port_base, self.port_base + 3)

    @property
    def site(self) -> str:
        """The page and its API on one origin."""
        return f"http://{HOST}:{self.ports[0]}"

    @property
    def second_origin(self) -> str:
        """The same page on an origin of its own."""
        return f"http://{HOST}:{self.ports[1]}"

    @property
    def provider(self) -> str:
        return f"http://{HOST}:{self.ports[2]}"

    @property
    def redirect_uris(self) -> list[str]:
        return [f"{origin}/login/callback/" for origin in (self.site, self.second_origin)]


addresses = Addresses(int(os.environ.get("EXAMPLE_PORT_BASE", "8000")))
