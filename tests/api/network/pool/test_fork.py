"""Processes that come from one that has connections."""

from __future__ import annotations

from tests.api.network.pool.authority import Authority
from tests.api.network.pool.provider import Provider
from tests.support.interpreter import python


def test_a_child_has_connections_of_its_own(provider: Provider, authority: Authority) -> None:
    arguments = [provider.url, str(authority.bundle), "4"]

    outcome = python(
        "-W", "ignore::DeprecationWarning", "-m", "tests.api.network.pool.forked", *arguments
    )

    assert outcome.stdout == f"{[0] * 4}\n", outcome.stderr
    assert outcome.stderr == ""
    # One of the parent's, for three requests, and at most one of each thread's.
    assert 1 + 4 <= provider.connections <= 1 + 3 * 4
    assert provider.requests == {"GET /nothing": 3 + 3 * 4}
