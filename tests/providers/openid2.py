"""OpenID 2.0 providers: python3-openid is one, too.

It is discovered, signs what it says, and is asked whether it has. Cases like those of
:mod:`tests.providers.answers`, and to be imported as late.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
import responses
from openid import fetchers
from openid.extensions import sreg
from openid.server.server import Server
from openid.store.memstore import MemoryStore
from social_core.tests.backends.open_id import FormHTMLParser, OpenIdTest

from tests.providers.answers import ADA, EMAIL
from tests.providers.backends import path_of, shipped

_XRDS = """<?xml version="1.0" encoding="UTF-8"?>
<xrds:XRDS xmlns:xrds="xri://$xrds" xmlns="xri://$xrd*($v*2.0)"><XRD>
<Service priority="0"><Type>http://specs.openid.net/auth/2.0/{kind}</Type><URI>{endpoint}</URI>
</Service></XRD></xrds:XRDS>"""

_ENDPOINT = "https://op.example.com/openid"

# These send every user to one provider, which names the user.
_SITES = (
    *("belgiumeid", "fedora", "launchpad", "openinfra", "openstack", "opensuse"),
    *("ubuntu", "yandex-openid"),
)

# Who has an identity of a site's own: the user names it at begin.
_NAMED = {
    "livejournal": ("openid_lj_user", "ada", "https://ada.livejournal.com/"),
    "openid": ("openid_identifier", "https://ada.example.com/", "https://ada.example.com/"),
}

# Whose backends take the nickname for the username; the others make one of the full name.
_NICKNAMES = {"fedora", "launchpad"}


class OpenID2(OpenIdTest):  # type: ignore[misc]  # it is not there for the type checker
    """A login with an OpenID 2.0 provider."""

    identity = "https://op.example.com/user/ada"
    discovered = "server"
    asked: dict[str, str] = {}

    def setUp(self) -> None:
        super().setUp()
        self.server = Server(MemoryStore(), _ENDPOINT)
        self.strategy.set_request_data(self.asked, self.backend)
        responses.add_callback(responses.POST, _ENDPOINT, self._answer)

    def do_start(self) -> Any:
        self._fetch_over_the_wire()
        # What is fetched is the normal form of an address, which has a path.
        self._add_page(self.backend.openid_url().rstrip("/") + "/", self.discovered)
        self._add_page(self.backend.openid_url(), self.discovered)
        self._add_page(self.identity, "signon")
        start = self.backend.start()
        for name in self.asked:  # Another request begins here.
            self.strategy.remove_from_request_data(name)
        self.strategy.set_request_data(self._log_in(start), self.backend)
        return self.backend.complete()

    def _fetch_over_the_wire(self) -> None:
        # The endpoints bring a fetcher of their own, and leave alone what is not the
        # library's. Its own would ask the network, past the answers of the case.
        over_http = hasattr(self.backend, "attempt")
        fetcher = fetchers.Urllib2Fetcher() if over_http else RequestsFetcher()
        fetchers.setDefaultFetcher(fetcher)

    def _add_page(self, url: str, kind: str) -> None:
        xrds = _XRDS.format(kind=kind, endpoint=_ENDPOINT)
        responses.add(responses.GET, url, body=xrds, content_type="application/xrds+xml")

    def _log_in(self, start: Any) -> dict[str, str]:
        """Do what the user does at the provider; return the callback's parameters."""
        FormHTMLParser.inputs.clear()  # All parsers share them.
        _, inputs = self.get_form_data(start)
        asked = self.server.decodeRequest(inputs)
        answer = asked.answer(True, identity=self.identity, claimed_id=self.identity)
        profile = {"nickname": "ada", "email": EMAIL, "fullname": ADA}
        wanted = sreg.SRegRequest.fromOpenIDRequest(asked)
        wanted.requestFields(list(profile))
        answer.addExtension(sreg.SRegResponse.extractResponse(wanted, profile))
        location = self.server.encodeResponse(answer).headers["location"]
        return dict(parse_qsl(urlsplit(location).query))

    def _answer(self, request: Any) -> tuple[int, dict[str, str], str]:
        """Answer to the relying party itself."""
        body = request.body if isinstance(request.body, str) else request.body.decode()
        asked = self.server.decodeRequest(dict(parse_qsl(body)))
        encoded = self.server.encodeResponse(self.server.handleRequest(asked))
        return encoded.code, encoded.headers, encoded.body


class RequestsFetcher(fetchers.HTTPFetcher):  # type: ignore[misc]  # it is not typed
    """Has python3-openid fetch where the case answers."""

    def fetch(self, url: str, body: Any = None, headers: Any = None) -> Any:
        method = "GET" if body is None else "POST"
        response = requests.request(method, url, data=body, timeout=1)
        lowered = {name.lower(): value for name, value in response.headers.items()}
        return fetchers.HTTPResponse(response.url, response.status_code, lowered, response.text)


def cases() -> list[type[Any]]:
    """Return our cases of OpenID 2.0."""
    return [*(_case(name) for name in _SITES), *(_named(name) for name in _NAMED)]


def _named(name: str) -> type[Any]:
    parameter, value, identity = _NAMED[name]
    return _case(name, asked={parameter: value}, identity=identity, discovered="signon")


def _case(name: str, **attributes: Any) -> type[Any]:
    username = "ada" if name in _NICKNAMES else "AdaLovelace"
    given = {"backend_path": path_of(shipped()[name]), "expected_username": username}
    kind = type(f"Our {name}", (OpenID2,), {**given, **attributes})
    kind.__module__ = __name__
    return kind


REPLACED = frozenset({"LiveJournalOpenIdTest", "OpenIdPartialTest"})
"""The cases of social-core that it expects to fail, or that patch the verification."""
