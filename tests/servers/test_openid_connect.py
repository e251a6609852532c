"""OpenID Connect."""

from __future__ import annotations

import pytest

from tests.servers.frontend import Frontend

pytestmark = pytest.mark.usefixtures("openid_connect_provider")


def test_sign_in(frontend: Frontend, encoding: str) -> None:
    frontend.encoding = encoding
    answer = frontend.log_in("openid-connect")
    assert answer.status_code == 201, answer.text
    assert frontend.me(answer.json()["token"])
