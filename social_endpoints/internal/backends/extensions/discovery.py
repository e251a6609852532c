"""OpenID Connect discovery and signing keys, cached for all processes of the project.

social-core caches them in each process for a day. It ignores ``Cache-Control``, stores incomplete
documents, and does not limit their number. Remove when its ``cache`` decorator can use another
store and check the value.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

from jwt import InvalidKeyError, PyJWKError
from social_core.backends.azuread import AzureADOAuth2
from social_core.backends.base import BaseAuth
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.backends.utils import OIDCDiscoveryMixin
from social_core.exceptions import AuthResponseError, ErrorStage, SocialAuthBaseException

from social_endpoints.internal.backends.extensions import bases
from social_endpoints.internal.network.document_cache import CachedDocument
from social_endpoints.internal.network.moved_endpoints import (
    has_moved,
    is_about_moved_url,
    is_refusal,
)

# Claims of discovery that a login needs (OpenID Connect Discovery section 3), the method that
# reads each, and the setting that replaces it.
_CLAIMS = (
    ("authorization_endpoint", "authorization_url", "AUTHORIZATION_URL"),
    ("token_endpoint", "access_token_url", "ACCESS_TOKEN_URL"),
    ("jwks_uri", "jwks_uri", "JWKS_URI"),
)

# The settings that replace URLs of discovery.
_SETTINGS = {claim: setting for claim, _, setting in _CLAIMS} | {
    "userinfo_endpoint": "USERINFO_URL",
    "revocation_endpoint": "REVOKE_TOKEN_URL",
    "introspection_endpoint": "INTROSPECTION_URL",
}

_AUTH_METHODS = "token_endpoint_auth_methods_supported"

KEYS_LIFETIME = 600
"""Longest time, in seconds, for which signing keys are not requested again."""

KEYS_GRACE = 3_000
"""Seconds for which expired signing keys are still used while the provider fails."""

# Sites of Microsoft's authorities, and of the version 1.0 issuers that only they may name:
# sts.windows.net and sts.chinacloudapi.cn.
_MICROSOFT_AUTHORITIES = (
    *(["microsoftonline", domain] for domain in ("com", "us", "cn")),
    ["windows", "net"],
    ["chinacloudapi", "cn"],
)
_MICROSOFT_SITES = (["windows", "net"], ["chinacloudapi", "cn"])

# Issuers of social-core's backends that are not the beginning of the URL of discovery.
_OTHER_ISSUERS = {
    "https://www.linkedin.com/oauth": "https://www.linkedin.com",  # LinkedIn has used both names.
    "https://id.fedoraproject.org": "https://id.fedoraproject.org/openidc",
    "https://nci-crdc.datacommons.io": "https://nci-crdc.datacommons.io/user",
}

_KEY_METHODS = ("get_jwks_keys", "get_jwks_keys_for_uri", "get_remote_jwks_keys")

# Errors of these stages are not caused by the provider's documents.
_UNRELATED_STAGES = frozenset({"callback", "pipeline"})


def has_core_discovery(backend: Any) -> bool:
    """Return whether a class uses discovery and inherits how it is requested."""
    methods = ("get_openid_configuration", "get_json")
    return any(_inherits(backend, base, *methods) for base in (OIDCDiscoveryMixin, AzureADOAuth2))


def has_core_keys(backend: Any) -> bool:
    """Return whether a class is for OpenID Connect and inherits how keys are requested."""
    return _inherits(backend, OpenIdConnectAuth, *_KEY_METHODS)


def has_core_microsoft_keys(backend: Any) -> bool:
    """Return whether a class is for Microsoft and inherits how keys are requested."""
    return _inherits(backend, AzureADOAuth2, *_KEY_METHODS)


def _inherits(backend: Any, base: Any, *methods: str) -> bool:
    same = (getattr(backend, name, None) is getattr(base, name, None) for name in methods)
    return issubclass(backend, base) and all(same)


def find_discovery(backend: Any) -> Callable[[], Any] | None:
    """Return the method that returns the discovery document, or None if a backend has none."""
    if isinstance(backend, AzureADOAuth2):
        return backend.openid_configuration
    if getattr(type(backend), "oidc_config_url", None) is OpenIdConnectAuth.oidc_config_url:
        return backend.oidc_config if backend.oidc_endpoint() else None
    return backend.oidc_config if isinstance(backend, OIDCDiscoveryMixin) else None


def uses_discovery(backend: Any) -> bool:
    """Return whether an OpenID Connect backend takes a URL or the issuer from discovery."""
    has_issuer = bool(backend.setting("ID_TOKEN_ISSUER", backend.ID_TOKEN_ISSUER))
    return not has_issuer or any(_is_used(backend, *source) for _, *source in _CLAIMS)


def signing_keys(backend: BaseAuth[Any], uri: str) -> CachedDocument:
    """Return the keys at a URI (RFC 7517 section 5), a list of dictionaries.

    A provider revokes a key by removing it, so keys have short lives even if the provider allows
    longer ones. A key is accepted for at most an hour after its removal, if the provider fails
    all that time.
    """
    fetch = partial(_fetch_keys, backend, uri)
    return CachedDocument(
        "jwks", backend, uri, fetch, _has_keys, max_lifetime=KEYS_LIFETIME, grace=KEYS_GRACE
    )


@contextmanager
def document_renewal(backend: Any) -> Iterator[None]:
    """Have discovery requested again if native sign-in has failed because of the issuer.

    The issuer is validated after the signature. Other failures can be caused by anonymous clients.
    """
    try:
        yield
    except SocialAuthBaseException as error:
        is_outdated = error.claim == "iss" or error.code == "malformed_response"
        if is_outdated and isinstance(backend, CachedDiscovery):
            backend.expire_discovery()
        raise


class CachedDiscovery(bases.Backend):
    """Cache the documents of discovery (OpenID Connect Discovery section 4)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._discovery: dict[str, tuple[CachedDocument, Any]] = {}

    def get_openid_configuration(self, url: str) -> Any:
        """Return the document at a URL. All steps of a login use the same document.

        :raises AuthResponseError: the document is of another issuer, or a URL in it is malformed.
        """
        if url not in self._discovery:
            fetch = partial(_fetch_discovery, self, url)
            cached = CachedDocument("discovery", self, url, fetch, partial(_is_complete, self, url))
            document = cached.get()
            _require_valid(self, url, document)
            self._discovery[url] = cached, document
        return self._discovery[url][1]

    def expire_discovery(self) -> None:
        """Have the next login request the documents again that this login has used."""
        for cached, _ in self._discovery.values():
            cached.expire()

    def complete(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().complete(*args, **kwargs)
        except SocialAuthBaseException as error:
            if error.stage not in _UNRELATED_STAGES and not is_refusal(error):
                self.expire_discovery()
            raise

    def request(self, url: str, *args: Any, **kwargs: Any) -> Any:
        """Send a request, and send it to the new URL if the endpoint has moved.

        A code is sent again only if the old URL cannot have redeemed it.
        """
        new_url = None
        try:
            response = super().request(url, *args, **kwargs)
            if self._uses(url) and has_moved(response):
                new_url = self._new_url(url)
            if new_url is None:
                return response
        except SocialAuthBaseException as error:
            if is_about_moved_url(error, kwargs.get("method", "GET")):
                new_url = self._new_url(url)
            elif self._uses(url) and not is_refusal(error):
                self.expire_discovery()
            if new_url is None:
                raise
        return super().request(new_url, *args, **kwargs)

    def _new_url(self, url: str) -> str | None:
        """Return the current URL of an endpoint, or None if it is the same or unknown."""
        urls = (self._renewed(*use) for use in self._uses(url))
        return next((new for new in urls if isinstance(new, str) and new != url), None)

    def _uses(self, url: str) -> list[tuple[str, str]]:
        """Return where a URL comes from: pairs of a document's URL and a claim in it.

        A URL in the settings does not come from a document, even if a document has it as well.
        """
        return [
            (document_url, claim)
            for document_url, (_, document) in self._discovery.items()
            for claim, value in document.items()
            if value == url and (claim == "jwks_uri" or claim.endswith("_endpoint"))
            if not self._is_configured(claim)
        ]

    def _is_configured(self, claim: str) -> bool:
        setting = _SETTINGS.get(claim)
        return bool(setting and self.setting(setting, getattr(self, setting, None)))

    def _renewed(self, document_url: str, claim: str) -> Any:
        """Return a claim of the provider's current document, which this login uses from now on."""
        cached, _ = self._discovery[document_url]
        document = cached.renew()
        if document is None:
            return None
        _require_valid(self, document_url, document)
        self._discovery[document_url] = cached, document
        return document.get(claim)


class _CachedKeys(bases.Backend):
    """Cache the keys that ID tokens are signed with.

    A provider may change its keys at any moment, even without changing the key id (``kid``). So
    an ID token that no stored key has signed is verified again with newly requested keys. In a
    redirect login, the provider sends the ID token, so this needs no rate limit.
    """

    _keys: list[dict[str, Any]] | None = None

    def get_jwks_keys(self) -> list[dict[str, Any]]:
        """Return copies of the keys, because social-core adds ``alg`` to them."""
        if self._keys is None:
            self._keys = self._cached_keys().get()
        return [dict(key) for key in self._keys]

    def _with_each_key_set(self, verify: Callable[[], Any]) -> Any:
        """Call ``verify`` with stored and then new keys, until its result is not None."""
        failure: Exception | None = None
        for keys in self._cached_keys().versions(rate_limited=False):
            self._keys = keys
            try:
                if (result := verify()) is not None:
                    return result
            # PyJWT 2.13 does not convert the ValueErrors of cryptography for malformed keys.
            except (PyJWKError, InvalidKeyError, ValueError) as error:
                if not _is_wrong_key(error):
                    raise
                failure = error
        if failure is not None:
            raise failure
        return None

    def _cached_keys(self) -> CachedDocument:
        backend: Any = self
        return signing_keys(self, backend.jwks_uri())


class CachedKeys(_CachedKeys):
    """A mixin for OpenID Connect backends."""

    def find_valid_key(self, id_token: str) -> Any:
        backend: Any = super()
        return self._with_each_key_set(partial(backend.find_valid_key, id_token))


class CachedMicrosoftKeys(_CachedKeys):
    """A mixin for Microsoft's backends, which choose the key by its id alone."""

    def validate_and_return_id_token(self, id_token: str) -> Any:
        backend: Any = super()
        verify = partial(backend.validate_and_return_id_token, id_token)
        return self._with_each_key_set(verify)


def _is_wrong_key(error: Exception) -> bool:
    if isinstance(error, SocialAuthBaseException) and error.code != "invalid_signature":
        return isinstance(error.__cause__, (PyJWKError, InvalidKeyError))
    return True


def _fetch_discovery(backend: BaseAuth[Any], url: str) -> tuple[dict[str, Any], str]:
    stage = _discovery_stage(backend)
    document, cache_control = _fetch_json(backend, url, stage)
    if not isinstance(document, dict):
        raise AuthResponseError(backend, code="malformed_response", stage=stage)
    return document, cache_control


def _discovery_stage(backend: BaseAuth[Any]) -> ErrorStage:
    return "token_validation" if isinstance(backend, AzureADOAuth2) else "begin"


def _fetch_keys(backend: BaseAuth[Any], uri: str) -> tuple[list[dict[str, Any]], str]:
    stage: Final = "token_validation"
    document, cache_control = _fetch_json(backend, uri, stage)
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise AuthResponseError(backend, code="malformed_response", claim="keys", stage=stage)
    return keys, cache_control


def _fetch_json(backend: BaseAuth[Any], url: str, stage: ErrorStage) -> tuple[Any, str]:
    # Not get_json(): it does not return the headers.
    response = backend.request(url, stage=stage)
    try:
        return response.json(), response.headers.get("Cache-Control", "")
    except (ValueError, RecursionError) as error:
        raise AuthResponseError(backend, code="malformed_response", stage=stage) from error


def _require_valid(backend: Any, url: str, document: dict[str, Any]) -> None:
    """Refuse a document of another issuer, whose endpoints would receive codes and secrets.

    Otherwise a malicious provider could claim the issuer of an honest one and then pass its own
    callbacks off as those of the honest one (OpenID Connect Discovery section 4.3).
    """
    stage = _discovery_stage(backend)
    issuer = document.get("issuer")
    if issuer is not None and not is_configured_issuer(backend, url, issuer):
        raise AuthResponseError(backend, code="invalid_claim", claim="issuer", stage=stage)
    for claim, *source in _CLAIMS:
        value = document.get(claim)
        if isinstance(value, str) and _is_used(backend, *source) and not is_web_url(value):
            raise AuthResponseError(backend, code="malformed_response", claim=claim, stage=stage)
    methods = document.get(_AUTH_METHODS)
    if methods and not isinstance(methods, Container):  # social-core would raise a TypeError.
        raise AuthResponseError(
            backend, code="malformed_response", claim=_AUTH_METHODS, stage=stage
        )


def _is_complete(backend: Any, url: str, document: Any) -> bool:
    """Return whether a document is from the configured issuer and has the necessary URLs."""
    if not isinstance(document, dict):
        return False
    if not is_configured_issuer(backend, url, document.get("issuer")):
        return False
    endpoints = {name: each for name, each in document.items() if name.endswith("_endpoint")}
    urls = [each for each in endpoints.values() if each not in (None, "")]
    urls += [document.get(claim) for claim, *source in _CLAIMS if _is_used(backend, *source)]
    return all(map(is_web_url, urls))


def is_web_url(value: Any) -> bool:
    """Return whether a value is an HTTP URL with a host."""
    # Refuse control characters, which urlsplit() may remove, and surrogates.
    if not isinstance(value, str) or not value.isprintable():
        return False
    try:
        parts = urlsplit(value)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:  # malformed IPv6 address, or port above 65535
        return False
    return parts.scheme in {"https", "http"} and has_host


def _is_used(backend: Any, method: str, setting: str) -> bool:
    """Return whether a backend takes a URL from discovery."""
    is_inherited = method == "jwks_uri" or _inherits(type(backend), OpenIdConnectAuth, method)
    return is_inherited and not backend.setting(setting, getattr(backend, setting, None))


def is_configured_issuer(backend: Any, url: str, issuer: Any) -> bool:
    """Return whether an issuer is the configured one (OpenID Connect Discovery section 4.3).

    That is the setting ``ID_TOKEN_ISSUER`` or the beginning of the URL. A ``/`` at the end makes no
    difference, because it is removed before the URL is built (section 4.1). Microsoft has an issuer
    for each tenant and a placeholder in its documents, so only the site or the host is compared.
    social-core compares the tenant of each ID token.

    :param url: the URL of the discovery document.
    """
    if not isinstance(issuer, str):
        return False
    if isinstance(backend, AzureADOAuth2):
        is_microsoft = _site(url) in _MICROSOFT_AUTHORITIES
        return _site(issuer) in (_site(url), *(_MICROSOFT_SITES if is_microsoft else ()))
    if "{tenantid}" in issuer.lower():
        return issuer.split("/")[:3] == url.split("/")[:3]
    default = getattr(backend, "ID_TOKEN_ISSUER", None)
    prefix = url.partition("/.well-known/")[0]
    configured = prefix, backend.setting("ID_TOKEN_ISSUER", default), _OTHER_ISSUERS.get(prefix)
    return issuer.rstrip("/") in {each.rstrip("/") for each in configured if isinstance(each, str)}


def _site(url: str) -> list[str]:
    """Return the last two labels of a URL's host."""
    return url.partition("://")[2].partition("/")[0].split(".")[-2:]


def _has_keys(keys: Any) -> bool:
    return isinstance(keys, list) and bool(keys) and all(map(_is_key, keys))


def _is_key(key: Any) -> bool:
    return isinstance(key, dict) and isinstance(key.get("kty"), str)


def unusable_claims(backend: BaseAuth[Any], document: dict[str, Any]) -> list[str]:
    """Return the claims of a discovery document that a login requires and that are not URLs."""
    needed = (claim for claim, *source in _CLAIMS if _is_used(backend, *source))
    return [claim for claim in needed if not is_web_url(document.get(claim))]
