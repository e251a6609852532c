"""The identities that are linked to a user: find them, unlink one."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.db import router
from django.http import HttpRequest
from social_core.backends.base import BaseAuth
from social_core.exceptions import AuthPolicyError

from social_endpoints import signals
from social_endpoints.actions.account import account_of, lock
from social_endpoints.exceptions import ConnectionNotFound, refusals
from social_endpoints.flow import CONNECT, Flow
from social_endpoints.providers import loading
from social_endpoints.providers.removed import find_or_recall
from social_endpoints.types import Paused


def connections_of(user: Any) -> Any:
    """Return the rows of social_django for the identities of a user, the oldest first."""
    rows = loading.storage().user.get_social_auth_for_user(user.pk)
    return rows.order_by("created", "pk")


def disconnect(*, user: Any, connection_id: str, request: HttpRequest) -> Paused | None:
    """Unlink an identity from a user, by social-core's disconnect pipeline.

    :param user: who is logged in.
    :param connection_id: the primary key of the row, as text.
    :return: where a step of the pipeline wants to send the browser; None where the
        identity is unlinked.
    :raises ConnectionNotFound: the user has no such identity.
    :raises Refused: it is the last way to log in, for example, or the provider could not
        be asked to revoke its token.
    :raises Misconfigured: a mistake in the project's settings.
    """
    row = _connection(user, connection_id)
    provider = find_or_recall(row.provider)
    with refusals(provider.name, "disconnect"):
        account = account_of(user, stage="disconnect")
        flow = Flow(provider.name, CONNECT, "", user=str(account.pk))
        strategy, backend = loading.load(provider, request=request, data={}, flow=flow)
        with strategy.unit_of_work as work:
            # The whole pipeline is one transaction, the revocation of a token within: what
            # the project's steps write is written with the unlinking or not at all.
            result = work.run(partial(_disconnect, backend, account, row, request))
            if isinstance(result, dict):
                return None
            work.undo()
            redirect_to = getattr(result, "url", None)
            if redirect_to is None:
                raise AuthPolicyError(backend, stage="disconnect")
            return Paused(None, redirect_to, None, None)


def _connection(user: Any, connection_id: str) -> Any:
    try:
        rows = loading.storage().user.get_social_auth_for_user(user.pk, id=connection_id)
        row = rows.first()
    except (TypeError, ValueError, OverflowError, ValidationError):  # No key of this model.
        row = None
    if row is None:
        raise ConnectionNotFound
    return row


def _disconnect(backend: BaseAuth[Any], account: Any, row: Any, request: HttpRequest) -> Any:
    # Two requests that unlink the two last identities at once must see one another, so
    # the lock comes before anything is read.
    lock(account)
    rows = type(row)._base_manager.using(router.db_for_write(type(row)))
    if not rows.filter(pk=row.pk, user=account).exists():
        raise ConnectionNotFound
    result = backend.disconnect(user=account, association_id=row.pk)
    if isinstance(result, dict):
        signals.disconnected.send(
            sender=type(account),
            request=request,
            user=account,
            provider=row.provider,
            uid=row.uid,
        )
    return result
