"""``associate_by_verified_email``: the policy of the project, and the account that is found."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import responses
from django.contrib.auth import get_user_model
from django.core.checks import run_checks
from django.test import Client
from django.urls import include, path
from social_core.backends.mixcloud import MixcloudOAuth2
from social_core.pipeline.partial import partial
from social_django.models import UserSocialAuth

from social_endpoints.pipeline import associate_by_verified_email
from social_endpoints.testing import FakeProvider
from tests.support.concurrency import THREADS, log_in_together
from tests.support.configuration import Configure
from tests.support.email_policies import EMAIL, assert_associated
from tests.support.frontend import Frontend, error
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import (
    AFTER_GET_USERNAME,
    AFTER_SOCIAL_USER,
    ASK_NAME,
    LAST,
    pipeline_with,
)
from tests.support.wire import connect

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("associating")]
User = get_user_model()

HERE = "tests.api.accounts.test_verified_email"

BY_EMAIL = "social_core.pipeline.social_auth.associate_by_email"
BY_VERIFIED_EMAIL = "social_endpoints.pipeline.associate_by_verified_email"

urlpatterns = [path("social/", include("social_django.urls", namespace="social"))]


@pytest.fixture
def verified(openid: OpenIDProvider) -> OpenIDProvider:
    openid.userinfo["email_verified"] = True
    return openid


# --- The policy -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("email_verified", "expected"),
    [(True, True), (False, False), (None, False), ("yes", False), (1, False)],
)
def test_default_policy_requires_a_verified_account(
    email_verified: Any,
    expected: bool,
    ada: Any,
    frontend: Frontend,
    verified: OpenIDProvider,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        User, "email_verified", property(lambda user: email_verified), raising=False
    )
    entries = dict(settings.SOCIAL_ENDPOINTS)
    del entries["EMAIL_ASSOCIATION_POLICY"]
    settings.SOCIAL_ENDPOINTS = entries

    assert_associated(frontend.log_in(verified), ada, expected)


@pytest.mark.parametrize(
    "policy",
    [
        # Django's user model has no attribute email_verified.
        "social_endpoints.pipeline.local_email_is_verified",
        "tests.support.email_policies.disagree",
    ],
)
def test_policy_that_disagrees_creates_a_new_account(
    policy: str, ada: Any, frontend: Frontend, verified: OpenIDProvider, configure: Configure
) -> None:
    configure(EMAIL_ASSOCIATION_POLICY=policy)

    assert_associated(frontend.log_in(verified), ada, expected=False)


def test_validation_error_of_the_policy_is_the_response(
    ada: Any, frontend: Frontend, verified: OpenIDProvider, configure: Configure
) -> None:
    configure(EMAIL_ASSOCIATION_POLICY="tests.support.email_policies.refuse")

    response = frontend.log_in(verified)

    assert (response.status_code, response.data["email"]) == (400, ["Sign in with your password."])
    assert not UserSocialAuth.objects.exists()
    assert User.objects.get() == ada


@pytest.mark.parametrize(
    ("policy", "check"),
    [("tests.nowhere.policy", "E005"), ("tests.support.email_policies.EMAIL", "E006")],
)
def test_policy_that_cannot_be_called_is_a_configuration_error(
    policy: str,
    check: str,
    ada: Any,
    frontend: Frontend,
    verified: OpenIDProvider,
    configure: Configure,
) -> None:
    configure(EMAIL_ASSOCIATION_POLICY=policy)

    assert error(frontend.log_in(verified)) == (500, "invalid_setting")
    assert User.objects.get() == ada
    (message,) = run_checks()
    assert message.id == f"social_endpoints.{check}"
    assert "EMAIL_ASSOCIATION_POLICY" in message.msg


# --- The account ----------------------------------------------------------------------


def test_associated_identity_stays_associated(
    ada: Any, frontend: Frontend, verified: OpenIDProvider
) -> None:
    User.objects.create(username="similar", email="adà@example.com")  # MariaDB finds it as well.
    first, second = frontend.log_in(verified), frontend.log_in(verified)
    assert first.data == second.data
    assert (second.status_code, UserSocialAuth.objects.get().user) == (201, ada)
    assert User.objects.count() == 2

    other = User.objects.create(username="other", email="other@example.com")
    verified.userinfo["email"] = other.email
    frontend.log_in(verified)
    assert UserSocialAuth.objects.get().user == ada


@pytest.mark.parametrize(
    ("asserted", "stored", "expected"),
    [
        ("Ada@EXAMPLE.com", "aDa@example.com", True),
        ("ÄDA@example.com", "ÄDA@example.com", True),
        ("äda@example.com", "Äda@example.com", False),
        # Upper case turns the dotless i and the long s into I and S, lower case the Kelvin
        # sign into k.
        ("m\u0131ke@example.com", "mike@example.com", False),
        ("jame\u017f@example.com", "james@example.com", False),
        ("mi\u212ae@example.com", "mike@example.com", False),
        ("\ufb01ona@example.com", "fiona@example.com", False),
        ("josé@example.com", "jose@example.com", False),
        ("ada@ex\uff41mple.com", "ada@example.com", False),
        ("a_a@example.com", "ada@example.com", False),
        ("a%@example.com", "ada@example.com", False),
    ],
)
def test_similar_address_is_another_mailbox(
    asserted: str, stored: str, expected: bool, frontend: Frontend, verified: OpenIDProvider
) -> None:
    account = User.objects.create(username="account", email=stored)
    verified.userinfo["email"] = asserted

    assert_associated(frontend.log_in(verified), account, expected)


@pytest.mark.parametrize("unique", [False, True])
@pytest.mark.parametrize("other", [EMAIL, "ADA@EXAMPLE.COM"])
def test_two_accounts_with_the_address_are_not_associated(
    other: str,
    unique: bool,
    ada: Any,
    frontend: Frontend,
    verified: OpenIDProvider,
    configure: Configure,
) -> None:
    configure(UNIQUE_EMAIL=unique)
    User.objects.create(username="other", email=other)

    response = frontend.log_in(verified)

    assert User.objects.exclude(social_auth=None).count() == (0 if unique else 1)
    assert User.objects.count() == (2 if unique else 3)
    if unique:
        assert error(response) == (400, "email_in_use")


@pytest.mark.parametrize("active_filter", [{"is_active": True}, {"username": "ada"}])
def test_inactive_account_is_not_associated(
    active_filter: Any, ada: Any, frontend: Frontend, verified: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_ACTIVE_USERS_FILTER = active_filter
    User.objects.update(is_active=False)

    assert_associated(frontend.log_in(verified), ada, expected=False)


def test_email_field_of_the_user_model_is_used(
    ada: Any, frontend: Frontend, verified: OpenIDProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(User, "EMAIL_FIELD", "first_name")
    account = User.objects.create(username="account", first_name=EMAIL, email="x@example.com")

    assert frontend.log_in(verified).status_code == 201
    assert UserSocialAuth.objects.get().user == account


def test_user_model_without_an_email_field_is_not_associated(
    ada: Any, frontend: Frontend, verified: OpenIDProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(User, "EMAIL_FIELD", "mail")

    assert_associated(frontend.log_in(verified), ada, expected=False)


def test_association_only_provider_is_not_associated(ada: Any) -> None:
    backend = MixcloudOAuth2(None)

    assert backend.ASSOCIATION_ONLY
    assert (
        associate_by_verified_email(
            backend=backend, details={"email": EMAIL}, response={"email": EMAIL}
        )
        is None
    )


@pytest.mark.parametrize(
    "email",
    [
        *("a" * size + "@example.com" for size in (300, 5_000)),
        *("@", "ada", "a@b@c", "\ud800@example.com", "a\n@b", 5, ["x"]),
    ],
)
def test_invalid_address_is_not_a_500(
    email: Any, frontend: Frontend, verified: OpenIDProvider
) -> None:
    verified.userinfo["email"] = email

    assert frontend.log_in(verified).status_code in {201, 400}


# --- Collisions, pauses and other views -----------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_simultaneous_first_logins_are_associated(ada: Any, verified: OpenIDProvider) -> None:
    completed = log_in_together(verified)

    assert [response.status_code for response in completed] == [201] * THREADS
    assert_associated(completed[0], ada)


def pause_first(settings: Any, step: str) -> None:
    settings.SOCIAL_AUTH_PIPELINE.insert(AFTER_SOCIAL_USER, step)


@pytest.mark.parametrize("unique", [False, True])
@pytest.mark.parametrize("step", [BY_EMAIL, BY_VERIFIED_EMAIL])
def test_account_created_during_a_pause_is_associated(
    step: str,
    unique: bool,
    frontend: Frontend,
    verified: OpenIDProvider,
    settings: Any,
    configure: Configure,
) -> None:
    configure(UNIQUE_EMAIL=unique)
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with(
        (AFTER_SOCIAL_USER, step),
        (AFTER_GET_USERNAME, ASK_NAME),
        (LAST, f"{HERE}.require_username"),
    )
    paused = frontend.log_in(verified)
    account = User.objects.create(username="faster", email=EMAIL)

    assert_associated(frontend.resume(paused, name="Ada"), account)


def require_username(user: Any, username: str, is_new: bool, **kwargs: Any) -> None:
    """Require that the arguments of the steps are those of the account that was found."""
    assert (username, is_new) == (user.username, False)


def test_account_created_during_a_pause_is_not_associated_if_the_policy_disagrees(
    frontend: Frontend, verified: OpenIDProvider, settings: Any, configure: Configure
) -> None:
    configure(EMAIL_ASSOCIATION_POLICY="tests.support.email_policies.disagree")
    settings.SOCIAL_AUTH_PIPELINE.insert(AFTER_SOCIAL_USER + 1, ASK_NAME)
    paused = frontend.log_in(verified)
    account = User.objects.create(username="faster", email=EMAIL)

    assert_associated(frontend.resume(paused, name="Ada"), account, expected=False)


def test_account_found_before_a_pause_stays_although_another_one_has_the_address(
    ada: Any, frontend: Frontend, verified: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE.insert(AFTER_SOCIAL_USER + 1, ASK_NAME)
    paused = frontend.log_in(verified)
    User.objects.create(username="faster", email=EMAIL)

    assert frontend.resume(paused, name="Ada").status_code == 201
    assert UserSocialAuth.objects.get().user == ada


@pytest.mark.parametrize("in_id_token", [True, False])
def test_paused_login_is_associated(
    in_id_token: bool, ada: Any, frontend: Frontend, verified: OpenIDProvider, settings: Any
) -> None:
    pause_first(settings, ASK_NAME)
    if in_id_token:
        verified.claims.update(email=verified.userinfo.pop("email"), email_verified=True)

    assert_associated(frontend.resume(frontend.log_in(verified), name="Ada"), ada)


@partial
def ask_for_address(strategy: Any, details: dict[str, Any], **kwargs: Any) -> Any:
    """Pause until the request contains an address, and use it without verification."""
    typed = strategy.request_data().get("email")
    return {"details": {**details, "email": typed}} if typed else strategy.redirect("/email")


@pytest.mark.parametrize("asserted", [None, "grace@example.com"])
@pytest.mark.parametrize("in_id_token", [True, False])
def test_address_that_the_user_types_is_not_verified(
    asserted: str | None,
    in_id_token: bool,
    ada: Any,
    frontend: Frontend,
    verified: OpenIDProvider,
    settings: Any,
) -> None:
    pause_first(settings, f"{HERE}.ask_for_address")
    del verified.userinfo["email"]
    claims = verified.claims if in_id_token else verified.userinfo
    claims.update(email=asserted, email_verified=True)
    typed = {"email": EMAIL, "email_verified": True}

    resumed = frontend.resume(frontend.log_in(verified), response=typed, **typed)

    assert_associated(resumed, ada, expected=False)


@pytest.mark.parametrize("is_verified", [True, False])
def test_step_works_in_the_views_of_social_django(
    is_verified: bool, ada: Any, wire: responses.RequestsMock, settings: Any
) -> None:
    settings.ROOT_URLCONF = HERE
    settings.MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ]
    settings.SOCIAL_AUTH_GITHUB_SCOPE = ["user:email"]
    settings.SOCIAL_AUTH_LOGIN_REDIRECT_URL = "/welcome/"
    github = FakeProvider("github", email=EMAIL, email_verified=is_verified)
    connect(github, wire, "https://")  # These views do not use the network code of the package.
    browser = Client()
    begun = browser.post("/social/login/github/")
    params = dict(parse_qsl(urlsplit(begun["Location"]).query))

    completed = browser.get(github.authorize(params).url)

    assert completed["Location"] == "/welcome/"
    assert (UserSocialAuth.objects.get().user == ada) is is_verified
