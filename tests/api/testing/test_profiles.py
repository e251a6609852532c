"""The profiles of vendors. tests/providers compares them with the backends that read them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from social_endpoints.testing import ProviderRequest, ProviderResponse
from social_endpoints.testing.claims import complete_claims
from social_endpoints.testing.profiles import OPENID_VENDORS, VENDORS, Vendor, find_vendor
from tests.support.fakes import GRACE

NO_EMAIL = {"email": None, "email_verified": None}


def contents(vendor: Vendor, claims: dict[str, Any]) -> list[Any]:
    paths = ["/user", "/user/emails", "/userinfo", "/me", "/orgs/x/members/y", "/groups"]
    paths += ["/accessible-resources", "/v2/emailAddress"]
    requests = [ProviderRequest("GET", f"https://api.example.com{path}") for path in paths]
    return [vendor.profile(claims, request) for request in requests]


@pytest.mark.parametrize("claims", [GRACE, {"sub": "text"}, NO_EMAIL, {"sub": None}])
@pytest.mark.parametrize("name", [*VENDORS, *OPENID_VENDORS])
def test_profile_of_any_claims_can_be_sent(name: str, claims: dict[str, Any]) -> None:
    vendor = {**VENDORS, **OPENID_VENDORS}[name]
    person = complete_claims(claims)

    for content in contents(vendor, person):
        response = (
            content if isinstance(content, ProviderResponse) else ProviderResponse(200, content)
        )
        assert response.all_headers["Content-Length"] == str(len(response.body))
    tokens = {"access_token": "token", **vendor.token(person)}
    assert json.dumps(vendor.token_format(tokens))
    assert isinstance(vendor.access_token_prefix(person), str)
    assert isinstance(vendor.callback({"code": "code"}, person), dict)


def test_unknown_vendor_has_claims_under_usual_names() -> None:
    vendor = find_vendor(object, is_openid=False)

    profile = vendor.profile(dict(GRACE), ProviderRequest("GET", "https://api.example.com/me"))

    assert profile["id"] == profile["uid"] == profile["sub"] == "4711"
    assert profile["mail"] == profile["email"]


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"given_name": "Grace", "family_name": "Hopper"}, {"name": "Grace Hopper"}),
        ({"name": "Grace Hopper"}, {"given_name": "Grace", "family_name": "Hopper"}),
        ({"email": "grace@example.com"}, {"preferred_username": "grace", "email_verified": True}),
        ({"preferred_username": "grace"}, {"email": "grace@example.com", "nickname": "grace"}),
        ({"sub": 7}, {"sub": "7", "email": "user7@example.com"}),
        ({"email_verified": False}, {"email_verified": False}),
        ({"groups": ["staff"]}, {"groups": ["staff"]}),
    ],
)
def test_missing_claims_fit_to_given_ones(claims: dict[str, Any], expected: dict[str, Any]) -> None:
    assert expected.items() <= complete_claims(claims).items()


def test_person_without_address_has_no_verified_one() -> None:
    assert complete_claims({"email": None}).keys().isdisjoint({"email", "email_verified"})
