"""Compare e-mail addresses, find accounts by them, and lock them."""

from __future__ import annotations

import hashlib
import unicodedata
from functools import reduce
from operator import or_
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import OperationalError, connections, router, transaction
from django.db.models import Q

from social_endpoints.internal.flows.columns import LATEST_TIMESTAMP
from social_endpoints.internal.flows.primary import on_primary

LOCKS = "social_endpoints.address"
"""``server_url`` of the rows in social_django's nonce table that lock e-mail addresses."""

NUMBER_OF_LOCKS = 4096


def fold(address: str) -> str:
    """Return a form that is equal for addresses that may be mistaken for each other.

    Case and compatibility forms are folded as in Django's password reset (Unicode Technical
    Report 36, section 2.11.2(B)(2)). Databases fold other sets of characters (CVE-2019-19844),
    so the results of a query are compared with this function.
    """
    return unicodedata.normalize("NFKC", address.strip()).casefold()


def is_same_mailbox(address: str, other: str) -> bool:
    """Return whether two addresses are equal except for the case of ASCII letters.

    This is stricter than :func:`fold`: an address with a ligature in place of two letters is
    another mailbox (RFC 6531), which another person may own and have verified.
    """
    return address.encode().lower() == other.encode().lower()  # bytes.lower() changes only ASCII.


def email_field(user_model: Any) -> str | None:
    """Return the name of the user model's e-mail field, or None if it has none."""
    name: str = getattr(user_model, "EMAIL_FIELD", "email")
    try:
        user_model._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    return name


def similar_address(name: str, address: str) -> Q:
    """Return the condition that finds all accounts with an address, and a few others.

    The look-up is the one that Django and social-core use, so that one index serves them all.

    :param name: the user model's e-mail field.
    """
    folded = fold(address)
    # SQLite only ignores the case of ASCII letters, so the query contains three spellings.
    spellings = {address.strip(), folded, folded.upper()}
    return reduce(or_, (Q(**{f"{name}__iexact": spelling}) for spelling in spellings))


def accounts_with(address: str, user_model: Any, *, locking: bool = False) -> list[Any]:
    """Return all accounts with an address, including inactive ones.

    :param locking: whether to lock the rows; requires a transaction.
    """
    name = email_field(user_model)
    if name is None:
        return []
    # The default manager of the project may hide accounts.
    accounts = on_primary(user_model._base_manager).filter(similar_address(name, address))
    found = accounts.select_for_update() if locking else accounts
    return [user for user in found if fold(getattr(user, name)) == fold(address)]


def lock_address(address: str, storage: Any) -> None:
    """Make other logins that look for this address wait until this transaction ends.

    Each address has one of 4,096 rows in the nonce table, so two addresses rarely share one. The
    row is created once and stays, because InnoDB reports deadlocks if several transactions wait
    for a row that is deleted. A waiting transaction of PostgreSQL whose snapshot is too old gets
    a serialization failure, because the row has changed.

    Nothing is locked outside a transaction of the nonce table's database: in autocommit mode, or
    if the project stores nonces in another database than users.

    :raises IntegrityError: another login has used the row for the first time.
    :raises OperationalError: the transaction does not see an account with this address.
    """
    nonces = on_primary(storage.nonce.objects)
    if transaction.get_autocommit(nonces.db):
        return
    digest = hashlib.sha256(fold(str(address)).encode(errors="replace"))
    number = int(digest.hexdigest(), 16) % NUMBER_OF_LOCKS
    # Each row has its own timestamp, because InnoDB locks all rows that it finds by an index.
    row = {"server_url": LOCKS, "timestamp": LATEST_TIMESTAMP - number, "salt": "lock"}
    if not nonces.filter(**row).update(salt="lock"):
        nonces.create(**row)
    _require_current_snapshot(address, storage.user.user_model())


def _require_current_snapshot(address: str, user_model: Any) -> None:
    """Require that this transaction sees all accounts with an address.

    At READ COMMITTED, Django's default, each query sees newly committed rows. At REPEATABLE READ,
    only locking reads of MySQL and MariaDB do.
    """
    connection = connections[router.db_for_write(user_model)]
    level = getattr(connection, "isolation_level", None)
    if connection.vendor == "mysql" and level in {None, "repeatable read"}:
        current = accounts_with(address, user_model, locking=True)
        if set(current) != set(accounts_with(address, user_model)):
            raise OperationalError("Another login has created an account with this address.")
