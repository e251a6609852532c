"""PKCE (RFC 7636) for each OAuth 2 provider that supports it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from requests import Response
from social_core.backends.base import BaseAuth
from social_core.backends.open_id_connect import OpenIdConnectAuth

from social_endpoints.conf import NAME, settings
from social_endpoints.internal.backends.extensions.bases import OAuth2PKCE
from social_endpoints.strategy import Strategy

_SETTING, _VERIFIER = "USE_PKCE", "code_verifier"


class ProofKey(OAuth2PKCE):
    """Decide for each login whether social-core's PKCE is used.

    social-core uses PKCE if the backend enables it. This mixin enables it for all providers that
    document it, and adds the setting ``PKCE``. The decision is made when a login begins: a
    completion uses PKCE if its flow contains a verifier.
    """

    _transaction_verifier: str | None = None

    def setting(self, name: str, default: Any = None) -> Any:
        """Return a setting of the backend; for ``USE_PKCE``, the decision for this login."""
        if name != _SETTING:
            return super().setting(name, default)
        if cast("Strategy", self.strategy).flow.is_begun:
            return self._verifier() is not None
        return self.pkce_decision()[0]

    def validate_state(self) -> str | None:
        """Validate the state. This removes the verifier from the flow, so the backend keeps it."""
        state = self.get_request_state()  # type: ignore[no-untyped-call]  # core's
        transaction = self.strategy.session_get(self.transaction_key(state))
        validated = super().validate_state()
        if isinstance(transaction, dict):
            self._transaction_verifier = transaction.get(_VERIFIER)
        return validated

    def get_code_verifier(self, state: str | None = None) -> str:
        """Return the verifier of this login, even if the backend does not pass the state.

        :raises AuthSessionError: the flow contains no verifier.
        """
        return self._verifier() or super().get_code_verifier(state)

    def request(self, url: str, *args: Any, **kwargs: Any) -> Response:
        """Send a request, with the verifier if it contains the code (RFC 7636 section 4.5).

        social-core adds the verifier in ``auth_complete_params()``, which some of its backends
        do not call. Remove when all of them do.
        """
        for place in ("data", "params", "json"):
            parameters = kwargs.get(place)
            if isinstance(parameters, Mapping) and self._lacks_verifier(parameters):
                kwargs[place] = {**parameters, _VERIFIER: self._verifier()}
        return super().request(url, *args, **kwargs)

    def pkce_decision(self, *, may_request: bool = True) -> tuple[bool | None, str]:
        """Return whether a login that begins now uses PKCE, and the reason.

        :param may_request: whether the discovery document may be requested. If it may not and the
            decision depends on it, the decision is None.
        """
        policy = settings.PKCE
        if isinstance(policy, Mapping):
            policy = policy.get(self.name, "auto")
            if policy != "auto":
                return bool(policy), f"{NAME}['PKCE'][{self.name!r}]"
        use_pkce = super().setting(_SETTING)
        if use_pkce is not None:
            return bool(use_pkce), f"the setting {_SETTING} of the provider"
        if policy != "auto":
            return bool(policy), f"{NAME}['PKCE']"
        return self._support(may_request)

    def _support(self, may_request: bool) -> tuple[bool | None, str]:
        if self.DEFAULT_USE_PKCE:
            return True, "the default of the backend"
        for name in (vars(base).get("name") for base in type(self).__mro__):
            if name in PKCE_PROVIDERS:
                return True, "the provider documents it"
            if name in WITHOUT_PKCE:
                return False, "not every server of this provider supports it"
        if not _has_discovery(self):
            return False, "it is unknown whether the provider supports it"
        if not may_request:
            return None, "it depends on code_challenge_methods_supported in discovery"
        if _discovery_supports_pkce(self):
            return True, "discovery lists S256"
        return False, "discovery does not list S256"

    def _verifier(self) -> str | None:
        # Without a state, the flow contains the verifier outside a transaction.
        stored: str | None = self.strategy.session_get(f"{self.name}_{_VERIFIER}")
        return self._transaction_verifier or stored

    def _lacks_verifier(self, parameters: Mapping[str, Any]) -> bool:
        code = parameters.get("code")
        is_exchange = code and code == self.data.get("code")
        return bool(is_exchange and _VERIFIER not in parameters and self._verifier())


class AddedProofKey(ProofKey):
    """Add PKCE to a backend whose class does not support it."""

    DEFAULT_USE_PKCE = False


def _has_discovery(backend: BaseAuth[Any]) -> bool:
    """Return whether a backend needs its discovery document; otherwise it may not exist."""
    if not isinstance(backend, OpenIdConnectAuth):
        return False
    return not backend.setting("AUTHORIZATION_URL", backend.AUTHORIZATION_URL)


def _discovery_supports_pkce(backend: Any) -> bool:
    """Return whether the provider's discovery document lists S256 (RFC 8414 section 2)."""
    methods = backend.oidc_config().get("code_challenge_methods_supported")
    return isinstance(methods, list) and "S256" in methods


PKCE_PROVIDERS = frozenset(
    """
    atlassian auth0 azuread-b2c-oauth2 azuread-oauth2 azuread-oauth2-v2
    azuread-tenant-oauth2 azuread-v2-tenant-oauth2 box cilogon-oauth2 coinbase datagouv
    digitalocean discord fitbit gitea github github-app github-org github-team gitlab
    google-oauth2 google-openidconnect kakao keycloak line microsoft-graph okta-oauth2
    openshift salesforce-oauth2 salesforce-oauth2-sandbox wlcg yandex-oauth2 yaru
    zoom-oauth2
    """.split()  # noqa: SIM905 - a list would take a line for each name
)
"""Backends whose providers document PKCE with S256 and a client secret.

The sources are in docs/providers/backends.rst.

Not listed: backends that use discovery, whose document lists S256, and backends for which
social-core enables PKCE. A project's subclass with another name inherits the entry.
"""

WITHOUT_PKCE = frozenset(
    {
        # Contrary to its discovery, it refuses a code with both a verifier and a secret.
        "linkedin-openidconnect",
        # Whether these support PKCE depends on the version of the customer's server.
        "github-enterprise",
        "github-enterprise-org",
        "github-enterprise-team",
    }
)
"""Backends without PKCE, although their discovery or a parent class supports it."""
