"""SAML 2.0: safe settings, specific errors, and the unverified content of a response."""

from __future__ import annotations

import secrets
from base64 import b64decode
from typing import Any
from xml.etree.ElementTree import Element

from defusedxml import ElementTree
from social_core.exceptions import (
    AuthCanceled,
    AuthConfigurationError,
    AuthCredentialError,
    AuthProviderError,
    AuthResponseError,
)

from social_endpoints.internal.backends.extensions.bases import Backend
from social_endpoints.internal.backends.extensions.handoff import send_state

_CONFIRMATION = "{urn:oasis:names:tc:SAML:2.0:assertion}SubjectConfirmationData"
_STATUS_CODE = "{urn:oasis:names:tc:SAML:2.0:protocol}StatusCode"
_STATUS = "urn:oasis:names:tc:SAML:2.0:status:"
_IN_RESPONSE_TO = "InResponseTo"


class SAML(Backend):
    """Correct three problems of social-core's ``SAMLAuth``, which is this mixin's real base.

    - It sets ``debug``, so python3-saml prints rejected responses to standard output.
    - ``auth_url()`` does not catch python3-saml's exceptions for invalid settings.
    - It raises the same ``AuthResponseError`` for every status other than success.

    Remove each method when ``SAMLAuth`` no longer has its problem.

    A request's ID contains the redirect URI of the login, and the response returns the ID.
    ``RelayState`` is not used: it is limited to 80 bytes, and not signed in a response. Two private
    methods are overridden for this: ``_create_saml_auth()`` of ``SAMLAuth``, and
    ``_generate_request_id()`` of python3-saml. Remove both when a backend can choose the ID.
    """

    def generate_saml_config(self, idp: Any = None) -> dict[str, Any]:
        backend: Any = super()  # SAMLAuth cannot be imported without python3-saml.
        config: dict[str, Any] = backend.generate_saml_config(idp)
        return {**config, "debug": False}

    def auth_url(self) -> str:
        """Return the identity provider's URL with the authentication request.

        :raises AuthConfigurationError: python3-saml rejects the settings.
        """
        from onelogin.saml2.errors import OneLogin_Saml2_Error  # An optional dependency.

        try:
            return str(super().auth_url())
        except OneLogin_Saml2_Error as error:
            # The message contains names such as "idp_sso_url_invalid" and no values.
            raise AuthConfigurationError(self, parameter=str(error), stage="begin") from error

    def _create_saml_auth(self, idp: Any) -> Any:
        auth = super()._create_saml_auth(idp)  # type: ignore[misc]  # of SAMLAuth
        auth.authn_request_class = _request_class(auth, send_state(self, _new_id()))
        return auth

    def raise_status_error(self) -> None:
        """Raise the error for the status of a response, unless it is success.

        The status is not verified. Like ``error`` in OAuth 2, it is sent by the browser.

        :raises AuthCanceled: the user or the provider declined.
        :raises AuthCredentialError: the provider must authenticate the user again.
        :raises AuthProviderError: the provider failed.
        :raises AuthResponseError: the response has another status.
        """
        statuses = _statuses(self.data.get("SAMLResponse", ""))
        if not statuses or "Success" in statuses:
            return
        if statuses & {"RequestDenied"}:
            raise AuthCanceled(self, stage="callback")
        if statuses & {"AuthnFailed", "NoPassive", "NoAuthnContext"}:
            code = "reauthentication_required"
            raise AuthCredentialError(self, code=code, source="provider_response", stage="callback")
        if statuses & {"Responder"}:
            raise AuthProviderError(self, code="unavailable", stage="callback")
        raise AuthResponseError(self, code="malformed_response", stage="callback")


def _new_id() -> str:
    """Return a random ID. An XML name cannot begin with a digit or a hyphen."""
    return f"_{secrets.token_urlsafe(15)}"


def _request_class(auth: Any, request_id: str) -> Any:
    """Return the class of an authentication request with this ID."""

    class Request(auth.authn_request_class):  # type: ignore[misc]  # python3-saml's
        def _generate_request_id(self) -> str:
            return request_id

    return Request


def in_response_to(response: str) -> str | None:
    """Return the ID of the request that an unverified response belongs to, or None.

    :param response: the base64 of a SAML response. If only its assertion is signed, the ID may
        be missing from the response itself.
    """
    root = _parse(response)
    if root is None:
        return None
    confirmations = (element.get(_IN_RESPONSE_TO) for element in root.iter(_CONFIRMATION))
    return root.get(_IN_RESPONSE_TO) or next(filter(None, confirmations), None)


def _statuses(response: str) -> set[str]:
    """Return the status codes of a response and their details (SAML core section 3.2.2.2)."""
    root = _parse(response)
    codes = [] if root is None else root.iter(_STATUS_CODE)
    return {str(code.get("Value")).removeprefix(_STATUS) for code in codes}


def _parse(response: str) -> Element | None:
    try:
        return ElementTree.fromstring(b64decode(response))
    except (ValueError, LookupError, ElementTree.ParseError):
        return None  # Invalid base64 or XML, a forbidden entity, or an unknown encoding.
