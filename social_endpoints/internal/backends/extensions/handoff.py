"""The state of a login with a handoff, which contains the redirect URI."""

from __future__ import annotations

from typing import Any

from social_endpoints.internal.backends.config import lifetime
from social_endpoints.internal.backends.extensions.bases import OAuth2
from social_endpoints.internal.flows.handoff_state import with_redirect_uri


class HandoffState(OAuth2):
    """Add the redirect URI to the state that a login with a handoff sends.

    The flow contains the state alone, so the cookie is not longer.
    """

    def auth_params(self, state: str | None = None) -> Any:
        params = super().auth_params(state)
        if state and params.get("state") == state:
            params["state"] = send_state(self, state)
        return params


def send_state(backend: Any, state: str) -> str:
    """Return the state to send: in a login with a handoff, with the redirect URI."""
    flow = backend.strategy.flow
    if flow.frontend_uri:
        seconds = lifetime(backend)
        flow.sent_state = with_redirect_uri(
            state, flow.frontend_uri, provider=flow.provider, seconds=seconds
        )
    return str(flow.sent_state or state)
