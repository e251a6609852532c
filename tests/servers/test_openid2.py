"""OpenID 2.0."""

from __future__ import annotations

import pytest

from tests.servers.frontend import Frontend

pytestmark = pytest.mark.usefixtures("openid2_provider")


def test_sign_in(frontend: Frontend, encoding: str) -> None:
    frontend.encoding = encoding
    answer = frontend.log_in("openid", openid_identifier=f"{frontend.addresses.openid2}/ada")
    assert answer.status_code == 201, answer.text
    assert frontend.me(answer.json()["token"])
