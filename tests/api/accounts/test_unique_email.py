"""``UNIQUE_EMAIL``: no login creates a second account with an e-mail address."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import UserManager
from social_django.models import UserSocialAuth

from tests.support.concurrency import THREADS, MeetingPoint, log_in_together
from tests.support.configuration import Configure
from tests.support.email_policies import (
    EMAIL,
    assert_in_use,
    assert_only_account,
)
from tests.support.frontend import Frontend
from tests.support.newcomers import Newcomers
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import (
    AFTER_GET_USERNAME,
    AFTER_SOCIAL_USER,
    ASK_NAME,
    pipeline_with,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unique_email")]
User = get_user_model()

HERE = "tests.api.accounts.test_unique_email"


def choose_the_address(*args: Any, **kwargs: Any) -> dict[str, Any]:
    return {"username": EMAIL}


# --- One login ------------------------------------------------------------------------


@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize(
    ("stored", "asserted"),
    [
        (EMAIL, EMAIL),
        ("ADA@example.com", EMAIL),
        (EMAIL, "Ada@Example.COM"),
        (EMAIL, f" {EMAIL} "),
        ("Äda@example.com", "äda@example.com"),
        ("äda@example.com", "ÄDA@example.com"),
        ("fiona@example.com", "\ufb01ona@example.com"),
        ("mike@example.com", "mi\u212ae@example.com"),
    ],
)
def test_taken_address_is_rejected(
    stored: str, asserted: str, active: bool, frontend: Frontend, openid: OpenIDProvider
) -> None:
    User.objects.create(username="taken", email=stored, is_active=active)
    openid.userinfo["email"] = asserted

    assert_in_use(frontend.log_in(openid))
    assert_only_account()


@pytest.mark.parametrize(
    ("unique", "stored", "asserted"),
    [
        (False, EMAIL, EMAIL),
        (True, "eve@example.com", EMAIL),
        (True, "adda@example.com", "a_da@example.com"),
        (True, "ada@example.com", "%@example.com"),
        (True, "josé@example.com", "jose@example.com"),
        (True, "mike@example.com", "m\u0131ke@example.com"),
        (True, "", ""),
        (True, "", None),
        (True, "", " "),
    ],
)
def test_free_address_is_accepted_at_each_login(
    unique: bool,
    stored: str,
    asserted: Any,
    frontend: Frontend,
    openid: OpenIDProvider,
    configure: Configure,
) -> None:
    configure(UNIQUE_EMAIL=unique)
    User.objects.create(username="other", email=stored)
    openid.userinfo["email"] = asserted

    first, second = frontend.log_in(openid), frontend.log_in(openid)

    assert first.status_code == 201
    assert first.data == second.data
    assert User.objects.count() == 2


@pytest.mark.parametrize(
    "email",
    ["a" * 300 + "@example.com", "a" * 5_000, "@", "ada", "\ud800@example.com", 5, [EMAIL], {}],
)
def test_invalid_address_is_not_a_500(
    email: Any, frontend: Frontend, openid: OpenIDProvider
) -> None:
    openid.userinfo["email"] = email

    response = frontend.log_in(openid)

    assert response.status_code in {201, 400}
    assert User.objects.count() == (response.status_code == 201)


def test_taken_address_in_the_username_is_rejected(
    frontend: Frontend, openid: OpenIDProvider, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(User, "USERNAME_FIELD", "email")
    settings.SOCIAL_AUTH_USER_FIELDS = ["username"]
    step = f"{HERE}.choose_the_address"
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((AFTER_GET_USERNAME, step))
    User.objects.create(username="taken", email="ADA@example.com")

    assert_in_use(frontend.log_in(openid))
    assert_only_account()


def test_user_model_without_an_email_field_is_supported(
    ada: Any, frontend: Frontend, openid: OpenIDProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(User, "EMAIL_FIELD", "mail")

    assert frontend.log_in(openid).status_code == 201


class ActiveUsers(UserManager[Any]):
    def get_queryset(self) -> Any:
        return super().get_queryset().filter(is_active=True)


def hide_inactive_users(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = ActiveUsers()
    manager.model = User
    monkeypatch.setitem(vars(User._meta), "default_manager", manager)


def test_account_that_the_default_manager_hides_is_found(
    frontend: Frontend, openid: OpenIDProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    User.objects.create(username="taken", email=EMAIL, is_active=False)
    hide_inactive_users(monkeypatch)

    assert_in_use(frontend.log_in(openid))


def test_username_of_an_account_that_the_default_manager_hides_is_not_free(
    frontend: Frontend, openid: OpenIDProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    User.objects.create(username="ada", is_active=False)
    hide_inactive_users(monkeypatch)

    assert frontend.log_in(openid).status_code == 201
    assert User.objects.get(is_active=True).username.startswith("ada")


def test_address_taken_during_a_pause_is_rejected(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((AFTER_SOCIAL_USER, ASK_NAME))
    paused = frontend.log_in(openid)
    User.objects.create(username="faster", email=EMAIL)

    assert_in_use(frontend.resume(paused, name="Ada"))
    assert User.objects.count() == 1
    assert not UserSocialAuth.objects.exists()


# --- Simultaneous logins --------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_simultaneous_first_logins_with_one_address_create_one_account(
    isolation: str, newcomers: Newcomers
) -> None:
    completed = newcomers.log_in()

    assert sorted(response.status_code for response in completed) == [201, 400, 400, 400]
    for response in completed:
        if response.status_code == 400:
            assert_in_use(response)
    assert User.objects.count() == UserSocialAuth.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_simultaneous_first_logins_of_one_identity_reach_one_account(
    isolation: str, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with(MeetingPoint.STEP)
    MeetingPoint.expect(THREADS)

    completed = log_in_together(openid)

    assert [response.status_code for response in completed] == [201] * THREADS
    assert User.objects.count() == UserSocialAuth.objects.count() == 1
