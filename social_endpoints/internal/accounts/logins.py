"""End the logins of a user: stored tokens and Django's sessions.

All queries use the primary database. Call these functions inside a transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from importlib import import_module
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore as DatabaseSession
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from social_endpoints.internal.flows.primary import on_primary

BATCH = 1_000
"""Rows that are read at a time, so that memory does not grow with the number of logins."""

JWT_BLACKLIST = "rest_framework_simplejwt.token_blacklist"


def delete_tokens(model: Any, user: Any) -> None:
    """Delete the tokens of a user.

    :param model: the model of the tokens. It has a foreign key ``user``.
    """
    on_primary(model.objects).filter(user=user.pk).delete()


def delete_token(token: Any) -> None:
    """Delete one token.

    The token's own method can be called only once, but a logout may run again after a rollback.
    """
    on_primary(type(token)._base_manager).filter(pk=token.pk).delete()


def has_jwt_blacklist() -> bool:
    """Return whether the app with the outstanding and blacklisted tokens of Simple JWT is used."""
    return apps.is_installed(JWT_BLACKLIST)


def blacklist_jwts(user: Any) -> None:
    """Blacklist the refresh tokens of a user that have not expired."""
    outstanding = apps.get_model("token_blacklist", "OutstandingToken")
    blacklisted = apps.get_model("token_blacklist", "BlacklistedToken")
    rows = on_primary(outstanding.objects).filter(
        user=user.pk, expires_at__gt=timezone.now(), blacklistedtoken__isnull=True
    )
    for batch in _batches(rows, "pk"):
        # A request that signs out may blacklist one of them at the same time.
        on_primary(blacklisted.objects).bulk_create(
            [blacklisted(token_id=key) for (key,) in batch], ignore_conflicts=True
        )


def can_be_blacklisted(token_id: str) -> bool:
    """Return whether the identifier of a refresh token fits its column. SQLite ignores the size."""
    outstanding = apps.get_model("token_blacklist", "OutstandingToken")
    column: Any = outstanding._meta.get_field("jti")
    return bool(len(token_id) <= column.max_length)


def is_blacklisted(token_id: str, *, since: datetime | None = None) -> bool:
    """Return whether a refresh token is on the blacklist.

    :param since: ignore tokens that were added to it before.
    """
    blacklisted = apps.get_model("token_blacklist", "BlacklistedToken")
    rows = on_primary(blacklisted.objects).filter(token__jti=token_id)
    return bool((rows if since is None else rows.filter(blacklisted_at__gte=since)).exists())


def lock_refresh_token(token_id: str) -> None:
    """Make other requests with this refresh token wait until the transaction ends.

    SQLite has no such locks: there, the other transaction fails when it writes, and runs again.
    """
    outstanding = apps.get_model("token_blacklist", "OutstandingToken")
    on_primary(outstanding.objects).select_for_update().filter(jti=token_id).first()


def session_store() -> Any:
    """Return the class ``SessionStore`` of the module ``SESSION_ENGINE``."""
    return import_module(settings.SESSION_ENGINE).SessionStore


def lists_sessions() -> bool:
    """Return whether ``SESSION_ENGINE`` stores all sessions in the database.

    Sessions in a cache, in files or in cookies cannot be listed.
    """
    return issubclass(session_store(), DatabaseSession)


def end_sessions(user: Any) -> None:
    """Delete the sessions of a user, if the session engine can list them.

    The row of a session does not show its user, so the sessions of all users are read.
    """
    if not lists_sessions():
        return
    store = session_store()()
    rows = on_primary(store.model.objects).filter(expire_date__gt=timezone.now())
    for batch in _batches(rows, "session_key", "session_data"):
        for key, data in batch:
            if is_signed_in(user, store.decode(data)):
                delete_session(key)


def delete_session(session_key: str) -> None:
    """Delete a session from the database and from the cache of ``cached_db``."""
    store = session_store()()
    sessions = on_primary(store.model.objects)
    sessions.filter(session_key=session_key).delete()
    delete = partial(store.delete, session_key)  # A subclass may delete more than the row.
    delete()
    # Until the commit, another request may read the row and store it in the cache again.
    transaction.on_commit(delete, using=sessions.db, robust=True)


def is_signed_in(user: Any, session: Any) -> bool:
    """Return whether a user is signed in to a session. Django stores the primary key as text."""
    key = get_user_model()._meta.pk
    try:
        return SESSION_KEY in session and bool(key.to_python(session[SESSION_KEY]) == user.pk)
    except ValidationError:  # The project had another user model when the session was created.
        return False


def _batches(rows: Any, *fields: str) -> Iterator[list[Any]]:
    """Yield the rows as lists of tuples, in the order of the first field, which is unique.

    The lists are separate queries, because some drivers load a whole result into memory.
    """
    rows = rows.order_by(fields[0]).values_list(*fields)
    batch = [*rows[:BATCH]]
    while batch:
        yield batch
        batch = [*rows.filter(**{f"{fields[0]}__gt": batch[-1][0]})[:BATCH]]
