"""Begin a login or a connect: from an allowed redirect URI to the authorization URL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, cast
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

from social_endpoints.exceptions import AssociationOnly, ProviderNotSupported
from social_endpoints.internal.actions.outcome import seal_flow
from social_endpoints.internal.backends import config, loading
from social_endpoints.internal.backends.correlation import sent_id
from social_endpoints.internal.backends.extensions.authorization_url import HandoffRequired
from social_endpoints.internal.backends.extensions.more_access import MoreAccess, require_scopes
from social_endpoints.internal.backends.registry import Provider
from social_endpoints.internal.backends.setting_types import require_valid_settings
from social_endpoints.internal.connections.stored_tokens import read_connections
from social_endpoints.internal.connections.token_state import read_state
from social_endpoints.internal.flows.flow import Flow, new_flow
from social_endpoints.internal.network import substitutes
from social_endpoints.internal.network.fake_providers import AUTHORIZE
from social_endpoints.internal.network.sessions import ProviderRequests
from social_endpoints.internal.translation import translate_errors
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
    scopes: Sequence[str] = (),
) -> Begun:
    """Begin a login, or a connect if ``user`` is given.

    Nothing is written to the database or the cache: the flow holds what the completion needs. If
    the provider posts its callback to the server, the state contains ``redirect_uri``.

    :param redirect_uri: an allowed URI, to which the provider sends the browser.
    :param handoff_uri: returns the URI to which a provider posts its callback.
    :param query: the parameters of the request. The settings and the protocol of the provider
        define which of them are used.
    :param user: the user whom the identity will be connected to; None for a login.
    :param scopes: the scopes to ask for in addition to those of a login and to those that the user
        has granted before; only for a connect.
    :raises ProviderNotSupported: the backend has no redirect login.
    :raises EndpointError: the provider cannot be reached, for example.
    :raises ConfigurationError: the project's settings for the provider are wrong.
    """
    if not config.is_redirect_class(provider.backend):
        raise ProviderNotSupported(provider.name)
    if user is not None:  # The settings could pass an unchecked ``scope`` on to the provider.
        query = {name: text for name, text in query.items() if name != "scope"}
    more = (scopes, _granted_scopes(provider, user)) if scopes else None
    with translate_errors("begin"), ProviderRequests():
        begin_with = partial(_begin, provider, query, request, user, more)
        with suppress(HandoffRequired):
            begun = begin_with(new_flow(provider.name, redirect_uri, user))
            if not config.requests_post(begun.authorization_url):
                return begun
        flow = new_flow(provider.name, handoff_uri(), user)
        flow.handoff, flow.frontend_uri = True, redirect_uri
        begun = begin_with(flow)
        if not flow.sent_state:
            # The backend sends no state, or has an auth_params() of its own.
            raise AuthConfigurationError(code="unsupported_feature", stage="begin")
        return begun


def _granted_scopes(provider: Provider, user: Any) -> list[str]:
    """Return the scopes that the user has granted to any connection at the provider.

    :raises ImproperlyConfigured: the provider has no scopes.
    """
    require_scopes(provider.backend)
    rows = read_connections(loading.users(), user, provider.name)
    return [scope for social in rows for scope in read_state(social.extra_data).scopes]


def _begin(
    provider: Provider,
    query: Mapping[str, str],
    request: HttpRequest,
    user: Any,
    more: tuple[Sequence[str], list[str]] | None,
    flow: Flow,
) -> Begun:
    strategy, backend = loading.load(provider, request=request, data={}, flow=flow)
    if backend.ASSOCIATION_ONLY and user is None:
        raise AssociationOnly(backend, stage="begin")
    config.require_credentials(backend)
    require_valid_settings(backend, "begin")
    backend.prepare_auth(user=user)
    _apply_query(strategy, backend, flow, query)
    if more is not None:
        cast("MoreAccess", backend).ask_for(*more)
    if config.may_post(backend) and not flow.handoff:
        raise HandoffRequired
    url = _authorization_url(backend, provider)
    url = substitutes.browser_url(provider.name, AUTHORIZE, url)
    # The backend has completed a handoff URI with the host. The completion must send the same
    # URI to the provider, even if it is requested under another host name.
    flow.redirect_uri = str(backend.redirect_uri)
    flow.correlation_id = sent_id(backend, flow)
    return Begun(url, seal_flow(flow, backend, stage="begin"))


def _apply_query(
    strategy: Strategy, backend: BaseAuth[Any], flow: Flow, query: Mapping[str, str]
) -> None:
    """Pass the allowed query parameters to the flow and the backend."""
    stored = config.stored_fields(backend)
    flow.session.update((name, text) for name, text in query.items() if name in stored)
    allowed = stored | config.overridable_arguments(backend) | {config.protocol_parameter(backend)}
    strategy.data = config.protocol_defaults(backend)
    strategy.data.update((name, text) for name, text in query.items() if name in allowed)
    backend.data = strategy.request_data()


def _authorization_url(backend: BaseAuth[Any], provider: Provider) -> str:
    # The authorization URL of a login widget is missing, or is a page of the project.
    if isinstance(backend, OAuthAuth) and not backend.uses_redirect():
        raise ProviderNotSupported(provider.name)
    try:
        url = backend.auth_url()
    except NotImplementedError as error:
        raise ProviderNotSupported(provider.name) from error
    except SocialAuthBaseException:
        raise
    except ValueError as error:  # The user may have typed an identifier that is not a URL.
        typed = {config.protocol_parameter(backend)} & backend.data.keys()
        if not typed:
            raise
        raise AuthInputError(backend, parameter=typed.pop(), stage="begin") from error
    if not isinstance(url, str) or not _is_web_url(url):
        if isinstance(backend, (OIDCDiscoveryMixin, OpenIdAuth)):  # The URL is discovered.
            raise AuthResponseError(backend, code="malformed_response", stage="begin")
        if isinstance(backend, OAuthAuth):
            raise AuthConfigurationError(backend, parameter="AUTHORIZATION_URL", stage="begin")
        raise ProviderNotSupported(provider.name)
    return url


def _is_web_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)
