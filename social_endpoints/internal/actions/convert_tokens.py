"""Encrypt or decrypt the tokens of existing connections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any, TypeVar

from django.db import connections, transaction

from social_endpoints.internal.backends import loading
from social_endpoints.internal.backends.extensions.encrypted_tokens import token_aliases
from social_endpoints.internal.backends.registry import all_providers
from social_endpoints.internal.connections.encryption import (
    LostToken,
    as_dictionary,
    convert,
    decrypt,
    is_encrypted,
    renew,
)
from social_endpoints.internal.errors.failures import is_storage_failure
from social_endpoints.internal.flows.flow import CONNECT, Flow
from social_endpoints.internal.retries import Retries
from social_endpoints.strategy import Strategy

T = TypeVar("T")

ENCRYPTED, RENEWED, DECRYPTED = "encrypted", "renewed", "decrypted"
UNCHANGED, EMPTY, LOST = "unchanged", "empty", "lost"

CHANGES = (ENCRYPTED, RENEWED, DECRYPTED)
"""The outcomes of rows that are written. :data:`RENEWED` rows were encrypted under a fallback."""


class Conversion:
    """Convert the rows of a model in the order of their primary keys.

    It can be stopped and started again at any time: a row that is converted already is not
    written. Only ``extra_data`` is written, so ``modified`` does not change.

    A row is computed without a lock. Then the rows of a batch are locked and compared, so the
    change of a login or refresh in the meantime is not lost. A row that another transaction has
    locked, for example to refresh its token, is converted after the others and alone, so no login
    waits for more than one batch.

    :param model: a model of connections; the project may have its own.
    :param using: alias of the database.
    :param decrypts: whether to store the tokens in clear.
    :param writes: False to count only.
    :param batch_size: how many rows one transaction changes.
    :ivar outcomes: the number of rows for each outcome.
    :ivar lost: primary keys of the first rows with a token that cannot be decrypted.
    """

    max_lost = 20

    def __init__(
        self, model: Any, using: str, *, decrypts: bool, writes: bool, batch_size: int
    ) -> None:
        self._rows = model._base_manager.using(using)
        self._using = using
        self._change: Callable[[str], str] = decrypt if decrypts else renew
        self._writes = writes
        self._batch_size = batch_size
        self._can_skip = connections[using].features.has_select_for_update_skip_locked
        self._aliases = cache(_find_aliases)
        self.outcomes: Counter[str] = Counter()
        self.lost: list[Any] = []

    def run(self) -> Iterator[Any]:
        """Convert all rows. Yield the last primary key of each batch."""
        last: Any = None
        while rows := self._read(last):
            found = {pk: (stored, self._convert(stored, name)) for pk, name, stored in rows}
            self._count({pk: each for pk, (_, each) in found.items() if each[0] not in CHANGES})
            changes = {pk: each for pk, each in found.items() if each[1][0] in CHANGES}
            if self._writes:
                self._write(changes)
            else:
                self._count({pk: each for pk, (_, each) in changes.items()})
            last = rows[-1][0]
            yield last

    def _read(self, last: Any) -> list[tuple[Any, str, Any]]:
        rows = self._rows if last is None else self._rows.filter(pk__gt=last)
        return list(_values(rows)[: self._batch_size])

    def _convert(self, stored: Any, provider: str) -> tuple[str, Any]:
        """Return the outcome of a row, and the value to store."""
        outcomes = set()

        def change(token: str) -> str:
            changed = self._change(token)
            if changed == token:
                outcomes.add(UNCHANGED)
            elif is_encrypted(changed):
                outcomes.add(RENEWED if is_encrypted(token) else ENCRYPTED)
            else:
                outcomes.add(DECRYPTED)
            return changed

        try:
            converted = convert(as_dictionary(stored), change, self._aliases(provider))
        except LostToken:
            return LOST, stored
        return next((each for each in (*CHANGES, UNCHANGED) if each in outcomes), EMPTY), converted

    def _count(self, found: dict[Any, tuple[str, Any]]) -> None:
        self.outcomes.update(outcome for outcome, _ in found.values())
        lost = [pk for pk, (outcome, _) in found.items() if outcome == LOST]
        self.lost = [*self.lost, *lost][: self.max_lost]

    def _write(self, changes: dict[Any, Any]) -> None:
        """Write the changes of a batch, each to the row from which it was computed."""
        if not changes:
            return
        written = _transaction(self._using, partial(self._update, changes, self._can_skip))
        self._count(written)
        # Locked or deleted. Each is tried again in a transaction of its own, which may wait.
        for pk in changes.keys() - written.keys() if self._can_skip else ():
            self._count(_transaction(self._using, partial(self._update, {pk: changes[pk]}, False)))

    def _update(self, changes: dict[Any, Any], skips: bool) -> dict[Any, tuple[str, Any]]:
        locked = self._rows.filter(pk__in=changes).select_for_update(skip_locked=skips)
        found = {}
        for pk, provider, stored in _values(locked):
            computed_from, change = changes[pk]
            found[pk] = change if stored == computed_from else self._convert(stored, provider)
        rows = [
            self._rows.model(pk=pk, extra_data=converted)
            for pk, (outcome, converted) in found.items()
            if outcome in CHANGES
        ]
        self._rows.bulk_update(rows, ["extra_data"])
        return found


def _values(rows: Any) -> Any:
    return rows.order_by("pk").values_list("pk", "provider", "extra_data")


def _transaction(using: str, work: Callable[[], T]) -> T:
    """Run work in a transaction, and again after a lock error or a lost connection."""
    retries = Retries(using)
    while True:
        retries.connect()
        try:
            with transaction.atomic(using=using):
                retries.lock()
                return work()
        except Exception as error:
            if not retries.allow(error):
                raise


def _find_aliases(name: str) -> frozenset[str]:
    """Return the names of tokens that the settings of a provider define, if it is configured.

    A strategy of the project may have more settings than Django's.
    """
    provider = all_providers().get(name)
    if provider is None:
        return frozenset()
    load = partial(loading.load, provider, request=None, data={}, flow=Flow(name, CONNECT, ""))
    aliases = token_aliases(load(strategy_class=Strategy)[1])
    try:
        aliases |= token_aliases(load()[1])
    except Exception as error:  # A strategy of the project may need the request.
        if is_storage_failure(error):  # Tokens would stay as they are.
            raise
    return aliases
