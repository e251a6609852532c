"""A provider of OAuth 2.0, OpenID Connect and OAuth 1.0a, over HTTP, with any number of users."""

from __future__ import annotations

import hashlib
import json
import random
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt

from tests.support.keys import public, signing_key

CLIENT = "our-client-id"
SLOW = 0.6  # Seconds, more than the time-out.


class Provider(ThreadingHTTPServer):
    """A server on a free port, with one thread for each connection.

    :param host: the name in its URL.
    :param failure_rate: share of the requests that fail in one of several ways. If it is not 0,
        there are outages as well.
    """

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, host: str = "127.0.0.1", failure_rate: float = 0) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://{host}:{self.server_port}"
        self.failure_rate = failure_rate
        self.codes: dict[str, dict[str, str]] = {}
        self.key = signing_key()  # Created before threads could create one each.

    @contextmanager
    def running(self) -> Iterator[Provider]:
        with self:
            Thread(target=self.serve_forever, daemon=True).start()
            yield self
            self.shutdown()

    def handle_error(self, *arguments: Any) -> None:
        """Ignore broken connections."""

    def authorize(self, authorization_url: str, user: str) -> dict[str, str]:
        """Sign a user in; return the parameters of the callback."""
        params = dict(parse_qsl(urlsplit(authorization_url).query))
        code = secrets.token_urlsafe(12)
        self.codes[code] = {**params, "user": user}
        if "oauth_token" in params:  # OAuth 1.0a
            return {"oauth_token": params["oauth_token"], "oauth_verifier": code}
        return {"code": code, "state": params["state"]}

    def access_token(self, user: str) -> str:
        return f"{user}.{secrets.token_urlsafe(12)}"

    def id_token(self, user: str, key: Any = None, **claims: Any) -> str:
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, **claims}
        return jwt.encode({"sub": user, **claims}, key or self.key, "RS256", {"kid": "1"})


class Handler(BaseHTTPRequestHandler):
    server: Provider
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    timeout = 60

    def log_message(self, *arguments: Any) -> None:
        """Do not log."""

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        path = urlsplit(self.path).path
        status, content = self.answer(path, dict(parse_qsl(body)))
        encoded = (content if isinstance(content, str) else json.dumps(content)).encode()
        rate = self.server.failure_rate
        if rate and time.monotonic() % 8 < 2:  # An outage of two seconds, in which it is silent.
            time.sleep(SLOW)
        elif random.random() < rate:
            status, encoded = self.fail(status, encoded)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    do_POST = do_GET  # noqa: N815 - the standard library's name

    def fail(self, status: int, content: bytes) -> tuple[int, bytes]:
        """Fail in one of several ways; return what is left of the response."""
        failure = random.choice(["status", "slow", "cut off", "closed"])
        if failure == "status":
            return random.choice([500, 502, 503]), b"<h1>Error</h1>"
        if failure == "slow":
            time.sleep(SLOW)
            return status, content
        if failure == "cut off":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{")
        with suppress(OSError):
            self.wfile.flush()
        self.connection.close()
        raise ConnectionAbortedError

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, Any]:
        url = self.server.url
        credentials = self.headers.get("Authorization", "")
        match path:
            case "/.well-known/openid-configuration":
                names = {"authorization": "authorize", "token": "token", "userinfo": "user"}
                endpoints = {f"{name}_endpoint": f"{url}/{names[name]}" for name in names}
                introspection = {"introspection_endpoint": f"{url}/introspect"}
                auth = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
                found = {"issuer": url, "jwks_uri": f"{url}/jwks", **introspection, **auth}
                return 200, {**endpoints, **found}
            case "/jwks":
                return 200, {"keys": [public(self.server.key, alg="RS256")]}
            case "/token":
                return self.redeem(form)
            case "/introspect":
                user = form["token"].partition(".")[0]
                return 200, {"active": True, "client_id": CLIENT, "sub": user}
            case "/request_token":
                token = f"oauth_token={secrets.token_urlsafe(9)}&oauth_token_secret=s"
                return 200, f"{token}&oauth_callback_confirmed=true"
            case "/access_token":
                verifier = credentials.partition('oauth_verifier="')[2].partition('"')[0]
                login = self.server.codes.pop(verifier, None)
                if login is None:
                    return 401, "rejected"
                return 200, f"oauth_token={login['user']}.token&oauth_token_secret=s"
            case "/user":
                token = credentials.removeprefix("Bearer ")
                if token.startswith("OAuth "):
                    token = token.partition('oauth_token="')[2]
                user = token.partition(".")[0]
                email = {"email": f"{user}@id.example.com", "email_verified": True}
                names = {"login": user, "preferred_username": user}
                return 200, {"sub": user, "id": user, **names, **email}
        return 404, {}

    def redeem(self, form: dict[str, str]) -> tuple[int, Any]:
        login = self.server.codes.pop(form["code"], None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = urlsafe_b64encode(digest).decode().rstrip("=")
        if login is None or login.get("code_challenge", challenge) != challenge:
            return 400, {"error": "invalid_grant"}
        nonce = {"nonce": login["nonce"]} if "nonce" in login else {}
        tokens = {"id_token": self.server.id_token(login["user"], **nonce)} if nonce else {}
        access_token = self.server.access_token(login["user"])
        return 200, {"access_token": access_token, "token_type": "Bearer", **tokens}
