"""System checks for production."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache.backends.redis import RedisCache
from rest_framework.throttling import AnonRateThrottle, BaseThrottle

from social_endpoints.checks.deployment import (
    check_cache_errors,
    check_cache_time_out,
    check_shared_cache,
)
from tests.support.checks import ids, only
from tests.support.configuration import Configure

CACHES = "django.core.cache.backends"
DRF = "rest_framework.throttling"
FORM_POST = {"response_mode": "form_post"}


class OwnThrottle(BaseThrottle):
    """A throttle of the project."""


class FixedThrottle(AnonRateThrottle):
    rate = "10/min"


@pytest.mark.parametrize(
    ("uri", "is_safe"),
    [
        ("http://app.example.com/callback", False),
        ("http://localhost:3000/callback", False),
        ("http://127.0.0.1.example.com/callback", False),
        ("HTTP://app.example.com/callback", False),
        ("https://app.example.com/callback", True),
        ("http://127.0.0.1/callback", True),
        ("http://127.0.0.1:8000/callback", True),
        ("http://[::1]/callback", True),
        ("HTTP://[::1]:8000/callback", True),
        ("com.example.app:/callback", True),
    ],
)
def test_redirect_uri_must_be_https_or_local(uri: str, is_safe: bool, configure: Configure) -> None:
    configure(ALLOWED_REDIRECT_URIS=[uri, "https://app.example.com/callback"])

    assert ids() == set()
    assert ids(deploy=True) == (set() if is_safe else {"W003"})
    assert is_safe or repr(uri) in only("W003", deploy=True).msg


@pytest.mark.parametrize(
    ("rates", "proxies", "expected"),
    [
        ({"anon": "10/min"}, None, {"W008"}),
        ({"anon": "10/min"}, -1, {"W008"}),
        ({"anon": "10/min"}, "1", {"W008"}),
        ({"anon": "10/min"}, 0, set()),
        ({"anon": "10/min"}, 2, set()),
        ({"anon": None, "user": "10/min"}, None, set()),
        (None, None, set()),
    ],
)
def test_limit_for_addresses_needs_proxy_count(
    rates: Any, proxies: Any, expected: set[str], configure: Configure, settings: Any
) -> None:
    configure(THROTTLE_RATES=rates)
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": proxies}

    assert ids() == set()
    assert ids(deploy=True) == expected


@pytest.mark.parametrize(
    ("rates", "classes", "default_rates", "is_limited"),
    [
        (None, [], {}, False),
        ({}, [], {}, False),
        ({"anon": None, "user": "10/min"}, [], {}, False),  # Nobody is signed in at a login.
        ({"anon": "10/min"}, [], {}, True),
        (None, [f"{DRF}.AnonRateThrottle"], {"anon": "10/min"}, True),
        (None, [f"{DRF}.AnonRateThrottle"], {"anon": None}, False),
        (None, [f"{DRF}.ScopedRateThrottle"], {"logins": "10/min"}, False),
        (None, [f"{__name__}.FixedThrottle"], {}, True),
        (None, [f"{__name__}.OwnThrottle"], {}, True),
        (None, ["no.such.Throttle"], {}, False),
    ],
)
def test_logins_must_be_limited(
    rates: Any,
    classes: list[str],
    default_rates: Any,
    is_limited: bool,
    configure: Configure,
    settings: Any,
) -> None:
    configure(THROTTLE_RATES=rates)
    throttling = {"DEFAULT_THROTTLE_CLASSES": classes, "DEFAULT_THROTTLE_RATES": default_rates}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, **throttling}

    assert ids() == set()
    assert ids(deploy=True) == (set() if is_limited else {"W022"})


@pytest.mark.parametrize(
    ("engine", "is_shared"),
    [
        ("dummy.DummyCache", False),
        ("locmem.LocMemCache", False),
        ("filebased.FileBasedCache", False),
        ("db.DatabaseCache", True),
        ("redis.RedisCache", True),
    ],
)
@pytest.mark.parametrize("needed", ["handoff", "throttling", "throttling of DRF", "nothing"])
def test_servers_must_share_a_cache_that_they_need(
    engine: str, is_shared: bool, needed: str, configure: Configure, settings: Any
) -> None:
    settings.CACHES = {
        "default": {"BACKEND": f"{CACHES}.{engine}", "LOCATION": "redis://host?socket_timeout=1"}
    }
    if needed != "throttling of DRF":
        classes = {"DEFAULT_THROTTLE_CLASSES": [f"{__name__}.OwnThrottle"]}
        settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, **classes}
    if needed == "throttling":
        configure(THROTTLE_RATES={"anon": "10/min"})
    if needed == "handoff":
        settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS = FORM_POST

    reported = ids(deploy=True)

    assert bool(reported) is (not is_shared and needed != "nothing")
    # Without --deploy, other checks report caches that do not even work for several processes.
    assert reported <= {"E015", "W005", "W023"}


class OwnRedisCache(RedisCache):
    """A cache of the project."""


REDIS, OWN_REDIS = f"{CACHES}.redis.RedisCache", f"{__name__}.OwnRedisCache"
DJANGO_REDIS = "django_redis.cache.RedisCache"
MEMCACHED, LIBMEMCACHED = (f"{CACHES}.memcached.Py{name}Cache" for name in ("Memcache", "LibMC"))
URL = "redis://cache.example.com:6379/1"
IN_URL = f"{URL}?socket_timeout=0.5"


@pytest.mark.parametrize(
    ("backend", "location", "options", "has_time_out"),
    [
        (REDIS, URL, None, False),
        (REDIS, URL, {"db": 1}, False),
        (REDIS, URL, {"socket_connect_timeout": 0.5}, False),
        (REDIS, URL, {"SOCKET_TIMEOUT": 0.5}, False),
        (REDIS, URL, {"socket_timeout": None}, False),
        (REDIS, URL, {"socket_timeout": 0}, False),
        (REDIS, URL, {"socket_timeout": 0.5}, True),
        (REDIS, [URL, URL], {"socket_timeout": 1}, True),
        (REDIS, IN_URL, {}, True),
        (REDIS, [IN_URL, IN_URL], {}, True),
        (REDIS, f"{IN_URL};{IN_URL},{IN_URL}", {}, True),
        (REDIS, [IN_URL, URL], {}, False),
        (REDIS, f"{URL};{IN_URL}", {}, False),
        (REDIS, "unix:///run/redis.sock?db=1", {}, False),
        (REDIS, "unix:///run/redis.sock?socket_timeout=0.5", {}, True),
        (OWN_REDIS, URL, {}, False),
        (OWN_REDIS, URL, {"socket_timeout": 0.5}, True),
        (DJANGO_REDIS, URL, {}, False),
        (DJANGO_REDIS, URL, {"socket_timeout": 0.5}, False),
        (DJANGO_REDIS, URL, {"SOCKET_CONNECT_TIMEOUT": 0.5}, False),
        (DJANGO_REDIS, URL, {"CONNECTION_POOL_KWARGS": None}, False),
        (DJANGO_REDIS, URL, {"CONNECTION_POOL_KWARGS": {"max_connections": 9}}, False),
        (DJANGO_REDIS, URL, {"CONNECTION_POOL_KWARGS": {"socket_timeout": 0.5}}, True),
        (DJANGO_REDIS, URL, {"SOCKET_TIMEOUT": 5}, True),
        (DJANGO_REDIS, IN_URL, {}, True),
        (MEMCACHED, "127.0.0.1:11211", {}, False),
        (MEMCACHED, ["127.0.0.1:11211"], {"connect_timeout": 0.5}, False),
        (MEMCACHED, ["127.0.0.1:11211"], {"timeout": 0.5}, True),
        (LIBMEMCACHED, "127.0.0.1:11211", {"behaviors": {"receive_timeout": 500_000}}, False),
        (LIBMEMCACHED, "127.0.0.1:11211", {"behaviors": {"_poll_timeout": 500}}, True),
        (f"{CACHES}.dummy.DummyCache", "", {}, True),
        (f"{CACHES}.locmem.LocMemCache", "", {}, True),
        (f"{CACHES}.filebased.FileBasedCache", "/tmp/cache", {}, True),
        (f"{CACHES}.db.DatabaseCache", "cache", {}, True),
        (f"{__name__}.OwnThrottle", URL, {}, True),
        ("no.such.Cache", URL, {}, True),
    ],
)
def test_cache_server_needs_a_time_out(
    backend: str, location: Any, options: Any, has_time_out: bool, settings: Any
) -> None:
    settings.CACHES = {
        "default": {"BACKEND": backend, "LOCATION": location, "OPTIONS": options},
        "sessions": {"BACKEND": REDIS, "LOCATION": URL},
    }

    reported = [message.id for message in check_cache_time_out()]

    assert reported == ([] if has_time_out else ["social_endpoints.W025"])


@pytest.mark.parametrize(
    ("backend", "options", "of_django_redis", "is_hidden"),
    [
        (DJANGO_REDIS, {"IGNORE_EXCEPTIONS": True}, False, True),
        (DJANGO_REDIS, {"IGNORE_EXCEPTIONS": False}, True, False),
        (DJANGO_REDIS, {}, True, True),
        (DJANGO_REDIS, None, False, False),
        (MEMCACHED, {"ignore_exc": True}, False, True),
        (MEMCACHED, {}, True, False),
        (REDIS, {"IGNORE_EXCEPTIONS": True}, True, False),
        ("no.such.Cache", {}, True, False),
    ],
)
def test_cache_must_not_hide_its_errors(
    backend: str, options: Any, of_django_redis: bool, is_hidden: bool, settings: Any
) -> None:
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": URL, "OPTIONS": options}}
    settings.DJANGO_REDIS_IGNORE_EXCEPTIONS = of_django_redis

    reported = [message.id for message in check_cache_errors()]

    assert reported == (["social_endpoints.W026"] if is_hidden else [])


def test_project_without_a_default_cache_is_not_reported(settings: Any) -> None:
    settings.CACHES = {}

    assert list(check_cache_time_out()) == list(check_cache_errors()) == []


def test_cache_without_a_time_out_is_reported_for_production(settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": REDIS, "LOCATION": URL}}

    assert ids() == set()
    assert "socket_timeout" in only("W025", deploy=True).msg


def test_cache_that_hides_its_errors_is_reported_for_production(settings: Any) -> None:
    options = {"SOCKET_TIMEOUT": 0.5, "IGNORE_EXCEPTIONS": True}
    settings.CACHES = {"default": {"BACKEND": DJANGO_REDIS, "LOCATION": URL, "OPTIONS": options}}

    assert ids() == set()
    assert "IGNORE_EXCEPTIONS" in only("W026", deploy=True).msg


def test_cache_that_cannot_be_created(configure: Configure, settings: Any) -> None:
    configure(THROTTLE_RATES={"anon": "10/min"})
    settings.CACHES = {"default": {"BACKEND": "no.such.Cache"}}

    assert list(check_shared_cache()) == []  # Django raises an exception at the first use.


@pytest.mark.parametrize("name", ["SECRET_KEY", "SECRET_KEY_FALLBACKS"])
@pytest.mark.parametrize(
    ("secret", "is_safe"),
    [
        ("django-insecure-" + "a1b2c3d4e5" * 5, False),
        ("a1b2c3d4e5" * 5, True),
        ("", True),  # Django reports it.
    ],
)
def test_secret_key_of_startproject(name: str, secret: Any, is_safe: bool, settings: Any) -> None:
    setattr(settings, name, secret if name == "SECRET_KEY" else ["an old key", secret])

    assert ids() == set()
    assert ids(deploy=True) == (set() if is_safe else {"W018"})


@pytest.mark.parametrize(
    ("is_on", "backends", "expected"),
    [
        (False, ["open_id_connect.OpenIdConnectAuth"], {"W033"}),
        (False, ["twitter.TwitterOAuth"], {"W033"}),
        (True, ["open_id_connect.OpenIdConnectAuth"], set()),
        (False, ["steam.SteamOpenId"], set()),
        (False, [], set()),
    ],
)
def test_encryption_is_recommended_where_a_provider_issues_tokens(
    is_on: bool, backends: list[str], expected: set[str], configure: Configure, settings: Any
) -> None:
    configure(ENCRYPT_PROVIDER_TOKENS=is_on)
    settings.AUTHENTICATION_BACKENDS = [f"social_core.backends.{each}" for each in backends]

    assert "W033" not in ids()
    assert ids(deploy=True) & {"W033"} == expected
    if expected and "open" in backends[0]:
        assert "encrypt_provider_tokens" in str(only("W033", deploy=True).hint)


@pytest.mark.parametrize("value", ["yes", 1, None])
def test_encryption_must_be_true_or_false(value: Any, configure: Configure) -> None:
    configure(ENCRYPT_PROVIDER_TOKENS=value)

    assert "ENCRYPT_PROVIDER_TOKENS" in only("E003").msg
