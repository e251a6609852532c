"""Native sign-in: with an ID token or an access token that an SDK obtained."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from django.http import HttpRequest
from social_core.backends.base import BaseAuth

from social_endpoints.exceptions import AssociationOnly, translate_errors
from social_endpoints.internal.actions.outcome import failure_told, is_user, log_in, paused
from social_endpoints.internal.backends import loading
from social_endpoints.internal.backends.extensions.discovery import document_renewal
from social_endpoints.internal.backends.registry import Provider
from social_endpoints.internal.flows.flow import LOGIN, Flow
from social_endpoints.internal.native import access_token as access_tokens
from social_endpoints.internal.native import id_token as id_tokens
from social_endpoints.types import Login, NativeTokens, Paused

AnswerT = TypeVar("AnswerT")


def sign_in(
    *,
    provider: Provider,
    tokens: NativeTokens,
    request: HttpRequest,
    answer: Callable[[Login], AnswerT],
    user_relations: tuple[str, ...] = (),
) -> AnswerT | Paused:
    """Sign a user in with tokens that an app has posted.

    Requests to the provider are made outside any transaction. Pipeline, checks and ``answer``
    share one transaction, as in a redirect login.

    :param tokens: an ID token, an access token or both.
    :param answer: builds the response from the login, inside the transaction. If it raises,
        everything is rolled back.
    :param user_relations: one-to-one relations of the user model that ``answer`` reads.
    :raises EndpointError: a token was not issued to this project or is not valid, or another
        error of the app, the user or the provider.
    :raises ConfigurationError: the project's settings are wrong.
    """
    with failure_told(provider, request), translate_errors(provider.name, "token_validation"):
        flow = Flow(provider.name, LOGIN, "")
        data = {"user": tokens.user} if tokens.user else {}
        strategy, backend = loading.load(provider, request=request, data=data, flow=flow)
        strategy.user_relations = user_relations
        if backend.ASSOCIATION_ONLY:
            raise AssociationOnly(backend, stage="token_validation")
        with document_renewal(backend), strategy.unit_of_work as work:
            result = _authenticate(backend, tokens)
            if work.began and not is_user(backend, result):
                return paused(backend, flow, result, work)
            return work.finish(result, partial(log_in, provider, backend, answer, request))


def _authenticate(backend: BaseAuth[Any], tokens: NativeTokens) -> Any:
    if tokens.id_token is None:
        return access_tokens.authenticate(backend, tokens.access_token or "")
    return id_tokens.authenticate(
        backend, tokens.id_token, nonce=tokens.nonce, access_token=tokens.access_token
    )
