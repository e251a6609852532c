"""Where a provider is asked about its tokens: the introspection endpoint."""

from __future__ import annotations

from typing import Any, Final, cast
from urllib.parse import urlsplit

from django.urls import NoReverseMatch
from social_core.backends.base import BaseAuth
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.backends.utils import OIDCDiscoveryMixin
from social_core.exceptions import (
    AuthConfigurationError,
    AuthInputError,
    AuthResponseError,
    SocialAuthBaseException,
)

_SETTING = "INTROSPECTION_URL"
_STAGE: Final = "token_validation"


def may_have_endpoint(backend: BaseAuth[Any]) -> bool:
    """Say whether there is a setting, or a discovery that may have the endpoint."""
    try:
        return configured_url(backend) is not None or _has_discovery(backend)
    except AuthConfigurationError:
        return True  # And whoever signs in is told so.


def endpoint_url(backend: BaseAuth[Any]) -> str:
    """Return the endpoint: of the setting ``INTROSPECTION_URL``, or of the provider's discovery.

    :raises AuthConfigurationError: the setting is no URL.
    :raises AuthInputError: the discovery has none.
    :raises SocialAuthBaseException: there is no discovery to be had.
    """
    return configured_url(backend) or _discovered_url(cast("OIDCDiscoveryMixin[Any]", backend))


def configured_url(backend: BaseAuth[Any]) -> str | None:
    """Return the endpoint of the setting ``INTROSPECTION_URL``, or None where there is none.

    :raises AuthConfigurationError: it is no URL.
    """
    try:
        # Django's strategy takes it for the name of one of the project's URLs, too.
        url = backend.setting(_SETTING) or None
        is_url = url is None or urlsplit(url).scheme in {"http", "https"}
    except (NoReverseMatch, TypeError, ValueError) as error:
        raise _not_a_url(backend) from error
    if not is_url:
        raise _not_a_url(backend)
    return cast("str | None", url)


def _not_a_url(backend: BaseAuth[Any]) -> AuthConfigurationError:
    return AuthConfigurationError(backend, parameter=_SETTING, stage=_STAGE)


def _discovered_url(backend: OIDCDiscoveryMixin[Any]) -> str:
    claim = "introspection_endpoint"  # RFC 8414 section 2.
    try:
        url = backend.oidc_config().get(claim)
    except SocialAuthBaseException as error:
        error.stage = _STAGE
        raise
    if url is None:
        code, parameter = "unsupported_feature", "access_token"
        raise AuthInputError(backend, code=code, parameter=parameter, stage=_STAGE)
    if not isinstance(url, str):
        raise AuthResponseError(backend, code="malformed_response", claim=claim, stage=_STAGE)
    return url


def _has_discovery(backend: BaseAuth[Any]) -> bool:
    kind: Any = type(backend)
    if (
        isinstance(backend, OpenIdConnectAuth)
        and kind.oidc_config_url is OpenIdConnectAuth.oidc_config_url
        and kind.oidc_endpoint is OpenIdConnectAuth.oidc_endpoint
    ):
        return bool(backend.oidc_endpoint())
    return isinstance(backend, OIDCDiscoveryMixin)
