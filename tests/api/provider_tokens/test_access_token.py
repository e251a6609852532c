"""The access token of a connection, which is refreshed if it is about to expire."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from social_endpoints.provider_tokens import (
    AccessToken,
    ReauthenticationRequired,
    get_access_token,
)
from tests.support.stored_tokens import LOGIN, connect
from tests.support.token_server import TokenServer

pytestmark = pytest.mark.django_db
User = get_user_model()


def test_living_token_is_returned_with_one_query(
    ada: Any, server: TokenServer, django_assert_num_queries: Any
) -> None:
    social = connect(ada, expires_in=3600)

    with django_assert_num_queries(1):
        token = get_access_token(ada, "token-server")

    expires_at = datetime.fromtimestamp(social.extra_data["social_endpoints"]["expires_at"], UTC)
    assert token == AccessToken("access-0", expires_at, ("read",), "bearer")
    assert "access-0" not in repr(token)
    assert server.posted == []


def test_expired_token_is_refreshed(ada: Any, server: TokenServer) -> None:
    social = connect(ada)

    token = get_access_token(ada, "token-server")

    assert server.access_tokens == {token.token}
    assert token.scopes == ("read",)
    assert abs(token.expires_at.timestamp() - time.time() - 3600) < 5
    social.refresh_from_db()
    assert social.extra_data["refresh_token"] == server.refresh_token == "refresh-1"
    assert social.extra_data["auth_time"] == LOGIN
    assert get_access_token(ada, "token-server") == token
    assert len(server.posted) == 1
    assert not social.access_token_expired()


def test_invalid_grant_marks(ada: Any, server: TokenServer) -> None:
    connect(ada)
    server.refresh_token = "another"

    with pytest.raises(ReauthenticationRequired) as raised:
        get_access_token(ada, "token-server")

    assert raised.value.detail["error_code"] == "provider_reauthentication_required"
    with pytest.raises(ReauthenticationRequired):
        get_access_token(ada, "token-server")
    assert len(server.posted) == 1
