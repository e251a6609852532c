"""The hosts that may be contacted if the URL comes from a browser and not from the project.

The check belongs to the connection (:mod:`adapter`), so it applies to every redirect, to every
spelling of an address, and to the address that is connected to.
"""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address

from urllib3.exceptions import LocationValueError
from urllib3.util import parse_url

_PORTS = frozenset({80, 443})
_QUALIFIED = re.compile("[.:]")  # Other names are local: of this machine, or of its domain.
_MAX_ADDRESSES = 4  # A host may have any number of addresses, and each may time out.

# Other IPv6 addresses are local, or contain an IPv4 address that a gateway translates.
_UNICAST = IPv6Network("2000::/3")
_6TO4 = IPv6Network("2002::/16")

# Addresses inside a network that is_global() considers public: services of the cloud providers
# Oracle (Python before 3.12.4) and Azure.
_SPECIAL = (IPv4Network("192.0.0.0/24"), IPv4Network("168.63.129.16"))


class ForbiddenHost(LocationValueError):
    """A host is not public, or unknown. The message is the same for both."""


class UnknownHost(ForbiddenHost):
    """A host name has no address."""


@dataclass(frozen=True)
class PublicHosts:
    """All hosts with public addresses, at the default ports, and some internal ones.

    :param internal: ``host`` or ``host:port`` of the hosts that the project trusts,
        together with their subdomains.
    """

    internal: frozenset[str] = frozenset()

    def addresses(self, host: str, port: int, *, looks_up: bool = True) -> list[str]:
        """Return the addresses to connect to.

        :param looks_up: whether names are looked up. Addresses are recognized in any case.
        :raises UnknownHost: the host name has no address, or is not looked up.
        :raises ForbiddenHost: one of the addresses is not public, or the port is not allowed.
        """
        is_internal = self._is_internal(host.lower(), port)
        if not is_internal and (port not in _PORTS or not _QUALIFIED.search(host)):
            raise ForbiddenHost("The host is not public.")
        flags = 0 if looks_up else socket.AI_NUMERICHOST
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
        except (OSError, UnicodeError) as error:
            raise UnknownHost("The host is not public.") from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not is_internal and not all(map(_is_public, addresses)):
            raise ForbiddenHost("The host is not public.")
        return addresses[:_MAX_ADDRESSES]

    def require_public(self, url: str, *, looks_up: bool) -> None:
        """Reject the URL of a host that is not public. An unknown name is accepted.

        :raises ForbiddenHost: the host is not public.
        """
        parts = parse_url(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        with suppress(UnknownHost):
            self.addresses(str(parts.host).strip("[]").rstrip("."), port, looks_up=looks_up)

    def _is_internal(self, host: str, port: int) -> bool:
        name = f"[{host}]" if ":" in host else host
        candidates = {name, f"{name}:{port}"} if port in _PORTS else {f"{name}:{port}"}
        return any(
            candidate == internal or candidate.endswith(f".{internal}")
            for candidate in candidates
            for internal in map(str.lower, self.internal)
        )


def _is_public(text: str) -> bool:
    address = ip_address(text.partition("%")[0])
    if not isinstance(address, IPv4Address):
        if address.ipv4_mapped is not None:
            return _is_public(str(address.ipv4_mapped))
        if address not in _UNICAST or address in _6TO4:
            return False
    if any(address in network for network in _SPECIAL):
        return False
    return address.is_global and not address.is_multicast
