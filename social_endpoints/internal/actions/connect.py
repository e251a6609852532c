"""Connect one more identity to the current user."""

from __future__ import annotations

from functools import partial
from typing import Any, TypeVar

from social_core.exceptions import AuthPolicyError, AuthSessionError, ErrorStage

from social_endpoints import signals
from social_endpoints.exceptions import InactiveUser
from social_endpoints.internal.actions.complete import Callback, complete_flow
from social_endpoints.internal.actions.native import complete_with_tokens
from social_endpoints.internal.actions.outcome import Responder, require_active
from social_endpoints.internal.backends import loading
from social_endpoints.internal.backends.registry import Provider
from social_endpoints.internal.log.events import log_completed, log_event
from social_endpoints.internal.retries import retry_once
from social_endpoints.internal.translation import translate_errors
from social_endpoints.types import Connected, NativeTokens, Paused

ResponseT = TypeVar("ResponseT")


def connect(
    *, provider: Provider, callback: Callback, user: Any, responder: Responder[ResponseT]
) -> ResponseT | Paused:
    """Connect an identity to the user who began, or resume a paused connect.

    :param user: the current user.
    :raises EndpointError: the user, the browser or the provider caused an error. For example,
        the connect was begun by another user.
    """
    with translate_errors("callback"):
        account = get_account(user, stage="callback")
        if callback.flow is not None and callback.flow.user_id != str(account.pk):
            raise AuthSessionError(code="user_mismatch", stage="callback")
    conclude = partial(_connect, provider, account, responder)
    return _log_connect(complete_flow(provider, callback, account, conclude, responder))


def connect_with_tokens(
    *, provider: Provider, tokens: NativeTokens, user: Any, responder: Responder[ResponseT]
) -> ResponseT | Paused:
    """Connect an identity to the current user with tokens that an app has posted.

    The tokens are verified as in a native sign-in.

    :param user: the current user.
    """
    with translate_errors("token_validation"):
        account = get_account(user, stage="token_validation")
    conclude = partial(_connect, provider, account, responder)
    return _log_connect(complete_with_tokens(provider, tokens, account, conclude, responder))


def _connect(
    provider: Provider, account: Any, responder: Responder[ResponseT], backend: Any, result: Any
) -> tuple[ResponseT, Connected]:
    """Build the response to a connect and send the signal ``connected``."""
    social = getattr(result, "social_user", None)
    if result != account or social is None or social.user != account:
        raise AuthPolicyError(backend, stage="pipeline")
    require_active(backend, result)
    connected = Connected(result, social, provider.name, backend.new_association)
    response = responder.build(connected)
    if connected.new_association:
        signals.connected.send(
            sender=type(account),
            request=responder.request,
            user=account,
            social=connected.social,
            provider=connected.provider,
        )
    responder.check(response)
    return response, connected


def _log_connect(outcome: tuple[ResponseT, Connected] | Paused) -> ResponseT | Paused:
    if isinstance(outcome, Paused):
        log_event("connect paused")
        return outcome
    response, connected = outcome
    log_completed("connect", user=connected.user.pk, new_connection=connected.new_association)
    return response


def get_account(user: Any, *, stage: ErrorStage) -> Any:
    """Return the current user's row. Some authentication classes only know a token's claims.

    :raises InactiveUser: the user does not exist or is not active.
    """
    account = retry_once(partial(loading.users().get_user, user.pk))
    if account is None:
        raise InactiveUser(stage=stage)
    return account
