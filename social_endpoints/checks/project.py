"""System checks of the project around: its apps, its providers, its URLs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.core.cache import DEFAULT_CACHE_ALIAS, caches
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured
from django.urls import URLResolver, get_resolver
from social_core.backends.base import BaseAuth
from social_core.backends.open_id import OpenIdAuth
from social_core.utils import setting_name

from social_endpoints.conf import NAME, Settings, settings
from social_endpoints.internal.backends.credentials import missing
from social_endpoints.internal.backends.loading import load, storage
from social_endpoints.internal.backends.posting import may_post
from social_endpoints.internal.backends.registry import Provider, configured
from social_endpoints.internal.flows.flow import LOGIN, Flow


def check_apps(**kwargs: Any) -> list[CheckMessage]:
    """Find that python-social-auth's tables are not there."""
    if apps.is_installed("social_django"):
        return []
    return [
        Error(
            "The app 'social_django' is missing, which keeps who is who at the providers.",
            hint="Add 'social_django' to INSTALLED_APPS, and run migrate.",
            id="social_endpoints.E012",
        )
    ]


def check_providers(**kwargs: Any) -> list[CheckMessage]:
    """Find providers that nobody could log in with."""
    try:
        providers = configured()
        storage()
    except ImproperlyConfigured as error:
        return [
            Error(
                f"A class of python-social-auth's settings is missing. {error}",
                hint="Correct the dotted path, or install the package that it is in.",
                id="social_endpoints.E013",
            )
        ]
    if not providers:
        return [
            Warning(
                "AUTHENTICATION_BACKENDS names no provider.",
                hint="Add a backend of python-social-auth, say"
                " 'social_core.backends.google.GoogleOAuth2'.",
                id="social_endpoints.W001",
            )
        ]
    unknown = list(_unknown_in_pkce(providers))
    if not can_load():
        return unknown
    return unknown + [
        message
        for provider in providers.values()
        for find in (_incomplete, _handed_off, _of_the_users_choice)
        for message in find(provider, _backend(provider))
    ]


def can_load() -> bool:
    """Say whether a backend can be loaded, and asked for its settings, without a request.

    A strategy of the project's may know the settings of each request only.
    """
    return settings.STRATEGY == Settings.STRATEGY and apps.is_installed("social_django")


def check_urls(**kwargs: Any) -> list[CheckMessage]:
    """Find the URLs of djoser, whose pattern swallows every path below ``o/``."""
    if not getattr(django_settings, "ROOT_URLCONF", None):
        return []
    if not any(name.startswith("djoser.social.") for name in _routed(get_resolver())):
        return []
    return [
        Error(
            "'djoser.social.urls' is still included, and would answer in our place.",
            hint="Replace it by include('social_endpoints.urls').",
            id="social_endpoints.E014",
        )
    ]


def _unknown_in_pkce(providers: Mapping[str, Provider]) -> Iterator[CheckMessage]:
    policy = settings.PKCE
    for name in policy if isinstance(policy, Mapping) else ():
        if isinstance(name, str) and name not in providers:
            nearest = get_close_matches(name, providers, n=1)
            yield Error(
                f"{NAME}['PKCE'] names {name!r}, which is no provider.",
                hint=f"Did you mean {nearest[0]!r}?"
                if nearest
                else f"There are: {', '.join(providers)}.",
                id="social_endpoints.E016",
            )


def _backend(provider: Provider) -> BaseAuth[Any]:
    _, backend = load(provider, request=None, data={}, flow=Flow(provider.name, LOGIN, ""))
    return backend


def _handed_off(provider: Provider, backend: BaseAuth[Any]) -> Iterator[CheckMessage]:
    cache = caches[DEFAULT_CACHE_ALIAS] if may_post(backend) else None
    if isinstance(cache, DummyCache):
        yield Error(
            f"The provider {provider.name!r} posts its answer to the server, and the cache"
            " keeps nothing.",
            hint="Set CACHES['default'] to a cache that all servers share, Redis for example.",
            id="social_endpoints.E015",
        )
    if isinstance(cache, LocMemCache):
        yield Warning(
            f"The provider {provider.name!r} posts its answer to the server, and the cache is"
            " one process's own.",
            hint="Set CACHES['default'] to a cache that all servers share, Redis for example,"
            " before there is a second process.",
            id="social_endpoints.W005",
        )


def _of_the_users_choice(provider: Provider, backend: BaseAuth[Any]) -> Iterator[CheckMessage]:
    if isinstance(backend, OpenIdAuth) and not backend.requires_openid_provider_binding():
        yield Warning(
            f"The provider {provider.name!r} lets the user choose which server this one fetches"
            " from, inside of your network, too.",
            hint="Use a backend with a fixed URL; or let the server reach only what it may, and"
            " list this id in SILENCED_SYSTEM_CHECKS.",
            id="social_endpoints.W006",
        )


def _incomplete(provider: Provider, backend: BaseAuth[Any]) -> Iterator[CheckMessage]:
    for name in missing(backend):
        full_name = setting_name(provider.name, name)
        yield Warning(
            f"The provider {provider.name!r} has no {full_name}.",
            hint=f"Set {full_name} to what the provider gave you, or take {provider.path!r}"
            " out of AUTHENTICATION_BACKENDS.",
            id="social_endpoints.W002",
        )


def _routed(resolver: URLResolver) -> Iterator[str]:
    """Return the modules of all views that can be reached, and of what is included."""
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield getattr(pattern.urlconf_module, "__name__", "")
            yield from _routed(pattern)
        else:
            yield getattr(pattern.callback, "__module__", "")
