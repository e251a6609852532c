"""Test cases for providers whose responses are signed or bound to the login.

social-core's own cases patch the verification or the clock. These have valid responses.

Import this module after :mod:`tests.providers.sdist` has added ``social_core.tests``.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import re
import time
import urllib.request
from email.message import Message
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit
from urllib.response import addinfourl

import jwt
import responses
from social_core.tests.backends.base import BaseBackendTest
from social_core.tests.backends.oauth import OAuth1Test
from social_core.tests.backends.test_apple import AppleIdTest
from social_core.tests.backends.test_shopify import ShopifyOAuth2Test
from social_core.tests.backends.test_vend import VendOAuth2Test

from tests.providers.answers import EMAIL, Written


class Apple(AppleIdTest):  # type: ignore[misc]  # not installed
    """Sign in with Apple. social-core's case patches the verification of the ID token."""

    def pre_complete_callback(self, start_url: str) -> None:
        self.add_apple_jwk_response()
        tokens = {"id_token": self.build_id_token(), "access_token": "token"}
        self.access_token_body = json.dumps(tokens)
        super().pre_complete_callback(start_url)


class Vend(VendOAuth2Test):  # type: ignore[misc]  # not installed
    """Vend. The callback contains the shop, which social-core's case sets at begin."""

    raw_complete_url = "/complete/{0}/?code=foobar&domain_prefix=shop-a"

    def do_start(self) -> Any:
        self.strategy.remove_from_request_data("domain_prefix")
        return super().do_start()


class Shopify(ShopifyOAuth2Test):  # type: ignore[misc]  # not installed
    """Shopify. Its library requests the token, which social-core's case patches."""

    def setUp(self) -> None:
        super().setUp()
        urllib.request.install_opener(urllib.request.build_opener(ShopifyServer))
        self.addCleanup(urllib.request.install_opener, None)


class ShopifyServer(urllib.request.HTTPSHandler):
    """Intercept the requests of urllib and answer one URL."""

    def https_open(self, request: urllib.request.Request) -> Any:
        assert request.full_url.startswith("https://example.myshopify.com/admin/oauth/access_token")
        body = json.dumps({"access_token": "token", "scope": "read_products"}).encode()
        return addinfourl(io.BytesIO(body), Message(), request.full_url, 200)


class MediaWiki(Written, OAuth1Test):  # type: ignore[misc]  # not installed
    """MediaWiki. All requests have one URL, and the identity is signed for the request."""

    backend_path = "social_core.backends.mediawiki.MediaWiki"
    expected_username = "ada"
    own_settings = {
        "MEDIAWIKI_URL": "https://wiki.example.com/index.php",
        "CALLBACK": "oob",
        "SECRET": "a secret long enough to sign identities with",
    }

    def request_token_handler(self) -> None:
        for method in (responses.GET, responses.POST):
            responses.add_callback(method, self.own_settings["MEDIAWIKI_URL"], self._answer)

    def pre_complete_callback(self, start_url: str) -> None:
        """Add no responses: ``_answer()`` answers all requests."""

    def _answer(self, request: Any) -> tuple[int, dict[str, str], str]:
        title = parse_qs(urlsplit(request.url).query)["title"][0]
        if title == "Special:OAuth/identify":
            return 200, {}, self._identity(request.headers["Authorization"])
        confirmed = "oauth_token=foobar&oauth_token_secret=secret&oauth_callback_confirmed=true"
        return 200, {}, confirmed

    def _identity(self, authorization: Any) -> str:
        text = authorization if isinstance(authorization, str) else authorization.decode()
        found = re.search(r'oauth_nonce="(.*?)"', text)
        assert found is not None
        claims = {
            "iss": "https://wiki.example.com",
            "aud": "a-key",
            "iat": int(time.time()),
            "nonce": found[1],
            "sub": "7",
            "username": "ada",
            "email": EMAIL,
        }
        return jwt.encode(claims, self.own_settings["SECRET"], algorithm="HS256")

    def auth_handlers(self, start_url: str) -> str:
        """Only register the callback URL."""
        target: str = self.handle_state(
            start_url, self.strategy.build_absolute_uri(self.complete_url)
        )
        return target

    def do_start(self) -> Any:
        self.request_token_handler()
        start_url = self.backend.start().url
        target_url = self.auth_handlers(start_url)
        self.strategy.set_request_data(dict(parse_qsl(urlsplit(target_url).query)), self.backend)
        return self.backend.complete()


class Telegram(BaseBackendTest):  # type: ignore[misc]  # not installed
    """Telegram. The user's fields are signed with the bot's token."""

    backend_path = "social_core.backends.telegram.TelegramAuth"
    expected_username = "ada"
    bot_token = "1815:secret of the bot"

    def extra_settings(self) -> dict[str, Any]:
        return {"SOCIAL_AUTH_TELEGRAM_BOT_TOKEN": self.bot_token}

    def do_start(self) -> Any:
        params = {}
        if self.begins:
            query = parse_qs(urlsplit(self.backend.start().url).query)
            params = dict(parse_qsl(urlsplit(query["return_to"][0]).query))
        fields = {
            "id": "7",
            "first_name": "Ada",
            "username": "ada",
            "auth_date": str(int(time.time())),
        }
        text = "\n".join(sorted(f"{name}={value}" for name, value in fields.items()))
        key = hashlib.sha256(self.bot_token.encode()).digest()
        fields["hash"] = hmac.new(key, text.encode(), "sha256").hexdigest()
        self.strategy.set_request_data({**params, **fields}, self.backend)
        return self.backend.complete()

    @property
    def begins(self) -> bool:
        """Return whether this login begins with a redirect and not in a widget."""
        return hasattr(self.backend, "attempt")


CASES = [Apple, MediaWiki, Shopify, Telegram, Vend]

REPLACED = frozenset({"AppleIdTest", "ShopifyOAuth2Test", "SoundcloudOAuth2Test", "VendOAuth2Test"})
"""Cases of social-core that patch code or cannot be run over HTTP."""
