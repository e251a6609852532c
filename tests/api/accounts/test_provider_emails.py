"""The e-mail addresses that each provider asserts to be verified."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils.module_loading import import_string

from social_endpoints.pipeline import is_email_verified
from social_endpoints.testing import FakeProviders
from tests.support.email_policies import EMAIL, assert_associated
from tests.support.email_providers import CONSUMERS, Providers
from tests.support.frontend import Frontend
from tests.support.openid_provider import OpenIDProvider

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("associating")]

NOT_TRUE = ["true", "false", "True", 1, 0, None, False, [True], {"verified": True}]


@pytest.fixture
def providers(social_provider: FakeProviders, settings: Any, frontend: Frontend) -> Providers:
    return Providers(social_provider, settings, frontend)


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


@pytest.mark.parametrize("provider", ["graph", "facebook"])
def test_other_provider_verifies_nothing(provider: str, ada: Any, providers: Providers) -> None:
    profile = dict.fromkeys(("email_verified", "verified", "xms_edov"), True)
    profile |= {"mail": EMAIL, "email": EMAIL, "confirmed_at": "2026"}

    assert_associated(getattr(providers, provider)(profile), ada, expected=False)


# social-core refuses an unverified redirect login; a native sign-in may have such a response.
GOOGLE = [{"email": EMAIL, "email_verified": value} for value in NOT_TRUE]
FACEBOOK = {"sub": "7", "name": "Ada"}
NO_ADDRESSES = [{"email": value, "email_verified": True} for value in ("", None, 5, [EMAIL])]
MALFORMED: list[Any] = [{"email": EMAIL}, [EMAIL], [[]], "text", [None, 5]]


@pytest.mark.parametrize(
    ("backend", "details", "response"),
    [
        *(("google.GoogleOAuth2", {"email": EMAIL}, one) for one in (*GOOGLE, {"email": EMAIL})),
        *(("google.GoogleOAuth2", {"email": EMAIL}, [one]) for one in GOOGLE),
        *(("github.GithubOAuth2", {"email": EMAIL}, {"emails": one}) for one in MALFORMED),
        ("facebook_limited.FacebookLimitedLogin", {"email": EMAIL}, FACEBOOK),
        ("facebook_limited.FacebookLimitedLogin", {"email": EMAIL}, {**FACEBOOK, "email": EMAIL}),
        *(
            ("open_id_connect.OpenIdConnectAuth", details, one)
            for one in NO_ADDRESSES
            for details in ({"email": one["email"]}, {})
        ),
    ],
)
def test_other_response_verifies_nothing(backend: str, details: Any, response: Any) -> None:
    backend_class = import_string(f"social_core.backends.{backend}")

    assert not is_email_verified(backend_class(None), details, response)
