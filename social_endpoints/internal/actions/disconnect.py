"""The identities that are linked to a user: list them, unlink one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from django.db import router
from django.http import HttpRequest
from social_core.exceptions import AuthPolicyError

from social_endpoints import signals
from social_endpoints.exceptions import ConnectionNotFound, translate_errors
from social_endpoints.internal.actions.account import account_of
from social_endpoints.internal.backends import loading
from social_endpoints.internal.backends.extensions.revocation import Revocation
from social_endpoints.internal.backends.registry import Provider, find_or_substitute
from social_endpoints.internal.flows.flow import CONNECT, Flow
from social_endpoints.types import Paused

ORDER = ("created", "pk")
"""Of the list: the oldest first, and none of two of the same moment now here, now there."""


def connections_of(user: Any) -> Any:
    """Return social_django's rows of the identities of a user."""
    return loading.storage().user.get_social_auth_for_user(user.pk).order_by(*ORDER)


def disconnect(
    *, user: Any, connection_id: str, data: Mapping[str, Any], request: HttpRequest
) -> Paused | None:
    """Unlink an identity from its user, by social-core's disconnect pipeline.

    The pipeline is one transaction. A token is revoked before it: what wants one revoked is
    undone, the provider is asked with no transaction open, and the pipeline runs again. So
    no provider is asked before all the steps have agreed, a provider that fails leaves
    the identity as it was, and a slow one holds no lock.

    :param user: who is logged in.
    :param connection_id: the primary key of the row, as text.
    :param data: what the request carries for the project's own steps.
    :return: where a step wants to send the browser; None where the identity is unlinked.
    :raises ConnectionNotFound: the user has no such identity.
    :raises EndpointError: it is the last way to log in, for example, or its token cannot be
        revoked.
    :raises ConfigurationError: a mistake in the project's settings.
    """
    rows = loading.storage().user.get_social_auth_for_user(user.pk)
    provider = find_or_substitute(_find(rows, connection_id).provider)
    revoked: list[Revocation] = []
    with translate_errors(provider.name, "disconnect"):
        while True:
            outcome = _run(provider, user, connection_id, data, request, revoked)
            if isinstance(outcome, Paused):
                return outcome
            if not outcome:
                return None
            for revocation in outcome:
                revocation.revoke()
            revoked += outcome


def _run(
    provider: Provider,
    user: Any,
    connection_id: str,
    data: Mapping[str, Any],
    request: HttpRequest,
    revoked: list[Revocation],
) -> Paused | list[Revocation]:
    """Run the pipeline, and return what it still wants revoked; then nothing of it is kept."""
    flow = Flow(provider.name, CONNECT, "", user=str(user.pk))
    strategy, backend = loading.load(provider, request=request, data=data, flow=flow)
    with strategy.unit_of_work as work:
        result = work.run(partial(_unlink, backend, user, connection_id, revoked))
        pending = _pending(strategy, revoked)
        if isinstance(result, dict) and not pending:
            return []
        work.undo()
        if isinstance(result, dict):
            return pending
        redirect_to = getattr(result, "url", None)
        if redirect_to is None:
            raise AuthPolicyError(backend, stage="disconnect")
        return Paused(None, redirect_to, None, None)


def _unlink(backend: Any, user: Any, connection_id: str, revoked: list[Revocation]) -> Any:
    strategy = backend.strategy
    strategy.revocations = []
    # Before anything else is read: two requests that unlink the last two identities must
    # see one another, and some databases read what was there when a transaction first read.
    social = _find(_locked(strategy.storage.user, user), connection_id)
    account = account_of(user, stage="disconnect")
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
    return [each for each in strategy.revocations if each not in revoked]


def _locked(user_storage: Any, user: Any) -> Any:
    """Return the identities of a user, and keep them from changing until the transaction ends.

    Them and not the user: a login that meets this writes them first, too. Who waited for
    rows that are gone by then sees them gone, or is told of a collision and tries again.
    """
    rows = user_storage.get_social_auth_for_user(user.pk)
    rows = rows.using(router.db_for_write(user_storage)).select_for_update()
    return rows.order_by("pk").only("pk", "provider", "uid")


def _find(rows: Iterable[Any], connection_id: str) -> Any:
    # A user has a handful of them. Asked for what is no key of its type, or is beyond its
    # range, each model and each database has an error of its own.
    for social in rows:
        if str(social.pk) == connection_id:
            return social
    raise ConnectionNotFound
