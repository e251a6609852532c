"""End the login of a request."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.db import router

from social_endpoints.internal.backends import loading
from social_endpoints.internal.flows.transaction import UnitOfWork
from social_endpoints.internal.log.events import log_event

ResponseT = TypeVar("ResponseT")


def log_out(*, end: Callable[[], ResponseT], take_back: Callable[[], None]) -> ResponseT:
    """End a login in one transaction, and return the response.

    :param end: ends the login and returns the response. It runs again after a collision with
        another request.
    :param take_back: called after each rollback, to undo effects outside the database.
    :raises StorageUnavailable: the database or the cache has failed. The login has not ended.
    """
    response = run_in_transaction(end, take_back)
    log_event("logout completed")
    return response


def run_in_transaction(
    build_response: Callable[[], ResponseT], take_back: Callable[[], None]
) -> ResponseT:
    """Run a request in one transaction of the users' database, and return its response.

    :param build_response: runs again after a collision with another request.
    :param take_back: called after each rollback.
    """
    using = router.db_for_write(loading.storage().user)
    work = UnitOfWork(using, list)
    work.stage, work.take_back = "unknown", take_back
    with work:
        response: ResponseT = work.finish(work.run(build_response), lambda result: result)
    return response
