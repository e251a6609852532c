"""The configured providers as clients of the fake provider, and where it may send the browser."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.utils import setting_name

from social_endpoints.internal.backends.registry import all_providers
from social_endpoints.internal.flows.redirect_uris import is_allowed
from social_endpoints.management.callback_urls import callback_paths
from social_endpoints.testing.client import BackendClient, ProviderNotFakeable

# What Django allows with DEBUG if ALLOWED_HOSTS is empty.
_LOCAL_HOSTS = [".localhost", "127.0.0.1", "[::1]"]

_REDIRECT_STATE = re.compile(r"[?&]redirect_state=[^&#]*$")


@dataclass(frozen=True)
class ConfiguredClient:
    """A provider in the settings of the project.

    :ivar problem: why the fake cannot stand in for it, or an empty text.
    :ivar endpoint_setting: name of the setting with the issuer, if the backend is a generic one for
        OpenID Connect.
    :ivar endpoint: the value of that setting.
    """

    name: str
    title: str
    client_id: str = ""
    problem: str = ""
    endpoint_setting: str = ""
    endpoint: str = ""


def configured_clients() -> list[ConfiguredClient]:
    """Return the providers in the order of ``AUTHENTICATION_BACKENDS``."""
    return [configured_client(name) for name in all_providers()]


def configured_client(name: str) -> ConfiguredClient:
    """Return a configured provider.

    :raises ProviderNotSupported: no configured backend has this name.
    """
    try:
        client = BackendClient(name)
    except ProviderNotFakeable as error:
        return ConfiguredClient(name, name, problem=str(error))
    title = title_of(client.backend)
    try:
        client_id, _ = client.credentials()
    except ImproperlyConfigured as error:
        return ConfiguredClient(name, title, problem=str(error))
    setting = endpoint = ""
    if isinstance(client.backend, OpenIdConnectAuth) and not client.backend.OIDC_ENDPOINT:
        setting = setting_name(name, "OIDC_ENDPOINT")
        endpoint = str(client.backend.setting("OIDC_ENDPOINT") or "").rstrip("/")
    return ConfiguredClient(name, title, client_id, endpoint_setting=setting, endpoint=endpoint)


def title_of(backend: Any) -> str:
    """Return the title of a provider for people."""
    title = getattr(backend, "title", "") or getattr(backend, "name", "")
    return str(title)


def names_of(client_id: str) -> list[str]:
    """Return the names of the providers with a client id."""
    return [each.name for each in configured_clients() if client_id and each.client_id == client_id]


def client_ids(provider: str | None = None) -> list[str]:
    """Return the client ids of all providers, or of one of them."""
    clients = [configured_client(provider)] if provider else configured_clients()
    return [client.client_id for client in clients if client.client_id]


def may_return_to(uri: str, names: list[str], request: HttpRequest) -> bool:
    """Return whether a login at one of these providers may end at a URI.

    That is what ``ALLOWED_REDIRECT_URIS`` allows, and the callback view of the handoff.
    """
    # Backends whose provider does not return the state add it to the URI.
    uris = {uri, _REDIRECT_STATE.sub("", uri)}
    for name in names:
        if any(is_allowed(each, provider=name, request=request) for each in uris):
            return True
        if any(_is_handoff(each, name) for each in uris):
            return True
    return False


def may_return_after_logout(uri: str, names: list[str], request: HttpRequest) -> bool:
    """Return whether ``ALLOWED_LOGOUT_REDIRECT_URIS`` allows a URI for one of the providers."""
    setting = "ALLOWED_LOGOUT_REDIRECT_URIS"
    return any(is_allowed(uri, provider=each, request=request, setting=setting) for each in names)


def _is_handoff(uri: str, name: str) -> bool:
    with suppress(ValueError):
        parts = urlsplit(uri)
        is_plain = parts.scheme in {"http", "https"} and not parts.query and not parts.fragment
        is_plain = is_plain and "@" not in parts.netloc and "\\" not in uri
        if not is_plain or not any(map(_host_matcher(parts.hostname), _project_hosts())):
            return False
        paths = (re.sub(r"\\?<[^>]*>", "[^/]+", re.escape(path)) for path in callback_paths(name))
        return any(re.fullmatch(path, parts.path) for path in paths)
    return False


def _project_hosts() -> list[str]:
    # The command serves under other names, and stores the original ones here.
    hosts = getattr(django_settings, "FAKE_PROVIDER_PROJECT_HOSTS", django_settings.ALLOWED_HOSTS)
    return list(hosts) or _LOCAL_HOSTS


def _host_matcher(host: str | None) -> Any:
    name = f"[{host}]" if host and ":" in host else host or ""

    def matches(pattern: str) -> bool:
        pattern = pattern.lower()
        if pattern.startswith("."):
            return name == pattern[1:] or name.endswith(pattern)
        return pattern in {"*", name}

    return matches
