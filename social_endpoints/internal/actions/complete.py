"""Complete a login: from what the provider sent back to a user."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.http import HttpRequest

from social_endpoints.internal.actions.callback import Callback, continue_flow
from social_endpoints.internal.actions.outcome import failure_told, log_in
from social_endpoints.internal.backends.registry import Provider
from social_endpoints.types import Login, Paused

AnswerT = TypeVar("AnswerT")


def complete(
    *,
    provider: Provider,
    callback: Callback,
    request: HttpRequest,
    answer: Callable[[Login], AnswerT],
    user_relations: tuple[str, ...] = (),
) -> AnswerT | Paused:
    """Complete a login that this browser began, or continue one that has paused.

    :param answer: called with the login inside its transaction; what it returns is
        returned. Where it raises, nothing of the login is kept.
    :param user_relations: one-to-one relations of the user model that it reads.
    :raises EndpointError: whatever the user, the browser or the provider got wrong.
    :raises ConfigurationError: a mistake in the project's settings.
    """
    with failure_told(provider, request):
        return continue_flow(
            provider=provider,
            callback=callback,
            user=None,
            request=request,
            answer=lambda backend, user: log_in(provider, backend, answer, request, user),
            user_relations=user_relations,
        )
