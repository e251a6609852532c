"""Validate a callback, and select the parameters that its backend receives."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

from social_core.backends.apple import AppleIdAuth
from social_core.backends.base import BaseAuth
from social_core.backends.discourse import DiscourseAuth
from social_core.backends.oauth import BaseOAuth1, BaseOAuth2, OAuthAuth
from social_core.backends.open_id import OpenIdAuth
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.backends.telegram import TelegramAuth
from social_core.exceptions import (
    AuthCanceled,
    AuthCredentialError,
    AuthProviderError,
    AuthResponseError,
)
from social_core.utils import provider_error

from social_endpoints.exceptions import IssuerNotSent
from social_endpoints.internal.backends.correlation import decode_base64, return_to_params, unpack
from social_endpoints.internal.backends.extensions.discovery import uses_discovery
from social_endpoints.internal.backends.extensions.saml import SAML
from social_endpoints.internal.backends.registry import BackendClass, Provider, is_saml
from social_endpoints.internal.flows.flow import Flow

# A callback with one of these parameters may lack all others.
_ERROR_PARAMETERS = frozenset({"error", "error_code", "denied", "oauth_problem"})

_TELEGRAM_RESULT = "tgAuthResult"

# Issuers of backends without discovery, by the origin of the authorization URL.
_ISSUERS = {
    ("https", "accounts.google.com"): "https://accounts.google.com",
    ("https", "discord.com"): "https://discord.com",
    ("https", "github.com"): "https://github.com/login/oauth",
}


def missing_parameters(provider: Provider, params: Mapping[str, str]) -> list[str]:
    """Return the names of the parameters that a callback of this provider lacks.

    A callback with an error (RFC 6749 section 4.1.2.1) has no code, and with some providers no
    state.
    """
    params = unpack(provider, params)
    if _has_error(params):
        return []
    return [name for name in _required(provider.backend, params) if not params.get(name)]


def _required(backend: BackendClass, params: Mapping[str, str]) -> list[str]:
    if issubclass(backend, BaseOAuth2):  # RFC 6749 section 4.1.2
        if backend.STATE_PARAMETER:
            return ["code", "state"]
        return ["code", "redirect_state"] if backend.REDIRECT_STATE else ["code"]
    if issubclass(backend, BaseOAuth1):
        # Not oauth_verifier (RFC 5849 section 2.2): some providers still use OAuth 1.0.
        return [backend.OAUTH_TOKEN_PARAMETER_NAME]
    if issubclass(backend, OpenIdAuth):  # OpenID Authentication 2.0 section 10
        return ["openid.mode"]
    if issubclass(backend, DiscourseAuth):
        return ["sso", "sig"]
    if issubclass(backend, TelegramAuth) and _TELEGRAM_RESULT not in params:
        return ["id", "auth_date", "hash"]
    if is_saml(backend) and "SAMLResponse" not in params:
        return ["code", "state"]  # The parameters of the handoff.
    return []


def backend_params(provider: Provider, params: Mapping[str, str], flow: Flow) -> dict[str, str]:
    """Return the callback parameters that the provider sent.

    Some backends verify a signature over all parameters or reject unknown ones. The query of the
    frontend's own redirect URI must not be among them.
    """
    backend = provider.backend
    if issubclass(backend, OpenIdAuth):
        return _openid_params(params)
    frontend_params = parse_qsl(urlsplit(flow.redirect_uri).query, keep_blank_values=True)
    sent = {name: text for name, text in params.items() if (name, text) not in frontend_params}
    if issubclass(backend, AppleIdAuth):
        # Apple does not send it. social-core would prefer it to the project's client id.
        sent.pop("client_id", None)
    if issubclass(backend, TelegramAuth):
        return _telegram_params(sent)
    if is_saml(backend) and "SAMLResponse" in sent:
        # Without this parameter, social-core 7 returns a page that posts the response again.
        # social-core 6 has neither the attribute nor the page.
        sent[getattr(backend, "BROWSER_RETURN_FIELD", "psa_saml_browser_return")] = "1"
    return sent


def _openid_params(params: Mapping[str, str]) -> dict[str, str]:
    """Return OpenID's parameters and those of its ``return_to``.

    python3-openid requires all parameters of ``return_to`` and rejects unknown ones.
    """
    names = {name for name, _ in return_to_params(params)} | {"redirect_state"}
    return {
        name: text for name, text in params.items() if name.startswith("openid.") or name in names
    }


def _telegram_params(params: Mapping[str, str]) -> dict[str, str]:
    """Return the fields that Telegram has signed.

    Its widget sends them as parameters, after the state in the redirect URI. Its login page
    sends base64url-encoded JSON in the fragment of the redirect URI, and ``false`` if the user
    declined.
    """
    result = params.get(_TELEGRAM_RESULT)
    if not result:
        return {name: text for name, text in params.items() if name != "state"}
    try:
        fields = json.loads(decode_base64(result))
        # JSON can contain half of a surrogate pair, which a response cannot contain.
        json.dumps(fields, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        fields = None
    if fields is False:
        return {"error": "access_denied"}
    if not isinstance(fields, dict):
        return {}  # The backend reports the missing fields.
    return {name: str(value) for name, value in fields.items()}


def raise_callback_error(backend: BaseAuth[Any]) -> None:
    """Raise the error that a callback contains, if any.

    An error is not signed: anyone who knows the login's state can send one. So it is raised
    before the flow is claimed, and the login stays open.

    :raises SocialAuthBaseException: the callback contains an error.
    """
    if isinstance(backend, OpenIdAuth):
        _raise_openid_error(backend)
        return
    if is_saml(type(backend)):
        cast("SAML", backend).raise_status_error()
    if isinstance(backend, OAuthAuth):  # Other backends expect a response object here.
        backend.process_error(backend.data)
    if isinstance(backend, BaseOAuth1) and backend.data.get("denied"):
        raise AuthCanceled(backend, stage="callback")
    error = provider_error(backend, backend.data, stage="callback")
    if error is not None:
        raise error
    params = backend.data
    is_complete = all(map(params.get, _required(type(backend), params)))
    if _has_error(params) and not is_complete:
        raise AuthProviderError(backend, code="http_error", stage="callback")


def _has_error(params: Mapping[str, str]) -> bool:
    return any(map(params.get, _ERROR_PARAMETERS))


def _raise_openid_error(backend: OpenIdAuth[Any]) -> None:
    """Raise the error of a message that is not an assertion (OpenID Authentication 2.0 section 10).

    Only an assertion is signed.
    """
    mode = backend.data.get("openid.mode")
    if mode == "cancel":
        raise AuthCanceled(backend, stage="callback")
    # Version 1.1 section 4.3 has no mode for it.
    if mode == "setup_needed" or backend.data.get("openid.user_setup_url"):
        code = "reauthentication_required"
        raise AuthCredentialError(backend, code=code, source="provider_response", stage="callback")
    if mode != "id_res":
        raise AuthResponseError(backend, code="malformed_response", stage="callback")


def validate_issuer(backend: BaseAuth[Any]) -> None:
    """Reject a callback from another issuer, a mix-up attack (RFC 9207 section 2.4).

    A callback without ``iss`` is accepted unless the provider's metadata announces it: frontends
    may post code and state alone. It may be missing in an error: some providers that announce
    it omit it there, and an error does not use up the flow.

    :raises AuthInputError: ``iss`` is missing.
    :raises AuthResponseError: ``iss`` names another issuer.
    """
    if not isinstance(backend, BaseOAuth2):
        return
    issuer = backend.data.get("iss")
    if issuer:
        if not _is_issuer(backend, issuer):
            raise AuthResponseError(backend, code="invalid_claim", claim="iss", stage="callback")
    elif (
        not _has_error(backend.data)
        and _metadata(backend).get("authorization_response_iss_parameter_supported") is True
    ):
        raise IssuerNotSent(backend)


def _metadata(backend: Any) -> Any:
    """Return the discovery document (RFC 8414 section 2), if this login uses one."""
    if isinstance(backend, OpenIdConnectAuth) and uses_discovery(backend):
        return backend.oidc_config()
    return {}


def _is_issuer(backend: BaseOAuth2[Any], issuer: str) -> bool:
    expected = _expected_issuer(backend)
    if expected and "{" not in expected:
        # Simple string comparison: RFC 3986 section 6.2.1. ID tokens of Google have another
        # issuer than its metadata, which has been compared with the configuration.
        return issuer in (expected, _metadata(backend).get("issuer"))
    # The issuer is unknown or depends on the tenant, so only its origin can be compared.
    return _origin(issuer) == _origin(expected or backend.authorization_url())


def _expected_issuer(backend: BaseOAuth2[Any]) -> str:
    if isinstance(backend, OpenIdConnectAuth):
        return backend.id_token_issuer()
    configured = backend.setting("ID_TOKEN_ISSUER", getattr(backend, "ID_TOKEN_ISSUER", ""))
    return str(configured or _ISSUERS.get(_origin(backend.authorization_url()), ""))


def _origin(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", url
    return parts.scheme, parts.netloc.lower()
