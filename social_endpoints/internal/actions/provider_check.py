"""Compare a provider's published documents with the project's settings.

The documents are always requested. The cache is neither read nor changed.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlsplit

from cryptography import x509
from social_core.backends.azuread import AzureADOAuth2
from social_core.backends.base import BaseAuth
from social_core.backends.oauth import BaseOAuth2
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.backends.utils import OIDCDiscoveryMixin
from social_core.exceptions import AuthConfigurationError, SocialAuthBaseException

from social_endpoints.internal.actions.provider_logout import END_SESSION_ENDPOINT, END_SESSION_URL
from social_endpoints.internal.actions.provider_report import (
    AUTH_METHOD_SETTING,
    CLIENT_SECRET_BASIC,
    CLIENT_SECRET_POST,
    FROM_DISCOVERY,
    ProviderReport,
)
from social_endpoints.internal.backends.extensions.discovery import (
    is_configured_issuer,
    is_web_url,
    unusable_claims,
)
from social_endpoints.internal.backends.id_tokens.issuers import find_issuer
from social_endpoints.internal.backends.id_tokens.signature import KEY_TYPES
from social_endpoints.internal.backends.registry import is_saml
from social_endpoints.internal.backends.setting_types import full_name
from social_endpoints.internal.network.sessions import ProviderRequests
from social_endpoints.internal.network.transport import failure_cause

_MAX_TEXT = 200
"""Characters of a provider's text in a finding."""

_EXPIRY_NOTICE = timedelta(days=30)

_CAUSES = {
    "dns": "the host name cannot be resolved",
    "refused": "the connection is refused",
    "tls": "the TLS handshake fails, or the certificate is not valid",
    "timeout": "no response within the time limit",
    "deadline": "no response within the time limit",
    "proxy": "the proxy cannot be used",
    "connection_failed": "the connection fails",
    "malformed_response": "the response is malformed or too large, or redirects too often",
    "invalid_url": "the URL is not valid",
}

# The curves of the algorithms (RFC 7518 section 3.4).
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}


@dataclass(frozen=True)
class Finding:
    """One result of a comparison.

    :ivar level: only an ``"error"`` means that logins fail.
    :ivar subject: what was compared, such as ``"issuer"``.
    """

    level: Literal["ok", "note", "error"]
    subject: str
    message: str


def check_provider(report: ProviderReport) -> list[Finding]:
    """Request a provider's documents and return what was found."""
    backend = report.backend
    if backend is None:
        return [Finding("note", "settings", "not contacted, because of the problems above")]
    with ProviderRequests(is_guarded=False):
        try:
            findings = [*_findings(report, backend)]
        except AuthConfigurationError as error:
            name = full_name(backend, str(error.parameter))
            findings = [Finding("error", "settings", f"{name} is missing or invalid")]
        except Exception as error:  # noqa: BLE001 - a project's class may raise any exception
            message = f"the check raises {type(error).__name__}"
            findings = [Finding("error", "backend", message)]
    return findings or [Finding("note", "discovery", "this provider publishes no documents")]


def _findings(report: ProviderReport, backend: Any) -> Iterator[Finding]:
    if is_saml(type(backend)):
        yield from _check_certificates(backend)
        return
    document: dict[str, Any] = {}
    if url := _discovery_url(report, backend):
        found = _request_json(backend, url, "discovery")
        if isinstance(found, Finding):
            yield found
        elif not isinstance(found, dict):
            yield Finding("error", "discovery", "the document is not a JSON object")
        else:
            document = found
            yield Finding("ok", "discovery", _display_url(url))
            yield from _compare(report, backend, url, document)
    if jwks_uri := _jwks_uri(backend, document):
        yield from _check_keys(backend, jwks_uri)


def _discovery_url(report: ProviderReport, backend: Any) -> str | None:
    if any(name.endswith("OIDC_ENDPOINT") for name in report.missing_settings):
        raise AuthConfigurationError(backend, parameter="OIDC_ENDPOINT", stage="begin")
    if isinstance(backend, AzureADOAuth2):
        return str(backend.openid_configuration_url())
    return str(backend.oidc_config_url()) if isinstance(backend, OIDCDiscoveryMixin) else None


def _jwks_uri(backend: Any, document: dict[str, Any]) -> str | None:
    """Return the URL of the keys, without requesting discovery."""
    issuer = find_issuer(backend)
    if isinstance(backend, (OpenIdConnectAuth, AzureADOAuth2)):
        claim = "jwks_uri"
        published = None if claim in unusable_claims(backend, document) else document.get(claim)
        uri = backend.setting("JWKS_URI", getattr(backend, "JWKS_URI", None)) or published
        return uri if isinstance(uri, str) else None
    return issuer.jwks_uri() if issuer is not None else None


def _request_json(backend: BaseAuth[Any], url: str, subject: str) -> Any:
    """Return a JSON document, or the finding that explains why there is none."""
    place = _display_url(url)
    try:
        return backend.request(url, stage="begin").json()
    except SocialAuthBaseException as error:
        cause = failure_cause(error)
        text = _CAUSES.get(cause, cause.replace("http_", "HTTP status "))
        return Finding("error", subject, f"{place}: {text}")
    except (ValueError, RecursionError):
        return Finding("error", subject, f"{place}: the response is not JSON")


# --- Discovery --------------------------------------------------------------------------


def _compare(
    report: ProviderReport, backend: Any, url: str, document: dict[str, Any]
) -> Iterator[Finding]:
    issuer = document.get("issuer")
    if is_configured_issuer(backend, url, document.get("issuer")):
        yield Finding("ok", "issuer", _display_text(issuer))
    elif issuer is None:
        yield Finding("error", "issuer", "it is missing in the document")
    else:
        expected = _display_url(url).partition("/.well-known/")[0]
        message = f"{_display_text(issuer)} is not the configured issuer, {expected}"
        yield Finding("error", "issuer", message)
    for claim in unusable_claims(backend, document):
        problem = "is missing" if document.get(claim) is None else "is not an http or https URL"
        yield Finding("error", "discovery", f"{claim} {problem}")
    yield from _compare_requirements(report, document)
    yield from _compare_pkce(report, backend, document)
    yield from _compare_client_authentication(report, document)
    yield from _compare_lists(report, backend, document)
    yield from _compare_logout(report, backend, document)
    if document.get("authorization_response_iss_parameter_supported") is True:
        yield Finding("ok", "iss", "callbacks contain the issuer, which is verified (RFC 9207)")


def _compare_requirements(report: ProviderReport, document: dict[str, Any]) -> Iterator[Finding]:
    """Report what a provider requires of every authorization request."""
    backend: Any = report.provider and report.provider.backend
    if getattr(backend, "auth_url", None) is not BaseOAuth2.auth_url:
        return  # A backend with its own method may send them.
    for claim, text in (
        ("require_pushed_authorization_requests", "pushed authorization requests (RFC 9126)"),
        ("require_signed_request_object", "signed request objects (RFC 9101)"),
    ):
        if document.get(claim) is True:
            message = f"the provider requires {text}, which the backend does not send"
            yield Finding("error", "request", message)


def _compare_pkce(
    report: ProviderReport, backend: Any, document: dict[str, Any]
) -> Iterator[Finding]:
    name = "code_challenge_methods_supported"
    methods = _strings(document, name)
    method = str(backend.setting("PKCE_CODE_CHALLENGE_METHOD") or "S256")
    if report.pkce is None:  # The discovery document decides.
        if "S256" not in (methods or ()):
            yield Finding("note", "pkce", "PKCE is off, because discovery does not list S256")
            return
    elif not report.pkce:
        if "S256" in (methods or ()):
            message = f"the provider supports S256, but PKCE is off: {report.pkce_reason}"
            yield Finding("note", "pkce", message)
        return
    if methods is None:
        yield Finding("note", "pkce", f"PKCE is on; {name} is missing in discovery")
    elif method in methods:
        yield Finding("ok", "pkce", f"PKCE is on, with {method}")
    else:
        message = f"PKCE is on with {method}, but the provider supports {_display_text(methods)}"
        yield Finding("error", "pkce", message)


def _compare_client_authentication(
    report: ProviderReport, document: dict[str, Any]
) -> Iterator[Finding]:
    name, method = "token_endpoint_auth_methods_supported", report.client_authentication
    listed = _strings(document, name)
    methods = listed or [CLIENT_SECRET_BASIC]  # RFC 8414 section 2 has this default.
    supported = {CLIENT_SECRET_BASIC, CLIENT_SECRET_POST}
    if method == FROM_DISCOVERY:
        if supported.isdisjoint(methods):
            message = (
                f"the provider supports only {_display_text(methods)}, which social-core does not"
                " support"
            )
            yield Finding("error", "client", message)
            return
        method = CLIENT_SECRET_BASIC if CLIENT_SECRET_BASIC in methods else CLIENT_SECRET_POST
    if method in methods:
        yield Finding("ok", "client", f"authentication by {method}")
    elif method is not None:
        message = f"authentication by {method}, but the provider lists {_display_text(methods)}"
        # Some providers have public clients and do not list "none". LinkedIn has no list, and
        # social-core's backend knows the method.
        is_known = not listed and getattr(type(report.backend), AUTH_METHOD_SETTING, None) == method
        yield Finding("note" if method == "none" or is_known else "error", "client", message)


def _compare_lists(
    report: ProviderReport, backend: Any, document: dict[str, Any]
) -> Iterator[Finding]:
    algorithms = _algorithms(backend)
    mode = backend.auth_extra_arguments().get("response_mode") if report.begin else None
    response_type = getattr(backend, "RESPONSE_TYPE", None)
    for subject, name, ours in (
        ("algorithms", "id_token_signing_alg_values_supported", algorithms),
        ("response", "response_types_supported", [response_type] if response_type else []),
        ("response", "response_modes_supported", [mode] if mode else []),
        ("grant", "grant_types_supported", ["authorization_code"]),
    ):
        theirs = _strings(document, name)
        if ours and theirs is not None and set(ours).isdisjoint(theirs):
            message = (
                f"{name} is {_display_text(theirs)}, and the project uses {_display_text(ours)}"
            )
            yield Finding("error", subject, message)
        elif subject == "algorithms" and ours and theirs is not None:
            common = sorted(set(ours) & set(theirs))
            yield Finding("ok", subject, f"{_display_text(common)} of {_display_text(theirs)}")
    scopes = _strings(document, "scopes_supported")
    # A provider need not list all of its scopes (OpenID Connect Discovery section 3).
    asked = [*report.scopes, *report.connect_scopes]
    if scopes is not None and (others := [each for each in asked if each not in scopes]):
        yield Finding("note", "scopes", f"the provider does not list {_display_text(others)}")


def _compare_logout(
    report: ProviderReport, backend: Any, document: dict[str, Any]
) -> Iterator[Finding]:
    endpoint = document.get(END_SESSION_ENDPOINT)
    if endpoint and not is_web_url(endpoint):
        yield Finding("note", "logout", f"{END_SESSION_ENDPOINT} is not an http or https URL")
    elif endpoint:
        yield Finding("ok", "logout", _display_url(endpoint))
    elif report.post_logout_redirect_uris != [] and not backend.setting(END_SESSION_URL):
        yield Finding("note", "logout", f"{END_SESSION_ENDPOINT} is missing in discovery")
    is_supported = document.get("backchannel_logout_supported") is True
    if is_supported and not report.backchannel_logout:
        message = "the provider supports back-channel logout; see BACKCHANNEL_LOGOUT_PROVIDERS"
        yield Finding("note", "logout", message)
    elif is_supported:
        yield Finding("ok", "logout", "back-channel logout is on")
    elif report.backchannel_logout:
        message = "back-channel logout is on, but the provider does not announce it"
        yield Finding("note", "logout", message)


def _algorithms(backend: Any) -> list[str]:
    """Return the algorithms that an ID token of a redirect login may be signed with."""
    if not isinstance(backend, (OpenIdConnectAuth, AzureADOAuth2)):
        return []
    value = backend.setting("JWT_ALGORITHMS", getattr(backend, "JWT_ALGORITHMS", ["RS256"]))
    return [value] if isinstance(value, str) else list(value)


def _strings(document: dict[str, Any], name: str) -> list[str] | None:
    """Return a list of strings in a document, or None if it is missing or malformed."""
    value = document.get(name)
    is_list = isinstance(value, list) and all(isinstance(each, str) for each in value)
    return value if is_list else None


# --- Keys -------------------------------------------------------------------------------


def _check_keys(backend: BaseAuth[Any], uri: str) -> Iterator[Finding]:
    found = _request_json(backend, uri, "keys")
    if isinstance(found, Finding):
        yield found
        return
    keys = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(keys, list) or not keys or not all(isinstance(each, dict) for each in keys):
        yield Finding("error", "keys", f"{_display_url(uri)}: the document contains no keys")
        return
    issuer = find_issuer(backend)
    algorithms = _algorithms(backend) or (sorted(issuer.algorithms()) if issuer else [])
    usable = [key for key in keys if any(_key_fits(key, algorithm) for algorithm in algorithms)]
    if usable:
        yield Finding(
            "ok", "keys", f"{len(usable)} of {len(keys)} keys fit {_display_text(algorithms)}"
        )
    else:
        message = f"none of the {len(keys)} keys fits JWT_ALGORITHMS, {_display_text(algorithms)}"
        yield Finding("error", "keys", message)


def _key_fits(key: dict[str, Any], algorithm: str) -> bool:
    expected = {
        "kty": KEY_TYPES.get(algorithm[:2], algorithm),
        "alg": key.get("alg") and algorithm,
        "use": key.get("use") and "sig",
        "crv": _CURVES.get(algorithm, key.get("crv")),
    }
    return all(key.get(name) == value for name, value in expected.items())


# --- SAML -------------------------------------------------------------------------------


def _check_certificates(backend: BaseAuth[Any]) -> Iterator[Finding]:
    providers = backend.setting("ENABLED_IDPS") or {}
    values = providers.values() if isinstance(providers, dict) else [providers]
    if not all(isinstance(each, dict) for each in values):
        yield Finding("error", "settings", "ENABLED_IDPS is not a dictionary of dictionaries")
        return
    certificates = {"SP_PUBLIC_CERT": backend.setting("SP_PUBLIC_CERT")}
    for name, idp in providers.items():
        multiple = idp.get("x509certMulti") or {}
        signing = multiple.get("signing") if isinstance(multiple, dict) else None
        for index, text in enumerate(signing or [idp.get("x509cert")]):
            certificates[f"ENABLED_IDPS[{name!r}] {index + 1}"] = text
    for name, text in certificates.items():
        if text:
            yield _check_certificate(name, text)


def _check_certificate(name: str, text: Any) -> Finding:
    try:
        lines = [line for line in str(text).split() if "--" not in line and "CERT" not in line]
        expires = x509.load_der_x509_certificate(b64decode("".join(lines))).not_valid_after_utc
    except ValueError:
        return Finding("error", "certificate", f"{name} cannot be read")
    message = f"{name} expires on {expires:%Y-%m-%d}"
    now = datetime.now(UTC)
    if expires < now:
        return Finding("error", "certificate", f"{name} expired on {expires:%Y-%m-%d}")
    return Finding("note" if expires < now + _EXPIRY_NOTICE else "ok", "certificate", message)


# --- Text -------------------------------------------------------------------------------


def _display_text(value: Any) -> str:
    """Return a provider's value on one line, without control characters."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        value = ", ".join(value)
    text = ascii(value)[:_MAX_TEXT]
    return text[1:-1] if isinstance(value, str) and len(text) < _MAX_TEXT else text


def _display_url(url: str) -> str:
    """Return a URL without user name, password and query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "the URL"
    host = parts.netloc.rpartition("@")[2]
    return ascii(f"{parts.scheme}://{host}{parts.path}")[1:-1][:_MAX_TEXT]
