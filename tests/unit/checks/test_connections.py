"""The system checks of connecting."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.checks import findings
from tests.support.configuration import Configure

OAUTH1 = "social_core.backends.twitter.TwitterOAuth"
LIMITED = "social_core.backends.facebook_limited.FacebookLimitedLogin"


@pytest.mark.parametrize(
    ("scopes", "hints"),
    [
        (None, []),
        ({}, []),
        ({"github": ["repo", "https://example.com/read"], "oidc": ()}, []),
        ({"gihub": ["repo"]}, ["Did you mean 'github'?"]),
        ({"twitter": ["repo"]}, ["Remove it."]),
        ({"facebook-limited-login": ["repo"]}, ["Remove it."]),
        ({"github": ["repo gist", ""]}, ["text of its own"] * 2),
    ],
)
def test_scopes_of_a_connect(
    scopes: Any, hints: list[str], settings: Any, configure: Configure
) -> None:
    settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, OAUTH1, LIMITED]
    configure(CONNECT_SCOPES=scopes)

    messages = [message for message in findings() if message.id == "social_endpoints.E029"]

    assert len(messages) == len(hints)
    for message, hint in zip(messages, hints, strict=True):
        assert hint in str(message.hint)


@pytest.mark.parametrize("scopes", ["repo", ["repo"], {"github": "repo"}, {"github": [7]}])
def test_scopes_of_the_wrong_type(scopes: Any, configure: Configure) -> None:
    configure(CONNECT_SCOPES=scopes)

    assert [message.id for message in findings()] == ["social_endpoints.E003"]
