"""What two logins have in common: the connection, and nothing else."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from social_django.models import UserSocialAuth

from social_endpoints.internal.network.deadline import until
from social_endpoints.internal.network.pool import idle, sessions
from tests.api.network.pool.authority import Authority
from tests.api.network.pool.conftest import LogIn
from tests.api.network.pool.provider import Connection, Provider

THREADS = 200


@pytest.mark.django_db
def test_no_cookie_reaches_another_login(provider: Provider, log_in: LogIn) -> None:
    provider.headers = "Set-Cookie: session=somebody; Path=/\r\n"
    cookies: list[str | None] = []

    def note(connection: Connection) -> None:
        while True:
            request = connection.read()
            cookies.append(request.headers.get("cookie"))
            status, content = provider.answer_to(request)
            connection.answer(content, status=status, headers=provider.headers)

    provider.on_connection = note

    for user in ("1", "2"):
        assert log_in(user).status_code == 201

    assert cookies == [None] * 4
    assert provider.connections == 1


def test_two_hundred_threads(provider: Provider, authority: Authority) -> None:
    """Each of them gets the answer to its own question, while all of them wait for theirs."""
    together = Barrier(THREADS, timeout=60)

    def answer_all_at_once(connection: Connection) -> None:
        request = connection.read()
        together.wait()
        status, content = provider.answer_to(request)
        connection.answer(content, status=status)
        provider.serve(connection)

    def ask(user: str) -> str:
        verify = str(authority.bundle)
        code = {"code": provider.grant(user)}
        with until(time.monotonic() + 60):
            token = sessions.request("POST", f"{provider.url}/token", data=code, verify=verify)
            bearer = {"Authorization": f"Bearer {token.json()['access_token']}"}
            found = sessions.request("GET", f"{provider.url}/user", headers=bearer, verify=verify)
        return str(found.json()["id"])

    provider.on_connection = answer_all_at_once
    users = [str(number) for number in range(THREADS)]

    with ThreadPoolExecutor(THREADS) as threads:
        assert list(threads.map(ask, users)) == users

    assert provider.requests == {"POST /token": THREADS, "GET /user": THREADS}
    assert provider.connections == THREADS


@pytest.mark.django_db(transaction=True)
@pytest.mark.row_locks
def test_many_logins_at_a_time(provider: Provider, log_in: LogIn) -> None:
    """As many as a database has connections for, if it is not told otherwise."""
    from django.db import connections

    def one(user: str) -> int:
        try:
            return int(log_in(user).status_code)
        finally:
            connections.close_all()

    users = [str(number) for number in range(THREADS)]
    with ThreadPoolExecutor(THREADS // 4) as threads:
        statuses = Counter(threads.map(one, users))

    assert statuses == {201: THREADS}
    found = UserSocialAuth.objects.values_list("uid", "user__username")
    assert set(found) == {(user, f"user{user}") for user in users}
    assert provider.requests == {"POST /token": THREADS, "GET /user": THREADS}
    assert provider.connections <= THREADS // 4


def test_connections_to_many_providers_are_bounded() -> None:
    many = [Provider() for _ in range(idle.MAX_IDLE + 20)]
    with until(time.monotonic() + 60):
        for each in many:
            assert sessions.request("GET", f"{each.url}/nothing").status_code == 404

    assert sum(each.connections for each in many) == len(many)
    for _ in range(500):  # Until they have noticed.
        if sum(each.open for each in many) <= idle.MAX_IDLE:
            break
        time.sleep(0.01)
    assert sum(each.open for each in many) <= idle.MAX_IDLE
    for each in many:
        each.stop()
