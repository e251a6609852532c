"""How an allowed redirect URI, and what a begin's query may add, reach the provider intact."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import quote

from social_endpoints.internal.backends.extensions.bases import OAuth
from social_endpoints.internal.flows.redirect_uris import with_parameters


class ExactParameters(OAuth):
    """A mixin above the backend's class: values go out byte for byte, each as one value.

    Core unquotes the whole query of most backends' authorization URL, so that an ``&``
    in a value begins a parameter of its own. The values that must not suffer that pass
    through the backend as placeholders, and are put in, quoted, when the URL is built.
    """

    _values: dict[str, str] | None = None

    def get_redirect_uri(self, state: str | None = None) -> str:
        """Return the redirect URI without a parameter of core's.

        Core appends ``redirect_state`` for providers that lose the state, and most
        of its backends say so while theirs keeps it and compares the URI exactly.
        """
        if not super().get_redirect_uri.__module__.startswith("social_core."):
            return super().get_redirect_uri(state)  # The project knows better.
        uri = str(self.redirect_uri)
        if state and self.REDIRECT_STATE and not self.STATE_PARAMETER:
            return with_parameters(uri, {"redirect_state": state})
        return uri

    def auth_url(self) -> str:
        """Return the authorization URL, with the values in the place of their placeholders."""
        values: dict[str, str] = {}
        self._values = values
        url = super().auth_url()
        for placeholder, value in values.items():
            url = url.replace(placeholder, quote(value, safe=""))
        self._values = None
        return url

    def auth_params(self, state: str | None = None) -> dict[str, str]:
        """Return the backend's parameters, with a placeholder for the redirect URI."""
        below: Any = super()  # BaseOAuth2, which mypy does not see below an OAuthAuth.
        params: dict[str, str] = below.auth_params(state)
        uri = self.get_redirect_uri(state)
        return {name: self._held(value, value == uri) for name, value in params.items()}

    def auth_extra_arguments(self) -> dict[str, str]:
        """Return the extra arguments, with placeholders for those that the query brought."""
        arguments = super().auth_extra_arguments()
        return {
            name: self._held(value, name in self.data and self.data[name] == value)
            for name, value in arguments.items()
        }

    def _held(self, value: str, hold: bool) -> str:
        if not hold or self._values is None:
            return value
        placeholder = secrets.token_hex(16)
        self._values[placeholder] = value
        return placeholder
