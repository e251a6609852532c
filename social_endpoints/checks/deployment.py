"""System checks for production; ``manage.py check --deploy`` runs them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.conf import settings as django_settings
from django.core.cache import DEFAULT_CACHE_ALIAS
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import CheckMessage, Tags, Warning
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string
from rest_framework.throttling import ScopedRateThrottle, SimpleRateThrottle
from social_core.backends.base import BaseAuth
from social_core.backends.oauth import OAuthAuth

from social_endpoints.checks.fake_providers import check_deployed_fakes
from social_endpoints.checks.logout import check_logout
from social_endpoints.checks.providers import default_cache, loaded_backends
from social_endpoints.checks.redirect_uris import listed_redirect_uris
from social_endpoints.checks.settings import is_subclass
from social_endpoints.checks.tokens import drf_setting
from social_endpoints.conf import NAME, settings
from social_endpoints.internal.backends.config import may_post
from social_endpoints.internal.flows.redirect_uris import is_loopback
from social_endpoints.internal.http.throttling import AnonThrottle

# The classes of caches that have a server, and where OPTIONS may contain the time-out. pymemcache
# and redis before version 8 have none by default; the defaults of redis and pylibmc are 5 seconds.
_TIME_OUTS = {
    "django.core.cache.backends.memcached.PyLibMCCache": ["behaviors._poll_timeout"],
    "django.core.cache.backends.memcached.PyMemcacheCache": ["timeout"],
    "django.core.cache.backends.redis.RedisCache": ["socket_timeout"],
    "django_redis.cache.RedisCache": ["SOCKET_TIMEOUT", "CONNECTION_POOL_KWARGS.socket_timeout"],
}

# The options with which a client returns empty results instead of its errors.
_HIDDEN_ERRORS = {
    "django.core.cache.backends.memcached.PyMemcacheCache": "ignore_exc",
    "django_redis.cache.RedisCache": "IGNORE_EXCEPTIONS",
}


def check_https_redirect_uris(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report redirect URIs that send the code over unencrypted HTTP."""
    for uri in listed_redirect_uris():
        if uri.lower().startswith("http:") and not is_loopback(uri):
            yield Warning(
                f"The redirect URI {uri!r} is not HTTPS. The code is sent unencrypted.",
                hint="Use https. A native app may use http with the host 127.0.0.1 or [::1].",
                id="social_endpoints.W003",
            )


def check_proxy_count(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report a limit for client addresses if the number of proxies is not set."""
    rates: Any = settings.THROTTLE_RATES
    proxies: Any = drf_setting("NUM_PROXIES")
    has_limit = isinstance(rates, Mapping) and bool(rates.get("anon"))
    if has_limit and not (isinstance(proxies, int) and proxies >= 0):
        yield Warning(
            f"{NAME}['THROTTLE_RATES'] limits addresses, but NUM_PROXIES is {proxies!r}:"
            " clients can evade the limit by sending their own X-Forwarded-For header.",
            hint="Set REST_FRAMEWORK['NUM_PROXIES'] to the number of proxies in front of this"
            " server, or to 0 if there is none.",
            id="social_endpoints.W008",
        )


def check_throttling(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report that anonymous requests, which include every login, are not limited."""
    rates: Any = settings.THROTTLE_RATES
    if isinstance(rates, Mapping) and rates.get(AnonThrottle.scope):
        return
    if not _project_throttles():
        yield Warning(
            "The number of requests to the endpoints is not limited.",
            hint=f'Set {NAME}[\'THROTTLE_RATES\'] to {{"anon": "30/min", "user": "60/min"}}, for'
            " example. If a proxy limits requests, add this id to SILENCED_SYSTEM_CHECKS.",
            id="social_endpoints.W022",
        )


def _project_throttles() -> list[Any]:
    """Return the throttle classes of the project that limit logins."""
    classes = drf_setting("DEFAULT_THROTTLE_CLASSES")
    return list(filter(_limits_anonymous, classes if isinstance(classes, (list, tuple)) else ()))


def _limits_anonymous(throttle: Any) -> bool:
    """Return whether a throttle class of the project applies to logins."""
    if not is_subclass(throttle, SimpleRateThrottle):
        return True  # An unknown class may limit logins.
    if issubclass(throttle, ScopedRateThrottle):
        return False  # Our views have no scope.
    rates = drf_setting("DEFAULT_THROTTLE_RATES")
    default = rates.get(throttle.scope) if isinstance(rates, Mapping) else None
    return bool(getattr(throttle, "rate", None) or default)


def check_shared_cache(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report a local cache where all servers need the same content."""
    cache = default_cache()
    is_handoff = any(map(_uses_handoff, loaded_backends()))
    if is_handoff and isinstance(cache, FileBasedCache):
        purpose = "A provider needs the handoff"  # check_providers() reports other caches.
    elif _counts_requests() and isinstance(cache, (DummyCache, FileBasedCache, LocMemCache)):
        purpose = "The throttles count requests"
    else:
        return
    yield Warning(
        f"{purpose}, but the servers do not share the default cache, {type(cache).__name__}.",
        hint="Set CACHES['default'] to a cache that all servers share, such as Redis.",
        id="social_endpoints.W023",
    )


def check_cache_time_out(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report a cache server for which each request waits long if it hangs."""
    configuration: Any = django_settings.CACHES.get(DEFAULT_CACHE_ALIAS) or {}
    for path, options in _TIME_OUTS.items():
        if _has_class(configuration, path) and not _has_time_out(configuration, options):
            yield Warning(
                f"The default cache has no time-out ({options[0]}). If its server hangs, requests"
                " wait for seconds or for ever.",
                hint=f"Set {options[0]} in OPTIONS of CACHES['default'], to half a second for"
                ' example. The page "Time-outs" has an example for each cache.',
                id="social_endpoints.W025",
            )


def check_cache_errors(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report a cache whose failures cannot be noticed, so that each request waits for them."""
    configuration: Any = django_settings.CACHES.get(DEFAULT_CACHE_ALIAS) or {}
    options = configuration.get("OPTIONS") or {}
    for path, name in _HIDDEN_ERRORS.items():
        default = getattr(django_settings, f"DJANGO_REDIS_{name}", False)
        if options.get(name, default) and _has_class(configuration, path):
            yield Warning(
                f"The default cache hides its errors ({name}). If its server hangs, each request"
                " waits for it several times, and callbacks of a handoff seem to have expired.",
                hint=f"Do not set {name} for CACHES['default']. These endpoints handle the errors.",
                id="social_endpoints.W026",
            )


def _has_class(configuration: Mapping[str, Any], path: str) -> bool:
    """Return whether a cache has this class, or one that derives from it.

    The class may not be installed. Django reports a wrong path in the configuration.
    """
    try:
        return issubclass(import_string(configuration["BACKEND"]), import_string(path))
    except Exception:  # noqa: BLE001 - the import of a project's module may raise any exception
        return False


def _has_time_out(configuration: Mapping[str, Any], paths: list[str]) -> bool:
    for path in paths:
        value = configuration.get("OPTIONS")
        for name in path.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        if isinstance(value, (int, float)) and value > 0:
            return True
    # The client for Redis also reads it from the query of a URL.
    location = configuration.get("LOCATION")
    urls = location if isinstance(location, (list, tuple)) else re.split("[;,]", str(location))
    return all("socket_timeout" in parse_qs(urlsplit(str(url)).query) for url in urls)


def _counts_requests() -> bool:
    rates: Any = settings.THROTTLE_RATES
    if isinstance(rates, Mapping) and any(rates.values()):
        return True
    return any(is_subclass(each, SimpleRateThrottle) for each in _project_throttles())


def _uses_handoff(backend: BaseAuth[Any]) -> bool:
    try:
        return may_post(backend)
    except Exception:  # noqa: BLE001 - check_providers() reports it
        return False


def check_token_encryption(**kwargs: Any) -> Iterator[CheckMessage]:
    """Recommend the encryption of provider tokens if a provider issues any."""
    if not settings.ENCRYPT_PROVIDER_TOKENS and any(
        isinstance(backend, OAuthAuth) for backend in loaded_backends()
    ):
        yield Warning(
            "The access and refresh tokens of the providers are stored in clear. A reader of the"
            " database or of a backup can use them.",
            hint=f"Set {NAME}['ENCRYPT_PROVIDER_TOKENS'] to True, then run 'manage.py"
            ' encrypt_provider_tokens\'. The page "Encryption of provider tokens" has the steps.',
            id="social_endpoints.W033",
        )


def check_secret_key(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report a key that ``startproject`` generated. Anyone who knows the key can forge a flow."""
    names = ("SECRET_KEY", "SECRET_KEY_FALLBACKS")
    for name in filter(_is_insecure, names):
        yield Warning(
            f"{name} contains a key that 'startproject' generated for development. Flows are"
            " encrypted with it: if the key is in your repository, others can forge a flow.",
            hint=f"Read a long random key from the environment or from a file. ({name} must not"
            " contain 'django-insecure-'.)",
            id="social_endpoints.W018",
        )


def _is_insecure(name: str) -> bool:
    try:
        value: Any = getattr(django_settings, name)
    except ImproperlyConfigured:
        return False  # Django reports an empty key.
    keys = value if isinstance(value, (list, tuple)) else [value]
    return any(isinstance(key, str) and key.startswith("django-insecure-") for key in keys)


CHECKS: dict[Any, tuple[str, ...]] = {
    check_https_redirect_uris: (Tags.security,),
    check_proxy_count: (Tags.security,),
    check_throttling: (Tags.security,),
    check_shared_cache: (Tags.caches,),
    check_cache_time_out: (Tags.caches,),
    check_cache_errors: (Tags.caches,),
    check_token_encryption: (Tags.security,),
    check_secret_key: (Tags.security,),
    check_logout: (Tags.security,),
    check_deployed_fakes: (Tags.security,),
}
