"""Hand off: from what a provider has posted to the frontend that completes with it."""

from __future__ import annotations

from collections.abc import Mapping

from social_core.exceptions import AuthInputError, AuthSessionError

from social_endpoints.exceptions import translate_errors
from social_endpoints.internal.backends.correlation import returned_id
from social_endpoints.internal.backends.registry import Provider
from social_endpoints.internal.flows import handoff_cache as handoffs
from social_endpoints.internal.flows.redirect_uris import with_parameters


def hand_off(*, provider: Provider, data: Mapping[str, str]) -> str:
    """Keep what a provider has posted, and return where to send the browser.

    That is the ``redirect_uri`` with which the login began, and no other place, with a
    one-time ``code`` and the ``state`` in its query. Nobody is signed in: that takes
    the flow, which the browser that began has.

    :param data: what was posted.
    :raises EndpointError: no login that waits for such an answer has begun.
    """
    with translate_errors(provider.name, "callback"):
        key = returned_id(provider, data)
        if not key:
            raise AuthInputError(code="missing_parameter", stage="callback")
        redirect_uri = handoffs.expected_at(provider.name, key)
        if redirect_uri is None:
            raise AuthSessionError(code="session_context_missing", stage="callback")
        code = handoffs.keep(provider.name, key, data)
        return with_parameters(redirect_uri, {"code": code, "state": key})
