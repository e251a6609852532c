"""The database half of a login: a transaction that opens after the provider was asked."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from types import TracebackType
from typing import Any, NoReturn, Self, TypeVar

from django.db import IntegrityError, OperationalError, transaction
from social_core.exceptions import ErrorStage, SocialAuthBaseException

from social_endpoints.exceptions import EndpointError
from social_endpoints.internal.errors.failures import causes
from social_endpoints.internal.errors.redaction import clear_local_variables, without_secrets
from social_endpoints.internal.log.events import log_event
from social_endpoints.internal.translation import as_api_exception

T = TypeVar("T")


class UnitOfWork:
    """One transaction from the first pipeline step to the end of the ``with`` block.

    Entering the block opens nothing, so no connection waits in a transaction while the provider
    is asked. The strategy's ``authenticate()`` calls :meth:`run`, which opens the transaction.
    Leaving the block commits it, or rolls it back after an exception.

    An exception that leaves the block after the pipeline has started is reported as an error of
    the project, unless it is one of social-core or DRF.

    :param using: alias of the database.
    :ivar stage: the stage to report for the exceptions of the project.
    :param secrets: returns the values of this login that no log may contain.
    """

    stage: ErrorStage = "pipeline"

    def __init__(self, using: str, secrets: Callable[[], list[str]]) -> None:
        self._using = using
        self._secrets = secrets
        self._has_started = False
        self._transaction = ExitStack()
        self._is_running = False
        self._pipeline: Callable[[], Any] | None = None
        self._result: Any = None
        self._is_committed = False

    @property
    def began(self) -> bool:
        """Whether a pipeline has run."""
        return self._pipeline is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._transaction.__exit__(error_type, error, traceback)
        except Exception as failure:  # noqa: BLE001 - a callback may raise any exception
            if not self._is_committed:
                self._raise(failure)
            # A callback of transaction.on_commit() failed. The login itself is stored.
            self._log(failure)
        if self._has_started and isinstance(error, Exception):
            self._raise(error)

    def run(self, pipeline: Callable[[], T]) -> T:
        """Open the transaction and run the pipeline; a nested call only runs it.

        If the pipeline collides with another login, for example another first login of the same
        identity, it is rolled back and run again. It then finds the rows of the other login.
        """
        if self._is_running:
            return pipeline()
        attempt = 0
        while True:
            try:
                return self._run(pipeline)
            except Exception as error:
                pauses = _pauses(error)
                if attempt >= len(pauses):
                    raise
            # A random pause, so that the same logins do not collide again.
            time.sleep(random.random() * pauses[attempt])  # noqa: S311 - not a secret
            attempt += 1

    def finish(self, result: Any, build_response: Callable[[Any], T]) -> T:
        """Build the response inside the transaction.

        If this collides with another login, the transaction is rolled back, and the pipeline
        and ``build_response`` run again.

        :param result: the result of :meth:`run`, as returned by the backend.
        """
        if self._pipeline is None:  # The backend has not run a pipeline.
            return self.run(lambda: build_response(result))
        pipeline = self._pipeline
        try:
            return build_response(result)
        except Exception as error:
            if result is not self._result or not _pauses(error):
                raise
            self._transaction.__exit__(type(error), error, error.__traceback__)
        return self.run(lambda: build_response(pipeline()))

    def roll_back(self) -> None:
        """Roll back at the end of the block, although no exception is raised."""
        transaction.set_rollback(True, using=self._using)

    def _raise(self, error: Exception) -> NoReturn:
        """Raise an exception of the pipeline, translated unless it is one of social-core."""
        if isinstance(error, SocialAuthBaseException):
            if getattr(error, "stage", None) == "unknown":
                error.stage = self.stage
            raise error
        translated = as_api_exception(error, self.stage)
        if isinstance(translated, EndpointError):
            translated.secrets += self._secrets()
        if translated is error:
            raise error
        raise translated from error

    def _log(self, failure: Exception) -> None:
        clear_local_variables(failure)
        shown = without_secrets(failure, self._secrets())
        exception = type(failure).__name__
        log_event("on_commit failed", logging.ERROR, exc_info=shown, exception=exception)

    def _run(self, pipeline: Callable[[], T]) -> T:
        self._has_started = True
        with ExitStack() as stack:
            stack.enter_context(transaction.atomic(using=self._using))
            transaction.on_commit(partial(setattr, self, "_is_committed", True), using=self._using)
            self._is_running = True
            stack.callback(setattr, self, "_is_running", False)
            result = pipeline()
            self._transaction = stack.pop_all()
            self._pipeline, self._result = pipeline, result
            return result


def _pauses(error: Exception) -> tuple[float, ...]:
    """Return the longest pause, in seconds, before each new attempt; empty if there is none.

    After an IntegrityError, the next attempt can read the other login's row at once. After a
    lock error, the other transaction must end first; on SQLite every writer holds the lock.
    """
    # social-core and social_django raise exceptions of their own for some collisions.
    for cause in causes(error):
        if isinstance(cause, IntegrityError):
            return (0, 0)
        if isinstance(cause, OperationalError):
            return (0.01, 0.02, 0.05, 0.1, 0.2)
    return ()
