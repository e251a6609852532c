"""GitHub: the check of a token."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote, urljoin

from social_core.exceptions import AuthProviderError, SocialAuthBaseException

from social_endpoints.internal.native.verifiers.base import Issued, Verifier


class GithubToken(Verifier):
    """Asks GitHub, or a GitHub Enterprise Server ("REST API, Check a token").

    It takes the client id and secret of the app, and knows tokens of that app only.
    """

    subject_key = "id"
    # Not found is how GitHub calls a token of another app, or of nobody's; 422 one that
    # could not be any.
    token_refused = frozenset({404, 422})
    client_refused = frozenset({401})

    def verify(self, access_token: str) -> Issued:
        """Return the client id of the app, as GitHub says it."""
        key, secret = self.client()
        api: str = cast("Any", self.backend).api_url()
        answer = self.ask(
            urljoin(api, f"applications/{quote(key, safe='')}/token"),
            method="POST",
            headers={"Accept": "application/vnd.github+json"},
            json={"access_token": access_token},
            auth=(key, secret),
        )
        clients = frozenset({answer.part("app").identifier("client_id")})
        return Issued(clients, answer.part("user").identifier("id"))

    def own_clients(self) -> frozenset[str]:
        """Return the app that asks: the project has no secret of any other."""
        return frozenset({self.client()[0]})

    def explained(self, error: SocialAuthBaseException) -> SocialAuthBaseException:
        """Return what an error means; 403 is also GitHub's 429 ("REST API, Rate limits")."""
        if error.status_code == HTTPStatus.FORBIDDEN and error.retry_after:
            return AuthProviderError(
                self.backend,
                code="rate_limited",
                stage="token_validation",
                retry_after=error.retry_after,
            )
        return super().explained(error)
