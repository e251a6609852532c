"""Continue what a browser began: from what the provider sent back to an answer.

It has two halves. First the network: the flow is opened and claimed, and the
provider is asked, with no transaction open. Then the database: pipeline, checks
and answer are one transaction, so that a login is there as a whole or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from django.http import HttpRequest
from social_core.backends.base import BaseAuth
from social_core.exceptions import AuthSessionError
from social_core.utils import constant_time_compare

from social_endpoints.exceptions import FlowNotSent, translate_errors
from social_endpoints.internal.actions.outcome import is_user, paused
from social_endpoints.internal.actions.resume import resume
from social_endpoints.internal.backends import loading
from social_endpoints.internal.backends.callback import (
    backend_params,
    raise_callback_error,
    validate_issuer,
)
from social_endpoints.internal.backends.correlation import returned_id
from social_endpoints.internal.backends.registry import Provider
from social_endpoints.internal.flows import handoff_cache as handoffs
from social_endpoints.internal.flows.flow import Flow
from social_endpoints.internal.flows.storage import claim
from social_endpoints.types import Paused

AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True, slots=True)
class Callback:
    """What a browser brings to complete what it began.

    ``data`` is what the provider sent back or, with the ``partial_token`` of a paused
    pipeline, what its step asked for, and nothing else. ``flow`` is the flow of it, if the
    browser has it, and ``flow_sent`` says whether the request carried any flow at all.
    """

    data: Mapping[str, Any] = field(repr=False)
    partial_token: str | None = field(repr=False)
    flow: Flow | None
    flow_sent: bool


def continue_flow(
    *,
    provider: Provider,
    callback: Callback,
    user: Any,
    request: HttpRequest,
    answer: Callable[[BaseAuth[Any], Any], AnswerT],
    user_relations: tuple[str, ...] = (),
) -> AnswerT | Paused:
    """Complete what this browser began, or continue it where it has paused.

    :param user: to whom the identity is linked; None for a login.
    :param user_relations: one-to-one relations of the user model that ``answer`` reads.
    :param answer: called in the transaction, with the backend and the user that the
        pipeline has come to; what it returns is returned. Where it raises, nothing is kept.
    :raises EndpointError: whatever the user, the browser or the provider got wrong.
    :raises ConfigurationError: a mistake in the project's settings.
    """
    data, flow, partial_token = callback.data, callback.flow, callback.partial_token
    with translate_errors(provider.name, "callback"):
        if flow is None:
            raise _flow_missing(callback.flow_sent)
        answered = data
        if partial_token is None:
            answered = _answer(provider, data, flow)
            data = backend_params(provider, answered, flow)
        strategy, backend = loading.load(provider, request=request, data=data, flow=flow)
        strategy.user_relations = user_relations
        with strategy.unit_of_work as work:
            if partial_token is None:
                result = _ask_provider(backend, flow, returned_id(provider, answered), user)
            else:
                begun = deepcopy(flow.session)
                result = work.run(partial(_resume, backend, flow, partial_token, user, begun))
            if work.began and not is_user(backend, result):
                return paused(backend, flow, result, work)
            return work.finish(result, lambda result: answer(backend, result))


def _flow_missing(flow_sent: bool) -> AuthSessionError:
    kind = AuthSessionError if flow_sent else FlowNotSent
    return kind(code="session_context_missing", stage="callback")


def _answer(provider: Provider, data: Mapping[str, str], flow: Flow) -> Mapping[str, str]:
    """Return what the provider has answered to this very login, wherever it waits."""
    returned = returned_id(provider, data)
    if flow.key and returned and not constant_time_compare(flow.key, returned):
        raise AuthSessionError(code="state_mismatch", stage="callback")
    if not flow.handoff or "SAMLResponse" in data:
        return data
    answer = handoffs.take(provider.name, flow.key, data.get("code", ""))
    if answer is None:
        raise AuthSessionError(code="state_mismatch", stage="callback")
    return answer


def _ask_provider(backend: BaseAuth[Any], flow: Flow, returned: str | None, user: Any) -> Any:
    validate_issuer(backend)
    if flow.key and not returned:
        # It could be of any login, so it uses none up. Some providers say no state with
        # an error.
        raise_callback_error(backend)
        raise AuthSessionError(backend, code="state_mismatch", stage="callback")
    _claim(backend, flow)
    flow.spent = True
    raise_callback_error(backend)
    return backend.complete(user=user)


def _resume(
    backend: BaseAuth[Any], flow: Flow, partial_token: str, user: Any, begun: dict[str, Any]
) -> Any:
    # A login that meets another one is resumed again, from what the browser brought.
    flow.session.clear()
    flow.session.update(deepcopy(begun))
    # Claimed in the transaction of the login: what the user got wrong in the answer
    # leaves the login paused.
    _claim(backend, flow)
    return resume(backend, flow, partial_token, user)


def _claim(backend: BaseAuth[Any], flow: Flow) -> None:
    if not claim(flow, backend.strategy.storage):
        raise AuthSessionError(backend, code="state_mismatch", stage="callback")
