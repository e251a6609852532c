"""The verifier of the access tokens of Example."""

from __future__ import annotations

from social_endpoints.verifiers import TokenInfo, TokenVerifier


class ExampleVerifier(TokenVerifier):
    """Ask Example for which client an access token was issued."""

    subject_key = "id"

    def verify(self, access_token: str) -> TokenInfo:
        response = self.ask(
            "https://id.example.net/api/token",
            method="POST",
            json={"token": access_token},
            auth=self.client(),
        )
        return TokenInfo(
            clients=frozenset({response.identifier("client_id")}),
            subject=response.identifier("user_id"),
        )
