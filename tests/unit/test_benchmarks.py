"""The benchmarks count what happens, and the documentation shows what was recorded."""

from __future__ import annotations

import re
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import record
from benchmarks.bench import Bench, provider_with
from benchmarks.figures import ROWS, Figures
from benchmarks.fit import slope
from benchmarks.login import log_in, new_user
from benchmarks.measures import cpu, growth, network, queries
from benchmarks.peers import BARE, DJOSER, PROJECT, WITHOUT_POOL
from benchmarks.plan import Plan
from benchmarks.proxy import Proxy, proxy_to
from benchmarks.table import as_rst, as_text, lines
from tests.support.interpreter import python

PLAN = Plan(
    logins=1,
    repeats=1,
    processes=1,
    abandoned=2,
    shared=1,
    rounds=1,
    idle=50,
    quiet=0,
    delays=(0, 0.002),
    warm_up=1,
)
PYTHON = Path(sys.executable)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    data = tmp_path_factory.mktemp("benchmarks")
    with provider_with(PYTHON, data) as provider:
        yield Bench(provider, data, lambda peer: PYTHON)


def test_counts_of_a_login_arrive_in_the_table(bench: Bench) -> None:
    figures, name = Figures(), WITHOUT_POOL.name
    with bench.sites([BARE, WITHOUT_POOL]) as sites:
        before = bench.provider.counts()
        log_in(sites[1], bench.provider)
        first = bench.provider.counts() - before
        cpu.measure(sites, bench.provider, PLAN, figures)
        queries.measure(sites, bench.provider, figures)
        growth.measure(sites, PLAN, figures)
        network.measure_warm(sites[1:], bench.provider, PLAN, figures)

    paths = ("/.well-known/openid-configuration", "/jwks", "/token", "/userinfo")
    assert {path: first[path] for path in paths} == dict.fromkeys(paths, 1)
    # Without the pool, each request is a connection with a handshake of its own.
    assert first["requests"] == first["connections"] == first["handshakes"] == 4
    for backend in ("oidc", "github"):
        for counted in ("requests", "connections", "handshakes"):
            assert figures.values[f"{backend}_warm_{counted}"] == {name: 2}
    assert figures.values["begin_queries"] == figures.values["begin_rows"] == {"bare": 0, name: 0}
    assert figures.values["complete_queries_returning"]["bare"] == 1
    queried = figures.values["complete_queries_new"][name]
    assert queried > figures.values["complete_queries_returning"][name] > 0

    table = {title: cells for title, *cells in lines(figures.values)}
    assert table[""][:2] == [BARE.title, WITHOUT_POOL.title]
    assert table["Warm login: TLS handshakes"][:2] == ["-", "2"]
    assert table["Warm login: requests to the provider"][:2] == ["-", "2"]


def test_rows_of_a_new_user_are_counted(bench: Bench) -> None:
    with bench.sites([WITHOUT_POOL]) as [site]:
        before = site.database()
        log_in(site, bench.provider, user=new_user())
        after = site.database()

    # The claim of the flow, the user, the association and the token.
    assert after["rows"] - before["rows"] == 4


def test_table_judges_what_has_a_goal() -> None:
    figures = {
        "oidc_begin_cpu": {DJOSER.name: 2.0, PROJECT.name: 0.9},
        "begin_queries": {DJOSER.name: 6, PROJECT.name: 1},
        "begin_rows": {DJOSER.name: 3, PROJECT.name: 0},
        "oidc_warm_round_trips": {DJOSER.name: 6.1, PROJECT.name: 2.1},
        "memory": {DJOSER.name: 80.0},
    }

    rows = [re.split(r"\s{2,}", line.strip()) for line in as_text(figures).splitlines()]
    assert rows == [
        ["djoser", "this project", "project / djoser", "goal"],
        ["Begin: CPU, ms", "2.00", "0.90", "0.450", "≤ 0.45 of djoser", "reached"],
        ["Begin: SQL queries", "6", "1", "0.167", "≤ 0", "missed"],
        ["Begin: rows left", "3", "0", "0.000", "≤ 0", "reached"],
        ["Warm login: round trips", "6.1", "2.1", "0.344", "≤ 2", "reached"],
        ["Memory of the worker after all logins, MiB", "80.0", "-", "-", "-"],
    ]
    assert "     - 0.90\n     - 0.450\n" in as_rst(figures)


def test_command_needs_nothing_but_python() -> None:
    outcome = python("-S", "-m", "benchmarks", "--help")

    assert outcome.stdout.startswith("usage: python3 -m benchmarks"), outcome.stderr


def test_command_refuses_a_peer_that_is_none() -> None:
    outcome = python("-S", "-m", "benchmarks", "--peers", "djoser,nobody")

    assert outcome.returncode == 2
    assert "there is no peer 'nobody'" in outcome.stderr


def test_documentation_shows_the_recorded_run() -> None:
    assert record.as_page(record.recorded()) == record.PAGE.read_text()


def test_recorded_run_has_each_figure() -> None:
    figures = record.recorded()["figures"]

    assert [row.figure for row in ROWS if PROJECT.name not in figures.get(row.figure, ())] == []


# --- The way to the provider ----------------------------------------------------------


def test_slope_is_how_often_a_login_has_waited() -> None:
    assert slope({0: 0.007, 0.025: 0.007 + 6 * 0.025, 0.1: 0.007 + 6 * 0.1}) == pytest.approx(6)


def test_slope_is_the_best_of_all_lines() -> None:
    assert slope({0: 0, 1: 3, 2: 3}) == pytest.approx(1.5)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """Return a proxy to a server that sends everything back."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        echo = threading.Thread(target=send_back, args=[server])
        echo.start()
        with proxy_to(server.getsockname()[1]) as proxy:
            yield proxy
        echo.join()


def send_back(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        while data := connection.recv(1024):
            connection.sendall(data)


def test_what_passes_the_proxy_keeps_its_order(proxy: Proxy) -> None:
    proxy.round_trip = 0.2
    with socket.create_connection(("127.0.0.1", proxy.port)) as connection:
        connection.sendall(b"first ")
        time.sleep(0.02)
        proxy.round_trip = 0
        connection.sendall(b"second")
        received = b""
        while len(received) < len(b"first second"):
            received += connection.recv(1024)

    assert received == b"first second"


def test_proxy_delays_a_connection_and_what_is_sent(proxy: Proxy) -> None:
    proxy.round_trip = 0.05
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", proxy.port)) as connection:
        connection.sendall(b"ping")
        connection.recv(1024)

    # One round trip for the handshake of TCP, one for this.
    assert time.monotonic() - started >= 2 * 0.05
