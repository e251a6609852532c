"""Token introspection (RFC 7662), for any provider of OAuth 2 that has it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, ClassVar, cast

from social_core.backends.base import BaseAuth
from social_core.backends.oauth import BaseOAuth2
from social_core.exceptions import AuthResponseError

from social_endpoints.internal.native.leeway import leeway_of
from social_endpoints.internal.native.verifiers.answer import Answer
from social_endpoints.internal.native.verifiers.base import Issued, Verifier
from social_endpoints.internal.native.verifiers.endpoint import endpoint_url, may_have_endpoint


class Introspection(Verifier):
    """Asks the endpoint of the setting ``INTROSPECTION_URL``, or of the provider's discovery.

    The client authenticates as it does at the token endpoint (RFC 7662 section 2.1).
    """

    client_refused = frozenset({401, 403})

    subject_claim: ClassVar[str] = "sub"
    """Where the answer says whose token it is, in the words of the profile."""

    @classmethod
    def is_available(cls, backend: BaseAuth[Any]) -> bool:
        """Say whether there is a setting, or a discovery that may have the endpoint."""
        return may_have_endpoint(backend)

    def verify(self, access_token: str) -> Issued:
        """Return ``client_id`` or, where that is not said, every ``aud`` (section 2.2)."""
        answer = self._introspected(access_token)
        if answer.content.get("active") is not True or _is_of_another_kind(answer):
            raise self.rejected()
        lifetime = self._lifetime(answer)
        subject = self.subject_claim
        return Issued(
            self._clients(answer),
            answer.identifier(subject) if answer.has(subject) else None,
            lifetime,
        )

    def subject_of(self, profile: Mapping[str, Any]) -> Any:
        """Return the subject of OpenID Connect's UserInfo, or what this provider has for it."""
        return profile.get("sub", profile.get(self.backend.id_key()))

    def _introspected(self, access_token: str) -> Answer:
        key, secret = self.client()
        backend = cast("BaseOAuth2[Any]", self.backend)
        data = {"token": access_token, "token_type_hint": "access_token"}
        request: dict[str, Any] = {"method": "POST", "headers": {"Accept": "application/json"}}
        url = endpoint_url(backend)
        if backend.use_basic_auth():
            return self.ask(url, data=data, auth=(key, secret), **request)
        return self.ask(url, data={**data, "client_id": key, "client_secret": secret}, **request)

    def _lifetime(self, answer: Answer) -> int | None:
        now = time.time()
        if answer.has("nbf") and answer.number("nbf") > now + leeway_of(self.backend):
            code = "response_not_yet_valid"
            raise AuthResponseError(self.backend, code=code, stage="token_validation")
        if not answer.has("exp"):
            return None
        left = answer.number("exp") - now
        if left <= 0:
            raise self.expired()
        return int(left)

    def _clients(self, answer: Answer) -> frozenset[str]:
        if answer.has("client_id"):
            return frozenset({answer.identifier("client_id")})
        audience = answer.content.get("aud")
        entries = audience if isinstance(audience, list) else [audience]
        return frozenset(
            Answer(self.backend, {"aud": entry}).identifier("aud") for entry in entries
        )


class OktaIntrospection(Introspection):
    """The same at Okta, whose ``sub`` is the login name of the user, and ``uid`` the subject.

    (Okta, "OpenID Connect & OAuth 2.0 API, access token claims".)
    """

    subject_claim = "uid"


def _is_of_another_kind(answer: Answer) -> bool:
    # Section 2.2 has the type of RFC 6749 section 5.1 there ("Bearer", "DPoP"), and some
    # providers whether it is a refresh token: a token_type_hint need not be heeded.
    return answer.has("token_type") and "refresh" in answer.identifier("token_type").lower()
