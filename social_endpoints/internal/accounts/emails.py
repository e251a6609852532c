"""Compare e-mail addresses, and find accounts by them."""

from __future__ import annotations

import unicodedata
from functools import reduce
from operator import or_
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import router
from django.db.models import Q


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


def accounts_with(address: str, user_model: Any, *, locking: bool = False) -> list[Any]:
    """Return all accounts with an address, including inactive ones.

    :param locking: whether to lock the rows; requires a transaction.
    """
    name = email_field(user_model)
    if name is None:
        return []
    folded = fold(address)
    # SQLite only ignores the case of ASCII letters, so the query contains three spellings.
    spellings = {address.strip(), folded, folded.upper()}
    query = reduce(or_, (Q(**{f"{name}__iexact": spelling}) for spelling in spellings))
    # The default manager of the project may hide accounts.
    accounts = user_model._base_manager.using(router.db_for_write(user_model)).filter(query)
    found = accounts.select_for_update() if locking else accounts
    return [user for user in found if fold(getattr(user, name)) == folded]
