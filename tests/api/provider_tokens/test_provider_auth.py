"""Requests to the API of a provider with ``ProviderAuth``."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from oauthlib.oauth1 import Client

from social_endpoints.provider_tokens import (
    ProviderAuth,
    ProviderUnavailable,
    ReauthenticationRequired,
)
from tests.support.stored_tokens import LOGIN, connect
from tests.support.tcp_provider import Connection, Provider, Request
from tests.support.token_server import TokenServer, answering

pytestmark = pytest.mark.django_db


@pytest.fixture
def other() -> Iterator[Provider]:
    """Return a server with another origin."""

    def serve(connection: Connection) -> None:
        while True:
            connection.read()
            connection.answer({}, status=401)

    provider = Provider(on_connection=serve)
    yield provider
    provider.stop()


def get(user: Any, url: str, **options: Any) -> requests.Response:
    return requests.get(url, auth=ProviderAuth(user, "token-server"), timeout=10, **options)


def tokens_of(provider: Provider, path: str | None = None) -> list[str | None]:
    """Return the authorization of each request to a path."""
    requests_ = [each for each in provider.received if path is None or each.path == path]
    return [each.headers.get("authorization") for each in requests_]


def redirect(server: TokenServer, path: str, target: str, *, status: int = 302) -> None:
    serve = server.serve_api

    def serve_api(connection: Connection, request: Request) -> None:
        if request.path == path:
            connection.answer({}, status=status, headers=f"Location: {target}\r\n")
        else:
            serve(connection, request)

    server.serve_api = serve_api


def test_request_has_the_token(ada: Any, server: TokenServer) -> None:
    connect(ada, expires_in=3600)
    server.access_tokens.add("access-0")

    response = get(ada, f"{server.url}/api")

    assert (response.status_code, response.history) == (200, [])
    assert tokens_of(server.provider) == ["Bearer access-0"]


def test_expired_token_is_refreshed_before_the_request(ada: Any, server: TokenServer) -> None:
    connect(ada)

    assert get(ada, f"{server.url}/api").history == []
    assert len(server.posted) == 1


# --- After a 401 ------------------------------------------------------------------------


@pytest.mark.parametrize("expires_in", [3600, None])
def test_request_is_repeated_with_a_refreshed_token_after_a_401(
    expires_in: int | None, ada: Any, server: TokenServer
) -> None:
    connect(ada, expires_in=expires_in)

    response = get(ada, f"{server.url}/api")

    assert response.status_code == 200
    assert [each.status_code for each in response.history] == [401]
    assert response.history[0].json() == {"error": "invalid_token"}
    first, second = tokens_of(server.provider, "/api")
    assert first == "Bearer access-0"
    assert second == f"Bearer {server.access_tokens.pop()}"


def test_second_401_is_returned(ada: Any, server: TokenServer) -> None:
    connect(ada, expires_in=3600)
    server.serve_api = lambda connection, _: connection.answer({}, status=401)

    response = get(ada, f"{server.url}/api")

    assert (response.status_code, len(response.history)) == (401, 1)
    assert len(server.posted) == 1


def test_401_is_returned_if_the_token_cannot_be_refreshed(ada: Any, server: TokenServer) -> None:
    connect(ada, expires_in=3600, refresh_token=None)

    response = get(ada, f"{server.url}/api")

    assert (response.status_code, response.history) == (401, [])
    assert server.posted == []


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (answering({"error": "invalid_grant"}, status=400), ReauthenticationRequired),
        (answering({}, status=503), ProviderUnavailable),
    ],
)
def test_failed_refresh_after_a_401_raises(
    answer: Any, expected: type[Exception], ada: Any, server: TokenServer
) -> None:
    connect(ada, expires_in=3600)
    server.answer = answer

    with pytest.raises(expected):
        get(ada, f"{server.url}/api")


def test_token_that_another_worker_has_stored_is_used_after_a_401(
    ada: Any, server: TokenServer
) -> None:
    social = connect(ada, expires_in=3600)
    server.access_tokens.add("access-9")

    class Adapter(requests.adapters.HTTPAdapter):
        def send(self, *args: Any, **kwargs: Any) -> requests.Response:
            response = super().send(*args, **kwargs)
            if response.status_code == 401:
                social.delete()
                connect(ada, token="access-9", expires_in=3600)
            return response

    with requests.Session() as session:
        session.mount("http://", Adapter())
        session.auth = ProviderAuth(ada, "token-server")
        assert session.get(f"{server.url}/api").status_code == 200

    assert server.posted == []


def test_repetition_uses_the_same_connection(ada: Any, server: TokenServer) -> None:
    """Another one may be the one that was used last now, and belong to another account."""
    connect(ada, uid="1", expires_in=3600)
    server.access_tokens.add("other")

    class Adapter(requests.adapters.HTTPAdapter):
        def send(self, *args: Any, **kwargs: Any) -> requests.Response:
            response = super().send(*args, **kwargs)
            if response.status_code == 401:
                connect(ada, uid="2", token="other", expires_in=3600, auth_time=LOGIN + 1)
            return response

    with requests.Session() as session:
        session.mount("http://", Adapter())
        session.auth = ProviderAuth(ada, "token-server")
        assert session.get(f"{server.url}/api").status_code == 200

    assert "Bearer other" not in tokens_of(server.provider)
    assert len(server.posted) == 1


@pytest.mark.parametrize(
    "data",
    [b"content", "content", {"content": "1"}, io.BytesIO(b"skipped content")],
    ids=["bytes", "str", "form", "file"],
)
def test_body_is_sent_again(data: Any, ada: Any, server: TokenServer) -> None:
    connect(ada, expires_in=3600)
    if isinstance(data, io.BytesIO):
        data.seek(8)
    auth = ProviderAuth(ada, "token-server")

    response = requests.post(f"{server.url}/api", data=data, auth=auth, timeout=10)

    assert response.status_code == 200
    first, second = [each.body for each in server.provider.received if each.path == "/api"]
    assert first == second in {b"content", b"content=1"}


def test_401_is_returned_if_the_body_comes_from_a_generator(ada: Any, server: TokenServer) -> None:
    connect(ada, expires_in=3600)
    auth = ProviderAuth(ada, "token-server")
    server.serve_api = answer_and_close

    response = requests.post(f"{server.url}/api", data=iter([b"content"]), auth=auth, timeout=10)

    assert (response.status_code, response.history) == (401, [])
    assert server.posted == []


def answer_and_close(connection: Connection, request: Request) -> None:
    connection.answer({}, status=401, headers="Connection: close\r\n")
    connection.close()


def test_response_can_be_streamed(ada: Any, server: TokenServer) -> None:
    connect(ada, expires_in=3600)

    with get(ada, f"{server.url}/api", stream=True) as response:
        assert b"".join(response.iter_content(2)) == b'{"user": "ada"}'
    assert len(response.history) == 1


# --- Other origins ----------------------------------------------------------------------


def test_redirect_to_the_same_origin_keeps_the_token(ada: Any, server: TokenServer) -> None:
    connect(ada, expires_in=3600)
    server.access_tokens.add("access-0")
    redirect(server, "/old", "/api")

    assert get(ada, f"{server.url}/old").status_code == 200


def test_redirect_after_a_repetition_has_the_new_token(ada: Any, server: TokenServer) -> None:
    connect(ada, expires_in=3600)
    serve = server.serve_api

    def serve_api(connection: Connection, request: Request) -> None:
        token = request.headers["authorization"].removeprefix("Bearer ")
        if request.path == "/old" and token in server.access_tokens:
            connection.answer({}, status=307, headers="Location: /api\r\n")
        else:
            serve(connection, request)

    server.serve_api = serve_api

    assert get(ada, f"{server.url}/old").status_code == 200
    assert len(server.posted) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_to_another_port_has_no_token(
    status: int, ada: Any, server: TokenServer, other: Provider
) -> None:
    connect(ada, expires_in=3600)
    redirect(server, "/old", f"{other.url}/api", status=status)

    response = get(ada, f"{server.url}/old")

    assert response.status_code == 401
    assert tokens_of(other) == [None]
    assert server.posted == []


@pytest.mark.parametrize("host", ["localhost", "user:pass@127.0.0.1"])
def test_redirect_to_another_host_has_no_token(host: str, ada: Any, server: TokenServer) -> None:
    connect(ada, expires_in=3600)
    server.access_tokens.add("access-0")
    redirect(server, "/old", f"http://{host}:{server.provider.port}/api")

    response = get(ada, f"{server.url}/old")

    expected = [None] if host == "localhost" else ["Bearer access-0"]
    assert tokens_of(server.provider, "/api") == expected
    assert response.status_code == (401 if host == "localhost" else 200)
    assert server.posted == []


def test_redirect_from_http_to_https_has_no_token(ada: Any, server: TokenServer) -> None:
    """requests itself would keep it, if both ports are the default ones."""
    connect(ada, expires_in=3600)
    received: list[requests.PreparedRequest] = []

    class Adapter(requests.adapters.HTTPAdapter):
        def send(self, request: Any, *args: Any, **kwargs: Any) -> requests.Response:
            received.append(request)
            response = requests.Response()
            response.request, response.url, response.raw = request, request.url, io.BytesIO()
            response.connection = self
            response.status_code = 302 if request.url.startswith("http:") else 401
            response.headers["Location"] = "https://api.example.com/"
            return response

    session = requests.Session()
    session.mount("http://", Adapter())
    session.mount("https://", Adapter())
    session.auth = ProviderAuth(ada, "token-server")

    assert session.get("http://api.example.com/").status_code == 401
    assert [each.url for each in received] == [
        "http://api.example.com/",
        "https://api.example.com/",
    ]
    assert "Authorization" not in received[1].headers


@pytest.mark.parametrize("target", ["http://[", "http://127.0.0.1:99999/", "//[::1"])
def test_redirect_to_a_malformed_url_is_not_followed(
    target: str, ada: Any, server: TokenServer
) -> None:
    connect(ada, expires_in=3600)
    redirect(server, "/old", target)

    with pytest.raises((requests.RequestException, ValueError)):
        get(ada, f"{server.url}/old")
    assert len(server.provider.received) == 1


def test_way_back_to_the_first_origin_has_no_token(
    ada: Any, server: TokenServer, other: Provider
) -> None:
    connect(ada, expires_in=3600)
    redirect(server, "/old", f"{other.url}/there")
    back = f"Location: {server.url}/api\r\n"

    def serve(connection: Connection) -> None:
        connection.read()
        connection.answer({}, status=302, headers=back)

    other.on_connection = serve

    assert get(ada, f"{server.url}/old").status_code == 401
    assert tokens_of(server.provider, "/api") == [None]
    assert server.posted == []


def test_instance_sends_the_token_to_one_origin_only(
    ada: Any, server: TokenServer, other: Provider
) -> None:
    connect(ada, expires_in=3600)
    server.access_tokens.add("access-0")
    urls = (f"{server.url}/api", other.url, server.url)

    with requests.Session() as session:
        session.auth = ProviderAuth(ada, "token-server")
        codes = [session.get(url).status_code for url in urls]

    assert codes == [200, 401, 200]
    assert tokens_of(other) == [None]
    assert server.posted == []


# --- OAuth 1.0a -------------------------------------------------------------------------


def test_request_is_signed_with_oauth_1(
    ada: Any, server: TokenServer, settings: Any, other: Provider
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.twitter.TwitterOAuth"]
    settings.SOCIAL_AUTH_TWITTER_KEY, settings.SOCIAL_AUTH_TWITTER_SECRET = "our-key", "our-secret"
    token = {"oauth_token": "token-1", "oauth_token_secret": "secret-1", "user_id": "1"}
    connect(ada, "twitter", token=token, expires_in=None, refresh_token=None)
    redirect(server, "/old", f"{other.url}/api")
    auth = ProviderAuth(ada, "twitter")

    refused = requests.get(f"{server.url}/api?page=2", auth=auth, timeout=10)
    redirected = requests.get(f"{server.url}/old", auth=auth, timeout=10)

    assert (refused.status_code, refused.history) == (401, [])
    header = str(tokens_of(server.provider, "/api")[0])
    parameters = ("oauth_token=", "oauth_consumer_key=", "oauth_signature=", "oauth_nonce=")
    assert header.startswith("OAuth ")
    assert all(name in header for name in parameters)
    assert "secret" not in header
    assert redirected.status_code == 401
    assert tokens_of(other) == [None]


@pytest.mark.parametrize("status", [303, 307])
def test_redirect_to_the_same_origin_is_signed_again(
    status: int, ada: Any, server: TokenServer, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.twitter.TwitterOAuth"]
    settings.SOCIAL_AUTH_TWITTER_KEY = settings.SOCIAL_AUTH_TWITTER_SECRET = "ours"
    token = {"oauth_token": "token-1", "oauth_token_secret": "secret-1"}
    connect(ada, "twitter", token=token, expires_in=None)
    redirect(server, "/old", "/api?page=2", status=status)
    auth = ProviderAuth(ada, "twitter")

    requests.post(f"{server.url}/old", data={"a": "b"}, auth=auth, timeout=10)

    first, second = server.provider.received
    headers = [each.headers["authorization"] for each in (first, second)]
    values = dict(re.findall('(oauth_nonce|oauth_timestamp)="([^"]+)"', headers[1]))
    client = Client("ours", "ours", "token-1", "secret-1")
    client.nonce, client.timestamp = values["oauth_nonce"], values["oauth_timestamp"]
    content_type = second.headers.get("content-type")
    form = {"Content-Type": content_type} if content_type else {}
    url, body = f"{server.url}{second.target}", second.body.decode() or None
    assert headers[1] == client.sign(url, second.method, body, form)[1]["Authorization"]
    assert values["oauth_nonce"] not in headers[0]
    assert bool(second.body) is (status == 307)


@pytest.mark.parametrize("make", [io.BytesIO, lambda content: iter([content])], ids=["file", "it"])
def test_body_of_a_signed_request_is_complete(make: Any, ada: Any, settings: Any) -> None:
    """The signature does not contain a body that is not a form (RFC 5849 section 3.4.1.3.1)."""
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.twitter.TwitterOAuth"]
    settings.SOCIAL_AUTH_TWITTER_KEY = settings.SOCIAL_AUTH_TWITTER_SECRET = "ours"
    token = {"oauth_token": "token-1", "oauth_token_secret": "secret-1"}
    connect(ada, "twitter", token=token, expires_in=None)
    auth = ProviderAuth(ada, "twitter")

    request = requests.Request("POST", "https://x.com", data=make(b"1\n2"), auth=auth).prepare()

    body: Any = request.body
    assert b"".join(body) == b"1\n2"
    is_chunked = "Transfer-Encoding" in request.headers
    assert is_chunked or request.headers["Content-Length"] == "3"
    assert b"OAuth " in request.headers["Authorization"]
