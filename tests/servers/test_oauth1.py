"""OAuth 1.0a."""

from __future__ import annotations

import pytest

from tests.servers.frontend import Frontend

pytestmark = pytest.mark.usefixtures("oauth1_provider")


def test_sign_in(frontend: Frontend, encoding: str) -> None:
    frontend.encoding = encoding
    answer = frontend.log_in("oauth1")
    assert answer.status_code == 201, answer.text
    assert frontend.me(answer.json()["token"])
