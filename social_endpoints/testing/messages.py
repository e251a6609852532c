"""Requests to a fake provider and its responses, without a network."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit


@dataclass(frozen=True)
class ProviderRequest:
    """A request to a provider.

    :param url: the absolute URL, with its query.
    :param headers: names in any case.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def path(self) -> str:
        """The path of the URL."""
        return urlsplit(self.url).path

    @property
    def address(self) -> str:
        """The URL without its query."""
        return self.url.partition("?")[0].partition("#")[0]

    def header(self, name: str) -> str:
        """Return the value of a header, or an empty string."""
        values = (value for key, value in self.headers.items() if key.lower() == name.lower())
        return next(values, "")

    @cached_property
    def params(self) -> dict[str, str]:
        """The parameters: those of the query and of the body, a form or a JSON object."""
        return {
            **dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True)),
            **self._body_params(),
        }

    def _body_params(self) -> dict[str, str]:
        text = self.body.decode("utf-8", "replace")
        if not text.lstrip().startswith("{"):
            return dict(parse_qsl(text, keep_blank_values=True))
        try:
            content = json.loads(text)
        except (RecursionError, ValueError):
            return {}
        return {str(name): str(value) for name, value in content.items()}

    @cached_property
    def basic_credentials(self) -> tuple[str, str] | None:
        """The user name and the password of HTTP Basic authentication, or None.

        They are as they were sent; see :attr:`client_credentials`.
        """
        scheme, _, value = self.header("Authorization").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            content = b64decode(value, validate=True)
        except ValueError:
            return None
        try:
            text = content.decode()
        except UnicodeDecodeError:  # The encoding of requests.
            text = content.decode("latin-1")
        name, _, password = text.partition(":")
        return name, password

    @property
    def client_credentials(self) -> list[tuple[str, str]]:
        """The client id and the client secret, or empty texts.

        They are in the body or in HTTP Basic. There, OAuth 2 encodes both (RFC 6749 section
        2.3.1), but many clients do not, so there can be two pairs.
        """
        client_id, secret = (self.params.get(name, "") for name in ("client_id", "client_secret"))
        basic = self.basic_credentials
        if basic is None:
            return [(client_id, secret)]
        pairs = {basic: None, (unquote_plus(basic[0]), unquote_plus(basic[1])): None}
        return [(name or client_id, password or secret) for name, password in pairs]

    def values(self) -> Iterator[str]:
        """Yield each value that may be a token: words of headers, parameters and path segments."""
        for value in self.headers.values():
            yield from str(value).split()
        yield from self.basic_credentials or ()
        yield from self.params.values()
        yield from map(unquote_plus, self.path.split("/"))


@dataclass(frozen=True)
class ProviderResponse:
    """A response of a provider.

    :param content: the body: bytes, text, or a value that is written as JSON.
    :param delay: seconds that the provider needs for it.
    """

    status: int = 200
    content: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0

    @cached_property
    def body(self) -> bytes:
        """The body."""
        if isinstance(self.content, bytes):
            return self.content
        is_text = isinstance(self.content, str)
        return (self.content if is_text else json.dumps(self.content)).encode()

    @cached_property
    def all_headers(self) -> dict[str, str]:
        """The headers, with ``Content-Type`` and ``Content-Length``."""
        is_json = not isinstance(self.content, (bytes, str))
        content_type = "application/json" if is_json else "text/plain; charset=utf-8"
        defaults = {"Content-Type": content_type, "Cache-Control": "no-store"}
        return {**defaults, **self.headers, "Content-Length": str(len(self.body))}


@dataclass(frozen=True)
class AuthorizationResponse:
    """Where a fake provider sends the browser after a person has approved or declined.

    :param redirect_uri: the URI of the client, with its own query.
    :param params: the parameters that the provider adds.
    :param method: ``"POST"`` if the browser must post them (``response_mode=form_post``).
    """

    redirect_uri: str
    params: Mapping[str, str]
    method: Literal["GET", "POST"] = "GET"

    @property
    def url(self) -> str:
        """The URL to which a browser is redirected, if the method is GET."""
        separator = "&" if "?" in self.redirect_uri else "?"
        return f"{self.redirect_uri}{separator}{urlencode(self.params)}"

    @property
    def callback_params(self) -> dict[str, str]:
        """All parameters that arrive at the redirect URI, those of its own query included."""
        query = urlsplit(self.redirect_uri).query
        return {**dict(parse_qsl(query, keep_blank_values=True)), **self.params}
