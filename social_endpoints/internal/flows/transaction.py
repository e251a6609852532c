"""The database half of a login: a transaction that opens after the provider was asked."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from types import TracebackType
from typing import Any, NoReturn, Self, TypeVar

from django.db import transaction
from social_core.exceptions import ErrorStage, SocialAuthBaseException

from social_endpoints.exceptions import EndpointError
from social_endpoints.internal.errors.redaction import clear_local_variables, without_secrets
from social_endpoints.internal.log.events import log_event
from social_endpoints.internal.retries import Retries
from social_endpoints.internal.translation import as_api_exception

T = TypeVar("T")


class UnitOfWork:
    """One transaction from the first pipeline step to the end of :meth:`finish`.

    Entering the block opens nothing, so no connection waits in a transaction while the provider
    is asked. The strategy's ``authenticate()`` calls :meth:`run`, which opens the transaction.
    :meth:`finish` commits it. An exception that leaves the block rolls it back.

    If it collides with another request, waits too long for a lock or loses its connection, it
    is rolled back and runs again: the pipeline and the response, which must have no other effect
    than on the database. :class:`Retries` limits this. Only a connection that is lost during the
    COMMIT ends it at once, because it is then unknown whether the login is stored.

    An exception that leaves the block after the pipeline has started is reported as an error of
    the project, unless it is one of social-core or DRF.

    :param using: alias of the database.
    :param secrets: returns the values of this login that no log may contain.
    :ivar stage: the stage to report for the exceptions of the project.
    :ivar take_back: called after each rollback, to undo effects outside the database.
    """

    stage: ErrorStage = "pipeline"
    take_back: Callable[[], None] | None = None

    def __init__(self, using: str, secrets: Callable[[], list[str]]) -> None:
        self._using = using
        self._secrets = secrets
        self._has_started = False
        self._transaction = ExitStack()
        self._is_running = False
        self._pipeline: Callable[[], Any] | None = None
        self._result: Any = None
        self._is_committed = self._is_committing = False
        self._retries = Retries(using)

    @property
    def has_run(self) -> bool:
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
        self._transaction.__exit__(error_type, error, traceback)
        if self._has_started and isinstance(error, Exception):
            self._raise(error)

    def run(self, pipeline: Callable[[], T]) -> T:
        """Open the transaction and run the pipeline; a nested call only runs it.

        If the pipeline collides with another login, for example another first login of the same
        identity, it is rolled back and run again. It then finds the rows of the other login.
        """
        if self._is_running:
            return pipeline()
        return self._repeat(partial(self._run, pipeline))

    def finish(self, result: Any, build_response: Callable[[Any], T]) -> T:
        """Build the response inside the transaction and commit.

        If this collides with another login, the transaction is rolled back, and the pipeline
        and ``build_response`` run again.

        :param result: the result of :meth:`run`, as returned by the backend.
        """
        pipeline = self._pipeline

        def work() -> T:
            final = result if pipeline is None else pipeline()
            return build_response(final)

        if pipeline is not None:
            try:
                return self._commit(build_response(result))
            except Exception as error:
                self._transaction.__exit__(type(error), error, error.__traceback__)
                # A backend may have replaced the result of the pipeline.
                if result is not self._result or not self._may_repeat(error):
                    raise
        return self._repeat(lambda: self._commit(self._run(work)))

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

    def _take_back(self, error_type: Any, error: BaseException | None, traceback: Any) -> None:
        if error is not None and not self._is_committed and self.take_back is not None:
            self.take_back()

    def _repeat(self, attempt: Callable[[], T]) -> T:
        self._has_started = True
        while True:
            self._retries.connect()
            try:
                return attempt()
            except Exception as error:
                if not self._may_repeat(error):
                    raise

    def _may_repeat(self, error: Exception) -> bool:
        is_commit, self._is_committing = self._is_committing, False
        return self._retries.allow(error, is_commit=is_commit)

    def _run(self, pipeline: Callable[[], T]) -> T:
        with ExitStack() as stack:
            stack.push(self._take_back)  # It runs after the rollback.
            stack.enter_context(transaction.atomic(using=self._using))
            transaction.on_commit(partial(setattr, self, "_is_committed", True), using=self._using)
            self._retries.lock()
            self._is_running = True
            stack.callback(setattr, self, "_is_running", False)
            result = pipeline()
            self._transaction = stack.pop_all()
            self._pipeline, self._result = pipeline, result
            return result

    def _commit(self, response: T) -> T:
        self._is_committing = True
        try:
            self._transaction.close()
        except Exception as failure:
            if not self._is_committed:
                raise
            # A callback of transaction.on_commit() failed. The login itself is stored.
            self._log(failure)
        return response
