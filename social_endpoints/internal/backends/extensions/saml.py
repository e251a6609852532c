"""SAML 2.0 whose answers are handed off, and whose refusals say what they mean."""

from __future__ import annotations

from typing import Any

from social_core.exceptions import (
    AuthCanceled,
    AuthConfigurationError,
    AuthCredentialError,
    AuthProviderError,
    AuthResponseError,
    SocialAuthBaseException,
)

from social_endpoints.internal.backends.extensions.bases import Backend
from social_endpoints.internal.backends.extensions.saml_response import statuses


class SAML(Backend):
    """A mixin above the backend's class."""

    def generate_saml_config(self, idp: Any = None) -> dict[str, Any]:
        """Return python3-saml's settings, without its habit of printing what it refuses."""
        backend: Any = super()  # The mixin's base cannot be SAMLAuth, which is optional.
        config: dict[str, Any] = backend.generate_saml_config(idp)
        return {**config, "debug": False}

    def auth_url(self) -> str:
        """Return the identity provider's URL, with the request in it.

        :raises AuthConfigurationError: python3-saml refuses what the settings say.
        """
        from onelogin.saml2.errors import OneLogin_Saml2_Error  # An optional dependency.

        try:
            return str(super().auth_url())
        except OneLogin_Saml2_Error as error:
            # It lists what is wrong by name, "idp_sso_url_invalid", and holds no values.
            raise AuthConfigurationError(self, parameter=str(error), stage="begin") from error

    def auth_complete(self, *args: Any, **kwargs: Any) -> Any:
        """Complete as the backend does.

        :raises AuthCanceled: the response says that the user, or the provider, would not.
        :raises AuthCredentialError: it says that the user has to be asked again.
        :raises AuthProviderError: it says that the provider has failed.
        """
        try:
            return super().auth_complete(*args, **kwargs)
        except AuthResponseError as error:
            raise self._as_said(error) from error

    def _as_said(self, error: AuthResponseError) -> SocialAuthBaseException:
        """Return the error for the status of a response.

        Nobody has verified it: it is the browser's word, as ``error`` is in OAuth 2.
        """
        said = statuses(self.data.get("SAMLResponse", ""))
        if said & {"RequestDenied"}:
            return AuthCanceled(self, stage="callback")
        if said & {"AuthnFailed", "NoPassive", "NoAuthnContext"}:
            code = "reauthentication_required"
            return AuthCredentialError(
                self, code=code, source="provider_response", stage="callback"
            )
        if said & {"Responder"}:
            return AuthProviderError(self, code="unavailable", stage="callback")
        return error
