"""How an account is made, and what is answered where its address or its name is taken."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.db import IntegrityError, connections, router, transaction
from social_core.exceptions import AuthAssociationError

from social_endpoints.conf import settings
from social_endpoints.internal.accounts.emails import accounts_with, email_field, folded

UserT = TypeVar("UserT")

LOCKS = "social_endpoints.email"
"""The scope (``server_url``) of the locks in social_django's nonce table."""


def create_account(create: Callable[[], UserT], fields: Mapping[str, Any], storage: Any) -> UserT:
    """Make an account, unless its address or name is taken.

    The errors have an ``IntegrityError`` as their cause, because they may be collisions
    with a login of the same identity: then the unit of work runs again and finds its
    account.

    :param create: makes it and returns it.
    :param fields: what it is made from, as core's pipeline names it.
    :param storage: python-social-auth's storage.
    :raises AuthAssociationError: ``email_in_use`` or ``username_in_use``.
    """
    users = storage.user
    address = _address(fields, users)
    is_locked = settings.UNIQUE_EMAIL and address
    try:
        if not is_locked and users.create_user.__module__ == "social_django.storage":
            return create()  # It sets a savepoint of its own.
        # One transaction, so that the lock lasts as long as nobody else sees the account.
        with transaction.atomic(using=router.db_for_write(users.user_model())):
            if is_locked:
                _lock(address, storage.nonce.objects)
                _refuse_taken(address, users.user_model())
            return create()
    except IntegrityError as error:
        taken = _taken(address, fields.get("username"), users) if _is_duplicate(error) else None
        if taken is None:
            raise
        raise _in_use(taken) from error


def _address(fields: Mapping[str, Any], users: Any) -> str:
    """Return the address that the account will have; an empty one is none."""
    name = email_field(users.user_model())
    names = [name, "email"]
    if name == users.username_field():
        names.append("username")
    address = next((fields[name] for name in names if name and fields.get(name)), "")
    return str(address).strip()


def _lock(address: str, nonces: Any) -> None:
    """Let nobody else who makes an account with this address go on until this transaction ends.

    A row is inserted under the unique constraint of the nonce table. Who inserts it, too,
    waits for the transaction of the other, though the row is gone again: PostgreSQL looks
    at who inserted a row, InnoDB at the lock on the deleted entry, and SQLite has one
    writer.
    """
    salt = hashlib.sha256(folded(address).encode()).hexdigest()
    nonces.create(server_url=LOCKS, timestamp=0, salt=salt).delete()


def _refuse_taken(address: str, user_model: Any) -> None:
    """Refuse an address that an account has by now, whenever this transaction began.

    At READ COMMITTED, which Django sets, a read sees what the other one has committed. At
    InnoDB's own level, REPEATABLE READ, only a locking one does; it locks all that it looks
    at.
    """
    connection = connections[router.db_for_write(user_model)]
    level = getattr(connection, "isolation_level", None)
    locking = connection.vendor == "mysql" and level in {None, "repeatable read"}
    if accounts_with(address, user_model, locking=locking):
        raise _in_use("email") from IntegrityError("The address is taken.")


def _is_duplicate(error: IntegrityError) -> bool:
    """Say whether a unique constraint is broken, and no other.

    PostgreSQL: appendix A of its manual, as psycopg and psycopg2 name it; MySQL and MariaDB:
    ER_DUP_ENTRY; SQLite: its extended result codes.
    """
    cause = error.__cause__
    codes = [getattr(cause, name, None) for name in ("sqlstate", "pgcode", "sqlite_errorname")]
    codes += getattr(cause, "args", ())[:1]
    return any(code in {"23505", 1062, "SQLITE_CONSTRAINT_UNIQUE"} for code in codes)


def _taken(address: str, username: Any, users: Any) -> str | None:
    """Return which of the two an account has that was there before.

    A database words a broken constraint as it likes, and one on ``Lower("email")`` names
    no column. So the accounts are looked at, the address first: a name that is taken is
    one of another spelling, or core had not chosen it.
    """
    model = users.user_model()
    if address and accounts_with(address, model):
        return "email"
    name = f"{users.username_field()}__iexact"
    accounts = model._base_manager.using(router.db_for_write(model))
    return "username" if username and accounts.filter(**{name: username}).exists() else None


def _in_use(name: str) -> AuthAssociationError:
    return AuthAssociationError(code=f"{name}_in_use", stage="pipeline")
