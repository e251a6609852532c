"""A project's own verifier of access tokens."""

from __future__ import annotations

from social_endpoints.verifiers import Answer, Issued, Verifier


class CorporateAnswer(Answer):
    pass


class CorporateVerifier(Verifier):
    subject_key = "id"
    token_refused = frozenset({401})

    def verify(self, access_token: str) -> Issued:
        answer = self.ask("https://id.example.com/token", headers={"Authorization": access_token})
        return Issued(clients=frozenset({answer.identifier("client_id")}), lifetime=60)
