"""Return an access token of a provider for the project's own requests."""

from __future__ import annotations

import logging
from typing import Any

from social_core.backends.oauth import BaseOAuth1, OAuthAuth

from social_endpoints.exceptions import (
    ConfigurationError,
    EndpointError,
    ProviderNotSupported,
    ProviderUnavailable,
    ReauthenticationRequired,
)
from social_endpoints.internal.actions.refresh_errors import as_token_error, hidden_cause
from social_endpoints.internal.actions.refusals import log_refusal
from social_endpoints.internal.actions.token_refresh import refresh
from social_endpoints.internal.backends import loading
from social_endpoints.internal.backends.registry import Provider, find
from social_endpoints.internal.connections.stored_tokens import (
    Credentials,
    NotRefreshable,
    StoredTokens,
    find_last_used,
    read_connections,
)
from social_endpoints.internal.errors.redaction import clear_local_variables
from social_endpoints.internal.flows.flow import CONNECT, Flow
from social_endpoints.internal.log.events import add_log_values, log_event, log_values


def get_credentials(
    user: Any,
    provider: str,
    *,
    uid: str | None = None,
    min_lifetime: float = 0,
    rejected: str | None = None,
) -> Credentials:
    """Return the access token of a user's connection, refreshed if necessary.

    :param uid: the uid of the connection; None for the one that was used last.
    :param min_lifetime: seconds. The token is refreshed if less time remains.
    :param rejected: ``identity`` of credentials that the provider does not accept. It is not the
        token itself, which error reports would show as an argument.
    :raises NotRefreshable: the connection has only the rejected token, and it cannot be refreshed.
    :raises ProviderNotSupported: no such provider, or it has no access tokens.
    :raises EndpointError: with the error body as ``detail``.
    :raises Exception: an argument or other code of the project is wrong.
    """
    with log_values(provider=provider, user=getattr(user, "pk", None)):
        try:
            return _get_credentials(user, provider, uid, min_lifetime, rejected)
        except (NotRefreshable, ProviderNotSupported):
            raise
        except Exception as error:  # noqa: BLE001 - translated, and raised below
            clear_local_variables(error)
            failure = as_token_error(error)
            if isinstance(failure, EndpointError):
                cause = hidden_cause(failure)
                _log(failure, cause)
                failure.__cause__ = cause
                failure.__traceback__ = None
        raise failure


def _log(failure: EndpointError, cause: BaseException | None) -> None:
    if reason := getattr(failure, "cause", None):
        add_log_values(cause=reason)
    # Django REST framework responds in a view of the project, so Django logs no traceback.
    exc_info = cause if isinstance(failure, ConfigurationError) else None
    status = failure.status_code
    log_refusal("refresh", failure, failure.body, status=status, exc_info=exc_info)


def _get_credentials(
    user: Any, provider: str, uid: str | None, min_lifetime: float, rejected: str | None
) -> Credentials:
    found = find(provider)
    if not issubclass(found.backend, OAuthAuth):
        raise ProviderNotSupported(provider)
    social = _find_connection(user, provider, uid)
    stored = StoredTokens.read(social.extra_data)
    if stored.state.needs_reconnect or stored.is_lost:
        raise ReauthenticationRequired("undecryptable" if stored.is_lost else "marked")
    if issubclass(found.backend, BaseOAuth1) and stored.oauth1_secret is None:
        raise ReauthenticationRequired("no_token")
    if stored.identity == rejected or not stored.lives(min_lifetime):
        stored = _get_refreshed(found, social, stored, rejected)
    return _to_credentials(found, social, stored)


def _find_connection(user: Any, provider: str, uid: str | None) -> Any:
    """Return the row of a connection: that with a uid, or the one that was used last."""
    users = loading.users()
    has_key = getattr(user, "pk", None) is not None and users.is_account(user)
    connections = read_connections(users, user, provider) if has_key else []
    if not connections:
        raise ReauthenticationRequired("no_connection")
    if uid is not None:
        connections = [social for social in connections if social.uid == str(uid)]
        if not connections:
            raise ReauthenticationRequired("unknown_uid")
    return find_last_used(connections)


def _get_refreshed(
    provider: Provider, social: Any, stored: StoredTokens, rejected: str | None
) -> StoredTokens:
    """Return refreshed tokens, or the stored ones if they live and cannot be refreshed now."""
    lives = stored.lives() and stored.identity != rejected
    if not _is_refreshable(provider, stored):
        if lives:
            return stored
        if rejected is not None:
            raise NotRefreshable
        raise ReauthenticationRequired("expired" if stored.token else "no_token")
    try:
        refreshed = StoredTokens.read(refresh(provider, social))
    except Exception as error:
        failure = as_token_error(error)
        if not isinstance(failure, ProviderUnavailable) or not (lives and stored.lives()):
            raise
        log_event("refresh postponed", logging.WARNING, cause=failure.cause)
        return stored
    if refreshed.state.needs_reconnect:  # Another worker has marked it meanwhile.
        raise ReauthenticationRequired("marked")
    return refreshed


def _is_refreshable(provider: Provider, stored: StoredTokens) -> bool:
    if issubclass(provider.backend, BaseOAuth1):
        return False
    backend = _load(provider)
    can_refresh = callable(getattr(backend, "refresh_token", None))
    return can_refresh and bool(backend.get_refresh_token(stored.extra_data))


def _to_credentials(provider: Provider, social: Any, stored: StoredTokens) -> Credentials:
    oauth1 = None
    if stored.oauth1_secret is not None:
        key, secret = _load(provider).get_key_and_secret()
        oauth1 = (key, secret, stored.oauth1_secret)
    return Credentials(stored.to_access_token(), stored.identity, social.uid, oauth1)


def _load(provider: Provider) -> Any:
    flow = Flow(provider.name, CONNECT, "")
    return loading.load(provider, request=None, data={}, flow=flow)[1]
