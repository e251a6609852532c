"""OpenID 2.0 providers: discovery, and a signed answer that the provider confirms.

Cases like those of :mod:`tests.providers.answers`, and to be imported as late.
"""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import responses
from social_core.tests.backends.open_id import OpenIdTest

from tests.providers.answers import EMAIL
from tests.providers.backends import path_of, shipped

_XRDS = """<?xml version="1.0" encoding="UTF-8"?>
<xrds:XRDS xmlns:xrds="xri://$xrds" xmlns="xri://$xrd*($v*2.0)"><XRD>
<Service priority="0"><Type>http://specs.openid.net/auth/2.0/{kind}</Type><URI>{endpoint}</URI>
</Service></XRD></xrds:XRDS>"""

# Who has an identity of a site's own: the user names it at begin. The others send every
# user to one provider, which names the user.
_NAMED = {
    "livejournal": ("openid_lj_user", "ada", "https://ada.livejournal.com/"),
    "openid": ("openid_identifier", "https://ada.example.com/", "https://ada.example.com/"),
}
_SITES = (
    *("belgiumeid", "fedora", "launchpad", "openinfra", "openstack", "opensuse"),
    *("ubuntu", "yandex-openid"),
)


class OpenID2(OpenIdTest):  # type: ignore[misc]  # it is not there for the type checker
    """A login with an OpenID 2.0 provider."""

    endpoint = "https://op.example.com/openid"
    identity = "https://op.example.com/user/ada"
    asked: dict[str, str] = {}
    profile = {"nickname": "ada", "email": EMAIL, "fullname": "Ada Lovelace"}

    def setUp(self) -> None:
        super().setUp()
        self.strategy.set_request_data(self.asked, self.backend)

    def do_start(self) -> Any:
        signon = _XRDS.format(kind="signon", endpoint=self.endpoint)
        self._add_page(self.identity, signon)
        # What is fetched is the normal form of the address, which has a path.
        self._add_page(self.openid_url().rstrip("/") + "/", self.discovery_body)
        return super().do_start()

    def _add_page(self, url: str, xrds: str) -> None:
        kind = "application/xrds+xml"
        self.add_openid_response("GET", url, body=xrds, content_type=kind)
        responses.add(responses.GET, url, body=xrds, content_type=kind)

    def get_server_response(self, inputs: dict[str, str | None]) -> str:
        return_to = str(inputs["openid.return_to"])
        fields = {
            "ns": "http://specs.openid.net/auth/2.0",
            "op_endpoint": self.endpoint,
            "claimed_id": self.identity,
            "identity": self.identity,
            "return_to": return_to,
            "response_nonce": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()) + "ours",
            "assoc_handle": "handle",
            "ns.sreg": "http://openid.net/extensions/sreg/1.1",
            **{f"sreg.{name}": value for name, value in self.profile.items()},
        }
        signed = [name for name in fields if name != "ns"]
        answer = {**fields, "mode": "id_res", "signed": ",".join(signed), "sig": "c2ln"}
        answered = {f"openid.{name}": value for name, value in answer.items()}
        return urlencode({**dict(parse_qsl(urlsplit(return_to).query)), **answered})


def cases() -> list[type[Any]]:
    """Return our cases of OpenID 2.0."""
    return [*(_site(name) for name in _SITES), *(_named(name) for name in _NAMED)]


def _site(name: str) -> type[Any]:
    server = _XRDS.format(kind="server", endpoint=OpenID2.endpoint)
    return _case(name, discovery_body=server)


def _named(name: str) -> type[Any]:
    parameter, value, identity = _NAMED[name]
    signon = _XRDS.format(kind="signon", endpoint=OpenID2.endpoint)
    return _case(name, discovery_body=signon, asked={parameter: value}, identity=identity)


def _case(name: str, **attributes: Any) -> type[Any]:
    given = {"backend_path": path_of(shipped()[name]), "expected_username": "ada", **attributes}
    kind = type(f"Our {name}", (OpenID2,), given)
    kind.__module__ = __name__
    return kind


REPLACED = frozenset({"LiveJournalOpenIdTest", "OpenIdPartialTest"})
"""The cases of social-core that it expects to fail, or that patch the verification."""
