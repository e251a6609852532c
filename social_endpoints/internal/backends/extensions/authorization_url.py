"""Authorization URLs that contain each value unchanged."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import unquote_plus

from social_core.backends.scistarter import SciStarterOAuth2
from social_core.backends.soundcloud import SoundcloudOAuth2
from social_core.utils import url_add_parameters

from social_endpoints.internal.backends.extensions.bases import (
    OAuth,
    OAuth2,
    SciStarter,
    Soundcloud,
)
from social_endpoints.internal.flows.redirect_uris import with_parameters

# OAuth 2.0 Form Post Response Mode.
RESPONSE_MODE, FORM_POST = "response_mode", "form_post"


class HandoffRequired(Exception):
    """The provider will post its response, so the login must use the URL of the handoff.

    Raised before a backend of the project pushes or signs the authorization request.
    """


class ExactQuery(OAuth2):
    """Quote every parameter of the authorization URL.

    social-core unquotes the query if ``REDIRECT_STATE`` is false. An ``&`` in a value then
    starts a new parameter. Remove when ``BaseOAuth2.auth_url()`` leaves the query quoted.
    """

    def auth_url(self) -> str:
        """Return the authorization URL.

        :raises HandoffRequired: the provider will post its response, and the login has no handoff.
        """
        parameters = self.auth_params(self.get_or_create_state())
        parameters.update(self.get_scope_argument())  # type: ignore[no-untyped-call]  # core's
        parameters.update(self.auth_extra_arguments())
        strategy: Any = self.strategy
        if parameters.get(RESPONSE_MODE) == FORM_POST and not strategy.flow.handoff:
            raise HandoffRequired
        return url_add_parameters(self.authorization_url(), parameters)


class ExactScopes(OAuth2):
    """Join the scopes with the separator itself.

    Some backends of social-core have a quoted space as their separator, ``%20`` or ``+``, because
    social-core sends the query unquoted. ``ExactQuery`` would quote it again. Remove when no
    backend of social-core has such a separator.
    """

    def get_scope_argument(self) -> dict[str, str]:
        separator = unquote_plus(self.SCOPE_SEPARATOR)
        scopes = separator.join(self.get_scope())
        return {self.SCOPE_PARAMETER_NAME: scopes} if scopes else {}


class ExactRedirectUri(OAuth):
    """Send the redirect URI unchanged to every provider that returns the state.

    social-core adds ``redirect_state`` to the redirect URI of most backends, even if the provider
    returns ``state``, and encodes the URI again. Providers compare the URI as a string (RFC 6749
    section 3.1.2.3). Remove when ``OAuthAuth.get_redirect_uri()`` adds the parameter only if
    ``STATE_PARAMETER`` is false, and does not change the rest of the URI.
    """

    def get_redirect_uri(self, state: str | None = None) -> str:
        uri = str(self.redirect_uri)
        if state and self.REDIRECT_STATE and not self.STATE_PARAMETER:
            return with_parameters(uri, {"redirect_state": state})
        return uri


class StateInTheFuture(OAuth2):
    """Accept a state of a server whose clock was ahead when it created the state.

    The flow contains the state and has an expiry of its own. Remove when social-core does not
    refuse a state of a later time.
    """

    def validate_state(self) -> str | None:
        state = self.get_request_state()  # type: ignore[no-untyped-call]  # core's
        stored = self.strategy.session_get(self.transaction_key(state))
        if isinstance(stored, dict) and isinstance(stored.get("timestamp"), int):
            stored["timestamp"] = min(stored["timestamp"], int(time.time()))
        return super().validate_state()


class RequestTokenState(OAuth):
    """Identify an OAuth 1.0a login by its request token alone.

    A ``redirect_state`` would change the redirect URI, which providers compare. Remove when no
    OAuth 1.0a backend of social-core sets ``REDIRECT_STATE``.
    """

    REDIRECT_STATE = False


class SciStarterRedirectUri(SciStarter):
    """Keep the slash at the end of a redirect URI.

    social-core's backend removes it, so the provider receives a redirect URI that is not
    registered. Remove when ``SciStarterOAuth2`` no longer overrides the method.
    """

    def get_redirect_uri(self, state: str | None = None) -> str:
        return super(SciStarterOAuth2, self).get_redirect_uri(state)


class SoundcloudQuery(Soundcloud):
    """Quote every parameter of the authorization URL.

    social-core's backend has its own copy of the method that ``ExactQuery`` corrects. Remove
    when ``SoundcloudOAuth2`` no longer overrides it, or leaves the query quoted.
    """

    def auth_url(self) -> Any:
        return super(SoundcloudOAuth2, self).auth_url()
