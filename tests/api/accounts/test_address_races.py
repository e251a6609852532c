"""Simultaneous first logins of several identities with one address reach one account."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from social_core.pipeline.partial import partial
from social_django.models import Nonce, UserSocialAuth

from tests.support.concurrency import THREADS, MeetingPoint, together
from tests.support.configuration import Configure
from tests.support.email_policies import EMAIL, assert_associated
from tests.support.frontend import Frontend
from tests.support.newcomers import Newcomers
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import AFTER_SOCIAL_USER, ASK_NAME, pipeline_with

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("associating")]
User = get_user_model()

BY_EMAIL = "social_core.pipeline.social_auth.associate_by_email"
BY_VERIFIED_EMAIL = "social_endpoints.pipeline.associate_by_verified_email"


def assert_one_account(completed: list[Any]) -> None:
    assert [response.status_code for response in completed] == [201] * len(completed)
    assert (User.objects.count(), UserSocialAuth.objects.count()) == (1, len(completed))


def test_first_logins_with_one_address_reach_one_account(
    isolation: str, newcomers: Newcomers, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with(
        MeetingPoint.STEP, (AFTER_SOCIAL_USER, BY_VERIFIED_EMAIL)
    )

    assert_one_account(newcomers.log_in(20 if isolation == "read committed" else THREADS))


@pytest.mark.parametrize(("step", "unique"), [(BY_EMAIL, False), (BY_VERIFIED_EMAIL, True)])
def test_first_logins_with_other_settings_reach_one_account(
    step: str, unique: bool, newcomers: Newcomers, configure: Configure, settings: Any
) -> None:
    configure(UNIQUE_EMAIL=unique)
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with(MeetingPoint.STEP, (AFTER_SOCIAL_USER, step))

    assert_one_account(newcomers.log_in())


@pytest.mark.parametrize("step", [BY_EMAIL, BY_VERIFIED_EMAIL])
def test_paused_first_logins_with_one_address_reach_one_account(
    step: str, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with(
        (AFTER_SOCIAL_USER, step), (AFTER_SOCIAL_USER, ASK_NAME)
    )
    openid.userinfo["email_verified"] = True
    frontends = [Frontend() for _ in range(THREADS)]
    paused = []
    for number, frontend in enumerate(frontends):
        openid.userinfo["sub"] = openid.claims["sub"] = f"user-{number}"
        paused.append(frontend.log_in(openid))

    def resume(number: int) -> Any:
        return lambda: frontends[number].resume(paused[number], name="Ada")

    assert_one_account(together([resume(number) for number in range(THREADS)]))


@partial
def ask_address(strategy: Any, details: Any, **kwargs: Any) -> Any:
    """Ask for an address, as the example in python-social-auth's documentation does."""
    typed = strategy.request_data().get("typed")
    if not typed:
        return strategy.redirect("https://app.example.com/email")
    return {"details": {**details, "email": typed}}


@pytest.mark.django_db
@pytest.mark.parametrize("step", [BY_EMAIL, BY_VERIFIED_EMAIL])
def test_address_typed_after_the_step_reaches_no_account(
    step: str, ada: Any, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with(
        (AFTER_SOCIAL_USER, step),
        (AFTER_SOCIAL_USER, f"{__name__}.ask_address"),
        (AFTER_SOCIAL_USER, ASK_NAME),
    )
    openid.userinfo.update(email="mallory@example.com", email_verified=True)
    frontend = Frontend()

    paused = frontend.resume(frontend.log_in(openid), typed=EMAIL)

    assert_associated(frontend.resume(paused, name="Ada"), ada, expected=False)


def decline(user: Any = None, **kwargs: Any) -> dict[str, Any]:
    """Create a new account, as the user wants."""
    return {"user": None, "is_new": True}


@pytest.mark.django_db
@pytest.mark.parametrize("step", [BY_EMAIL, BY_VERIFIED_EMAIL])
def test_account_that_a_later_step_declines_is_not_found_again(
    step: str, ada: Any, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with(
        (AFTER_SOCIAL_USER, step),
        (AFTER_SOCIAL_USER, f"{__name__}.decline"),
        (AFTER_SOCIAL_USER, ASK_NAME),
    )
    openid.userinfo["email_verified"] = True
    frontend = Frontend()

    resumed = frontend.resume(frontend.log_in(openid), name="Ada")

    assert_associated(resumed, ada, expected=False)


@pytest.mark.row_locks
def test_login_with_an_unverified_address_waits_for_no_other(openid: OpenIDProvider) -> None:
    openid.userinfo["email_verified"] = True
    Frontend().log_in(openid)
    openid.userinfo.update(sub="user-2", email_verified=False)
    openid.claims["sub"] = "user-2"
    responses: list[Any] = []

    def log_in() -> None:
        responses.append(Frontend().log_in(openid))
        connection.close()

    thread = threading.Thread(target=log_in)
    with transaction.atomic():
        locks = Nonce.objects.filter(server_url="social_endpoints.address").select_for_update()
        assert len(locks) == 1
        thread.start()
        thread.join(timeout=10)

        assert [response.status_code for response in responses] == [201]
    thread.join()
    assert User.objects.count() == 2


@pytest.mark.django_db
def test_lock_costs_one_query_and_one_row_for_all_logins(openid: OpenIDProvider) -> None:
    frontend = Frontend()
    openid.userinfo["email_verified"] = True
    statements = []
    for number in range(2):
        openid.userinfo["sub"] = openid.claims["sub"] = f"user-{number}"
        begun, callback = frontend.authorize(openid)
        with CaptureQueriesContext(connection) as captured:
            assert frontend.complete(begun, callback).status_code == 201
        statements.append([each["sql"] for each in captured if Nonce._meta.db_table in each["sql"]])

    first, second = statements
    claim, lock, row = (sql.split()[0] for sql in first)
    assert (claim, lock, row) == ("INSERT", "UPDATE", "INSERT")
    assert [sql.split()[0] for sql in second] == ["INSERT", "UPDATE"]
    assert Nonce.objects.filter(server_url="social_endpoints.address").count() == 1
