"""Which e-mail address a provider asserts that it has verified."""

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
"""The tenant of Microsoft's personal accounts (Microsoft identity platform, "ID token claims
reference", ``tid``)."""


def verified_email(backend: Any, response: Any) -> str | None:
    """Return the address that the provider asserts to have verified, None where it does not.

    What is not known to say so counts as not verified: any other provider, any other
    type of value, a missing claim. A subclass of a project's counts as its core class.

    :param response: what the pipeline gets as ``response``.
    """
    if not isinstance(response, Mapping):
        return None
    for kind, rule in _RULES:
        if isinstance(backend, kind):
            address = rule(backend, response)
            return address if isinstance(address, str) and address else None
    return None


def _google(backend: Any, response: Mapping[str, Any]) -> Any:
    """Google, "OpenID Connect", ID token claims: ``email_verified`` is a boolean."""
    return response.get("email") if response.get("email_verified") is True else None


def _apple(backend: Any, response: Mapping[str, Any]) -> Any:
    """Apple, "Authenticating users with Sign in with Apple": a boolean or its name."""
    verified = response.get("email_verified")
    return response.get("email") if verified is True or verified == "true" else None


def _microsoft(backend: Any, response: Mapping[str, Any]) -> Any:
    """Microsoft, "Migrate away from using email claims for user identification".

    An administrator of any tenant can enter any address. ``xms_edov``, an optional
    claim, says that the owner of the domain is verified; a personal account's address
    is. ``preferred_username`` and ``upn`` are names ("ID token claims reference"). The
    claim is documented as a boolean, and sent as a number or a text, too.
    """
    is_owned = response.get("xms_edov") in (True, 1, "1", "true")
    return response.get("email") if is_owned or response.get("tid") == CONSUMERS else None


def _nothing(backend: Any, response: Mapping[str, Any]) -> Any:
    """Azure AD B2C: the project's own policies write the claims, whatever those mean."""
    return None


def _github(backend: Any, response: Mapping[str, Any]) -> Any:
    """GitHub, "REST API endpoints for emails": the entry that is primary and verified.

    The address of the profile, which core takes where the scope is not ``user:email``,
    says neither.
    """
    emails = response.get("emails")
    for entry in emails if isinstance(emails, list) else ():
        if isinstance(entry, Mapping) and entry.get("primary") is entry.get("verified") is True:
            return entry.get("email")
    return None


def _gitlab(backend: Any, response: Mapping[str, Any]) -> Any:
    """GitLab, "Users API", the current user: ``confirmed_at``, the time of the confirmation.

    ``email`` is the primary address; a new one takes its place once it is confirmed.
    """
    confirmed = response.get("confirmed_at")
    return response.get("email") if isinstance(confirmed, str) and confirmed else None


def _openid_connect(backend: Any, response: Mapping[str, Any]) -> Any:
    """Any provider of OpenID Connect: Core 1.0 section 5.1, ``email_verified`` is a boolean.

    Both claims count as they stand together, in the UserInfo response or else in the ID
    token, in the order in which core looks for the address. Facebook's Limited Login has no
    such claim (Facebook SDK for iOS, ``AuthenticationTokenClaims``), and so verifies none.
    """
    claims: Any = response if "email" in response else getattr(backend, "id_token", None)
    if not isinstance(claims, Mapping):
        return None
    return claims.get("email") if claims.get("email_verified") is True else None


# The first that fits counts: Google's OpenID Connect is Google, B2C is no other Microsoft.
_RULES: list[tuple[type[Any], Callable[[Any, Mapping[str, Any]], Any]]] = [
    (BaseGoogleAuth, _google),
    (AppleIdAuth, _apple),
    (AzureADB2COAuth2, _nothing),
    (AzureADOAuth2, _microsoft),
    (GithubOAuth2, _github),
    (GitLabOAuth2, _gitlab),
    (OpenIdConnectAuth, _openid_connect),
]
