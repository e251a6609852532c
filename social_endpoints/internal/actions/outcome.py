"""What a pipeline has come to: a login, or a pause."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.exceptions import ValidationError
from social_core.exceptions import AuthPolicyError
from social_core.utils import PARTIAL_TOKEN_SESSION_NAME, user_is_active

from social_endpoints import signals
from social_endpoints.exceptions import EndpointError, InactiveUser
from social_endpoints.internal.actions.sealing import sealed
from social_endpoints.internal.backends.registry import Provider
from social_endpoints.internal.flows.flow import Flow
from social_endpoints.internal.flows.transaction import UnitOfWork
from social_endpoints.questions import Question
from social_endpoints.types import Login, Paused

AnswerT = TypeVar("AnswerT")


def is_user(backend: Any, result: Any) -> bool:
    """Say whether a pipeline's result is a user of the project's."""
    return isinstance(result, backend.strategy.storage.user.user_model())


def login_of(provider: Provider, backend: Any, user: Any) -> Login:
    """Return the login of a user that may have a token, and refuse anything else.

    A pipeline, or a backend instead of one, may return anything: nobody, a response,
    a user of some other model, or one who is not whom the identity belongs to.
    """
    if not is_user(backend, user):
        raise AuthPolicyError(backend, stage="pipeline")
    social = getattr(user, "social_user", None)
    if social is not None and social.user != user:
        raise AuthPolicyError(backend, stage="pipeline")
    require_active(backend, user)
    user.backend = provider.path
    is_new = bool(getattr(user, "is_new", False))
    return Login(user, social, provider.name, is_new, backend.new_association)


def log_in(
    provider: Provider,
    backend: Any,
    answer: Callable[[Login], AnswerT],
    request: HttpRequest,
    user: Any,
) -> AnswerT:
    """Answer the login of a user, and tell the project of it.

    :param answer: called with the login.
    :param user: what the pipeline has come to.
    """
    login = login_of(provider, backend, user)
    answered = answer(login)
    _tell_of(login, request)
    return answered


@contextmanager
def failure_told(provider: Provider, request: HttpRequest) -> Iterator[None]:
    """Tell the project of a login that is refused, by Django's own signal."""
    try:
        yield
    except (EndpointError, ValidationError) as refused:
        credentials = {"provider": provider.name, "error_code": refused.get_codes()}
        user_login_failed.send_robust(sender=__name__, credentials=credentials, request=request)
        raise


def _tell_of(login: Login, request: HttpRequest) -> None:
    signals.signed_in.send(
        sender=type(login.user),
        request=request,
        user=login.user,
        social=login.social,
        provider=login.provider,
        is_new_user=login.is_new,
        new_association=login.new_association,
    )


def require_active(backend: Any, user: Any) -> None:
    """Refuse a user who may not log in, as the database has it now.

    :raises InactiveUser: the user is not active, and the project does not let those in.
    """
    _read_is_active(backend, user)
    allowed = backend.strategy.setting("ALLOW_INACTIVE_USERS_LOGIN", False)
    if not (user_is_active(user) or allowed):
        raise InactiveUser(backend, stage="pipeline")


def paused(backend: Any, flow: Flow, result: Any, work: UnitOfWork) -> Paused:
    """Return a pause, with a fresh flow that continues it.

    A step that is no partial one may send the browser away, too. Then there is nothing
    to continue and nothing to answer, and so nothing of it is kept.

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
        user=flow.user,
    )
    return Paused(
        partial_token=partial_token,
        redirect_to=redirect_to,
        fields=result.fields if isinstance(result, Question) else None,
        flow=sealed(fresh, backend, stage="pipeline"),
    )


def _read_is_active(backend: Any, user: Any) -> None:
    # Core's own steps have just loaded the user. A step of the project's may have let
    # somebody deactivate the user meanwhile, or have done so itself.
    is_field = any(field.name == "is_active" for field in user._meta.concrete_fields)
    if is_field and not backend.strategy.has_known_steps(backend):
        user.refresh_from_db(fields=["is_active"])
