"""Google: the token information endpoint."""

from __future__ import annotations

from social_endpoints.internal.native.verifiers.base import Issued, Verifier

_URL = "https://oauth2.googleapis.com/tokeninfo"


class GoogleTokenInfo(Verifier):
    """Asks Google, which needs no client secret for that.

    The endpoint and its fields are those of Google's own libraries (google-auth-library,
    ``OAuth2Client.getTokenInfo()``), which send the token in a header, and not in the URL.
    """

    token_refused = frozenset({400, 401, 403})

    def verify(self, access_token: str) -> Issued:
        """Return ``aud``, whom the token is for, and ``azp``, who has got it, if it is there."""
        answer = self.ask(
            _URL,
            method="POST",
            headers={
                "Authorization": f"Bearer {access_token}",
                "Content-Type": "application/x-www-form-urlencoded",
            },
        )
        clients = {answer.identifier("aud")}
        if answer.has("azp"):
            clients.add(answer.identifier("azp"))
        lifetime = answer.number("expires_in")  # Seconds, as text.
        if lifetime <= 0:
            raise self.expired()
        return Issued(frozenset(clients), answer.identifier("sub"), int(lifetime))
