"""The headers of responses in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings as django_settings

from social_endpoints.conf import settings
from social_endpoints.schema.components import Schema, find_component, is_cookie_only
from social_endpoints.tokens.base import LoginSerializer

# How each response uses cookies, by operation and status.
_COOKIES = {
    "socialBegin": {"200": "flow"},
    "socialComplete": {"201": "login", "202": "flow"},
    "socialSignInWithToken": {"201": "login", "202": "flow"},
    "socialConnect": {"200": "flow"},
    "socialCompleteConnect": {"201": "end of flow", "202": "flow"},
    "socialConnectWithToken": {"202": "flow"},
    "socialLogout": {"204": "logout"},
    "socialRefresh": {"204": "refresh"},
}


def add_headers(
    operation_id: str, responses: dict[str, Schema], serializer: type[LoginSerializer]
) -> None:
    """Add the headers of the responses below 400.

    :param serializer: the token serializer.
    """
    for status, name, header in _iterate(operation_id, serializer):
        if status not in responses:  # The project describes other responses.
            continue
        responses[status].setdefault("headers", {}).setdefault(name, header)


def retry_after() -> Schema:
    """Return the header ``Retry-After``."""
    text = "Seconds to wait, or a date. A page of another origin can read it only if the project "
    text += "lists it in `Access-Control-Expose-Headers`."
    return {"Retry-After": _header(text, "30")}


def www_authenticate(scheme: str) -> Schema:
    """Return the header ``WWW-Authenticate``."""
    return {"WWW-Authenticate": _header("The scheme of the authentication.", scheme)}


def _iterate(
    operation_id: str, serializer: type[LoginSerializer]
) -> Iterator[tuple[str, str, Schema]]:
    """Yield status, name and description of each header."""
    if operation_id == "socialProviders":
        for status in ("200", "304"):
            yield status, "ETag", _header("Identifies this list.", '"0d5f3c2aa1b7f9be"')
            text = "Caches must revalidate the list."
            yield status, "Cache-Control", _header(text, "no-cache, max-age=0")
    if operation_id in {"socialCallback", "socialCallbackPost"}:
        text = "The page at which the login began, with `code` and `state`."
        example = "https://app.example.com/callback?code=c1f2&state=Yv0PBqXU"
        yield "303", "Location", _header(text, example)
    for status, use in _COOKIES.get(operation_id, {}).items():
        for text, example in _describe_cookies(use, serializer):
            yield status, "Set-Cookie", _header(text, example)


def _describe_cookies(use: str, serializer: type[LoginSerializer]) -> Iterator[tuple[str, str]]:
    sets_cookies = serializer.sets_cookies
    attributes = "HttpOnly; Path=/; SameSite=Lax; Secure"
    login_cookie = f"{_login_cookie(serializer)}=…"
    flow_cookie = "__Host-auth_flow_IjFIOX93vtngaj2L"
    if use == "logout" and sets_cookies:
        yield "Deletes the cookies of the login.", f"{login_cookie}; Max-Age=0"
    elif use in {"login", "refresh"} and sets_cookies:
        text = "The cookies of the login. Scripts cannot read them."
        yield text, f"{login_cookie}; {attributes}"
    elif use == "flow" and (is_cookie_only() or settings.FLOW_TRANSPORT != "body"):
        text = "The cookie with the flow. The request that completes needs it"
        text += "." if is_cookie_only() else ", or the `flow` in its body."
        yield text, f"{flow_cookie}=gAAGYPfJ3n8sLw; Max-Age=3600; {attributes}"
    elif use not in {"logout", "refresh"} and settings.FLOW_TRANSPORT != "body":
        yield "Deletes the cookie with the flow.", f"{flow_cookie}=; Max-Age=0; Path=/"


def _login_cookie(serializer: type[LoginSerializer]) -> str:
    component = find_component(serializer)
    if component is not None and component.name == "SocialJWTCookie":
        return str(settings.JWT_ACCESS_COOKIE)
    return str(django_settings.SESSION_COOKIE_NAME)


def _header(text: str, example: str) -> Schema:
    return {"schema": {"type": "string"}, "description": text, "example": example}
