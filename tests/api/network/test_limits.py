"""Limits on the size of responses and on redirects."""

from __future__ import annotations

import gzip
import time
import tracemalloc

import pytest

from tests.support.tcp_provider import Connection, LogIn, Provider, response, send_instead

pytestmark = pytest.mark.django_db

LARGE = b" " * 1_100_000
BOMB = gzip.compress(gzip.compress(b" " * 200_000_000))
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def redirect(target: str, body: bytes = b"", status: int = 302) -> bytes:
    return response(body, status=status, headers=f"Location: {target}\r\n")


def chunked(body: bytes) -> bytes:
    head = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    return head + f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"


ABOVE_A_LIMIT = {
    "body": response(LARGE),
    "chunked body": chunked(LARGE),
    "body without length": HEAD + b"Connection: close\r\n\r\n" + LARGE,
    "compressed body": response(gzip.compress(LARGE), headers="Content-Encoding: gzip\r\n"),
    "twice compressed body": response(BOMB, headers="Content-Encoding: gzip, gzip\r\n"),
    "many cookies": response(b"{}", headers=("Set-Cookie: a=b" + ";a=b" * 16_000 + "\r\n") * 90),
    "slow encoding": HEAD.replace(b"json", b"json; charset=Punycode")
    + b"Content-Length: 100000\r\n\r\na-"
    + b"b" * 99_998,
    "body of an error": response(LARGE, status=500),
    "body of a redirect": redirect("/user", LARGE),
    "long location": redirect("/" + "a" * 4096),
    "long query": redirect("https://example.com/?" + "a:" * 30_000),
    "long word": redirect("a" * 60_000),
    "endless redirects": redirect("/token"),
    "no host": redirect("http://[/"),
    "long host": redirect("https://" + "a" * 70 + ".example.com/"),
    "not the web": redirect("ftp://example.com/"),
    "not text": redirect("/x").replace(b"/x", b"/\xff"),
}


@pytest.mark.parametrize("data", ABOVE_A_LIMIT.values(), ids=ABOVE_A_LIMIT)
def test_response_above_a_limit_is_malformed(
    data: bytes, provider: Provider, log_in: LogIn
) -> None:
    provider.special["/token"] = send_instead(data)
    started = time.process_time()

    answer = log_in(provider)

    assert (answer.status_code, answer.data["error_code"]) == (400, "malformed_response")
    assert time.process_time() - started < 1
    assert provider.requests["POST /token"] == 1


def test_response_at_the_limit_is_accepted(provider: Provider, log_in: LogIn) -> None:
    token = b'{"access_token": "token-1"}'
    provider.special["/token"] = send_instead(response(token + b" " * (1_000_000 - len(token))))

    assert log_in(provider).status_code == 201


def test_compressed_response_costs_no_more_memory_than_the_limit(
    provider: Provider, log_in: LogIn
) -> None:
    provider.special["/token"] = send_instead(
        response(BOMB, headers="Content-Encoding: gzip, gzip\r\n")
    )
    log_in(provider)
    tracemalloc.start()

    log_in(provider)

    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


@pytest.mark.parametrize(("count", "status"), [(5, 201), (6, 400)])
def test_redirects_are_limited(count: int, status: int, provider: Provider, log_in: LogIn) -> None:
    def serve(connection: Connection) -> None:
        number = int(provider.received[-1].target.partition("=")[2] or 0)
        if number < count:
            connection.send(redirect(f"/user?number={number + 1}"))
        else:
            connection.answer({"id": "1", "login": "user1"})

    provider.special["/user"] = serve

    assert log_in(provider).status_code == status
    assert provider.requests["GET /user"] == 6


@pytest.mark.parametrize(
    "data",
    [
        redirect("/real", status=307),
        redirect("/real", b"not compressed", 308).replace(
            b"\r\n", b"\r\nContent-Encoding: gzip\r\n", 1
        ),
    ],
    ids=["same origin", "undecodable body"],
)
def test_redirect_within_an_origin_is_followed(
    data: bytes, provider: Provider, log_in: LogIn
) -> None:
    provider.special["/token"] = send_instead(data)
    provider.special["/real"] = lambda connection: connection.answer({"access_token": "token-1"})

    assert log_in(provider).status_code == 201
    assert provider.requests["POST /real"] == 1


@pytest.mark.parametrize("status", [307, 308])
@pytest.mark.parametrize("size", [0, 2_000_000])
def test_secret_is_not_redirected_to_another_origin(
    size: int, status: int, provider: Provider, log_in: LogIn
) -> None:
    other = Provider()
    provider.special["/token"] = send_instead(redirect(f"{other.url}/token", b"x" * size, status))

    assert log_in(provider).status_code == 400
    assert not other.connections
    other.stop()


@pytest.mark.parametrize(
    "data",
    [
        b"a" * 60_000 + b"\r\n\r\n",
        b"HTTP/1.1 400 " + b"a" * 60_000 + b"\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"1" * 60_000 + b"\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"z" * 60_000 + b"\r\n",
        response(b"x", headers=f"Content-Encoding: gzip,{'a' * 50_000}\r\n"),
    ],
    ids=["status line", "reason", "length", "chunk", "encoding"],
)
def test_long_message_of_the_provider_costs_no_time(
    data: bytes, provider: Provider, log_in: LogIn
) -> None:
    provider.special["/token"] = send_instead(data)
    started = time.process_time()

    assert log_in(provider).status_code == 400
    assert time.process_time() - started < 1


def test_interrupted_body_is_a_failed_connection(provider: Provider, log_in: LogIn) -> None:
    def serve(connection: Connection) -> None:
        connection.send(HEAD + b"Content-Length: 100\r\n\r\n{")
        connection.close()

    provider.special["/token"] = serve

    assert log_in(provider).data["error_code"] == "connection_failed"
