"""Handoff: store a callback that a provider sent to the server, for the frontend."""

from __future__ import annotations

from collections.abc import Mapping

from social_core.exceptions import AuthInputError, AuthSessionError

from social_endpoints.internal.backends.correlation import returned_state
from social_endpoints.internal.backends.registry import Provider
from social_endpoints.internal.flows import handoff_cache
from social_endpoints.internal.flows.handoff_state import open_redirect_uri, split_state
from social_endpoints.internal.flows.redirect_uris import with_parameters
from social_endpoints.internal.log.events import log_event
from social_endpoints.internal.translation import translate_errors


def hand_off(*, provider: Provider, params: Mapping[str, str]) -> str:
    """Store the parameters of a callback, and return the URI to redirect the browser to.

    The URI is the login's ``redirect_uri`` with a one-time ``code`` and the ``state``. The user
    is not signed in: only the browser that has the flow can complete.

    :param params: the parameters that the provider sent.
    :raises CallbackTooLong: the callback is too long.
    :raises EndpointError: the state was not sent by a login with a handoff.
    """
    handoff_cache.require_length(params)
    with translate_errors("callback"):
        sent_state = returned_state(provider, params)
        if not sent_state:
            raise AuthInputError(code="missing_parameter", stage="callback")
        redirect_uri = open_redirect_uri(sent_state, provider=provider.name)
        if redirect_uri is None:
            raise AuthSessionError(code="session_context_missing", stage="callback")
        state = split_state(sent_state)
        code = handoff_cache.store_callback(provider.name, state, {**params, "state": state})
        log_event("handoff completed")
        return with_parameters(redirect_uri, {"code": code, "state": sent_state})
