"""Begin a login: from an allowed redirect URI to the provider's authorization URL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest
from social_core.backends.base import BaseAuth
from social_core.backends.oauth import OAuthAuth
from social_core.backends.utils import OIDCDiscoveryMixin
from social_core.exceptions import AuthConfigurationError, AuthResponseError

from social_endpoints.actions.sealing import sealed
from social_endpoints.exceptions import ProviderNotSupported, refusals
from social_endpoints.flow import LOGIN, Flow
from social_endpoints.providers import loading, options
from social_endpoints.providers.callback import sent_state
from social_endpoints.providers.registry import Provider
from social_endpoints.strategy import Strategy
from social_endpoints.types import Begun


def begin(
    *, provider: Provider, redirect_uri: str, query: Mapping[str, str], request: HttpRequest
) -> Begun:
    """Begin a login with a provider.

    Nothing is written: what the completion needs is in the flow.

    :param redirect_uri: where the provider sends the user back to; an allowed one.
    :param query: the parameters of the request, of which only those are used that
        the project's settings let through.
    :raises ProviderNotSupported: the backend has no redirect to begin with.
    :raises Refused: the provider cannot be reached to begin, for example.
    :raises Misconfigured: a mistake in the provider's settings.
    """
    flow = Flow(provider.name, LOGIN, redirect_uri)
    with refusals(provider.name, "begin"):
        strategy, backend = loading.load(provider, request=request, data={}, flow=flow)
        loading.require_client(backend)
        _let_through(strategy, backend, flow, query)
        url = _authorization_url(backend, provider)
        key = sent_state(backend, flow) or flow.id
        return Begun(url, sealed(flow, backend, key=key, stage="begin"))


def _let_through(
    strategy: Strategy, backend: BaseAuth[Any], flow: Flow, query: Mapping[str, str]
) -> None:
    """Give the backend and the flow what the project's settings want of the query."""
    stored = options.stored_fields(backend)
    seen = stored | options.overridable_arguments(backend) | {"openid_identifier"}
    flow.session.update((name, text) for name, text in query.items() if name in stored)
    strategy.data = {name: text for name, text in query.items() if name in seen}
    backend.data = strategy.request_data()


def _authorization_url(backend: BaseAuth[Any], provider: Provider) -> str:
    # A widget has a page of the project's, or nothing, where others have a URL.
    if isinstance(backend, OAuthAuth) and not backend.uses_redirect():
        raise ProviderNotSupported(provider.name)
    try:
        url = backend.auth_url()
    except NotImplementedError as error:
        raise ProviderNotSupported(provider.name) from error
    if not isinstance(url, str) or not _is_web_url(url):
        if isinstance(backend, OIDCDiscoveryMixin):
            raise AuthResponseError(backend, code="malformed_response", stage="begin")
        if isinstance(backend, OAuthAuth):
            parameter = "AUTHORIZATION_URL"
            raise AuthConfigurationError(backend, parameter=parameter, stage="begin")
        raise ProviderNotSupported(provider.name)
    return url


def _is_web_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)
