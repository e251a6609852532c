"""System checks of the providers, and of the app, cache, URLs and icons that they need."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.core.cache import DEFAULT_CACHE_ALIAS, caches
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import CheckMessage, Error, Info, Tags, Warning
from django.core.exceptions import ImproperlyConfigured
from django.urls import URLResolver, get_resolver
from social_core.backends.base import BaseAuth
from social_core.backends.google import BaseGoogleAuth
from social_core.backends.open_id import OpenIdAuth
from social_core.exceptions import AuthConfigurationError
from social_core.utils import setting_name

from social_endpoints.checks.settings import did_you_mean
from social_endpoints.conf import NAME, Settings, settings
from social_endpoints.internal.backends.config import may_post
from social_endpoints.internal.backends.listing import STATIC_FILES, has_icon_file
from social_endpoints.internal.backends.loading import load, storage
from social_endpoints.internal.backends.recording import (
    Record,
    find_missing_settings,
    load_recording_backend,
)
from social_endpoints.internal.backends.registry import (
    Provider,
    all_providers,
    overridden_paths,
    providers_and_errors,
)
from social_endpoints.internal.backends.setting_types import wrong_settings
from social_endpoints.internal.flows.flow import LOGIN, Flow


def check_apps(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report that python-social-auth's Django app is not installed."""
    if not apps.is_installed("social_django"):
        yield Error(
            "'social_django' must be in INSTALLED_APPS; it stores the users' social accounts.",
            hint="Add 'social_django' to INSTALLED_APPS and run migrate.",
            id="social_endpoints.E012",
        )


def check_providers(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report import errors, missing or unknown providers, and problems of each provider."""
    try:
        storage()
        providers, errors = providers_and_errors()
    except ImproperlyConfigured as error:
        providers, errors = {}, {"": str(error)}
    for text in errors.values():
        yield Error(
            f"A class named in python-social-auth's settings cannot be imported. {text}",
            hint="Correct the dotted path, or install the package that contains the class.",
            id="social_endpoints.E013",
        )
    if errors:
        return
    if not providers:
        hint = "Add a backend, such as 'social_core.backends.google.GoogleOAuth2'."
        message = "AUTHENTICATION_BACKENDS contains no provider."
        yield Warning(message, hint=hint, id="social_endpoints.W001")
    for name in settings.PKCE if isinstance(settings.PKCE, Mapping) else ():
        if isinstance(name, str) and name not in providers:
            message = f"{NAME}['PKCE'] contains {name!r}, which is not configured."
            hint = unknown_provider_hint(name, providers)
            yield Error(message, hint=hint, id="social_endpoints.E016")
    yield from _duplicate_names(providers)
    for provider in providers.values() if can_load_backends() else ():
        yield from _check_provider(provider)


def _check_provider(provider: Provider) -> list[CheckMessage]:
    messages: list[CheckMessage] = []
    try:
        for message in _check_backend(provider):
            messages.append(message)  # noqa: PERF402 - keep those before an exception
    except AuthConfigurationError as error:
        message = _missing_setting(provider, str(error.parameter))
        messages += [message] if message not in messages else []
    except Exception as error:  # noqa: BLE001 - a project's class may raise any exception
        messages.append(
            Error(
                f"The provider {provider.name!r} raises {type(error).__name__} when its settings"
                " are read.",
                hint=f"Correct the settings that begin with {setting_name(provider.name)}_, or"
                f" the class {provider.path!r}.",
                id="social_endpoints.E025",
            )
        )
    return messages


def _check_backend(provider: Provider) -> Iterator[CheckMessage]:
    record = Record()
    backend = load_recording_backend(provider, None, record)
    wrong = wrong_settings(backend)
    for name, expected in wrong.items():
        yield Error(
            f"{name} of the provider {provider.name!r} has a value of the wrong type.",
            hint=f"Set it to {expected}.",
            id="social_endpoints.E024",
        )
    if not wrong:
        missing = find_missing_settings(backend, record)
        yield from (_missing_setting(provider, name) for name in missing)
        yield from _short_username(provider, backend)
        yield from _unshared_cache(provider, backend)
        yield from _any_openid_server(provider, backend)
        yield from _unique_user_id(provider, backend)


def _duplicate_names(providers: Mapping[str, Provider]) -> Iterator[CheckMessage]:
    for path, name in overridden_paths():
        yield Warning(
            f"AUTHENTICATION_BACKENDS contains {path!r}, which is not used:"
            f" {providers[name].path!r} has the same name, {name!r}, and comes later.",
            hint="Remove one of them, or give your class another name.",
            id="social_endpoints.W016",
        )


def configured_providers() -> dict[str, Provider] | None:
    """Return the providers by name, or None if ``check_providers`` reports an error."""
    try:
        storage()
        return all_providers()
    except ImproperlyConfigured:
        return None


def unknown_provider_hint(name: object, providers: Collection[str]) -> str:
    """Return the hint for an entry of a setting whose provider is not configured."""
    if not providers:
        return "Add its backend to AUTHENTICATION_BACKENDS, or remove the entry."
    return did_you_mean(name, providers)


def can_load_backends() -> bool:
    """Return whether backends can be loaded without a request. A custom strategy may need one."""
    return settings.STRATEGY == Settings.STRATEGY and apps.is_installed("social_django")


def load_backend(provider: Provider) -> BaseAuth[Any]:
    """Return the backend of a provider, without a request."""
    _, backend = load(provider, request=None, data={}, flow=Flow(provider.name, LOGIN, ""))
    return backend


def loaded_backends() -> Iterator[BaseAuth[Any]]:
    """Yield the backends that can be loaded. ``check_providers`` reports the others."""
    providers = configured_providers() if can_load_backends() else None
    for provider in (providers or {}).values():
        with suppress(Exception):
            yield load_backend(provider)


def _missing_setting(provider: Provider, name: str) -> CheckMessage:
    full_name = setting_name(provider.name, name)
    return Warning(
        f"The provider {provider.name!r} requires the setting {full_name}.",
        hint=f"Set {full_name} to the value from the provider's console, or remove"
        f" {provider.path!r} from AUTHENTICATION_BACKENDS.",
        id="social_endpoints.W002",
    )


def _short_username(provider: Provider, backend: BaseAuth[Any]) -> Iterator[CheckMessage]:
    length, users = backend.setting("UUID_LENGTH", 16), storage().user
    limit = users.username_max_length()
    if length < 1 or (limit is not None and length > limit):
        column = "" if limit is None else f", and a username has at most {limit} characters"
        expected = "a number above 0" if limit is None else f"a number between 1 and {limit}"
        yield Error(
            f"UUID_LENGTH of the provider {provider.name!r} is {length!r}{column}. New users whose"
            " username is taken cannot sign in.",
            hint=f"Set {setting_name('UUID_LENGTH')} to {expected}.",
            id="social_endpoints.E027",
        )


def _unshared_cache(provider: Provider, backend: BaseAuth[Any]) -> Iterator[CheckMessage]:
    cache = default_cache() if may_post(backend) else None
    if isinstance(cache, DummyCache):
        yield Error(
            f"The provider {provider.name!r} needs the handoff. The default cache stores nothing.",
            hint="Set CACHES['default'] to a cache that all servers share, such as Redis.",
            id="social_endpoints.E015",
        )
    if isinstance(cache, LocMemCache):
        yield Warning(
            f"The provider {provider.name!r} needs the handoff. The default cache is not shared.",
            hint="Before you run a second process, set CACHES['default'] to a cache that all"
            " servers share, such as Redis.",
            id="social_endpoints.W005",
        )


def default_cache() -> BaseCache | None:
    """Return the cache ``default``, or None if it cannot be created. Django reports that."""
    try:
        return caches[DEFAULT_CACHE_ALIAS]
    except Exception:  # noqa: BLE001 - a cache's class may raise any exception
        return None


def _any_openid_server(provider: Provider, backend: BaseAuth[Any]) -> Iterator[CheckMessage]:
    if isinstance(backend, OpenIdAuth) and not backend.requires_openid_provider_binding():
        yield Warning(
            f"The provider {provider.name!r} lets users enter any URL. This server sends requests"
            " to it if its host is public.",
            hint="Use a backend with a fixed URL. Otherwise restrict the server's outgoing"
            " requests as well, and add this id to SILENCED_SYSTEM_CHECKS.",
            id="social_endpoints.W006",
        )


def _unique_user_id(provider: Provider, backend: BaseAuth[Any]) -> Iterator[CheckMessage]:
    """Report that migration 0020 of social_django would assume addresses in the column uid."""
    old_keys, name = setting_name("OLD_ID_KEYS"), provider.name
    is_unique = isinstance(backend, BaseGoogleAuth) and backend.setting("USE_UNIQUE_USER_ID")
    given = getattr(django_settings, old_keys, None)  # migrate reports a wrong type.
    if is_unique and not (isinstance(given, Mapping) and name in given):
        yield Warning(
            f"{setting_name(name, 'USE_UNIQUE_USER_ID')} has no effect since social-auth-core 6."
            " After a migration of social_django, existing users of the provider cannot sign in.",
            hint=f"Set {old_keys} = {{{name!r}: 'sub'}} before you run migrate. If the project has"
            " never used social-auth-core 5, remove the setting.",
            id="social_endpoints.W038",
        )


def check_urls(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report djoser's URLs, whose pattern matches every path below ``o/``."""
    has_urls = getattr(django_settings, "ROOT_URLCONF", None)  # A worker process may have none.
    views = set(_views(get_resolver())) if has_urls else set()  # This imports the URLs.
    if getattr(sys.modules.get("djoser.social.views"), "ProviderAuthView", "") in views:
        yield Error(
            "'djoser.social.urls' is still included. It matches the paths of these endpoints.",
            hint="Replace it with include('social_endpoints.urls').",
            id="social_endpoints.E014",
        )


def _views(resolver: URLResolver) -> Iterator[type | None]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from _views(pattern)
        else:
            yield getattr(pattern.callback, "view_class", None)


def check_icons(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report missing icons. This is not a warning, because icons are optional."""
    providers = configured_providers() if apps.is_installed(STATIC_FILES) else None
    backends = [provider.backend for provider in (providers or {}).values()]
    names = [backend.name for backend in backends if backend.icon and not has_icon_file(backend)]
    if names:
        yield Info(
            f"The static files contain no icon for {', '.join(names)}. The provider list returns"
            " null for these icons.",
            hint="Append 'social_django.finders.SocialAuthIconFinder' to STATICFILES_FINDERS and"
            " run collectstatic, or add this id to SILENCED_SYSTEM_CHECKS.",
            id="social_endpoints.I001",
        )


CHECKS: dict[Any, tuple[str, ...]] = {
    check_apps: (),
    check_providers: (),
    check_urls: (Tags.urls,),
    check_icons: (Tags.staticfiles,),
}
