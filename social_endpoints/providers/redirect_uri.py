"""How an allowed redirect URI reaches the provider byte for byte."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from social_core.backends.oauth import OAuthAuth


class ExactRedirectURI(OAuthAuth[Any]):
    """A mixin above the backend's class: the redirect URI goes out as it is allowed."""

    def get_redirect_uri(self, state: str | None = None) -> str:
        """Return the redirect URI without a parameter of core's.

        Core appends ``redirect_state`` for providers that lose the state, and most
        of its backends say so while theirs keeps it and compares the URI exactly.
        """
        uri = str(self.redirect_uri)
        if state and self.REDIRECT_STATE and not self.STATE_PARAMETER:
            separator = "&" if "?" in uri else "?"
            return f"{uri}{separator}redirect_state={state}"
        return uri

    def auth_url(self) -> str:
        """Return the authorization URL, with the redirect URI quoted in it.

        Core unquotes the whole query for most backends, so that the ``&`` of a
        redirect URI would begin a parameter of the authorization URL.
        """
        url = super().auth_url()
        uri = str(self.redirect_uri)
        return url.replace(f"={uri}", f"={quote(uri, safe='')}", 1)
