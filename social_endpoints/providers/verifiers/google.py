"""Google: the token information endpoint."""

from __future__ import annotations

from social_endpoints.providers.verifiers.base import Issued, Verifier

_URL = "https://oauth2.googleapis.com/tokeninfo"


class GoogleTokenInfo(Verifier):
    """Asks Google, which needs no client secret for that.

    The endpoint and its fields are those of Google's own libraries (google-auth-library,
    ``OAuth2Client.getTokenInfo()``), which send the token in a header, and not in the URL.
    """

    token_refused = frozenset({400, 401, 403})

    def verify(self, access_token: str) -> Issued:
        """Return ``aud`` and, where it differs, ``azp``: whom the token is for, and who got it."""
        answer = self.ask(
            _URL,
            method="POST",
            headers={
                "Authorization": f"Bearer {access_token}",
                "Content-Type": "application/x-www-form-urlencoded",
            },
        )
        # Of an Android app's token, ``azp`` is the app, and ``aud`` may be the server.
        parties = [name for name in ("aud", "azp") if name == "aud" or answer.has(name)]
        lifetime = answer.number("expires_in")  # In seconds, as text.
        if lifetime <= 0:
            raise self.expired()
        clients = frozenset(answer.identifier(name) for name in parties)
        return Issued(clients, answer.identifier("sub"), int(lifetime))
