"""PKCE (RFC 7636) for every OAuth 2 provider that understands it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from requests import Response
from social_core.backends.oauth import BaseOAuth2PKCE
from social_core.backends.open_id_connect import OpenIdConnectAuth

from social_endpoints.conf import settings
from social_endpoints.providers.kinds import names
from social_endpoints.providers.proof_key_sources import SOURCES
from social_endpoints.strategy import Strategy

# The backends of social-core 7 are generic, those of 6 are not.
if TYPE_CHECKING:
    _BaseOAuth2PKCE = BaseOAuth2PKCE[Any]
else:
    _BaseOAuth2PKCE = BaseOAuth2PKCE

_SETTING, _VERIFIER = "USE_PKCE", "code_verifier"


class ProofKey(_BaseOAuth2PKCE):
    """A mixin above the backend's class: decides whether core's PKCE is used.

    The decision is the begin's, and the completion keeps to it, whatever the settings
    have become meanwhile.
    """

    def setting(self, name: str, default: Any = None) -> Any:
        """Return a setting, and our decision in the place of ``USE_PKCE``."""
        if name != _SETTING:
            return super().setting(name, default)
        if cast("Strategy", self.strategy).flow.is_begun:
            return self._has_verifier()
        return self._is_wanted()

    def request(self, url: str, *args: Any, **kwargs: Any) -> Response:
        """Send a request, and the verifier with the code (RFC 7636 section 4.5).

        Core adds it where a backend takes its parameters for the token request, and
        some backends put them together themselves.
        """
        for place in ("data", "params", "json"):
            sent = kwargs.get(place)
            if isinstance(sent, Mapping) and self._lacks_verifier(sent):
                state: Any = self.get_request_state()  # type: ignore[no-untyped-call]  # core's
                kwargs[place] = {**sent, _VERIFIER: self.get_code_verifier(state)}
        return super().request(url, *args, **kwargs)

    def _is_wanted(self) -> bool:
        policy = settings.PKCE
        if isinstance(policy, Mapping):
            policy = next((policy[name] for name in names(type(self)) if name in policy), "auto")
            if policy != "auto":
                return bool(policy)
        by_core = super().setting(_SETTING)
        if by_core is not None:
            return bool(by_core)
        return self._is_understood() if policy == "auto" else bool(policy)

    def _is_understood(self) -> bool:
        if self.DEFAULT_USE_PKCE or any(name in SOURCES for name in names(type(self))):
            return True
        return isinstance(self, OpenIdConnectAuth) and _says_discovery(self)

    def _has_verifier(self) -> bool:
        transaction = self._oauth2_transaction or {}
        stored = self.strategy.session_get(f"{self.name}_{_VERIFIER}")
        return _VERIFIER in transaction or stored is not None

    def _lacks_verifier(self, sent: Mapping[str, Any]) -> bool:
        is_exchange = sent.get("code") and sent["code"] == self.data.get("code")
        return bool(is_exchange) and _VERIFIER not in sent and self._has_verifier()


class AddedProofKey(ProofKey):
    """The same for a backend that core does not give PKCE."""

    DEFAULT_USE_PKCE = False


def _says_discovery(backend: OpenIdConnectAuth[Any]) -> bool:
    """Say whether the provider lists S256 (RFC 8414 section 2)."""
    if backend.setting("AUTHORIZATION_URL", backend.AUTHORIZATION_URL):
        return False  # Then discovery is not asked to begin, and may not be there.
    methods = backend.oidc_config().get("code_challenge_methods_supported")
    return isinstance(methods, list) and "S256" in methods
