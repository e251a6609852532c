"""Complete a login: from what the provider sent back to a user.

It has two halves. First the network: the flow is opened and claimed, and the
provider is asked, with no transaction open. Then the database: pipeline, checks
and answer are one transaction, so that a login is there as a whole or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import partial
from typing import Any, TypeVar

from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from social_core.backends.base import BaseAuth
from social_core.exceptions import AuthPolicyError, AuthSessionError
from social_core.utils import (
    PARTIAL_TOKEN_SESSION_NAME,
    constant_time_compare,
    user_is_active,
)

from social_endpoints import handoffs
from social_endpoints.actions.resume import resume
from social_endpoints.actions.sealing import sealed
from social_endpoints.exceptions import REFUSALS, FlowNotSent, InactiveUser, refusals
from social_endpoints.flow import Flow
from social_endpoints.providers import loading
from social_endpoints.providers.callback import refuse_error, seen
from social_endpoints.providers.correlation import returned_key
from social_endpoints.providers.issuer import refuse_other_issuer
from social_endpoints.providers.registry import Provider
from social_endpoints.questions import Question
from social_endpoints.storage import claim
from social_endpoints.types import Login, Paused
from social_endpoints.unit_of_work import UnitOfWork

AnswerT = TypeVar("AnswerT")


def complete(
    *,
    provider: Provider,
    data: Mapping[str, Any],
    partial_token: str | None,
    flow: Flow | None,
    flow_sent: bool,
    request: HttpRequest,
    answer: Callable[[Login], AnswerT],
) -> AnswerT | Paused:
    """Complete a login that this browser began, or continue one that has paused.

    :param data: what the provider sent back, or what the paused step asked for, and
        nothing else.
    :param partial_token: which login to continue.
    :param flow: the flow of this login, if the browser has it.
    :param flow_sent: whether the request carried any flow at all.
    :param answer: called with the login inside its transaction; what it returns is
        returned. Where it raises, nothing of the login is kept.
    :raises Refused: whatever the user, the browser or the provider got wrong.
    :raises Misconfigured: a mistake in the project's settings.
    """
    try:
        with refusals(provider.name, "callback"):
            if flow is None:
                raise _flow_missing(flow_sent)
            answered = data
            if partial_token is None:
                answered = _answer(provider, data, flow)
                data = seen(provider, answered, flow)
            strategy, backend = loading.load(provider, request=request, data=data, flow=flow)
            with strategy.unit_of_work as work:
                if partial_token is None:
                    result = _ask_provider(backend, flow, returned_key(provider, answered))
                else:
                    begun = deepcopy(flow.session)
                    result = work.run(partial(_resume, backend, flow, partial_token, begun))
                if work.began and not isinstance(result, strategy.storage.user.user_model()):
                    return _paused(backend, flow, result, work)
                return work.finish(result, lambda user: answer(_login(provider, backend, user)))
    except REFUSALS as refused:
        credentials = {"provider": provider.name, "error_code": refused.get_codes()}
        user_login_failed.send_robust(sender=__name__, credentials=credentials, request=request)
        raise


def _flow_missing(flow_sent: bool) -> AuthSessionError:
    kind = AuthSessionError if flow_sent else FlowNotSent
    return kind(code="session_context_missing", stage="callback")


def _answer(provider: Provider, data: Mapping[str, str], flow: Flow) -> Mapping[str, str]:
    """Return what the provider has answered to this very login, wherever it waits."""
    returned = returned_key(provider, data)
    if flow.key and returned and not constant_time_compare(flow.key, returned):
        raise AuthSessionError(code="state_mismatch", stage="callback")
    if not flow.handoff or "SAMLResponse" in data:
        return data
    answer = handoffs.take(provider.name, flow.key, data.get("code", ""))
    if answer is None:
        raise AuthSessionError(code="state_mismatch", stage="callback")
    return answer


def _ask_provider(backend: BaseAuth[Any], flow: Flow, returned: str | None) -> Any:
    refuse_other_issuer(backend)
    if flow.key and not returned:
        # It could be of any login, so it uses none up. Some providers say no state with
        # an error.
        refuse_error(backend)
        raise AuthSessionError(backend, code="state_mismatch", stage="callback")
    _claim(backend, flow)
    flow.spent = True
    refuse_error(backend)
    return backend.complete(user=None)


def _resume(backend: BaseAuth[Any], flow: Flow, partial_token: str, begun: dict[str, Any]) -> Any:
    # A login that meets another one is resumed again, from what the browser brought.
    flow.session.clear()
    flow.session.update(deepcopy(begun))
    # Claimed in the transaction of the login: what the user got wrong in the answer
    # leaves the login paused.
    _claim(backend, flow)
    return resume(backend, flow, partial_token)


def _claim(backend: BaseAuth[Any], flow: Flow) -> None:
    if not claim(flow, backend.strategy.storage):
        raise AuthSessionError(backend, code="state_mismatch", stage="callback")


def _login(provider: Provider, backend: Any, user: Any) -> Login:
    """Return the login of a user that may have a token, and refuse anything else.

    A pipeline, or a backend instead of one, may return anything: nobody, a response,
    a user of some other model, or one who is not whom the identity belongs to.
    """
    strategy = backend.strategy
    if not isinstance(user, strategy.storage.user.user_model()):
        raise AuthPolicyError(backend, stage="pipeline")
    social = getattr(user, "social_user", None)
    if social is not None and social.user != user:
        raise AuthPolicyError(backend, stage="pipeline")
    _read_is_active(backend, user)
    if not (user_is_active(user) or strategy.setting("ALLOW_INACTIVE_USERS_LOGIN", False)):
        raise InactiveUser(backend, stage="pipeline")
    user.backend = provider.path
    is_new = bool(getattr(user, "is_new", False))
    return Login(user, social, provider.name, is_new, backend.new_association)


def _read_is_active(backend: Any, user: Any) -> None:
    # Core's own steps have just loaded the user. A step of the project's may have let
    # somebody deactivate the user meanwhile, or have done so itself.
    steps = backend.strategy.get_pipeline(backend)
    is_field = any(field.name == "is_active" for field in user._meta.concrete_fields)
    if is_field and not all(step.startswith("social_core.") for step in steps):
        user.refresh_from_db(fields=["is_active"])


def _paused(backend: Any, flow: Flow, result: Any, work: UnitOfWork) -> Paused:
    """Return a paused login, with a fresh flow that continues it.

    A step that is no partial one may send the browser away, too. Then there is nothing
    to continue and no login, and so nothing of it is kept.

    :param result: what the pipeline has come to, and is no user.
    """
    partial_token = flow.session.get(PARTIAL_TOKEN_SESSION_NAME)
    redirect_to = getattr(result, "url", None) if isinstance(result, HttpResponseBase) else None
    if not partial_token:
        if redirect_to is None:
            raise AuthPolicyError(backend, stage="pipeline")
        work.undo()
        return Paused(None, redirect_to, None, None)
    fresh = Flow(
        flow.provider,
        flow.purpose,
        flow.redirect_uri,
        session=flow.session,
        key=partial_token,
        handoff=flow.handoff,
    )
    return Paused(
        partial_token=partial_token,
        redirect_to=redirect_to,
        fields=result.fields if isinstance(result, Question) else None,
        flow=sealed(fresh, backend, stage="pipeline"),
    )
