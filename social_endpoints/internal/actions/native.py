"""Native sign-in: with an ID token or an access token that an SDK obtained."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from social_core.backends.base import BaseAuth

from social_endpoints.exceptions import AssociationOnly
from social_endpoints.internal.actions.outcome import (
    Responder,
    log_in,
    log_login,
    report_failed_login,
    respond_or_pause,
)
from social_endpoints.internal.backends import loading
from social_endpoints.internal.backends.extensions.discovery import document_renewal
from social_endpoints.internal.backends.registry import Provider
from social_endpoints.internal.backends.setting_types import require_valid_settings
from social_endpoints.internal.flows.flow import new_flow
from social_endpoints.internal.native import access_token as access_tokens
from social_endpoints.internal.native import id_token as id_tokens
from social_endpoints.internal.network.sessions import ProviderRequests
from social_endpoints.internal.translation import translate_errors
from social_endpoints.types import NativeTokens, Paused

T = TypeVar("T")
ResponseT = TypeVar("ResponseT")


def sign_in(
    *, provider: Provider, tokens: NativeTokens, responder: Responder[ResponseT]
) -> ResponseT | Paused:
    """Sign a user in with tokens that an app has posted.

    Requests to the provider are made outside any transaction. Pipeline, checks and response share
    one transaction, as in a redirect login.

    :param tokens: an ID token, an access token or both.
    :raises EndpointError: the app, the user or the provider caused an error. For example, a
        token is not valid or was not issued to this project.
    :raises ConfigurationError: the project's settings are wrong.
    """
    with report_failed_login(provider, responder.request):
        conclude = partial(log_in, provider, responder)
        outcome = complete_with_tokens(provider, tokens, None, conclude, responder)
    return log_login(outcome)


def complete_with_tokens(
    provider: Provider,
    tokens: NativeTokens,
    user: Any,
    conclude: Callable[[BaseAuth[Any], Any], T],
    responder: Responder[Any],
) -> T | Paused:
    """Verify tokens and run the pipeline, for a login or a connect.

    :param user: the user whom the identity is connected to; None for a login.
    :param conclude: as in :func:`~social_endpoints.internal.actions.complete.complete_flow`.
    """
    with translate_errors("token_validation"), ProviderRequests():
        flow = new_flow(provider.name, "", user)
        data = {"user": tokens.user} if tokens.user else {}
        strategy, backend = loading.load(provider, request=responder.request, data=data, flow=flow)
        if backend.ASSOCIATION_ONLY and user is None:
            raise AssociationOnly(backend, stage="token_validation")
        require_valid_settings(backend, "token_validation")
        strategy.unit_of_work.take_back = responder.take_back
        with document_renewal(backend), strategy.unit_of_work as work:
            result = _authenticate(backend, tokens, user)
            finish = partial(respond_or_pause, backend, flow, work, conclude, responder)
            return work.finish(result, finish)


def _authenticate(backend: BaseAuth[Any], tokens: NativeTokens, user: Any) -> Any:
    if tokens.id_token is None:
        return access_tokens.authenticate(backend, tokens.access_token or "", user=user)
    return id_tokens.authenticate(
        backend, tokens.id_token, nonce=tokens.nonce, access_token=tokens.access_token, user=user
    )
