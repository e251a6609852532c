"""A provider on a real socket that refreshes access tokens and has an API."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings as project_settings
from social_core.backends.oauth import BaseOAuth2

from tests.support.tcp_provider import Connection, Provider, Request

Answer = Callable[[Connection, Request], None]


@dataclass
class TokenServer:
    """A provider whose token endpoint rotates refresh tokens, and an API at ``/api``.

    :param answer: serves the token endpoint in place of the default response, if set.
    :param fields: fields of the token response that replace the default ones.
    :ivar refresh_token: the only valid refresh token.
    :ivar access_tokens: the access tokens that the API accepts.
    :ivar posted: the forms that the token endpoint has received.
    """

    answer: Answer | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    delay: float = 0
    refresh_token: str = "refresh-0"
    access_tokens: set[str] = field(default_factory=set)
    posted: list[dict[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self.provider = Provider(on_connection=self._serve)

    @property
    def url(self) -> str:
        return self.provider.url

    def _serve(self, connection: Connection) -> None:
        while True:
            request = connection.read()
            if request.path == "/token":
                self._serve_token(connection, request)
            else:
                self.serve_api(connection, request)

    def _serve_token(self, connection: Connection, request: Request) -> None:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        with self._lock:
            self.posted.append(form)
        if self.answer is not None:
            self.answer(connection, request)
            return
        time.sleep(self.delay)
        with self._lock:
            if form.get("refresh_token") != self.refresh_token:
                connection.answer({"error": "invalid_grant"}, status=400)
                return
            self.refresh_token = f"refresh-{len(self.posted)}"
            token = f"access-{secrets.token_hex(4)}"
            self.access_tokens.add(token)
        default = {
            "access_token": token,
            "token_type": "bearer",
            "expires_in": 3600,
            "refresh_token": self.refresh_token,
        }
        content = {**default, **self.fields}
        connection.answer({name: each for name, each in content.items() if each is not None})

    def serve_api(self, connection: Connection, request: Request) -> None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.access_tokens:
            connection.answer({"error": "invalid_token"}, status=401)
        else:
            connection.answer({"user": "ada"})


def answering(content: Any, *, status: int = 200, headers: str = "") -> Answer:
    """Return an answer of the token endpoint."""
    return lambda connection, _: connection.answer(content, status=status, headers=headers)


class TokenServerOAuth2(BaseOAuth2):  # type: ignore[type-arg]  # in social-core 6 it is not generic
    """The backend of this provider."""

    name = "token-server"
    AUTHORIZATION_URL = "https://token-server.example.com/authorize"
    EXTRA_DATA = [("refresh_token", "refresh_token", True), ("expires_in", "expires_in")]

    def access_token_url(self) -> str:
        return f"{self.setting('URL')}/token"


PATH = f"{__name__}.TokenServerOAuth2"


def settings_of(url: str) -> dict[str, Any]:
    """Return the settings of a project for this provider."""
    return {
        "AUTHENTICATION_BACKENDS": [*project_settings.AUTHENTICATION_BACKENDS, PATH],
        "SOCIAL_AUTH_TOKEN_SERVER_URL": url,
        "SOCIAL_AUTH_TOKEN_SERVER_KEY": "our-id",
        "SOCIAL_AUTH_TOKEN_SERVER_SECRET": "our-secret",
    }
