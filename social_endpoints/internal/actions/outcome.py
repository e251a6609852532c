"""Outcomes of the actions: a login, or a paused login with its flow."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from social_core.backends.base import BaseAuth
from social_core.exceptions import AuthInputError, AuthPolicyError, ErrorStage
from social_core.utils import PARTIAL_TOKEN_SESSION_NAME, user_is_active

from social_endpoints import signals
from social_endpoints.exceptions import EndpointError, InactiveUser
from social_endpoints.internal.backends.config import lifetime
from social_endpoints.internal.backends.registry import Provider
from social_endpoints.internal.flows.flow import Flow
from social_endpoints.internal.flows.token import seal
from social_endpoints.internal.flows.transaction import UnitOfWork
from social_endpoints.internal.log.events import add_default_log_values, log_completed, log_event
from social_endpoints.pipeline import Question
from social_endpoints.types import Login, Paused, SealedFlow

T = TypeVar("T")
ResponseT = TypeVar("ResponseT")

REJECTED_CREDENTIAL_CODES = frozenset(
    {
        "authorization_code_rejected",
        "credential_rejected",
        "invalid_claim",
        "invalid_signature",
        "malformed_response",
        "nonce_mismatch",
        "nonce_not_hashed",
        "response_expired",
        "token_revoked",
    }
)
"""Error codes for a code, a token or a callback that was presented and rejected.

``malformed_response`` counts for a callback only. ``invalid_claim`` counts for a profile only if
the profile belongs to another user."""

_OWNER_CLAIMS = frozenset({"id", "sub", "uid"})
_OTHER_CLAIMS = frozenset({"email_verified", "issuer"})  # In a profile, and in discovery.


@dataclass(frozen=True, slots=True)
class Responder(Generic[ResponseT]):
    """The response of a view to a login or a connect.

    :param request: the request, for the receivers of signals.
    :param build: called with the login or the connection inside its transaction. Its result is
        returned. If it raises an exception, the login is rolled back.
    :param check: called last in the transaction, also with a paused login. If it raises an
        exception, the login is rolled back.
    :param take_back: called after each rollback, to undo effects outside the database.
    """

    request: HttpRequest
    build: Callable[[Any], ResponseT]
    check: Callable[[ResponseT | Paused], None]
    take_back: Callable[[], None]


def is_user(backend: Any, result: Any) -> bool:
    """Return whether the result of a pipeline is an instance of the project's user model."""
    return isinstance(result, backend.strategy.storage.user.user_model())


def log_in(
    provider: Provider, responder: Responder[ResponseT], backend: Any, user: Any
) -> tuple[ResponseT, Login]:
    """Build the response to a login and send the signal ``signed_in``.

    :param user: the result of the pipeline.
    :raises SocialAuthBaseException: the result is not a user who may sign in.
    """
    login = _build_login(provider, backend, user)
    response = responder.build(login)
    signals.signed_in.send(
        sender=type(login.user),
        request=responder.request,
        user=login.user,
        social=login.social,
        provider=login.provider,
        is_new_user=login.is_new,
        new_association=login.new_association,
    )
    responder.check(response)
    return response, login


def log_login(outcome: tuple[ResponseT, Login] | Paused) -> ResponseT | Paused:
    """Log a login whose transaction is committed, and return its response."""
    if isinstance(outcome, Paused):
        log_event("login paused")
        return outcome
    response, login = outcome
    log_completed(
        "login", user=login.user.pk, new_account=login.is_new, new_connection=login.new_association
    )
    return response


def _build_login(provider: Provider, backend: Any, user: Any) -> Login:
    # A pipeline may return any object, such as None, a response, an instance of another model,
    # or a user with the identity of another user.
    if not is_user(backend, user):
        raise AuthPolicyError(backend, stage="pipeline")
    social = getattr(user, "social_user", None)
    if social is not None and social.user != user:
        raise AuthPolicyError(backend, stage="pipeline")
    is_new = bool(getattr(user, "is_new", False))
    if not is_new:  # After a refusal, a new account does not exist.
        add_default_log_values(user=user.pk)
    require_active(backend, user)
    user.backend = provider.path
    return Login(user, social, provider.name, is_new, backend.new_association)


@contextmanager
def report_failed_login(provider: Provider, request: HttpRequest) -> Iterator[None]:
    """Send Django's signal ``user_login_failed`` when a presented credential is rejected.

    Receivers such as django-axes lock out the client, so the signal is not sent for an outage, a
    declined login or a wrong value in a form, for example.
    """
    try:
        yield
    except EndpointError as refused:
        if _is_rejected_credential(refused):
            credentials = {"provider": provider.name, "error_code": refused.get_codes()}
            user_login_failed.send_robust(sender=__name__, credentials=credentials, request=request)
        raise


def _is_rejected_credential(refused: EndpointError) -> bool:
    cause: Any = refused.__cause__
    code, stage = refused.body["error_code"], refused.body["error_stage"]
    if stage == "pipeline":
        return False  # A step of the project has refused the value of a form, for example.
    if stage == "callback" and getattr(cause, "provider_code", None) is not None:
        return False  # An error response, which presents no credential (RFC 6749 section 4.1.2.1).
    if "algorithm" in getattr(cause, "context", {}):
        return False  # It is missing in JWT_ALGORITHMS, so every login of the provider fails.
    if code == "malformed_response":
        return bool(stage == "callback")  # Later stages parse responses that were requested.
    claim = getattr(cause, "claim", None)
    if code == "invalid_claim" and (stage == "user_info" or claim in _OTHER_CLAIMS):
        return claim in _OWNER_CLAIMS
    return code in REJECTED_CREDENTIAL_CODES


def require_active(backend: Any, user: Any) -> None:
    """Refuse a user who is not active now, unless ``ALLOW_INACTIVE_USERS_LOGIN`` is set.

    A user is active if ``is_active`` is true and ``SOCIAL_AUTH_ACTIVE_USERS_FILTER`` matches.

    :raises InactiveUser: the user is not active or no longer exists.
    """
    users, stored = backend.strategy.storage.user, user
    # This login has read the user. social-core's default pipeline does not change
    # ``is_active``, but a step of the project may.
    if not (users.is_primary(user) and backend.strategy.has_default_pipeline(backend)):
        stored = users.read_again(user)
    active = user_is_active(stored) and users.is_among_active_users(user)
    allowed = backend.strategy.setting("ALLOW_INACTIVE_USERS_LOGIN", False)
    if stored is None or not (active or allowed):
        raise InactiveUser(backend, stage="pipeline")


def respond_or_pause(
    backend: Any,
    flow: Flow,
    work: UnitOfWork,
    conclude: Callable[[Any, Any], T],
    responder: Responder[Any],
    result: Any,
) -> T | Paused:
    """Return the result of ``conclude``, or a paused login or connect.

    :param conclude: called with the backend and the result of the pipeline, unless it has paused.
    """
    if work.has_run and not is_user(backend, result):
        paused = pause_login(backend, flow, result, work)
        responder.check(paused)
        return paused
    return conclude(backend, result)


def pause_login(backend: Any, flow: Flow, result: Any, work: UnitOfWork) -> Paused:
    """Return a paused login with the flow that resumes it.

    If the step that has returned a redirect is not a partial step, the login cannot be resumed
    and is rolled back.

    :param result: the result of the pipeline, which is not a user.
    :raises AuthPolicyError: the pipeline has neither paused nor returned a redirect.
    """
    partial_token = flow.session.get(PARTIAL_TOKEN_SESSION_NAME)
    redirect_to = getattr(result, "url", None) if isinstance(result, HttpResponseBase) else None
    if not partial_token:
        if redirect_to is None:
            raise AuthPolicyError(backend, stage="pipeline")
        work.roll_back()
        return Paused(None, redirect_to, None, flow.provider, None)
    next_flow = Flow(
        flow.provider,
        flow.purpose,
        flow.redirect_uri,
        session=flow.session,
        correlation_id=partial_token,
        handoff=flow.handoff,
        user_id=flow.user_id,
    )
    return Paused(
        partial_token=partial_token,
        redirect_to=redirect_to,
        fields=result.fields if isinstance(result, Question) else None,
        provider=flow.provider,
        flow=seal_flow(next_flow, backend, stage="pipeline"),
    )


def seal_flow(flow: Flow, backend: BaseAuth[Any], *, stage: ErrorStage) -> SealedFlow:
    """Set the expiry of a flow and seal it for the browser.

    :raises AuthInputError: the flow is too long for a cookie.
    """
    seconds = lifetime(backend)
    flow.expires = int(time.time()) + seconds
    try:
        token = seal(flow)
    except ValueError as error:
        raise AuthInputError(backend, code="invalid_parameter", stage=stage) from error
    return SealedFlow(token, flow.correlation_id or flow.id, seconds)
