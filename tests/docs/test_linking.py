"""The guide for linking accounts works."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from social_core.pipeline import DEFAULT_AUTH_PIPELINE

from tests.support.frontend import Frontend
from tests.support.openid_provider import OpenIDProvider
from tests.support.pages import run_block

User = get_user_model()


def add_verified_field(monkeypatch: pytest.MonkeyPatch) -> None:
    field = property(
        lambda user: user.is_staff, lambda user, value: setattr(user, "is_staff", value)
    )
    monkeypatch.setattr(User, "email_verified", field, raising=False)


def type_address(**known: Any) -> dict[str, Any]:
    """Set the address of the new account to one that the user typed."""
    return {"email": "victim@example.com"}


@pytest.mark.django_db
def test_accounts_recipe_does_not_verify_an_address_that_the_user_typed(
    openid: OpenIDProvider, settings: Any, frontend: Frontend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An attacker could otherwise register a victim's address and wait for the victim."""
    pipeline = list(DEFAULT_AUTH_PIPELINE)
    place = pipeline.index("social_core.pipeline.user.create_user")
    pipeline.insert(place + 1, "docs.recipes.accounts.mark_verified")
    pipeline.insert(place, "tests.docs.test_linking.type_address")
    settings.SOCIAL_AUTH_PIPELINE = pipeline
    add_verified_field(monkeypatch)
    openid.userinfo["email_verified"] = True

    assert frontend.log_in(openid).status_code == 201

    user = User.objects.get()
    assert (user.email, user.email_verified) == ("victim@example.com", False)


@pytest.mark.django_db
@pytest.mark.parametrize("verified", [True, False])
def test_accounts_recipe(
    verified: bool,
    openid: OpenIDProvider,
    settings: Any,
    frontend: Frontend,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The account of a first login can be linked to an identity at another provider."""
    project = run_block("backend/linking.rst", "SOCIAL_AUTH_PIPELINE = ")
    settings.SOCIAL_AUTH_PIPELINE = project["SOCIAL_AUTH_PIPELINE"]
    add_verified_field(monkeypatch)
    openid.userinfo["email_verified"] = verified
    assert frontend.log_in(openid).status_code == 201
    assert User.objects.get().email_verified is verified

    for part in (openid.userinfo, openid.claims):
        part["sub"] = "another-identity"

    assert frontend.log_in(openid).status_code == 201
    assert User.objects.count() == (1 if verified else 2)
