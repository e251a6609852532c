"""The database half of a login, as one transaction that opens late."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self, TypeVar

from django.db import IntegrityError, OperationalError, transaction

from social_endpoints.exceptions import log_failure

T = TypeVar("T")


class UnitOfWork:
    """One transaction from the first step of the pipeline to the end of the ``with``.

    Entering opens nothing: while the provider is asked, no connection waits in a
    transaction. The strategy's ``authenticate()`` calls :meth:`run`, which opens
    it; leaving the ``with`` commits it, or rolls it back where an exception leaves.

    :param using: alias of the database.
    """

    def __init__(self, using: str) -> None:
        self._using = using
        self._open = ExitStack()
        self._running = False
        self._again: Callable[[], Any] | None = None
        self._result: Any = None
        self.began = False
        self._committed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._open.__exit__(kind, error, traceback)
        except Exception as failure:
            if not self._committed:
                raise
            # A callback of transaction.on_commit() failed: the login is there all the same.
            log_failure("A callback after a login failed", failure)

    def run(self, pipeline: Callable[[], T]) -> T:
        """Open the transaction and run the pipeline in it; within a run, just run it.

        A pipeline that collides with another login (two first logins of one
        identity) is rolled back and run again, and then finds what the other wrote.
        """
        if self._running:
            return pipeline()
        attempt = 0
        while True:
            try:
                return self._run(pipeline)
            except Exception as error:  # Whatever it is worded as, it may be a collision.
                pauses = _pauses(error)
                if attempt >= len(pauses):
                    raise
            # A pause of chance: those who collided must not do so again, in step.
            time.sleep(random.random() * pauses[attempt])  # noqa: S311 - and it is no secret
            attempt += 1

    def finish(self, result: Any, answer: Callable[[Any], T]) -> T:
        """Answer the pipeline's result in the transaction.

        An answer that collides is rolled back with its pipeline, and both run again.

        :param result: what came of :meth:`run`, as the backend has handed it on.
        """
        if self._again is None:  # The backend knew the user without a pipeline.
            return self.run(lambda: answer(result))
        pipeline = self._again
        try:
            return answer(result)
        except Exception as error:  # Whatever it is worded as, it may be a collision.
            if result is not self._result or not _pauses(error):
                raise
            self._open.__exit__(type(error), error, error.__traceback__)
        return self.run(lambda: answer(pipeline()))

    def undo(self) -> None:
        """Keep nothing of what was written since :meth:`run`, though no exception leaves."""
        transaction.set_rollback(True, using=self._using)

    def _run(self, pipeline: Callable[[], T]) -> T:
        with ExitStack() as stack:
            stack.enter_context(transaction.atomic(using=self._using))
            transaction.on_commit(self._commit, using=self._using)
            self._running = True
            stack.callback(self._stop)
            result = pipeline()
            self._open = stack.pop_all()
            self.began = True
            self._again, self._result = pipeline, result
            return result

    def _commit(self) -> None:
        self._committed = True

    def _stop(self) -> None:
        self._running = False


def _pauses(error: BaseException | None) -> tuple[float, ...]:
    """Return for how many seconds at most to wait before each next attempt.

    Who met another's row reads it the next time. Who met another's lock, which on
    SQLite is anyone's who writes, has to let the other finish first.
    """
    # social-core and social_django word some collisions in errors of their own.
    while error is not None:
        if isinstance(error, IntegrityError):
            return (0, 0)
        if isinstance(error, OperationalError):
            return (0.01, 0.02, 0.05, 0.1, 0.2)
        error = error.__cause__ or error.__context__
    return ()
