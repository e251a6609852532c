"""Test cases for OpenID 2.0, with the server of python3-openid as the provider.

Import this module after :mod:`tests.providers.sdist` has added ``social_core.tests``.
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

# Backends with one provider, which selects the identity.
_SITES = (
    *("belgiumeid", "fedora", "launchpad", "openinfra", "openstack", "opensuse"),
    *("ubuntu", "yandex-openid"),
)

# Backends whose users enter their identity.
_NAMED = {
    "livejournal": ("openid_lj_user", "ada", "https://ada.livejournal.com/"),
    "openid": ("openid_identifier", "https://ada.example.com/", "https://ada.example.com/"),
}

# Backends with the nickname as the username. The others build it from the full name.
_NICKNAMES = {"fedora", "launchpad"}


class OpenID2(OpenIdTest):  # type: ignore[misc]  # not installed
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
        # python3-openid fetches the normalized URL, which has a path.
        self._add_page(self.backend.openid_url().rstrip("/") + "/", self.discovered)
        self._add_page(self.backend.openid_url(), self.discovered)
        self._add_page(self.identity, "signon")
        start = self.backend.start()
        for name in self.asked:  # The callback is another request.
            self.strategy.remove_from_request_data(name)
        self.strategy.set_request_data(self._log_in(start), self.backend)
        return self.backend.complete()

    def _fetch_over_the_wire(self) -> None:
        # The endpoints replace the library's own fetcher and no other one. With social-core
        # alone, the library's fetcher would not use the case's responses.
        over_http = hasattr(self.backend, "attempt")
        fetcher = fetchers.Urllib2Fetcher() if over_http else RequestsFetcher()
        fetchers.setDefaultFetcher(fetcher)

    def _add_page(self, url: str, kind: str) -> None:
        xrds = _XRDS.format(kind=kind, endpoint=_ENDPOINT)
        responses.add(responses.GET, url, body=xrds, content_type="application/xrds+xml")

    def _log_in(self, start: Any) -> dict[str, str]:
        """Sign in at the provider; return the parameters of the callback."""
        FormHTMLParser.inputs.clear()  # All parsers share this list.
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
        """Answer a direct request of the relying party."""
        body = request.body if isinstance(request.body, str) else request.body.decode()
        asked = self.server.decodeRequest(dict(parse_qsl(body)))
        encoded = self.server.encodeResponse(self.server.handleRequest(asked))
        return encoded.code, encoded.headers, encoded.body


class RequestsFetcher(fetchers.HTTPFetcher):  # type: ignore[misc]  # it is not typed
    """A fetcher for python3-openid that uses the case's responses."""

    def fetch(self, url: str, body: Any = None, headers: Any = None) -> Any:
        method = "GET" if body is None else "POST"
        response = requests.request(method, url, data=body, timeout=1)
        lowered = {name.lower(): value for name, value in response.headers.items()}
        return fetchers.HTTPResponse(response.url, response.status_code, lowered, response.text)


def cases() -> list[type[Any]]:
    """Return the cases of OpenID 2.0."""
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
"""Cases of social-core that are expected to fail, or that patch the verification."""
