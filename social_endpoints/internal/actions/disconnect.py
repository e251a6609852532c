"""List the current user's connections, and disconnect one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from social_core.exceptions import AuthPolicyError

from social_endpoints import signals
from social_endpoints.exceptions import ConnectionNotFound
from social_endpoints.internal.actions.connect import get_account
from social_endpoints.internal.backends import loading
from social_endpoints.internal.backends.extensions.encrypted_tokens import token_aliases
from social_endpoints.internal.backends.extensions.revocation import Revocation
from social_endpoints.internal.backends.registry import Provider, find_or_substitute
from social_endpoints.internal.connections.encryption import as_dictionary, find_tokens
from social_endpoints.internal.flows.flow import CONNECT, Flow
from social_endpoints.internal.log.events import add_log_values, log_completed, log_event
from social_endpoints.internal.network.sessions import ProviderRequests
from social_endpoints.internal.retries import retry_once
from social_endpoints.internal.translation import translate_errors
from social_endpoints.types import Paused

MAX_ROUNDS = 10
"""Maximum runs of the disconnect pipeline. Each may request revocations; usually two suffice."""

ORDER = ("created", "pk")
"""Order of the list: oldest first. The primary key makes the order stable."""


def connections_of(user: Any) -> Any:
    """Return the ``UserSocialAuth`` rows of a user."""
    return loading.users().get_social_auth_for_user(user).order_by(*ORDER)


def disconnect(
    *, user: Any, connection_id: str, params: Mapping[str, Any], request: HttpRequest
) -> Paused | None:
    """Disconnect an identity from its user with social-core's disconnect pipeline.

    The pipeline is one transaction. If a step revokes a token, the transaction is rolled back,
    the revocation is sent with no transaction open, and the pipeline runs again. So a token is
    revoked only if all steps have succeeded, an error of the provider leaves the connection in
    place, and no lock is held while the provider is slow.

    :param user: the current user.
    :param connection_id: the primary key of the row, as text.
    :param params: the request's parameters, for the project's own steps.
    :returns: the redirect of a step, or None if the identity is disconnected.
    :raises ConnectionNotFound: the user has no such connection.
    :raises EndpointError: the provider has not revoked the token, or the user could no longer
        sign in, for example.
    """
    users = loading.users()
    social = retry_once(lambda: _find(users.get_social_auth_for_user(user), connection_id))
    provider = find_or_substitute(social.provider)
    add_log_values(provider=provider.name)
    revoked: list[Revocation] = []
    with translate_errors("disconnect"), ProviderRequests():
        for _ in range(MAX_ROUNDS):
            outcome = _run(provider, user, connection_id, params, request, revoked)
            if isinstance(outcome, Paused):
                log_event("disconnect paused")
                return outcome
            if not outcome:
                log_completed("disconnect")
                return None
            for revocation in outcome:
                revocation.revoke()
            revoked += outcome
        raise ImproperlyConfigured(
            f"The disconnect pipeline asks for new revocations in each of {MAX_ROUNDS} runs. A step"
            " must revoke the same tokens in each run."
        )


def _run(
    provider: Provider,
    user: Any,
    connection_id: str,
    params: Mapping[str, Any],
    request: HttpRequest,
    revoked: list[Revocation],
) -> Paused | list[Revocation]:
    """Run the pipeline. If it asks for new revocations, roll it back and return them."""
    flow = Flow(provider.name, CONNECT, "", user_id=str(user.pk))
    strategy, backend = loading.load(provider, request=request, data=params, flow=flow)

    def find_outcome(result: Any) -> Paused | list[Revocation]:
        pending = _pending(strategy, revoked)
        if isinstance(result, dict) and not pending:
            return []
        work.roll_back()
        if isinstance(result, dict):
            return pending
        redirect_to = getattr(result, "url", None)
        if redirect_to is None:
            raise AuthPolicyError(backend, stage="disconnect")
        return Paused(None, redirect_to, None, provider.name, None)

    with strategy.unit_of_work as work:
        work.stage = "disconnect"
        result = work.run(partial(_disconnect, backend, user, connection_id, revoked))
        return work.finish(result, find_outcome)


def _disconnect(backend: Any, user: Any, connection_id: str, revoked: list[Revocation]) -> Any:
    strategy = backend.strategy
    strategy.revocations = []
    # The lock is the first query of the transaction: two requests that disconnect the last two
    # identities must see each other, and at REPEATABLE READ the first query fixes the snapshot.
    connections = _locked_connections(strategy.storage.user, user)
    social = _find(connections, connection_id)
    if not isinstance(social.extra_data, dict):
        # social-core's step for revocations expects a dictionary. The row is deleted anyway.
        connections.filter(pk=social.pk).update(extra_data=as_dictionary(social.extra_data))
    strategy.provider_response = {"tokens": find_tokens(social.extra_data, token_aliases(backend))}
    account = get_account(user, stage="disconnect")
    result = backend.disconnect(user=account, association_id=social.pk)
    if isinstance(result, dict) and not _pending(strategy, revoked):
        signals.disconnected.send(
            sender=type(account),
            request=strategy.request,
            user=account,
            provider=social.provider,
            uid=social.uid,
        )
    return result


def _pending(strategy: Any, revoked: list[Revocation]) -> list[Revocation]:
    return [revocation for revocation in strategy.revocations if revocation not in revoked]


def _locked_connections(user_storage: Any, user: Any) -> Any:
    """Return a user's connections, locked until the transaction ends.

    The user's row is not locked. A login writes the connection before the user, so the opposite
    order could deadlock.
    """
    rows = user_storage.get_social_auth_for_user(user).select_for_update()
    return rows.order_by("pk").only("pk", "provider", "uid", "extra_data")


def _find(rows: Iterable[Any], connection_id: str) -> Any:
    # Compared as text, because a query with an invalid key raises a different exception for
    # each model and database. A user has only a few connections.
    for social in rows:
        if str(social.pk) == connection_id:
            return social
    raise ConnectionNotFound
