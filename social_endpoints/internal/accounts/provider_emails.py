"""The e-mail address that a provider asserts to be verified, according to its documentation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from social_core.backends.apple import AppleIdAuth
from social_core.backends.azuread import AzureADOAuth2
from social_core.backends.azuread_b2c import AzureADB2COAuth2
from social_core.backends.github import GithubOAuth2
from social_core.backends.gitlab import GitLabOAuth2
from social_core.backends.google import BaseGoogleAuth
from social_core.backends.open_id_connect import OpenIdConnectAuth

CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"
"""Tenant of Microsoft's personal accounts (Microsoft identity platform, "ID token claims
reference", ``tid``)."""


def verified_email(backend: Any, response: Any) -> str | None:
    """Return the address that the provider asserts to be verified, or None.

    An address is not verified if there is no rule for the provider, a claim is missing, or a
    value has an unknown type. A project's subclass of a backend has the rule of that backend.

    :param response: the pipeline's ``response``.
    """
    if not isinstance(response, Mapping):
        return None
    for backend_class, rule in _RULES:
        if isinstance(backend, backend_class):
            address = rule(backend, response)
            return address if isinstance(address, str) and address else None
    return None


def _google(backend: Any, response: Mapping[str, Any]) -> Any:
    """Google, "OpenID Connect", ID token claims: ``email_verified`` is a boolean."""
    return response.get("email") if response.get("email_verified") is True else None


def _apple(backend: Any, response: Mapping[str, Any]) -> Any:
    """Apple, "Authenticating users with Sign in with Apple": a boolean or a string."""
    verified = response.get("email_verified")
    return response.get("email") if verified is True or verified == "true" else None


def _microsoft(backend: Any, response: Mapping[str, Any]) -> Any:
    """Microsoft, "Migrate away from using email claims for user identification".

    The administrator of any tenant can enter any address. The optional claim ``xms_edov`` states
    that the owner of the domain is verified. The address of a personal account is verified.
    ``preferred_username`` and ``upn`` are not addresses ("ID token claims reference").
    ``xms_edov`` is documented as a boolean, but Microsoft also sends a number or a string.
    """
    is_owned = response.get("xms_edov") in (True, 1, "1", "true")
    return response.get("email") if is_owned or response.get("tid") == CONSUMERS else None


def _azure_b2c(backend: Any, response: Mapping[str, Any]) -> None:
    """Azure AD B2C: the project's own policies define the claims, so their meaning is unknown."""


def _github(backend: Any, response: Mapping[str, Any]) -> Any:
    """GitHub, "REST API endpoints for emails": the entry that is primary and verified.

    The address of the public profile, which social-core uses without the scope ``user:email``,
    has neither attribute.
    """
    emails = response.get("emails")
    for entry in emails if isinstance(emails, list) else ():
        if isinstance(entry, Mapping) and entry.get("primary") is entry.get("verified") is True:
            return entry.get("email")
    return None


def _gitlab(backend: Any, response: Mapping[str, Any]) -> Any:
    """GitLab, "Users API", the current user: ``confirmed_at`` is the time of confirmation.

    ``email`` is the primary address. A new address replaces it only after its confirmation.
    """
    confirmed = response.get("confirmed_at")
    return response.get("email") if isinstance(confirmed, str) and confirmed else None


def _openid_connect(backend: Any, response: Mapping[str, Any]) -> Any:
    """OpenID Connect Core 1.0 section 5.1: ``email_verified`` is a boolean.

    Both claims are read from the same place: the UserInfo response or else the ID token, in the
    order in which social-core looks for the address. Facebook's Limited Login has no such claim
    (Facebook SDK for iOS, ``AuthenticationTokenClaims``), so its addresses are not verified.
    """
    claims: Any = response if "email" in response else getattr(backend, "id_token", None)
    if not isinstance(claims, Mapping):
        return None
    return claims.get("email") if claims.get("email_verified") is True else None


# The first match counts: Google's backend for OpenID Connect is a Google backend, and the
# backend for B2C is a Microsoft backend.
_RULES: list[tuple[type[Any], Callable[[Any, Mapping[str, Any]], Any]]] = [
    (BaseGoogleAuth, _google),
    (AppleIdAuth, _apple),
    (AzureADB2COAuth2, _azure_b2c),
    (AzureADOAuth2, _microsoft),
    (GithubOAuth2, _github),
    (GitLabOAuth2, _gitlab),
    (OpenIdConnectAuth, _openid_connect),
]
