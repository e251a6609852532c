"""Record the settings that a backend reads, and find those that are missing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from django.http import HttpRequest
from social_core.backends.base import BaseAuth
from social_core.backends.oauth import BaseOAuth2
from social_core.backends.utils import OIDCDiscoveryMixin
from social_core.exceptions import AuthConfigurationError, SocialAuthBaseException

from social_endpoints.internal.backends.config import has_redirect, missing_settings
from social_endpoints.internal.backends.loading import load, project_strategy
from social_endpoints.internal.backends.registry import Provider
from social_endpoints.internal.flows.flow import LOGIN, Flow
from social_endpoints.internal.network.sessions import ProviderRequests


@dataclass
class Record:
    """The settings that a backend has read.

    :ivar full_names: the full names, and whether they have a value.
    :ivar empty: the short names of those without a value and without a default.
    """

    full_names: dict[str, bool] = field(default_factory=dict)
    empty: list[str] = field(default_factory=list)


def load_recording_backend(
    provider: Provider, request: HttpRequest | None, record: Record
) -> BaseAuth[Any]:
    """Return the backend of a provider, which adds the settings that it reads to a record."""
    base: Any = project_strategy()

    class RecordingStrategy(base):  # type: ignore[misc]  # the base is a setting
        def get_setting(self, name: str) -> Any:
            record.full_names.setdefault(name, False)
            value = super().get_setting(name)
            record.full_names[name] = not _is_empty(value)
            return value

        def setting(self, name: str, default: Any = None, backend: Any = None) -> Any:
            value = super().setting(name, default, backend)
            if _is_empty(value) and name != "AUTHORITY_URL":  # Microsoft's has another default.
                record.empty.append(name)
            return value

    flow = Flow(provider.name, LOGIN, "")
    _, backend = load(
        provider, request=request, data={}, flow=flow, strategy_class=RecordingStrategy
    )
    return backend


class _NoRequests(ProviderRequests):
    """Refuse the requests of a project's backend in a ``with`` block."""

    def send(self, *args: Any, **options: Any) -> requests.Response:
        raise requests.ConnectionError("No request is sent to find missing settings.")


def _is_empty(value: Any) -> bool:
    return value is None or value == ""


def find_missing_settings(backend: BaseAuth[Any], record: Record) -> list[str]:
    """Return the names of missing settings, without their prefix ``SOCIAL_AUTH_<BACKEND>_``.

    Some backends build their URLs from a setting and do not require it. They would send users to
    ``https://None/authorize``, for example. No request is sent.
    """
    missing = missing_settings(backend)
    for url in _urls(backend) if has_redirect(backend) else ():
        record.empty.clear()
        try:
            with _NoRequests():
                is_usable = _is_usable(url())
            if not is_usable:
                missing += record.empty
        except AuthConfigurationError as error:
            missing.append(str(error.parameter))
        except SocialAuthBaseException:
            continue  # The URL depends on the callback, or on a document of the provider.
        except Exception:  # noqa: BLE001 - a backend may use None as a string
            missing += record.empty
    return list(dict.fromkeys(missing))


def _urls(backend: Any) -> Iterator[Callable[[], Any]]:
    if isinstance(backend, OIDCDiscoveryMixin):  # Its other URLs may be requested.
        if not backend.setting("AUTHORIZATION_URL", getattr(backend, "AUTHORIZATION_URL", None)):
            yield backend.oidc_config_url
    elif isinstance(backend, BaseOAuth2):
        yield from (backend.authorization_url, backend.access_token_url)


def _is_usable(url: Any) -> bool:
    """Return whether a URL has a scheme and a host and was not formatted with None."""
    parts = urlsplit(url)
    is_web = parts.scheme in {"https", "http"} and bool(parts.hostname)
    return is_web and "None" not in re.split(r"[/.]", url)
