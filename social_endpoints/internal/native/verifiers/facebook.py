"""Facebook: the debugging endpoint of the Graph API."""

from __future__ import annotations

import time

from social_core.backends.facebook import API_VERSION
from social_core.exceptions import SocialAuthBaseException

from social_endpoints.internal.native.verifiers.answer import Answer
from social_endpoints.internal.native.verifiers.base import Issued, Verifier

_URL = "https://graph.facebook.com/v{version}/debug_token"

# Facebook's error codes ("Graph API, Error Handling"): what is asked about is no token of
# the app that asks; and the app's own token is none.
_OF_ANOTHER_APP = 100
_APP_REFUSED = frozenset({101, 190})


class FacebookDebugToken(Verifier):
    """Asks Facebook ("Graph API Reference, /debug_token").

    It asks with an app access token, which may be written as ``{app-id}|{app-secret}``
    ("Access Tokens, App Access Tokens"), and learns of tokens of that same app only.
    """

    subject_key = "id"

    def verify(self, access_token: str) -> Issued:
        """Return ``app_id``: Facebook knows no other clients of one app."""
        version = self.backend.setting("API_VERSION", API_VERSION)
        params = {"input_token": access_token, "access_token": "|".join(self.client())}
        data = self.ask(_URL.format(version=version), params=params).part("data")
        if data.content.get("is_valid") is not True or data.content.get("type") != "USER":
            raise self.rejected()
        lifetime = self._lifetime(data)
        clients = frozenset({data.identifier("app_id")})
        return Issued(clients, data.identifier("user_id"), lifetime)

    def own_clients(self) -> frozenset[str]:
        """Return the app that asks."""
        return frozenset({self.client()[0]})

    def explained(self, error: SocialAuthBaseException) -> SocialAuthBaseException:
        """Return what an error means; the status is 400 for most of them."""
        if error.provider_code == _OF_ANOTHER_APP:
            return self.rejected()
        if error.provider_code in _APP_REFUSED:
            return self.misconfigured()
        return error

    def _lifetime(self, data: Answer) -> int | None:
        now, left = time.time(), None
        for name in ("data_access_expires_at", "expires_at"):
            # 0 is never; the first is about what the app may read with the token.
            ends = data.number(name) if data.has(name) else 0
            if ends and ends <= now:
                raise self.expired()
            left = int(ends - now) if ends else None
        return left
