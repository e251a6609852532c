"""A verifier of access tokens in a project."""

from __future__ import annotations

from typing_extensions import override

from social_endpoints.verifiers import TokenInfo, TokenVerifier, VerifierResponse


class CorporateResponse(VerifierResponse):
    pass


class CorporateVerifier(TokenVerifier):
    subject_key = "id"
    token_refused = frozenset({401})

    @override
    def verify(self, access_token: str) -> TokenInfo:
        response = self.ask("https://id.example.com/token", headers={"Authorization": access_token})
        clients, scopes = frozenset({response.identifier("client_id")}), response.scopes("scope")
        return TokenInfo(clients=clients, lifetime=60, scopes=scopes)
