"""The e-mail addresses that each provider asserts to be verified."""

from __future__ import annotations

from typing import Any

import pytest
import responses
from django.utils.module_loading import import_string

from social_endpoints.pipeline import is_email_verified
from tests.support.email_policies import EMAIL, assert_associated
from tests.support.email_providers import CONSUMERS, Providers
from tests.support.frontend import Frontend
from tests.support.openid_provider import OpenIDProvider

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("associating")]

NOT_TRUE = ["true", "false", "True", 1, 0, None, False, [True], {"verified": True}]


@pytest.fixture
def providers(wire: responses.RequestsMock, settings: Any, frontend: Frontend) -> Providers:
    return Providers(wire, settings, frontend)


def backend(path: str) -> Any:
    return import_string(f"social_core.backends.{path}")(None)


@pytest.mark.parametrize(
    ("userinfo", "claims", "expected"),
    [
        ({"email": EMAIL, "email_verified": True}, {}, True),
        ({"email": "ADA@Example.com", "email_verified": True}, {}, True),
        ({"email": EMAIL}, {}, False),
        *(({"email": EMAIL, "email_verified": value}, {}, False) for value in NOT_TRUE),
        ({}, {"email": EMAIL, "email_verified": True}, True),
        *(({}, {"email": EMAIL, "email_verified": value}, False) for value in NOT_TRUE),
        # Both claims must be in the same place.
        ({"email": EMAIL}, {"email_verified": True}, False),
        ({"email": EMAIL}, {"email": EMAIL, "email_verified": True}, False),
        ({"email_verified": True}, {"email": EMAIL}, False),
        ({"email": EMAIL, "email_verified": True}, {"email_verified": False}, True),
    ],
)
def test_openid_connect(
    userinfo: dict[str, Any],
    claims: dict[str, Any],
    expected: bool,
    ada: Any,
    frontend: Frontend,
    openid: OpenIDProvider,
) -> None:
    del openid.userinfo["email"]
    openid.userinfo.update(userinfo)
    openid.claims.update(claims)

    assert_associated(frontend.log_in(openid), ada, expected)


def test_openid_connect_with_address_in_another_claim(
    ada: Any, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_EMAIL_KEY = "contact"
    openid.userinfo.update(email="mallory@example.com", email_verified=True, contact=EMAIL)

    assert_associated(frontend.log_in(openid), ada, expected=False)


def test_google(ada: Any, providers: Providers) -> None:
    assert_associated(providers.google({"email": EMAIL, "email_verified": True}), ada)


@pytest.mark.parametrize("verified", NOT_TRUE)
def test_google_without_verification(verified: Any) -> None:
    """social-core refuses such a redirect login; a native sign-in may have such a response."""
    google = backend("google.GoogleOAuth2")
    response = {"email": EMAIL, "email_verified": verified}

    for unverified in (response, {"email": EMAIL}, [response]):
        assert not is_email_verified(google, {"email": EMAIL}, unverified)


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"email": EMAIL, "email_verified": True}, True),
        ({"email": EMAIL, "email_verified": "true"}, True),
        ({"email": EMAIL}, False),
        *(({"email": EMAIL, "email_verified": value}, False) for value in NOT_TRUE[1:]),
        ({"email_verified": True}, False),
    ],
)
def test_apple(claims: dict[str, Any], expected: bool, ada: Any, providers: Providers) -> None:
    assert_associated(providers.apple(claims), ada, expected)


MICROSOFT = [
    *(({"email": EMAIL, "xms_edov": value}, True) for value in (True, 1, "1", "true")),
    *(({"email": EMAIL, "xms_edov": value}, False) for value in ("false", 0, None, [1], "2")),
    ({"email": EMAIL, "tid": CONSUMERS}, True),
    ({"email": EMAIL}, False),
    ({"email": EMAIL, "email_verified": True}, False),
    ({"upn": EMAIL, "xms_edov": True}, False),
    ({"preferred_username": EMAIL, "tid": CONSUMERS}, False),
]
TENANT = {"preferred_username": EMAIL, "xms_edov": True}


@pytest.mark.parametrize(
    ("name", "claims", "expected"),
    [
        *(("azuread-oauth2", *case) for case in MICROSOFT),
        *(("azuread-oauth2-v2", *case) for case in MICROSOFT),
        ("azuread-v2-tenant-oauth2", TENANT, False),
        ("azuread-v2-tenant-oauth2", {**TENANT, "email": "eve@example.com"}, False),
        ("azuread-v2-tenant-oauth2", {**TENANT, "email": EMAIL}, True),
        ("azuread-b2c-oauth2", {"email": EMAIL, "xms_edov": True}, False),
        ("azuread-b2c-oauth2", {"emails": [EMAIL], "email_verified": True}, False),
    ],
)
def test_microsoft(
    name: str, claims: dict[str, Any], expected: bool, ada: Any, providers: Providers
) -> None:
    assert_associated(providers.microsoft(claims, name), ada, expected)


def test_microsoft_graph_verifies_nothing(ada: Any, providers: Providers) -> None:
    profile = {"mail": EMAIL, "email": EMAIL, "email_verified": True, "xms_edov": True}

    assert_associated(providers.graph(profile), ada, expected=False)


VERIFIED = {"email": EMAIL, "primary": True, "verified": True}
OTHER = {"email": "other@example.com", "primary": False, "verified": True}


@pytest.mark.parametrize(
    ("emails", "expected"),
    [
        ([VERIFIED], True),
        ([OTHER, VERIFIED], True),
        # social-core uses the first address if none is primary.
        ([{**VERIFIED, "primary": False}], False),
        ([{"email": EMAIL, "primary": True}], False),
        *(([{**VERIFIED, "verified": value}], False) for value in NOT_TRUE),
        ([{**VERIFIED, "verified": False}, {**OTHER, "primary": True}], False),
        ([], False),
        # Without the scope, social-core uses the address of the public profile.
        (None, False),
    ],
)
def test_github(emails: Any, expected: bool, ada: Any, providers: Providers) -> None:
    assert_associated(providers.github(emails, EMAIL), ada, expected)


@pytest.mark.parametrize("emails", [{"email": EMAIL}, [EMAIL], [[]], "text", [None, 5]])
def test_github_with_malformed_emails(emails: Any) -> None:
    assert not is_email_verified(
        backend("github.GithubOAuth2"), {"email": EMAIL}, {"emails": emails}
    )


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        ({"confirmed_at": "2026-01-02T03:04:05.678Z"}, True),
        ({}, False),
        *(({"confirmed_at": value}, False) for value in (None, True, 1, "", ["2026"])),
    ],
)
def test_gitlab_with_a_subclass_of_its_backend(
    profile: dict[str, Any], expected: bool, ada: Any, providers: Providers
) -> None:
    assert_associated(providers.gitlab({"email": EMAIL, **profile}), ada, expected)


def test_other_provider_verifies_nothing(ada: Any, providers: Providers) -> None:
    profile = {"email": EMAIL, "email_verified": True, "verified": True, "confirmed_at": "2026"}

    assert_associated(providers.facebook(profile), ada, expected=False)


@pytest.mark.parametrize("claims", [{}, {"email": EMAIL}])
def test_facebook_limited_login_verifies_nothing(claims: dict[str, Any]) -> None:
    facebook = backend("facebook_limited.FacebookLimitedLogin")

    assert not is_email_verified(facebook, {"email": EMAIL}, {"sub": "7", "name": "Ada", **claims})


@pytest.mark.parametrize("email", ["", None, 5, [EMAIL]])
def test_value_that_is_not_an_address_is_not_verified(email: Any) -> None:
    openid = backend("open_id_connect.OpenIdConnectAuth")
    response = {"email": email, "email_verified": True}

    assert not is_email_verified(openid, {"email": email}, response)
    assert not is_email_verified(openid, {}, response)
