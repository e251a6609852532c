"""The system checks of connecting."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.checks import findings
from tests.support.configuration import Configure

HERE = "tests.unit.checks.test_connections"
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
        ({"github": ["repo gist", "repo,gist", ""]}, ["separate string"] * 3),
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


def is_recent(request: Any) -> bool:
    return True


async def is_recent_later(request: Any) -> bool:
    return True


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("is_recent", []),
        ("is_recent_later", ["social_endpoints.E030"]),
        ("missing", ["social_endpoints.E005"]),
        ("HERE", ["social_endpoints.E006"]),
    ],
)
def test_callable_that_requires_a_recent_login(
    name: str, ids: list[str], configure: Configure
) -> None:
    configure(REAUTHENTICATION=f"{HERE}.{name}")

    assert [message.id for message in findings()] == ids


@pytest.mark.parametrize("scopes", ["repo", ["repo"], {"github": "repo"}, {"github": [7]}])
def test_scopes_of_the_wrong_type(scopes: Any, configure: Configure) -> None:
    configure(CONNECT_SCOPES=scopes)

    assert [message.id for message in findings()] == ["social_endpoints.E003"]
