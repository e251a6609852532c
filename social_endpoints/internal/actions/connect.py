"""Connect: link one more identity to the user who is logged in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.http import HttpRequest
from social_core.exceptions import AuthPolicyError, AuthSessionError

from social_endpoints import signals
from social_endpoints.exceptions import translate_errors
from social_endpoints.internal.actions.account import account_of
from social_endpoints.internal.actions.callback import Callback, continue_flow
from social_endpoints.internal.actions.outcome import require_active
from social_endpoints.internal.backends.registry import Provider
from social_endpoints.types import Connected, Paused

AnswerT = TypeVar("AnswerT")


def connect(
    *,
    provider: Provider,
    callback: Callback,
    user: Any,
    request: HttpRequest,
    answer: Callable[[Connected], AnswerT],
) -> AnswerT | Paused:
    """Link an identity to the user who began, or continue where that has paused.

    :param user: who is logged in.
    :param answer: called with what is linked, in the transaction; what it returns is
        returned. Where it raises, nothing is linked.
    :raises EndpointError: whatever the user, the browser or the provider got wrong; another
        user than the one who began, for example.
    :raises ConfigurationError: a mistake in the project's settings.
    """
    with translate_errors(provider.name, "callback"):
        owner = account_of(user, stage="callback")
        if callback.flow is not None and callback.flow.user != str(owner.pk):
            raise AuthSessionError(code="user_mismatch", stage="callback")

    def link(backend: Any, result: Any) -> AnswerT:
        connected = _connected(provider, backend, result, owner)
        answered = answer(connected)
        if connected.new_association:
            _tell_of(connected, request)
        return answered

    return continue_flow(
        provider=provider,
        callback=callback,
        user=owner,
        request=request,
        answer=link,
    )


def _connected(provider: Provider, backend: Any, user: Any, owner: Any) -> Connected:
    """Return what is linked, and refuse whatever else a pipeline may have come to."""
    social = getattr(user, "social_user", None)
    if user != owner or social is None or social.user != owner:
        raise AuthPolicyError(backend, stage="pipeline")
    require_active(backend, user)
    return Connected(owner, social, provider.name, backend.new_association)


def _tell_of(connected: Connected, request: HttpRequest) -> None:
    signals.connected.send(
        sender=type(connected.user),
        request=request,
        user=connected.user,
        social=connected.social,
        provider=connected.provider,
    )
