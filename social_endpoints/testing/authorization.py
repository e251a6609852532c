"""Requests to the authorization endpoint of a fake provider, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from social_endpoints.internal.backends.registry import find
from social_endpoints.testing.configured import client_ids, may_return_to, names_of

_RESPONSE_MODES = ("query", "form_post")
_CHALLENGE_METHODS = ("plain", "S256")

# Weixin and Untappd.
_OTHER_NAMES = {"client_id": "appid", "redirect_uri": "redirect_url"}

_BEGIN = "Begin a login in your frontend. It sends you to this page with all parameters."


class InvalidRequest(Exception):
    """The request is refused with an error page. The browser must not be redirected.

    :ivar values: names and values that the page shows.
    """

    def __init__(
        self, error: str, description: str, values: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(error)
        self.error, self.description, self.values = error, description, values or {}


@dataclass(frozen=True)
class AuthorizationRequest:
    """A request whose response may be a redirect (RFC 6749 section 4.1.1).

    :ivar names: the providers with this client id, usually one.
    :ivar error: the error that the redirect contains (section 4.1.2.1), or an empty text.
    :ivar description: what is wrong, for the frontend developer.
    """

    params: dict[str, str]
    names: list[str]
    error: str = ""
    description: str = ""

    @property
    def prompts(self) -> list[str]:
        """The values of ``prompt`` (OpenID Connect Core section 3.1.2.1)."""
        return self.params.get("prompt", "").split()


def read_request(
    request: HttpRequest, params: dict[str, str], provider: str | None
) -> AuthorizationRequest:
    """Return a request whose response may be a redirect, with a code or with an error.

    :param provider: the provider that the fake stands in for; None for the issuer of all clients.
    :raises InvalidRequest: the client is unknown, or its redirect URI is not allowed.
    """
    for name, other in _OTHER_NAMES.items():
        if provider and name not in params and other in params:
            params = {**params, name: params[other]}
    names = _names(params.get("client_id", ""), provider)
    _require_redirect_uri(request, params.get("redirect_uri", ""), names)
    return AuthorizationRequest(params, names, *_find_error(params, provider))


def _names(client_id: str, provider: str | None) -> list[str]:
    if not client_id:
        raise InvalidRequest("The parameter client_id is missing", _BEGIN)
    names = [name for name in names_of(client_id) if provider in {None, name}]
    if names:
        return names
    raise InvalidRequest(
        "The client_id is unknown",
        "It is not a client ID in the settings of this project. If you have changed the settings,"
        " restart the server of the fake provider.",
        {"client_id": client_id, "Expected": " or ".join(client_ids(provider)) or "none"},
    )


def _require_redirect_uri(request: HttpRequest, uri: str, names: list[str]) -> None:
    if not uri:
        raise InvalidRequest("The parameter redirect_uri is missing", _BEGIN)
    if not may_return_to(uri, names, request):
        raise InvalidRequest(
            "The redirect_uri is not allowed",
            "It is neither in ALLOWED_REDIRECT_URIS nor the URL of the handoff of this project."
            " The whole text is compared, as real providers do.",
            {"redirect_uri": uri},
        )


def _find_error(params: dict[str, str], provider: str | None) -> tuple[str, str]:
    """Return the error of a request and its description, or two empty texts."""
    response_type = params.get("response_type", "")
    # The endpoints of some vendors have only one type, which is not sent.
    backend: Any = find(provider).backend if provider else None
    is_implied = not response_type and backend is not None and backend.RESPONSE_TYPE is None
    if response_type != "code" and not is_implied:
        error = "unsupported_response_type" if response_type else "invalid_request"
        return error, _description("response_type", response_type, ("code",))
    for name, choices in (
        ("response_mode", _RESPONSE_MODES),
        ("code_challenge_method", _CHALLENGE_METHODS),
    ):
        value = params.get(name, "")
        if value and value.lower() not in map(str.lower, choices):  # Some clients send "s256".
            return "invalid_request", _description(name, value, choices)
    if params.get("code_challenge_method") and not params.get("code_challenge"):
        return "invalid_request", "The parameter code_challenge is missing (RFC 7636 section 4.3)."
    prompts = params.get("prompt", "").split()
    if "none" in prompts and len(prompts) > 1:
        return "invalid_request", "The parameter prompt must not contain none beside other values."
    return "", ""


def _description(name: str, value: str, choices: tuple[str, ...]) -> str:
    problem = "wrong" if value else "missing"
    return f"The parameter {name} is {problem}. The fake provider supports {' and '.join(choices)}."
