"""The flow: what must survive from begin to complete."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

LOGIN = "login"
"""Purpose of a flow that signs a user in."""

CONNECT = "connect"
"""Purpose of a flow that connects an identity to the user who began."""


def new_flow(provider: str, redirect_uri: str, user: Any) -> Flow:
    """Return the flow of a connect of this user, or of a login if the user is None."""
    if user is None:
        return Flow(provider, LOGIN, redirect_uri)
    return Flow(provider, CONNECT, redirect_uri, user_id=str(user.pk))


@dataclass
class Flow:
    """The session of one login, which the browser carries as an encrypted token.

    :param session: the mapping that python-social-auth uses as its session; JSON values.
    :param expires: seconds since the epoch; 0 while the login begins.
    :param id: identifies the flow in the claim that makes it complete only once.
    :param correlation_id: the value that the callback brings back, such as the state; empty if
        it brings back no value.
    :param handoff: whether the provider sends the callback to the server. ``redirect_uri`` is
        then the URI of the server.
    :param user_id: the primary key, as text, of the user who connects an identity.
    :param is_claimed: whether the flow can no longer complete, because a completion has claimed
        it, for example. It is not sealed.
    :param frontend_uri: the redirect URI of the frontend while a login with a handoff begins. It is
        not sealed.
    :param sent_state: the state with this URI that a begin has sent. It is not sealed.
    """

    provider: str
    purpose: str
    redirect_uri: str
    expires: int = 0
    session: dict[str, Any] = field(default_factory=dict, repr=False)
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12), repr=False)
    correlation_id: str = field(default="", repr=False)
    handoff: bool = False
    user_id: str = ""
    is_claimed: bool = False
    frontend_uri: str = ""
    sent_state: str = field(default="", repr=False)

    @property
    def is_begun(self) -> bool:
        """Whether this flow comes from the browser."""
        return self.expires > 0
