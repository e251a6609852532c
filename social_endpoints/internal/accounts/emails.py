"""E-mail addresses: when two are the same, and which accounts have one."""

from __future__ import annotations

import unicodedata
from functools import reduce
from operator import or_
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import router
from django.db.models import Q


def folded(address: str) -> str:
    """Return what two addresses have in common that may be taken for each other.

    Case and compatibility forms are folded as Django does where it resets a password
    (Unicode Technical Report 36, section 2.11.2(B)(2)). Databases fold more than that,
    and less (CVE-2019-19844), so what a query has found is compared here.
    """
    return unicodedata.normalize("NFKC", address.strip()).casefold()


def is_same(address: str, other: str) -> bool:
    """Say whether two addresses are one mailbox: all but the case of ASCII letters is equal.

    Narrower than :func:`folded`: a ligature in the place of two letters is another
    mailbox (RFC 6531), which somebody else may own and have verified.
    """
    return address.encode().lower() == other.encode().lower()  # bytes.lower() knows ASCII only.


def email_field(user_model: Any) -> str | None:
    """Return the name of the user model's field for the address, None where there is none."""
    name: str = getattr(user_model, "EMAIL_FIELD", "email")
    try:
        user_model._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    return name


def accounts_with(address: str, user_model: Any, *, locking: bool = False) -> list[Any]:
    """Return all accounts with an address, the inactive ones, too.

    SQLite ignores the case of ASCII letters only, so it is asked for more than one
    spelling.

    :param locking: read with locks, in a transaction.
    """
    name = email_field(user_model)
    if name is None:
        return []
    wanted = folded(address)
    spellings = {address.strip(), wanted, wanted.upper()}
    query = reduce(or_, (Q(**{f"{name}__iexact": spelling}) for spelling in spellings))
    # Not the default manager, from which a project may have left out some; and no replica.
    accounts = user_model._base_manager.using(router.db_for_write(user_model))
    found = accounts.select_for_update().filter(query) if locking else accounts.filter(query)
    return [user for user in found if folded(getattr(user, name)) == wanted]
