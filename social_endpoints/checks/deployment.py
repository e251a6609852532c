"""System checks for production; ``manage.py check --deploy`` runs them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.core.checks import CheckMessage, Tags, Warning
from rest_framework.settings import api_settings

from social_endpoints.checks.settings import COLLECTIONS, is_subclass
from social_endpoints.checks.tokens import configured_serializer
from social_endpoints.conf import NAME, settings
from social_endpoints.internal.flows.redirect_uris import is_loopback
from social_endpoints.tokens import MissingExtra


def check_https_redirect_uris(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report redirect URIs that send the code over unencrypted HTTP."""
    allowed = settings.ALLOWED_REDIRECT_URIS
    for uri in allowed if isinstance(allowed, COLLECTIONS) else ():
        if isinstance(uri, str) and uri.startswith("http://") and not is_loopback(uri):
            yield Warning(
                f"The redirect URI {uri!r} is not HTTPS. The code is sent unencrypted.",
                hint="Use https. A native app may use http with the host 127.0.0.1 or [::1].",
                id="social_endpoints.W003",
            )


def check_secure_cookies(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report cookies with tokens that may be sent over unencrypted HTTP."""
    if not settings.JWT_COOKIE_SECURE and _uses_jwt_cookies():
        yield Warning(
            f"{NAME}['JWT_COOKIE_SECURE'] is not True. The tokens may be sent unencrypted.",
            hint="Set it to True in production.",
            id="social_endpoints.W004",
        )


def _uses_jwt_cookies() -> bool:
    serializer = configured_serializer()
    if serializer is None or not serializer.sets_cookies:
        return False
    try:
        from social_endpoints.tokens import JWTCookieSerializer  # needs an optional package
    except MissingExtra:
        return False
    return is_subclass(serializer, JWTCookieSerializer)


def check_proxy_count(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report a limit for client addresses if the number of proxies is not set."""
    rates: Any = settings.THROTTLE_RATES
    proxies: Any = api_settings.NUM_PROXIES
    has_limit = isinstance(rates, Mapping) and bool(rates.get("anon"))
    if has_limit and not (isinstance(proxies, int) and proxies >= 0):
        yield Warning(
            f"{NAME}['THROTTLE_RATES'] limits addresses, but NUM_PROXIES is {proxies!r}:"
            " clients can evade the limit by sending their own X-Forwarded-For header.",
            hint="Set REST_FRAMEWORK['NUM_PROXIES'] to the number of proxies in front of this"
            " server, or to 0 if there is none.",
            id="social_endpoints.W008",
        )


CHECKS: dict[Any, tuple[str, ...]] = {
    check_https_redirect_uris: (Tags.security,),
    check_secure_cookies: (Tags.security,),
    check_proxy_count: (Tags.security,),
}
