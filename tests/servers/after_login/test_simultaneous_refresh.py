"""Threads and processes that need a token at the same moment.

The provider revokes the access at the second use of a refresh token.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from social_django.models import UserSocialAuth

from social_endpoints.provider_tokens import get_access_token
from tests.support.servers.token_workers import tokens_of_two_processes

THREADS = 20
pytestmark = pytest.mark.parametrize("provider", ["openid-connect"], indirect=True)


def tokens_of_threads(user: Any, provider: str) -> set[str]:
    def ask(_: int) -> str:
        try:
            return get_access_token(user, provider).token
        finally:
            connections.close_all()

    with ThreadPoolExecutor(THREADS) as threads:
        return {*threads.map(ask, range(THREADS))}


def assert_refreshed_once(tokens: set[str], before: dict[str, Any], ask: Any) -> None:
    """Assert that all have the same new token, and that the provider still accepts it."""
    (token,) = tokens
    assert UserSocialAuth.objects.get().extra_data["refresh_token"] != before["refresh_token"]
    response = ask()
    assert response.status_code == 200, response.text
    assert response.request.headers["Authorization"] == f"Bearer {token}"


def test_twenty_threads_refresh_once(user: Any, provider: str, ask: Any) -> None:
    before = UserSocialAuth.objects.get().extra_data
    assert_refreshed_once(tokens_of_threads(user, provider), before, ask)


@pytest.mark.row_locks
def test_two_processes_refresh_once(user: Any, provider: str, ask: Any) -> None:
    before = UserSocialAuth.objects.get().extra_data
    assert_refreshed_once(tokens_of_two_processes(user.pk, provider), before, ask)
