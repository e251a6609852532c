"""User models whose key is the address or the username."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model

from tests.support.frontend import Frontend, error
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import AFTER_GET_USERNAME, pipeline_with

User = get_user_model()
pytestmark = pytest.mark.django_db

# Each model runs in a process of its own, because a process has one user model.
authors = pytest.mark.skipif(
    User.__name__ != "Author", reason="Only the key of Author is the address."
)
visitors = pytest.mark.skipif(
    User.__name__ != "Visitor", reason="Only the key of Visitor is the username."
)


def log_in_as(openid: OpenIDProvider, subject: str, **userinfo: Any) -> Any:
    openid.claims["sub"] = openid.userinfo["sub"] = subject
    openid.userinfo |= userinfo
    return Frontend().log_in(openid)


def choose_username(**kwargs: Any) -> dict[str, Any]:
    return {"username": "ada"}


@authors
@pytest.mark.parametrize("user_fields", [["username"], ["username", "email"], ["email"]])
@pytest.mark.parametrize("taken", ["ada@example.com", "Ada@Example.com"])
def test_account_with_the_address_as_its_key_is_not_taken_over(
    taken: str, user_fields: list[str], openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_USER_FIELDS = user_fields
    user = User.objects.create_user(taken)
    user.set_password("secret")
    user.save()

    assert error(log_in_as(openid, "1")) == (400, "email_in_use")
    assert User.objects.get().has_usable_password()
    assert not User.objects.get().social_auth.exists()


@authors
@pytest.mark.parametrize("email", [None, "", " "])
def test_missing_address_is_not_replaced_with_a_username(
    email: str | None, openid: OpenIDProvider
) -> None:
    assert error(log_in_as(openid, "1", email=email)) == (400, "profile_email_missing")
    assert not User.objects.exists()


@authors
def test_address_is_stored_unchanged_or_refused(openid: OpenIDProvider) -> None:
    address = "o'hara@example.com"
    long_address = "a" * 60 + "@example.com"

    assert log_in_as(openid, "1", email=address).status_code == 201
    assert error(log_in_as(openid, "2", email=long_address)) == (400, "malformed_response")
    assert User.objects.get().email == address


@visitors
def test_account_with_the_username_as_its_key_is_not_taken_over(
    openid: OpenIDProvider, settings: Any
) -> None:
    step = (AFTER_GET_USERNAME, f"{__name__}.choose_username")
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with(step)
    User.objects.create_user("ada")

    assert error(log_in_as(openid, "1")) == (400, "username_in_use")
    assert not User.objects.get().social_auth.exists()


@visitors
@pytest.mark.parametrize("email", [None, "", " "])
def test_missing_address_is_an_empty_text_if_the_model_allows_it(
    email: str | None, openid: OpenIDProvider
) -> None:
    responses = [log_in_as(openid, subject, email=email) for subject in "12"]

    assert [response.status_code for response in responses] == [201, 201]
    assert {*User.objects.values_list("email", flat=True)} == {""}
