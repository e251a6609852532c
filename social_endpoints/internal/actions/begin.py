"""Begin: from an allowed redirect URI to the provider's authorization URL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest
from social_core.backends.base import BaseAuth
from social_core.backends.oauth import OAuthAuth
from social_core.backends.open_id import OpenIdAuth
from social_core.backends.utils import OIDCDiscoveryMixin
from social_core.exceptions import (
    AuthConfigurationError,
    AuthInputError,
    AuthResponseError,
    SocialAuthBaseException,
)

from social_endpoints.exceptions import AssociationOnly, ProviderNotSupported, translate_errors
from social_endpoints.internal.actions.sealing import sealed
from social_endpoints.internal.backends import config, loading
from social_endpoints.internal.backends.correlation import sent_id
from social_endpoints.internal.backends.registry import Provider
from social_endpoints.internal.flows import handoff_cache as handoffs
from social_endpoints.internal.flows.flow import CONNECT, LOGIN, Flow
from social_endpoints.strategy import Strategy
from social_endpoints.types import Begun


def begin(
    *,
    provider: Provider,
    redirect_uri: str,
    handoff_uri: Callable[[], str],
    query: Mapping[str, str],
    request: HttpRequest,
    user: Any = None,
) -> Begun:
    """Begin a login with a provider, or the linking of an identity there.

    Nothing is written to a database: what the completion needs is in the flow. Where
    the provider posts its answer to the server, the cache remembers ``redirect_uri``.

    :param redirect_uri: where the provider sends the user back to; an allowed one.
    :param handoff_uri: returns where a provider posts its answer to, if it posts it.
    :param query: the parameters of the request, of which only those are used that
        the project's settings, or the backend's protocol, let through.
    :param user: to whom the identity will be linked; None for a login.
    :raises ProviderNotSupported: the backend has no redirect to begin with.
    :raises EndpointError: the provider cannot be reached to begin, for example.
    :raises ConfigurationError: a mistake in the provider's settings.
    """
    if not config.is_redirect_class(provider.backend):
        raise ProviderNotSupported(provider.name)
    with translate_errors(provider.name, "begin"):
        begun_over = partial(
            _begun_over, provider=provider, query=query, request=request, user=user
        )
        flow_to = partial(_flow, provider, user)
        if not config.always_posts(provider.backend):
            begun = begun_over(flow_to(redirect_uri))
            if not config.requests_post(begun.authorization_url):
                return begun
        flow = flow_to(handoff_uri(), handoff=True)
        begun = begun_over(flow)
        handoffs.expect(provider.name, flow.key, redirect_uri, begun.flow.lifetime)
        return begun


def _flow(provider: Provider, user: Any, redirect_uri: str, *, handoff: bool = False) -> Flow:
    if user is None:
        return Flow(provider.name, LOGIN, redirect_uri, handoff=handoff)
    return Flow(provider.name, CONNECT, redirect_uri, handoff=handoff, user=str(user.pk))


def _begun_over(
    flow: Flow, *, provider: Provider, query: Mapping[str, str], request: HttpRequest, user: Any
) -> Begun:
    strategy, backend = loading.load(provider, request=request, data={}, flow=flow)
    if backend.ASSOCIATION_ONLY and user is None:
        raise AssociationOnly(backend, stage="begin")
    config.require_credentials(backend)
    backend.prepare_auth(user=user)
    _let_through(strategy, backend, flow, query)
    url = _authorization_url(backend, provider)
    # Of a hand-off it was a path; whoever completes may be reached under another name.
    flow.redirect_uri = str(backend.redirect_uri)
    flow.key = sent_id(backend, flow)
    return Begun(url, sealed(flow, backend, stage="begin"))


def _let_through(
    strategy: Strategy, backend: BaseAuth[Any], flow: Flow, query: Mapping[str, str]
) -> None:
    """Give the backend and the flow what they want of the query, and nothing else."""
    stored = config.stored_fields(backend)
    flow.session.update((name, text) for name, text in query.items() if name in stored)
    known = stored | config.overridable_arguments(backend) | {config.protocol_parameter(backend)}
    strategy.data = config.protocol_defaults(backend)
    strategy.data.update((name, text) for name, text in query.items() if name in known)
    backend.data = strategy.request_data()


def _authorization_url(backend: BaseAuth[Any], provider: Provider) -> str:
    # A widget has a page of the project's, or nothing, where others have a URL.
    if isinstance(backend, OAuthAuth) and not backend.uses_redirect():
        raise ProviderNotSupported(provider.name)
    try:
        url = backend.auth_url()
    except NotImplementedError as error:
        raise ProviderNotSupported(provider.name) from error
    except SocialAuthBaseException:
        raise
    except ValueError as error:  # Whom the user has named cannot even be parsed, perhaps.
        named = {config.protocol_parameter(backend)} & backend.data.keys()
        if not named:
            raise
        raise AuthInputError(backend, parameter=named.pop(), stage="begin") from error
    if not isinstance(url, str) or not _is_web_url(url):
        if isinstance(backend, (OIDCDiscoveryMixin, OpenIdAuth)):  # The provider said so.
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
