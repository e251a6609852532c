"""Create an account, and report an e-mail address or username that is taken."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.db import IntegrityError, connections, router, transaction
from social_core.exceptions import AuthAssociationError

from social_endpoints.conf import settings
from social_endpoints.internal.accounts.emails import accounts_with, email_field, fold

UserT = TypeVar("UserT")

LOCKS = "social_endpoints.email"
"""``server_url`` of the locks on e-mail addresses in social_django's nonce table."""


def create_account(create: Callable[[], UserT], fields: Mapping[str, Any], storage: Any) -> UserT:
    """Create an account unless its e-mail address or username is taken.

    The cause of each error is an ``IntegrityError``. The unit of work then runs again, because
    another first login of the same identity may have created the account.

    :param create: creates and returns the account.
    :param fields: the account's values, named as in social-core's pipeline.
    :param storage: python-social-auth's storage.
    :raises AuthAssociationError: ``email_in_use`` or ``username_in_use``.
    """
    users = storage.user
    address = _address(fields, users)
    try:
        # A savepoint, so that queries are possible after an IntegrityError.
        with transaction.atomic(using=router.db_for_write(users.user_model())):
            if settings.UNIQUE_EMAIL and address:
                _lock(address, storage.nonce.objects)
                _refuse_taken(address, users.user_model())
            return create()
    except IntegrityError as error:
        if not _is_duplicate(error):
            raise
        name = _taken_name(address, fields.get("username"), users)
        if name is None:
            raise
        raise _in_use(name) from error


def _address(fields: Mapping[str, Any], users: Any) -> str:
    """Return the e-mail address of the new account, or an empty string."""
    name = email_field(users.user_model())
    names = [name, "email"]
    if name == users.username_field():
        names.append("username")
    address = next((fields[name] for name in names if name and fields.get(name)), "")
    return str(address).strip()


def _lock(address: str, nonces: Any) -> None:
    """Make other creations with this address wait until this transaction ends.

    A row is inserted in the nonce table, which has a unique constraint, and deleted. Another
    transaction that inserts it waits nevertheless: PostgreSQL waits for the transaction that has
    inserted it, InnoDB for the lock on the deleted index entry, and SQLite has only one writer.
    """
    salt = hashlib.sha256(fold(address).encode()).hexdigest()
    nonces.create(server_url=LOCKS, timestamp=0, salt=salt).delete()


def _refuse_taken(address: str, user_model: Any) -> None:
    """Refuse an address of an existing account, even one created during this transaction.

    At READ COMMITTED, Django's default on MySQL and MariaDB, a query sees newly committed rows.
    At REPEATABLE READ, InnoDB's default, only a locking query does; it locks all rows it scans.
    """
    connection = connections[router.db_for_write(user_model)]
    level = getattr(connection, "isolation_level", None)
    locking = connection.vendor == "mysql" and level in {None, "repeatable read"}
    if accounts_with(address, user_model, locking=locking):
        raise _in_use("email") from IntegrityError("The address is taken.")


def _is_duplicate(error: IntegrityError) -> bool:
    """Return whether a unique constraint is violated.

    The codes are from PostgreSQL's manual, appendix A (psycopg and psycopg2), ER_DUP_ENTRY of
    MySQL and MariaDB, and SQLite's extended result codes.
    """
    cause = error.__cause__
    codes = [getattr(cause, name, None) for name in ("sqlstate", "pgcode", "sqlite_errorname")]
    codes += getattr(cause, "args", ())[:1]
    return any(code in {"23505", 1062, "SQLITE_CONSTRAINT_UNIQUE"} for code in codes)


def _taken_name(address: str, username: Any, users: Any) -> str | None:
    """Return ``email`` or ``username`` if another account has this value, else None.

    The error of the database is not parsed: its text differs between databases, and a
    constraint on ``Lower("email")`` does not name a column. The address is looked up first,
    because social-core has chosen a username that was free.
    """
    model = users.user_model()
    if address and accounts_with(address, model):
        return "email"
    lookup = f"{users.username_field()}__iexact"
    accounts = model._base_manager.using(router.db_for_write(model))
    return "username" if username and accounts.filter(**{lookup: username}).exists() else None


def _in_use(name: str) -> AuthAssociationError:
    return AuthAssociationError(code=f"{name}_in_use", stage="pipeline")
