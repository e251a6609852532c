"""Continue what has paused: find it, see who the identity is by now, go on."""

from __future__ import annotations

from typing import Any

from django.http.response import HttpResponseBase
from django.utils.module_loading import import_string
from social_core.backends.base import BaseAuth
from social_core.exceptions import AuthSessionError
from social_core.storage import PartialMixin
from social_core.utils import (
    PARTIAL_TOKEN_SESSION_NAME,
    constant_time_compare,
    partial_pipeline_result,
)

from social_endpoints.internal.flows.flow import LOGIN, Flow


def resume(backend: Any, flow: Flow, partial_token: str, user: Any) -> Any:
    """Continue a paused pipeline, and return what it comes to.

    That is a user, another pause, or the confirmation that social-core asks for where a
    step is answered by a link from outside.

    :param user: to whom an identity is linked; None for a login.
    :raises AuthSessionError: this flow has no such login, or what it had found is gone.
    """
    found = _find(backend, flow, partial_token, user)
    if isinstance(found, HttpResponseBase):
        return found
    _require_still_there(backend, found)
    if flow.purpose == LOGIN and not found.kwargs.get("social"):
        _look_up_again(backend, found)
    result = backend.continue_pipeline(found)
    backend.strategy.clean_partial_pipeline(partial_token)
    return result


def _find(
    backend: Any, flow: Flow, partial_token: str, user: Any
) -> PartialMixin | HttpResponseBase:
    if not constant_time_compare(flow.session.get(PARTIAL_TOKEN_SESSION_NAME, ""), partial_token):
        raise _missing(backend)
    answers = backend.strategy.data
    # Core compares what is posted under the name of the identity's key with the identity,
    # as if it came from the provider. Here it is an answer: a user name of one's choice.
    backend.strategy.data = {
        name: value for name, value in answers.items() if name != backend.id_key()
    }
    try:
        outcome = partial_pipeline_result(backend, user, partial_token)
    finally:  # A collision is tried again.
        backend.strategy.data = answers
    if outcome.response is not None:
        response: HttpResponseBase = outcome.response
        return response
    if outcome.partial is None:
        raise _missing(backend)
    outcome.partial.request_data = {**(outcome.partial.request_data or {}), **answers}
    return outcome.partial


def _require_still_there(backend: Any, found: PartialMixin) -> None:
    """Refuse a login whose user was deactivated or whose identity was unlinked meanwhile.

    To go on without them would make a second account, or link what was unlinked.
    """
    stored = backend.strategy.storage.partial.load(found.token).kwargs
    if any(stored.get(name) and not found.kwargs.get(name) for name in ("user", "social")):
        raise _missing(backend)


def _look_up_again(backend: Any, found: PartialMixin) -> None:
    """Let the pipeline's ``social_user`` look again, where it had found nothing.

    The same person may have logged in for the first time in another tab, while this login
    was waiting: that account is the one to reach.
    """
    strategy = backend.strategy
    for index, step in enumerate(strategy.get_pipeline(backend)[: found.next_step]):
        if step.rpartition(".")[2] != "social_user":
            continue
        known = {"strategy": strategy, "storage": strategy.storage, "backend": backend}
        asked = {**found.kwargs, **known, "user": None, "pipeline_index": index}
        result = import_string(step)(*found.args, **asked)
        if isinstance(result, dict) and result.get("social"):
            found.extend_kwargs(result)
            if found.kwargs.get("username"):  # The one for a new user.
                found.kwargs["username"] = strategy.storage.user.get_username(result["user"])


def _missing(backend: BaseAuth[Any]) -> AuthSessionError:
    return AuthSessionError(backend, code="session_context_missing", stage="callback")
