"""The settings of a provider, and properties that depend on them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from social_core.backends.apple import AppleIdAuth
from social_core.backends.azuread import AzureADOAuth2
from social_core.backends.base import BaseAuth
from social_core.backends.discourse import DiscourseAuth
from social_core.backends.facebook_limited import FacebookLimitedLogin
from social_core.backends.google import GoogleOAuth
from social_core.backends.keycloak import KeycloakOAuth2
from social_core.backends.livejournal import LiveJournalOpenId
from social_core.backends.oauth import BaseOAuth1, BaseOAuth2, BaseOAuth2PKCE, OAuthAuth
from social_core.backends.open_id import OPENID_ID_FIELD
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.backends.steam import SteamOpenId
from social_core.backends.telegram import TelegramAuth
from social_core.backends.vk import VKAppOAuth2
from social_core.exceptions import AuthConfigurationError, SocialAuthBaseException

from social_endpoints.exceptions import DRF_EXCEPTIONS
from social_endpoints.internal.backends.extensions.authorization_url import FORM_POST, RESPONSE_MODE
from social_endpoints.internal.backends.extensions.pkce import AddedProofKey
from social_endpoints.internal.backends.registry import BackendClass, is_google_one_tap, is_saml
from social_endpoints.internal.errors.failures import is_storage_failure


def lifetime(backend: BaseAuth[Any]) -> int:
    """Return the lifetime of a flow in seconds. A begin has checked the type of the setting."""
    seconds: int = backend.setting("STATE_LIFETIME", 1800)
    return seconds


# --- The query of a begin ---------------------------------------------------------------


def stored_fields(backend: BaseAuth[Any]) -> set[str]:
    """Return the names of query parameters that a begin stores for the pipeline."""
    return _names(backend.setting("FIELDS_STORED_IN_SESSION"))


def overridable_arguments(backend: BaseAuth[Any]) -> set[str]:
    """Return the names of query parameters that a begin passes on to the provider."""
    return _names(backend.setting("AUTH_EXTRA_ARGUMENTS_OVERRIDE_ALLOWLIST"))


def protocol_parameter(backend: BaseAuth[Any]) -> str:
    """Return the name of the query parameter that the protocol needs to build a URL.

    Its value is the name of an identity provider or a shop, for example.
    """
    if isinstance(backend, LiveJournalOpenId):
        return "openid_lj_user"
    if is_saml(type(backend)):
        return "idp"
    # ShopifyOAuth2 cannot be imported without ShopifyAPI.
    return "shop" if hasattr(backend, "shopify_api_version") else OPENID_ID_FIELD


def protocol_defaults(backend: BaseAuth[Any]) -> dict[str, str]:
    """Return the protocol's parameter if it has only one possible value."""
    providers = backend.setting("ENABLED_IDPS") if is_saml(type(backend)) else None
    if isinstance(providers, dict) and len(providers) == 1:
        return {"idp": next(iter(providers))}
    return {}


def _names(value: str | Iterable[str] | None) -> set[str]:
    return {value} if isinstance(value, str) else set(value or ())


# --- Redirect logins --------------------------------------------------------------------


def is_redirect_class(backend: BackendClass) -> bool:
    """Return whether a class is for redirect logins.

    The classes for Facebook's SDK, applications in a frame of vk.com, and Google's widget are
    not, although they have an authorization URL.
    """
    without_redirect = (FacebookLimitedLogin, VKAppOAuth2)
    return not issubclass(backend, without_redirect) and not is_google_one_tap(backend)


def has_redirect(backend: BaseAuth[Any]) -> bool:
    """Return whether a backend can begin a login. No request is sent."""
    backend_class = type(backend)
    if not is_redirect_class(backend_class) or backend_class.auth_url is BaseAuth.auth_url:
        return False
    # OpenIdAuth.uses_redirect() would send a request.
    return not isinstance(backend, OAuthAuth) or backend.uses_redirect()


def requests_post(authorization_url: str) -> bool:
    """Return whether an authorization URL requests the provider to post its response."""
    if RESPONSE_MODE not in authorization_url:
        return False  # Most URLs need not be parsed.
    return parse_qs(urlsplit(authorization_url).query).get(RESPONSE_MODE) == [FORM_POST]


def may_post(backend: BaseAuth[Any]) -> bool:
    """Return whether the provider posts its response, according to the settings."""
    if not isinstance(backend, OAuthAuth):
        return is_saml(type(backend))
    mode = None
    if isinstance(backend, AppleIdAuth):
        mode = backend.RESPONSE_MODE or (FORM_POST if backend.get_scope() else None)
    return backend.auth_extra_arguments().get(RESPONSE_MODE, mode) == FORM_POST


# --- Credentials ------------------------------------------------------------------------


def require_credentials(backend: BaseAuth[Any]) -> None:
    """Reject a backend that would send ``client_id=None`` to the provider.

    :raises AuthConfigurationError: a setting that a begin needs is missing or invalid;
        ``parameter`` is its name.
    """
    for name in missing_settings(backend, to_begin=True):
        raise AuthConfigurationError(backend, code="missing_setting", parameter=name, stage="begin")
    try:
        backend.get_key_and_secret()
    except (SocialAuthBaseException, *DRF_EXCEPTIONS):
        raise
    except Exception as error:  # Signing with Apple's key may raise any exception.
        if is_storage_failure(error):  # The project may store the secret there.
            raise
        raise AuthConfigurationError(backend, parameter="SECRET", stage="begin") from error


def missing_settings(backend: BaseAuth[Any], *, to_begin: bool = False) -> list[str]:
    """Return the names of missing settings, without their prefix ``SOCIAL_AUTH_<BACKEND>_``.

    :param to_begin: only include the settings that the authorization URL is built from.
    """
    return [name for name in _required_settings(backend, to_begin) if not backend.setting(name)]


def _required_settings(backend: BaseAuth[Any], to_begin: bool) -> tuple[str, ...]:
    if isinstance(backend, AppleIdAuth):
        return ("CLIENT", "TEAM", "KEY", "SECRET")
    if isinstance(backend, TelegramAuth):
        return ("BOT_TOKEN",)
    if isinstance(backend, DiscourseAuth):
        return ("SERVER_URL", "SECRET")
    if isinstance(backend, SteamOpenId):
        return () if to_begin else ("API_KEY",)
    if is_saml(type(backend)):
        return _required_by_saml(backend)
    if isinstance(backend, GoogleOAuth) or not isinstance(backend, OAuthAuth):
        return ()
    if type(backend).get_key_and_secret is not BaseAuth.get_key_and_secret:
        return ()  # The backend has its own source of key and secret.
    endpoint = ("OIDC_ENDPOINT",) if _needs_endpoint(backend) else ()
    secret = () if to_begin or _may_be_public_client(backend) else ("SECRET",)
    # Keycloak's user is read from the access token, which is verified with this key.
    public_key = ("PUBLIC_KEY",) if _needs_public_key(backend) and not to_begin else ()
    return ("KEY", *secret, *public_key, *endpoint)


def _needs_public_key(backend: BaseAuth[Any]) -> bool:
    """Return whether a backend verifies access tokens as social-core's Keycloak backend does."""
    classes = [each for each in type(backend).__mro__ if issubclass(each, KeycloakOAuth2)]
    own = {name for each in classes[:-1] for name in vars(each)}  # The last one is social-core's.
    return bool(classes) and own.isdisjoint({"user_data", "public_key"})


def _required_by_saml(backend: Any) -> tuple[str, ...]:
    from social_core.backends.saml import SAMLAuth  # It needs python3-saml.

    if type(backend).get_idp is not SAMLAuth.get_idp:
        return ("SP_ENTITY_ID",)  # The project's class has its own source of identity providers.
    return ("SP_ENTITY_ID", "ENABLED_IDPS")


def _needs_endpoint(backend: BaseAuth[Any]) -> bool:
    return (
        isinstance(backend, OpenIdConnectAuth)
        and type(backend).oidc_endpoint is OpenIdConnectAuth.oidc_endpoint
        and type(backend).oidc_config_url is OpenIdConnectAuth.oidc_config_url
        and not backend.OIDC_ENDPOINT
        and not backend.setting("AUTHORIZATION_URL", backend.AUTHORIZATION_URL)
    )


def _may_be_public_client(backend: BaseAuth[Any]) -> bool:
    """Return whether the client may have no secret (RFC 6749 section 2.1)."""
    if isinstance(backend, AzureADOAuth2):
        return True  # It may use a client assertion or a federated token.
    if isinstance(backend, BaseOAuth2PKCE) and not isinstance(backend, AddedProofKey):
        # Not backend.setting(): the decision of ProofKey may request the discovery document.
        return bool(backend.strategy.setting("USE_PKCE", backend.DEFAULT_USE_PKCE, backend))
    return not isinstance(backend, (BaseOAuth1, BaseOAuth2))
