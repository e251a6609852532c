"""Complete a login or a connect, or resume a paused one.

A completion has two halves. In the network half, the flow is claimed and the provider is asked,
with no transaction open. In the database half, pipeline, checks and response share one
transaction, so a login is stored completely or not at all. A resumed login has only this half.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from social_core.backends.base import BaseAuth
from social_core.exceptions import AuthSessionError, SocialAuthBaseException
from social_core.utils import constant_time_compare

from social_endpoints.exceptions import AuthProviderUnavailable, TooManyAttempts
from social_endpoints.internal.actions.outcome import (
    Responder,
    log_in,
    log_login,
    report_failed_login,
    respond_or_pause,
)
from social_endpoints.internal.actions.resume import require_partial_token, resume
from social_endpoints.internal.backends import loading
from social_endpoints.internal.backends.callback import (
    backend_params,
    raise_callback_error,
    validate_issuer,
)
from social_endpoints.internal.backends.correlation import returned_id
from social_endpoints.internal.backends.registry import Provider
from social_endpoints.internal.backends.setting_types import report_wrong_settings
from social_endpoints.internal.errors.failures import find_database_failure
from social_endpoints.internal.flows import handoff_cache
from social_endpoints.internal.flows.flow import Flow
from social_endpoints.internal.flows.storage import claim_attempt, claim_flow, release_flow
from social_endpoints.internal.network.network_half import NetworkHalf
from social_endpoints.internal.network.sessions import ProviderRequests
from social_endpoints.internal.translation import translate_errors
from social_endpoints.types import Paused

T = TypeVar("T")
ResponseT = TypeVar("ResponseT")


@dataclass(frozen=True, slots=True)
class Callback:
    """The parameters of a completion and the flow that it belongs to.

    :param params: the parameters from the provider or, with a partial token, the values that
        the paused step asked for.
    :param partial_token: the token of a paused pipeline, or None.
    :param flow: the flow of the request, or None if it has no valid flow.
    :param missing_flow: the exception to raise if the flow is None.
    """

    params: Mapping[str, Any] = field(repr=False)
    partial_token: str | None = field(repr=False)
    flow: Flow | None
    missing_flow: SocialAuthBaseException


def complete(
    *, provider: Provider, callback: Callback, responder: Responder[ResponseT]
) -> ResponseT | Paused:
    """Complete a login, or resume a paused one.

    :raises EndpointError: the user, the browser or the provider caused an error.
    :raises ConfigurationError: the project's settings are wrong.
    """
    with report_failed_login(provider, responder.request):
        conclude = partial(log_in, provider, responder)
        outcome = complete_flow(provider, callback, None, conclude, responder)
    return log_login(outcome)


def complete_flow(
    provider: Provider,
    callback: Callback,
    user: Any,
    conclude: Callable[[BaseAuth[Any], Any], T],
    responder: Responder[Any],
) -> T | Paused:
    """Complete a flow of any purpose, or resume its paused pipeline.

    :param user: the user whom the identity is connected to; None for a login.
    :param conclude: called inside the transaction with the backend and the result of the pipeline.
        Its result is returned. If it raises an exception, everything is rolled back.
    """
    params, flow, partial_token = callback.params, callback.flow, callback.partial_token
    with translate_errors("callback"), ProviderRequests() as requests:
        if flow is None:
            raise callback.missing_flow
        returned = None
        if partial_token is None:
            provider_params = _provider_params(provider, params, flow)
            returned = returned_id(provider, provider_params)
            params = backend_params(provider, provider_params, flow)
        strategy, backend = loading.load(
            provider, request=responder.request, data=params, flow=flow
        )
        strategy.unit_of_work.take_back = responder.take_back
        with report_wrong_settings(backend, "callback"), strategy.unit_of_work as work:
            if partial_token is None:
                with _restore_unused_handoff(flow, callback.params, provider_params):
                    result = _ask_provider(backend, flow, returned, user, requests.network_half)
            else:
                requests.network_half.end()
                require_partial_token(backend, flow, partial_token)
                _count_attempt(backend, flow)
                session = deepcopy(flow.session)
                result = work.run(partial(_resume, backend, flow, partial_token, user, session))
            finish = partial(respond_or_pause, backend, flow, work, conclude, responder)
            return work.finish(result, finish)


def _provider_params(
    provider: Provider, params: Mapping[str, str], flow: Flow
) -> Mapping[str, str]:
    """Return the parameters that the provider sent. After a handoff, they are in the cache."""
    returned = returned_id(provider, params)
    expected = flow.correlation_id
    if expected and returned and not constant_time_compare(expected, returned):
        raise AuthSessionError(code="state_mismatch", stage="callback")
    if not flow.handoff or "SAMLResponse" in params:
        return params
    callback_params = handoff_cache.take_callback(provider.name, expected, params.get("code", ""))
    if callback_params is None:
        raise _late_completion_error("handoff_expired")
    return callback_params


def _ask_provider(
    backend: BaseAuth[Any], flow: Flow, returned: str | None, user: Any, network_half: NetworkHalf
) -> Any:
    validate_issuer(backend)
    raise_callback_error(backend)
    if flow.correlation_id and not returned:
        raise AuthSessionError(backend, code="state_mismatch", stage="callback")
    _claim(backend, flow)
    flow.is_claimed = True  # Outside any transaction, so its cookie is deleted.
    try:
        return backend.complete(user=user)
    except AuthProviderUnavailable:
        if not network_half.has_asked:  # The same callback can be posted again.
            release_flow(flow, backend.strategy.storage)
            flow.is_claimed = False
        raise


@contextmanager
def _restore_unused_handoff(
    flow: Flow, params: Mapping[str, Any], provider_params: Mapping[str, str]
) -> Iterator[None]:
    """Store the callback of a handoff again if the login can be completed later.

    It can if the provider is not asked at present, or if the database fails before it is asked.

    :param params: the parameters of the request.
    :param provider_params: those of the callback.
    """
    try:
        yield
    except Exception as error:
        is_refusal = isinstance(error, AuthProviderUnavailable)
        may_retry = is_refusal or find_database_failure(error) is not None
        if may_retry and provider_params is not params and not flow.is_claimed:
            pause = error.retry_after if isinstance(error, AuthProviderUnavailable) else None
            handoff_cache.restore_callback(
                flow.provider,
                flow.correlation_id,
                params["code"],
                provider_params,
                seconds=int(pause or 0),
            )
        raise


def _count_attempt(backend: BaseAuth[Any], flow: Flow) -> None:
    if not claim_attempt(flow, backend.strategy.storage):
        flow.is_claimed = True  # It can no longer complete.
        raise TooManyAttempts(backend)


def _resume(
    backend: BaseAuth[Any], flow: Flow, partial_token: str, user: Any, session: dict[str, Any]
) -> Any:
    # This runs again after a collision, and must start from the session that the browser sent.
    flow.session.clear()
    flow.session.update(deepcopy(session))
    # The claim is part of the transaction, so the login stays paused after a field error.
    _claim(backend, flow)
    return resume(backend, flow, partial_token, user)


def _claim(backend: BaseAuth[Any], flow: Flow) -> None:
    if not claim_flow(flow, backend.strategy.storage):
        raise _late_completion_error("flow_used")


def _late_completion_error(log_cause: str) -> AuthSessionError:
    """Return the exception for a completion that comes too late, with ``cause`` for the log."""
    return AuthSessionError(code="state_mismatch", stage="callback", context={"cause": log_cause})
