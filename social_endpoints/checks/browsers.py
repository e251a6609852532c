"""System checks for production: cookies, and the origins that may use them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import takewhile
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Tags, Warning
from django.utils.module_loading import import_string

from social_endpoints.checks.redirect_uris import is_web_uri, listed_redirect_uris
from social_endpoints.checks.settings import COLLECTIONS, is_subclass
from social_endpoints.checks.tokens import configured_serializer
from social_endpoints.conf import NAME, settings
from social_endpoints.tokens import MissingExtra

_UNKNOWN_ORIGIN, _OPAQUE_ORIGIN = "https://unknown.invalid", "null"


def check_secure_cookies(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report cookies with tokens that may be sent over unencrypted HTTP."""
    if not settings.JWT_COOKIE_SECURE and _uses_jwt_cookies():
        yield Warning(
            f"{NAME}['JWT_COOKIE_SECURE'] is not True. The tokens may be sent unencrypted.",
            hint="Set it to True in production.",
            id="social_endpoints.W004",
        )


def check_hidden_cookies(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report token cookies whose values appear in Django's error reports."""
    hidden = _hidden_names() if _uses_jwt_cookies() else None
    for setting in ("JWT_ACCESS_COOKIE", "JWT_REFRESH_COOKIE"):
        name = getattr(settings, setting)
        if hidden is not None and not hidden.search(str(name)):
            yield Warning(
                f"Django's error reports show the value of the cookie {name!r}, which is a token.",
                hint=f"Set {NAME}['{setting}'] to a name that contains 'token', for example.",
                id="social_endpoints.W024",
            )


def _hidden_names() -> re.Pattern[str] | None:
    """Return the names that error reports hide, or None if the project's filter has none."""
    with suppress(Exception):  # Django raises the exception when it builds a report.
        reporter_filter: Any = import_string(django_settings.DEFAULT_EXCEPTION_REPORTER_FILTER)
        pattern = reporter_filter.hidden_settings
        return pattern if isinstance(pattern, re.Pattern) else None
    return None


def _uses_jwt_cookies() -> bool:
    serializer = configured_serializer()
    if serializer is None or not serializer.sets_cookies:
        return False
    try:
        from social_endpoints.tokens import JWTCookieSerializer  # needs an optional package
    except MissingExtra:
        return False
    return is_subclass(serializer, JWTCookieSerializer)


def check_secure_flow_cookies(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report flow cookies that may be set without Secure and without the prefix __Host-."""
    is_https = django_settings.SESSION_COOKIE_SECURE or django_settings.SECURE_SSL_REDIRECT
    if settings.FLOW_TRANSPORT != "body" and not is_https:
        yield Warning(
            "Flow cookies may be sent unencrypted, because SESSION_COOKIE_SECURE is not True.",
            hint="Set SESSION_COOKIE_SECURE = True, which applies to flow cookies as well, or set"
            f" {NAME}['FLOW_TRANSPORT'] to 'body'.",
            id="social_endpoints.W019",
        )


def check_cross_site_cookies(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report ``SameSite=None`` if all frontends are on the site of the API."""
    names = list(_cross_site_settings())
    if names and not _has_frontend_on_other_site():
        yield Warning(
            f"{' and '.join(names)} is 'None', but all redirect URIs are on the site of"
            " ALLOWED_HOSTS. Browsers send the cookies with requests of every site.",
            hint="Set it to 'Lax'. If subdomains of your domain belong to different parties, add"
            " this id to SILENCED_SYSTEM_CHECKS.",
            id="social_endpoints.W020",
        )


def _cross_site_settings() -> Iterator[str]:
    serializer = configured_serializer()
    sets_cookies = serializer is not None and serializer.sets_cookies
    if str(settings.JWT_COOKIE_SAMESITE).lower() == "none" and _uses_jwt_cookies():
        yield f"{NAME}['JWT_COOKIE_SAMESITE']"
    is_used = sets_cookies or settings.FLOW_TRANSPORT != "body"
    same_site: Any = django_settings.SESSION_COOKIE_SAMESITE
    # False and None omit the attribute, which browsers read as Lax.
    if is_used and isinstance(same_site, str) and same_site.lower() == "none":
        yield "SESSION_COOKIE_SAMESITE"


def _has_frontend_on_other_site() -> bool:
    """Return whether a frontend needs cross-site cookies, or whether this is unknown."""
    allowed: Any = django_settings.ALLOWED_HOSTS
    listed = allowed if isinstance(allowed, (list, tuple)) else ()
    hosts = [str(each).lstrip(".").lower() for each in listed]
    if isinstance(settings.ALLOWED_REDIRECT_URIS, str) or not hosts or "*" in hosts:
        return True
    frontends = [_host(uri) for uri in listed_redirect_uris() if is_web_uri(uri)]
    return not all(any(_is_same_site(each, host) for host in hosts) for each in frontends)


def _host(uri: str) -> str:
    try:
        return urlsplit(uri).hostname or ""
    except ValueError:
        return ""


def _is_same_site(first: str, second: str) -> bool:
    """Return whether two hosts have the same registrable domain, without a list of suffixes."""
    if first == second or first.endswith(f".{second}") or second.endswith(f".{first}"):
        return True
    labels = zip(first.split(".")[::-1], second.split(".")[::-1], strict=False)
    common = [label for label, _ in takewhile(lambda pair: pair[0] == pair[1], labels)]
    # Two labels may be a suffix, such as "co.uk".
    is_suffix = len(common) == 2 and len(common[0]) == 2 and len(common[1]) <= 3
    return len(common) >= 2 and not is_suffix


def check_cors(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report settings of django-cors-headers that give every origin the user's cookies."""
    if not getattr(django_settings, "CORS_ALLOW_CREDENTIALS", False):
        return
    for name in ("CORS_ALLOW_ALL_ORIGINS", "CORS_ORIGIN_ALLOW_ALL"):
        if getattr(django_settings, name, False):
            yield _cors_warning(f"{name} allows every origin")
            return
    for name in ("CORS_ALLOWED_ORIGINS", "CORS_ORIGIN_WHITELIST"):
        origins: Any = getattr(django_settings, name, None)
        if isinstance(origins, COLLECTIONS) and _OPAQUE_ORIGIN in origins:
            yield _cors_warning(f"{name} allows 'null', the origin of every sandboxed frame,")
            return
    for name in ("CORS_ALLOWED_ORIGIN_REGEXES", "CORS_ORIGIN_REGEX_WHITELIST"):
        for pattern in _patterns(name):
            if origin := next(filter(pattern.match, _foreign_origins()), None):
                yield _cors_warning(f"The pattern {pattern.pattern!r} allows {origin!r}")
                return


def _cors_warning(problem: str) -> CheckMessage:
    return Warning(
        f"{problem} to send requests with the user's cookies.",
        hint="List the origins of your frontends in CORS_ALLOWED_ORIGINS, or end the pattern with"
        " '$' and escape its dots. If requests need no cookies, remove CORS_ALLOW_CREDENTIALS.",
        id="social_endpoints.W021",
    )


def _patterns(name: str) -> Iterator[re.Pattern[str]]:
    value: Any = getattr(django_settings, name, None)
    for pattern in value if isinstance(value, (list, tuple)) else ():
        try:
            compiled = re.compile(pattern)
        except (TypeError, re.error):
            continue  # django-cors-headers reports it.
        if isinstance(compiled.pattern, str):
            yield compiled


def _foreign_origins() -> Iterator[str]:
    """Yield origins that no pattern may allow; most of them resemble a frontend's."""
    yield from (_UNKNOWN_ORIGIN, _OPAQUE_ORIGIN)
    for uri in filter(is_web_uri, listed_redirect_uris()):
        origin = "/".join(uri.split("/")[:3])
        yield f"{origin}.invalid"
        scheme, _, host = origin.partition("://")
        yield f"{scheme}://{host.replace('.', 'x')}"
        yield f"{scheme}://unknown{'.'.join(host.split('.')[-2:])}"


CHECKS: dict[Any, tuple[str, ...]] = {
    check_secure_cookies: (Tags.security,),
    check_hidden_cookies: (Tags.security,),
    check_secure_flow_cookies: (Tags.security,),
    check_cross_site_cookies: (Tags.security,),
    check_cors: (Tags.security,),
}
