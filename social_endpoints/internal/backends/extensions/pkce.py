"""PKCE (RFC 7636) for every OAuth 2 provider that understands it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from requests import Response
from social_core.backends.base import BaseAuth
from social_core.backends.open_id_connect import OpenIdConnectAuth

from social_endpoints.conf import settings
from social_endpoints.internal.backends.extensions.bases import OAuth2PKCE
from social_endpoints.internal.backends.extensions.pkce_sources import REFUSING, SOURCES
from social_endpoints.internal.backends.kinds import core_name
from social_endpoints.strategy import Strategy

_SETTING, _VERIFIER = "USE_PKCE", "code_verifier"


class ProofKey(OAuth2PKCE):
    """A mixin above the backend's class: decides whether core's PKCE is used.

    The decision is the begin's, and the completion keeps to it, whatever the settings
    have become meanwhile.
    """

    def setting(self, name: str, default: Any = None) -> Any:
        """Return a setting, and our decision in the place of ``USE_PKCE``."""
        if name != _SETTING:
            return super().setting(name, default)
        if cast("Strategy", self.strategy).flow.is_begun:
            return self._verifier() is not None
        return self._is_wanted()

    def get_code_verifier(self, state: str | None = None) -> str:
        """Return the verifier of this login, also where a backend forgets to say which it is.

        :raises AuthSessionError: it has none.
        """
        return self._verifier() or super().get_code_verifier(state)

    def request(self, url: str, *args: Any, **kwargs: Any) -> Response:
        """Send a request, and the verifier with the code (RFC 7636 section 4.5).

        Core adds it where a backend takes its parameters for the token request, and
        some backends put them together themselves.
        """
        for place in ("data", "params", "json"):
            sent = kwargs.get(place)
            if isinstance(sent, Mapping) and self._lacks_verifier(sent):
                kwargs[place] = {**sent, _VERIFIER: self._verifier()}
        return super().request(url, *args, **kwargs)

    def _is_wanted(self) -> bool:
        policy = settings.PKCE
        if isinstance(policy, Mapping):
            policy = policy.get(self.name, "auto")
            if policy != "auto":
                return bool(policy)
        by_core = super().setting(_SETTING)
        if by_core is not None:
            return bool(by_core)
        return self._is_understood() if policy == "auto" else bool(policy)

    def _is_understood(self) -> bool:
        provider = core_name(type(self))
        if self.DEFAULT_USE_PKCE or provider in SOURCES:
            return True
        return provider not in REFUSING and _says_discovery(self)

    def _verifier(self) -> str | None:
        stored = self.strategy.session_get(f"{self.name}_{_VERIFIER}")  # Where there is no state.
        verifier: str | None = (self._oauth2_transaction or {}).get(_VERIFIER, stored)
        return verifier

    def _lacks_verifier(self, sent: Mapping[str, Any]) -> bool:
        is_exchange = sent.get("code") and sent["code"] == self.data.get("code")
        return bool(is_exchange and _VERIFIER not in sent and self._verifier())


class AddedProofKey(ProofKey):
    """The same for a backend that core does not give PKCE."""

    DEFAULT_USE_PKCE = False


def _says_discovery(backend: BaseAuth[Any]) -> bool:
    """Say whether the provider lists S256 (RFC 8414 section 2)."""
    if not isinstance(backend, OpenIdConnectAuth):
        return False
    if backend.setting("AUTHORIZATION_URL", backend.AUTHORIZATION_URL):
        return False  # Then discovery is not asked to begin, and may not be there.
    methods = backend.oidc_config().get("code_challenge_methods_supported")
    return isinstance(methods, list) and "S256" in methods
