"""Profiles that the columns of a project's user model cannot hold, or that lack a value."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model

from tests.support.frontend import Frontend, error
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import pipeline_with

User = get_user_model()
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        User.__name__ not in {"Member", "Clerk"}, reason="Other models have tests of their own."
    ),
]
IS_MEMBER = User.__name__ == "Member"
NO_ADDRESS = (400, "profile_email_missing")


def log_in_as(openid: OpenIDProvider, subject: str, **userinfo: Any) -> Any:
    openid.claims["sub"] = openid.userinfo["sub"] = subject
    openid.userinfo |= userinfo
    return Frontend().log_in(openid)


def add_nickname(details: Any, **kwargs: Any) -> dict[str, Any]:
    return {"details": {**details, "nickname": "Countess"}}


@pytest.mark.parametrize("email", [None, "", " "])
@pytest.mark.parametrize("uses_address", [False, True])
def test_missing_address_is_refused_unless_the_model_allows_it(
    uses_address: bool, email: Any, openid: OpenIDProvider, settings: Any
) -> None:
    if IS_MEMBER and uses_address:
        settings.SOCIAL_AUTH_USER_FIELDS = ["address"]
    responses = [
        log_in_as(openid, subject, email=email, preferred_username=subject) for subject in "12"
    ]

    if IS_MEMBER:
        assert [error(response) for response in responses] == [NO_ADDRESS] * 2
        assert not User.objects.exists()
    else:
        assert [response.status_code for response in responses] == [201, 201]
        assert [*User.objects.values_list("email", flat=True)] == [None, None]


@pytest.mark.skipif(IS_MEMBER, reason="The model has no such field.")
def test_missing_value_of_another_required_field_is_reported(
    openid: OpenIDProvider, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SOCIAL_AUTH_USER_FIELDS = ["username", "email", "phone"]
    monkeypatch.setattr(User._meta.get_field("phone"), "default", "")

    assert error(log_in_as(openid, "1")) == (400, "missing_claim")
    assert not User.objects.exists()


def add_empty_badge(details: Any, **kwargs: Any) -> dict[str, Any]:
    return {"details": {**details, "badge": ""}}


@pytest.mark.skipif(IS_MEMBER, reason="The model has no such field.")
def test_missing_value_of_another_unique_field_is_not_reported_as_taken(
    openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_USER_FIELDS = ["username", "email", "badge"]
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((1, f"{__name__}.add_empty_badge"))

    responses = [log_in_as(openid, subject, email=f"{subject}@example.com") for subject in "12"]

    assert responses[0].status_code == 201
    assert error(responses[1]) == (400, "missing_claim")
    assert User.objects.count() == 1


@pytest.mark.skipif(IS_MEMBER, reason="Its manager has no such parameter.")
def test_parameter_of_the_manager_that_is_not_a_field_is_passed_on(
    openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_USER_FIELDS = ["username", "email", "nickname"]
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((1, f"{__name__}.add_nickname"))
    settings.SOCIAL_AUTH_PROTECTED_USER_FIELDS = ["first_name"]

    assert log_in_as(openid, "1").status_code == 201
    assert User.objects.get().first_name == "Countess"


def test_taken_address_is_reported(openid: OpenIDProvider) -> None:
    User.objects.create_user(*(["ada@example.com"] if IS_MEMBER else ["x", "ada@example.com"]))

    assert error(log_in_as(openid, "1")) == (400, "email_in_use")
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("x" * 11, "x" * 10),
        ("e\u0301" * 6, "e\u0301" * 5),
        ("abcdefghie\u0301\u0301", "abcdefghi"),
        ("abcdefgh \U0001f44d\U0001f3fd", "abcdefgh"),
        ("abcdefgh\U0001f469\u200d\U0001f680", "abcdefgh"),
        ("\u0301" * 11, "\u0301" * 10),
        ("Ad\ud83da", "Ad\ufffda"),
    ],
)
def test_long_name_is_cut_between_characters(
    name: str, expected: str, openid: OpenIDProvider
) -> None:
    response = log_in_as(openid, "1", given_name=name)

    assert response.status_code == 201, response.data
    assert User.objects.get().first_name == expected


def test_long_address_is_refused(openid: OpenIDProvider) -> None:
    address = "a" * 250 + "@example.com"

    assert error(log_in_as(openid, "1", email=address)) == (400, "malformed_response")
    assert not User.objects.exists()


def test_long_username_is_cut(openid: OpenIDProvider) -> None:
    assert log_in_as(openid, "1", preferred_username="x" * 300).status_code == 201


@pytest.mark.skipif(IS_MEMBER, reason="The username is the address.")
def test_username_with_half_a_surrogate_pair_is_stored(
    openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_CLEAN_USERNAMES = False

    responses = [log_in_as(openid, "1", preferred_username="ad\ud800") for _ in range(2)]

    assert [response.status_code for response in responses] == [201, 201]
    assert User.objects.get().username == "ad\ufffd"
