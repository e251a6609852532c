"""System checks of ``ALLOWED_REDIRECT_URIS`` and ``ALLOWED_LOGOUT_REDIRECT_URIS``.

They report entries that cannot work, or that are not safe.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from django.core.checks import CheckMessage, Error, Warning

from social_endpoints.checks.settings import COLLECTIONS, REDIRECT_URI_SETTINGS, name_of_setting
from social_endpoints.conf import settings

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?![0-9]+(?:[/?]|$))")
"""A scheme (RFC 3986 section 3.1). ``localhost:3000/callback`` has none."""

# A browser executes, displays or downloads these, so the code does not reach a page or an app.
_UNUSABLE_SCHEMES = re.compile(
    "about|blob|data|file(system)?|ftp|javascript|mailto|vbscript|view-source|wss?", re.IGNORECASE
)

_UNSAFE_CHARACTER = re.compile(r"[^!-~]|[\"<>\\^`{|}]")
"""A character that a URI must not contain (RFC 3986 section 2): browsers change it."""

_INVALID_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HOST = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?|[0-9a-fA-F:.]+")


def check_empty_redirect_uris(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report an empty ``ALLOWED_REDIRECT_URIS``."""
    if not settings.ALLOWED_REDIRECT_URIS:
        yield Error(
            f"{name_of_setting('ALLOWED_REDIRECT_URIS')} is empty. No login can begin.",
            hint="List the callback URLs of your frontend.",
            id="social_endpoints.E004",
        )


def check_redirect_uris(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report redirect URIs that no browser or no provider accepts, and unsafe schemes."""
    for name in REDIRECT_URI_SETTINGS:
        yield from _check_entries(name)


def _check_entries(setting: str) -> Iterator[CheckMessage]:
    name, is_callback = name_of_setting(setting), setting == "ALLOWED_REDIRECT_URIS"
    for uri in listed_redirect_uris(setting):
        if problem := _find_problem(uri, is_callback=is_callback):
            yield Error(
                f"{name} contains {uri!r}, which cannot work: {problem}.",
                hint="Write the complete URL of a page, such as"
                " 'https://app.example.com/login/callback'. Entries are compared as strings.",
                id="social_endpoints.E022",
            )
        elif "." not in (scheme := uri.partition(":")[0]) and not is_web_uri(uri):
            yield Warning(
                f"{name} contains {uri!r}. Any app can claim the scheme {scheme!r}.",
                hint="Use a domain name of yours in reverse order, such as"
                " 'com.example.app:/callback' (RFC 8252 section 7.1).",
                id="social_endpoints.W013",
            )


def listed_redirect_uris(name: str = "ALLOWED_REDIRECT_URIS") -> list[str]:
    """Return the URIs in a setting; an empty list if a callable decides."""
    allowed: Any = getattr(settings, name)
    uris = allowed if isinstance(allowed, COLLECTIONS) else ()
    return [uri for uri in uris if isinstance(uri, str)]


def is_web_uri(uri: str) -> bool:
    """Return whether a redirect URI is the URL of a page."""
    return uri.lower().startswith(("http:", "https:"))


def _find_problem(uri: str, *, is_callback: bool) -> str | None:
    """Return why a redirect URI cannot work, or None."""
    if not uri:
        return "it is empty"
    if character := _UNSAFE_CHARACTER.search(uri):
        return f"a URI must not contain the character {character[0]!r}"
    if "*" in uri:
        return "'*' is not a wildcard"
    if "#" in uri and is_callback:
        return "it has a fragment (RFC 6749 section 3.1.2)"
    if _INVALID_ESCAPE.search(uri):
        return "after '%', two hexadecimal digits must follow"
    scheme = _SCHEME.match(uri)
    if scheme is None:
        return "it has no scheme, such as 'https:'"
    if _UNUSABLE_SCHEMES.fullmatch(scheme[1]):
        return f"the scheme {scheme[1]!r} does not return to a page or an app"
    try:
        return _find_problem_of_parts(uri, urlsplit(uri))
    except ValueError:  # From urlsplit() or from the property `port`.
        return "its host or port is invalid"


def _find_problem_of_parts(uri: str, parts: SplitResult) -> str | None:
    if is_web_uri(uri):
        if not parts.hostname:
            return "it has no host"
        if "@" in parts.netloc:
            return "it contains a user name"
        if not _HOST.fullmatch(parts.hostname) or parts.port == 0:
            return "its host or port is invalid"
    if {".", ".."} & {unquote(segment) for segment in parts.path.split("/")}:
        return "browsers resolve the path segments '.' and '..'"
    return None


CHECKS: dict[Any, tuple[str, ...]] = {check_empty_redirect_uris: (), check_redirect_uris: ()}
