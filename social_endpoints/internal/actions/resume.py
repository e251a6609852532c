"""Resume a paused pipeline after checking its user and association again."""

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

from social_endpoints.internal.accounts.linking import ASSOCIATING_STEPS
from social_endpoints.internal.flows.flow import LOGIN, Flow
from social_endpoints.internal.log.events import add_default_log_values

# The steps that look for an account, by their names, and what they return if they find one.
_SEARCHES = {"social_user": "social"} | dict.fromkeys(ASSOCIATING_STEPS, "user")


def resume(backend: Any, flow: Flow, partial_token: str, user: Any) -> Any:
    """Resume a paused pipeline and return its result.

    The result is a user, the response of another pause, or the confirmation that social-core
    asks for if an external link resumes the step.

    :param user: the user whom the identity is connected to; None for a login.
    :raises AuthSessionError: the paused login, its user or its association no longer exists.
    """
    paused = _find(backend, partial_token, user)
    if isinstance(paused, HttpResponseBase):
        return paused
    _require_user_and_association(backend, paused)
    if paused.kwargs.get("user"):
        add_default_log_values(user=paused.kwargs["user"].pk)
    if flow.purpose == LOGIN and not paused.kwargs.get("social"):
        _find_account_again(backend, paused)
    result = backend.continue_pipeline(paused)
    backend.strategy.clean_partial_pipeline(partial_token)
    return result


def require_partial_token(backend: Any, flow: Flow, partial_token: str) -> None:
    """Require the partial token of the flow, before anything is written to the database.

    :raises AuthSessionError: the flow is not that of a paused login with this token.
    """
    if not constant_time_compare(flow.session.get(PARTIAL_TOKEN_SESSION_NAME, ""), partial_token):
        raise _missing(backend)


def _find(backend: Any, partial_token: str, user: Any) -> PartialMixin | HttpResponseBase:
    params = backend.strategy.data
    # social-core compares the parameter with this name with the uid of the paused login, as if
    # the provider had sent it. Here the user has typed it: a username, for example.
    backend.strategy.data = {
        name: value for name, value in params.items() if name != backend.id_key()
    }
    try:
        outcome = partial_pipeline_result(backend, user, partial_token)
    finally:  # This runs again after a collision.
        backend.strategy.data = params
    if outcome.response is not None:
        response: HttpResponseBase = outcome.response
        return response
    if outcome.partial is None:
        raise _missing(backend)
    outcome.partial.request_data = {**(outcome.partial.request_data or {}), **params}
    return outcome.partial


def _require_user_and_association(backend: Any, paused: PartialMixin) -> None:
    """Refuse a login whose user was deactivated or whose identity was disconnected meanwhile.

    The pipeline would create a second account or connect the identity again.
    """
    stored = backend.strategy.storage.partial.load(paused.token).kwargs
    if any(stored.get(name) and not paused.kwargs.get(name) for name in ("user", "social")):
        raise _missing(backend)


def _find_account_again(backend: Any, paused: PartialMixin) -> None:
    """Run the steps again that look for an account.

    While this login was paused, the same person may have signed in for the first time in
    another tab, with this identity or with another one that has the same address. All logins
    must reach the same account. An address is only searched again if it was searched before the
    pause and no account had it: a later step may have asked the user for an address, or whether to
    connect an account.
    """
    strategy = backend.strategy
    details = paused.kwargs.get("details", {})
    was_unknown = strategy.storage.user.was_unknown(details.get("email"))
    for index, step in enumerate(strategy.get_pipeline(backend)[: paused.next_step]):
        found = _SEARCHES.get(step.rpartition(".")[2])
        if found is None:
            continue
        if found == "user" and (paused.kwargs.get("user") or not was_unknown):
            continue
        context = {"strategy": strategy, "storage": strategy.storage, "backend": backend}
        kwargs = {**paused.kwargs, **context, "user": None, "pipeline_index": index}
        result = import_string(step)(*paused.args, **kwargs)
        if isinstance(result, dict) and result.get(found):
            paused.extend_kwargs(result)
            if paused.kwargs.get("username"):  # It was chosen for a new user.
                paused.kwargs["username"] = strategy.storage.user.get_username(result["user"])


def _missing(backend: BaseAuth[Any]) -> AuthSessionError:
    return AuthSessionError(
        backend,
        code="session_context_missing",
        stage="callback",
        context={"cause": "paused_login_missing"},
    )
