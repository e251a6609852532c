"""Test cases for OpenID 2.0, with the server of python3-openid as the provider.

Import this module after :mod:`tests.providers.sdist` has added ``social_core.tests``.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import requests
import responses
from openid import fetchers
from social_core.tests.backends.open_id import FormHTMLParser, OpenIdTest

from tests.providers.backends import path_of, shipped
from tests.support.openid2_provider import OpenID2Provider

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
_NICKNAMES = {"fedora", "launchpad", "openinfra", "openstack"}


class OpenID2(OpenIdTest):  # type: ignore[misc]  # not installed
    identity = "https://op.example.com/ada"
    is_named = False
    asked: dict[str, str] = {}

    def setUp(self) -> None:
        super().setUp()
        self.provider = OpenID2Provider(responses, "https://op.example.com")
        self.provider.identity = self.identity
        self.provider.profile["nickname"] = "ada"
        self.strategy.set_request_data(self.asked, self.backend)

    def do_start(self) -> Any:
        fetchers.setDefaultFetcher(RequestsFetcher())
        # python3-openid fetches the normalized URL, which has a path.
        url = self.backend.openid_url()
        for each in (url.rstrip("/") + "/", url):
            self.provider.add_page(each, is_identity=self.is_named)
        self.provider.add_page(self.identity, is_identity=True)
        start = self.backend.start()
        for name in self.asked:  # The callback is another request.
            self.strategy.remove_from_request_data(name)
        FormHTMLParser.inputs.clear()  # All parsers share this list.
        _, inputs = self.get_form_data(start)
        callback = self.provider.authorize(f"?{urlencode(inputs)}")
        self.strategy.set_request_data(callback, self.backend)
        return self.backend.complete()


class RequestsFetcher(fetchers.HTTPFetcher):  # type: ignore[misc]  # it is not typed
    """A fetcher for python3-openid that uses the case's responses.

    social-core alone would fetch with the library's fetcher. The endpoints do not.
    """

    def fetch(self, url: str, body: Any = None, headers: Any = None) -> Any:
        method = "GET" if body is None else "POST"
        response = requests.request(method, url, data=body, timeout=1)
        lowered = {name.lower(): value for name, value in response.headers.items()}
        return fetchers.HTTPResponse(response.url, response.status_code, lowered, response.text)


def cases() -> list[type[Any]]:
    return [*(_case(name) for name in _SITES), *(_named(name) for name in _NAMED)]


def _named(name: str) -> type[Any]:
    parameter, value, identity = _NAMED[name]
    return _case(name, asked={parameter: value}, identity=identity, is_named=True)


def _case(name: str, **attributes: Any) -> type[Any]:
    username = "ada" if name in _NICKNAMES else "AdaLovelace"
    given = {"backend_path": path_of(shipped()[name]), "expected_username": username}
    kind = type(f"Our {name}", (OpenID2,), {**given, **attributes})
    kind.__module__ = __name__
    return kind


REPLACED = frozenset({"LiveJournalOpenIdTest", "OpenIdPartialTest"})
"""Cases of social-core that are expected to fail, or that patch the verification."""
