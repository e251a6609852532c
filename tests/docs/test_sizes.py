"""The size of a flow for each protocol, compared with docs/explanation/flow.rst."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import responses

from tests.support.frontend import Frontend
from tests.support.oauth1_provider import Twitter
from tests.support.openid2_provider import OpenID2Provider
from tests.support.openid_provider import OpenIDProvider
from tests.support.saml_provider import saml_settings

PAGE = Path(__file__).parents[2] / "docs" / "explanation/flow.rst"
HOST = "api.example.com"

BACKENDS = {
    "oidc": "social_core.backends.open_id_connect.OpenIdConnectAuth",
    "github": "social_core.backends.github.GithubOAuth2",
    "twitter": "social_core.backends.twitter.TwitterOAuth",
    "openid": "social_core.backends.open_id.OpenIdAuth",
    "discourse": "social_core.backends.discourse.DiscourseAuth",
    "telegram": "social_core.backends.telegram.TelegramAuth",
    "saml": "social_core.backends.saml.SAMLAuth",
}


@pytest.fixture
def project(settings: Any, wire: responses.RequestsMock) -> None:
    settings.ALLOWED_HOSTS = [HOST]
    settings.AUTHENTICATION_BACKENDS = list(BACKENDS.values())
    values = {
        "TWITTER_KEY": "our-key",
        "TWITTER_SECRET": "our-secret",
        "DISCOURSE_SECRET": "secret",
        "DISCOURSE_SERVER_URL": "https://discourse.example.com",
        "TELEGRAM_BOT_TOKEN": "12345:secret",
        **{f"SAML_{name}": value for name, value in saml_settings().items()},
    }
    for name, value in values.items():
        setattr(settings, f"SOCIAL_AUTH_{name}", value)
    for server in (OpenIDProvider, OpenID2Provider, Twitter):
        server(wire)


def size(provider: str, **query: str) -> int:
    """Return the size in bytes of the flow cookie, including its name."""
    frontend = Frontend("cookie")
    frontend.client.defaults["HTTP_HOST"] = HOST
    begun = frontend.begin(provider, **query)
    assert begun.status_code == 200, begun.data
    (cookie,) = begun.cookies.values()
    return len(f"{cookie.key}={cookie.value}")


@pytest.mark.needs("onelogin")
def test_size_of_flow_cookie_is_the_documented_one(project: None, settings: Any) -> None:
    measured = {
        "OAuth 2": size("github"),
        "OpenID Connect": size("oidc"),
        "OAuth 1.0a": size("twitter"),
        "OpenID 2.0": size("openid", openid_identifier="https://openid.example.com/"),
        "SAML": size("saml", idp="first"),
        "Discourse": size("discourse"),
        "Telegram": size("telegram"),
    }
    settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS = {"response_mode": "form_post"}
    measured["OpenID Connect, with a handoff"] = size("oidc")

    rows = re.findall(r"^   \* - (.+)\n     - (\d+)$", PAGE.read_text(), re.MULTILINE)
    documented = {protocol: int(number) for protocol, number in rows}
    assert documented.keys() == measured.keys()
    for protocol, number in measured.items():
        assert number <= 4_000
        # Handles, signatures and random values vary in length.
        assert number == pytest.approx(documented[protocol], rel=0.08), protocol
