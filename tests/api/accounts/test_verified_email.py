"""A new identity is linked to an account only if provider and project both say so."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses
from django.contrib.auth import get_user_model
from django.core.checks import run_checks
from django.test import Client
from django.urls import include, path
from rest_framework.exceptions import ValidationError
from social_core.backends.mixcloud import MixcloudOAuth2
from social_core.pipeline import DEFAULT_AUTH_PIPELINE
from social_core.pipeline.partial import partial
from social_django.models import UserSocialAuth

from social_endpoints import pipeline
from tests.support.concurrency import THREADS, together
from tests.support.configuration import Configure
from tests.support.email_providers import CONSUMERS, Providers
from tests.support.frontend import Frontend
from tests.support.openid_provider import OpenIDProvider

pytestmark = pytest.mark.django_db
User = get_user_model()

STEP = "social_endpoints.pipeline.associate_by_verified_email"
EMAIL = "ada@example.com"
ODD = ["true", "false", "True", 1, 0, None, False, [True], {"verified": True}]
ODDER = ODD[1:]  # where "true" is as good as a boolean

urlpatterns = [path("social/", include("social_django.urls", namespace="social"))]


def agree(user: Any, *, email: str, backend: Any, details: Any, response: Any) -> bool:
    """Agree, as the policy of a project that verifies every address."""
    return bool(user.email and email == details["email"] and response and backend.name)


def disagree(user: Any, **known: Any) -> None:
    """Refuse, as a policy."""


def complain(user: Any, **known: Any) -> None:
    """Refuse in words of the project's own."""
    raise ValidationError({"email": ["Sign in with your password."]})


def steps(*more: str) -> list[str]:
    """Return the pipeline with the step in its place, and some before that."""
    default = list(DEFAULT_AUTH_PIPELINE)
    place = default.index("social_core.pipeline.social_auth.social_user") + 1
    return [*default[:place], *more, STEP, *default[place:]]


@pytest.fixture(autouse=True)
def project(settings: Any) -> Any:
    """Have a project that takes the step, and agrees."""
    settings.SOCIAL_AUTH_PIPELINE = steps()
    use_policy(settings, "tests.api.accounts.test_verified_email.agree")
    return settings


def use_policy(settings: Any, policy: str) -> None:
    ours = {**settings.SOCIAL_ENDPOINTS, "EMAIL_ASSOCIATION_POLICY": policy}
    settings.SOCIAL_ENDPOINTS = ours


@pytest.fixture
def ada() -> Any:
    """Return the account that is there."""
    return User.objects.create(username="ada.l", email=EMAIL)


@pytest.fixture
def providers(wire: responses.RequestsMock, settings: Any, frontend: Frontend) -> Providers:
    """Return all the other providers."""
    return Providers(wire, settings, frontend)


def assert_linked(answer: Any, account: Any, linked: bool = True) -> None:
    """Expect that the login has reached this account, or a new one of its own."""
    assert answer.status_code == 201, answer.data
    social = UserSocialAuth.objects.get()
    assert (social.user == account) is linked
    assert User.objects.count() == (1 if linked else 2)


# --- What providers assert ------------------------------------------------------------


@pytest.mark.parametrize(
    ("userinfo", "claims", "linked"),
    [
        ({"email": EMAIL, "email_verified": True}, {}, True),
        ({"email": "ADA@Example.com", "email_verified": True}, {}, True),
        ({"email": EMAIL}, {}, False),
        *(({"email": EMAIL, "email_verified": value}, {}, False) for value in ODD),
        ({}, {"email": EMAIL, "email_verified": True}, True),
        *(({}, {"email": EMAIL, "email_verified": value}, False) for value in ODD),
        # The address is of one place, and the word for it of the other.
        ({"email": EMAIL}, {"email_verified": True}, False),
        ({"email": EMAIL}, {"email": EMAIL, "email_verified": True}, False),
        ({"email_verified": True}, {"email": EMAIL}, False),
        ({"email": EMAIL, "email_verified": True}, {"email_verified": False}, True),
    ],
)
def test_openid_connect(
    userinfo: dict[str, Any],
    claims: dict[str, Any],
    linked: bool,
    ada: Any,
    frontend: Frontend,
    openid: OpenIDProvider,
) -> None:
    del openid.userinfo["email"]
    openid.userinfo.update(userinfo)
    openid.claims.update(claims)

    assert_linked(frontend.log_in(openid), ada, linked)


def test_the_address_of_another_claim_is_not_the_verified_one(
    ada: Any, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_EMAIL_KEY = "contact"
    openid.userinfo.update(
        {"email": "mallory@example.com", "email_verified": True, "contact": EMAIL}
    )

    assert_linked(frontend.log_in(openid), ada, linked=False)


def test_google(ada: Any, providers: Providers) -> None:
    assert_linked(providers.google({"email": EMAIL, "email_verified": True}), ada)


@pytest.mark.parametrize("verified", ODD)
def test_google_does_not_say_so(verified: Any, ada: Any) -> None:
    """Core refuses such a login itself; a response may come another way."""
    backend = _loaded("social_core.backends.google.GoogleOAuth2")
    said = {"email": EMAIL, "email_verified": verified}

    assert not pipeline.is_email_verified(backend, {"email": EMAIL}, said)
    assert not pipeline.is_email_verified(backend, {"email": EMAIL}, {"email": EMAIL})
    assert not pipeline.is_email_verified(backend, {"email": EMAIL}, [said])


@pytest.mark.parametrize(
    ("claims", "linked"),
    [
        ({"email": EMAIL, "email_verified": True}, True),
        ({"email": EMAIL, "email_verified": "true"}, True),
        ({"email": EMAIL}, False),
        *(({"email": EMAIL, "email_verified": value}, False) for value in ODDER),
        ({"email_verified": True}, False),
    ],
)
def test_apple(claims: dict[str, Any], linked: bool, ada: Any, providers: Providers) -> None:
    assert_linked(providers.apple(claims), ada, linked)


@pytest.mark.parametrize("name", ["azuread-oauth2", "azuread-oauth2-v2"])
@pytest.mark.parametrize(
    ("claims", "linked"),
    [
        *(({"email": EMAIL, "xms_edov": value}, True) for value in (True, 1, "1", "true")),
        *(({"email": EMAIL, "xms_edov": value}, False) for value in ("false", 0, None, [1], "2")),
        ({"email": EMAIL, "tid": CONSUMERS}, True),
        ({"email": EMAIL}, False),
        ({"email": EMAIL, "email_verified": True}, False),
        ({"upn": EMAIL, "xms_edov": True}, False),
        ({"preferred_username": EMAIL, "tid": CONSUMERS}, False),
    ],
)
def test_microsoft(
    name: str, claims: dict[str, Any], linked: bool, ada: Any, providers: Providers
) -> None:
    assert_linked(providers.microsoft(claims, name), ada, linked)


@pytest.mark.parametrize(
    ("name", "claims", "linked"),
    [
        ("azuread-v2-tenant-oauth2", {"preferred_username": EMAIL, "xms_edov": True}, False),
        (
            "azuread-v2-tenant-oauth2",
            {"preferred_username": EMAIL, "email": "eve@example.com", "xms_edov": True},
            False,
        ),
        (
            "azuread-v2-tenant-oauth2",
            {"preferred_username": EMAIL, "email": EMAIL, "xms_edov": True},
            True,
        ),
        ("azuread-b2c-oauth2", {"email": EMAIL, "xms_edov": True}, False),
        ("azuread-b2c-oauth2", {"emails": [EMAIL], "email_verified": True}, False),
    ],
)
def test_other_backends_of_microsoft(
    name: str, claims: dict[str, Any], linked: bool, ada: Any, providers: Providers
) -> None:
    assert_linked(providers.microsoft(claims, name), ada, linked)


def test_what_an_administrator_can_enter_is_not_verified(ada: Any, providers: Providers) -> None:
    said = {"mail": EMAIL, "email": EMAIL, "email_verified": True, "xms_edov": True}

    assert_linked(providers.graph(said), ada, linked=False)


@pytest.mark.parametrize(
    ("emails", "linked"),
    [
        ([{"email": EMAIL, "primary": True, "verified": True}], True),
        (
            [
                {"email": "old@example.com", "primary": False, "verified": True},
                {"email": EMAIL, "primary": True, "verified": True},
            ],
            True,
        ),
        ([{"email": EMAIL, "primary": True, "verified": False}], False),
        # Core takes the first where none is primary.
        ([{"email": EMAIL, "primary": False, "verified": True}], False),
        ([{"email": EMAIL, "primary": True}], False),
        *(([{"email": EMAIL, "primary": True, "verified": value}], False) for value in ODD),
        (
            [
                {"email": EMAIL, "primary": True, "verified": False},
                {"email": "new@example.com", "primary": True, "verified": True},
            ],
            False,
        ),
        ([], False),
        # The profile's, which the user chooses to show.
        (None, False),
    ],
)
def test_github(emails: Any, linked: bool, ada: Any, providers: Providers) -> None:
    assert_linked(providers.github(emails, EMAIL), ada, linked)


@pytest.mark.parametrize("emails", [{"email": EMAIL}, [EMAIL], [[]], "text", [None, 5]])
def test_what_github_never_sends(emails: Any) -> None:
    backend = _loaded("social_core.backends.github.GithubOAuth2")

    assert not pipeline.is_email_verified(backend, {"email": EMAIL}, {"emails": emails})


@pytest.mark.parametrize(
    ("said", "linked"),
    [
        ({"confirmed_at": "2026-01-02T03:04:05.678Z"}, True),
        ({}, False),
        *(({"confirmed_at": value}, False) for value in (None, True, 1, "", ["2026"])),
    ],
)
def test_gitlab_and_a_subclass_of_a_projects(
    said: dict[str, Any], linked: bool, ada: Any, providers: Providers
) -> None:
    assert_linked(providers.gitlab({"email": EMAIL, **said}), ada, linked)


def test_any_other_provider_verifies_nothing(ada: Any, providers: Providers) -> None:
    said = {"email": EMAIL, "email_verified": True, "verified": True, "confirmed_at": "2026"}

    assert_linked(providers.facebook(said), ada, linked=False)


def test_facebooks_limited_login_says_nothing_of_it() -> None:
    backend = _loaded("social_core.backends.facebook_limited.FacebookLimitedLogin")
    said = {"sub": "7", "name": "Ada", "picture": "https://example.com/ada"}

    assert not pipeline.is_email_verified(backend, {"email": EMAIL}, said)
    said["email"] = EMAIL
    assert not pipeline.is_email_verified(backend, {"email": EMAIL}, said)


@pytest.mark.parametrize("email", ["", None, 5, [EMAIL]])
def test_no_address(email: Any) -> None:
    backend = _loaded("social_core.backends.open_id_connect.OpenIdConnectAuth")
    said = {"email": email, "email_verified": True}

    assert not pipeline.is_email_verified(backend, {"email": email}, said)
    assert not pipeline.is_email_verified(backend, {}, said)


def _loaded(path: str) -> Any:
    from django.utils.module_loading import import_string

    return import_string(path)(None)


# --- What the project says ------------------------------------------------------------


@pytest.fixture
def verified(openid: OpenIDProvider) -> OpenIDProvider:
    """Return a provider that has verified its user's address."""
    openid.userinfo["email_verified"] = True
    return openid


@pytest.mark.parametrize(
    ("local", "linked"),
    [(True, True), (False, False), (None, False), ("yes", False), (1, False)],
)
def test_by_default_the_account_must_have_verified_its_address(
    local: Any,
    linked: bool,
    ada: Any,
    frontend: Frontend,
    verified: OpenIDProvider,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else whoever registers with the address of another would have the other's logins."""
    monkeypatch.setattr(User, "email_verified", property(lambda user: local), raising=False)
    settings.SOCIAL_ENDPOINTS = {
        name: value
        for name, value in settings.SOCIAL_ENDPOINTS.items()
        if name != "EMAIL_ASSOCIATION_POLICY"
    }

    assert_linked(frontend.log_in(verified), ada, linked)


def test_an_account_that_says_nothing_of_its_address(
    ada: Any, frontend: Frontend, verified: OpenIDProvider, settings: Any
) -> None:
    use_policy(settings, "social_endpoints.pipeline.local_email_is_verified")

    assert_linked(frontend.log_in(verified), ada, linked=False)


def test_a_policy_that_disagrees(
    ada: Any, frontend: Frontend, verified: OpenIDProvider, settings: Any
) -> None:
    use_policy(settings, "tests.api.accounts.test_verified_email.disagree")

    assert_linked(frontend.log_in(verified), ada, linked=False)


def test_a_policy_in_words_of_its_own(
    ada: Any, frontend: Frontend, verified: OpenIDProvider, settings: Any
) -> None:
    use_policy(settings, "tests.api.accounts.test_verified_email.complain")

    answer = frontend.log_in(verified)

    assert (answer.status_code, answer.data) == (400, {"email": ["Sign in with your password."]})
    assert not UserSocialAuth.objects.exists()
    assert User.objects.get() == ada


@pytest.mark.parametrize(
    ("policy", "check"),
    [("tests.nowhere.policy", "E005"), ("tests.api.accounts.test_verified_email.EMAIL", "E006")],
)
def test_a_policy_that_is_none(
    policy: str,
    check: str,
    ada: Any,
    frontend: Frontend,
    verified: OpenIDProvider,
    settings: Any,
) -> None:
    use_policy(settings, policy)

    answer = frontend.log_in(verified)

    assert (answer.status_code, answer.data["error_code"]) == (500, "invalid_setting")
    assert User.objects.get() == ada
    (message,) = run_checks()
    assert message.id == f"social_endpoints.{check}"
    assert "EMAIL_ASSOCIATION_POLICY" in message.msg


# --- Which account --------------------------------------------------------------------


def test_a_linked_identity_is_linked_once(
    ada: Any, frontend: Frontend, verified: OpenIDProvider
) -> None:
    first, second = frontend.log_in(verified), frontend.log_in(verified)

    assert first.data == second.data
    assert_linked(second, ada)


def test_nobody_has_the_address(frontend: Frontend, verified: OpenIDProvider) -> None:
    assert frontend.log_in(verified).status_code == 201
    assert User.objects.get().username == "ada"


def test_an_identity_that_has_an_account_stays_there(
    frontend: Frontend, verified: OpenIDProvider, settings: Any
) -> None:
    frontend.log_in(verified)
    other = User.objects.create(username="other", email="other@example.com")
    verified.userinfo["email"] = "other@example.com"

    assert_linked(frontend.log_in(verified), other, linked=False)


@pytest.mark.parametrize(
    ("said", "stored", "linked"),
    [
        ("Ada@EXAMPLE.com", "aDa@example.com", True),
        ("ÄDA@example.com", "ÄDA@example.com", True),
        ("äda@example.com", "Äda@example.com", False),
        # The dotless i and the long s are I and S in capitals, the Kelvin sign is a k.
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
def test_addresses_that_look_alike(
    said: str, stored: str, linked: bool, frontend: Frontend, verified: OpenIDProvider
) -> None:
    account = User.objects.create(username="account", email=stored)
    verified.userinfo["email"] = said

    assert_linked(frontend.log_in(verified), account, linked)


def test_another_account_whose_address_only_looks_alike(
    frontend: Frontend, verified: OpenIDProvider
) -> None:
    """Some databases take the two for one."""
    User.objects.create(username="other", email="adà@example.com")
    account = User.objects.create(username="account", email=EMAIL)

    assert frontend.log_in(verified).status_code == 201
    assert UserSocialAuth.objects.get().user == account


@pytest.mark.parametrize("unique", [False, True])
@pytest.mark.parametrize("other", [EMAIL, "ADA@EXAMPLE.COM"])
def test_two_accounts_with_the_address(
    other: str,
    unique: bool,
    ada: Any,
    frontend: Frontend,
    verified: OpenIDProvider,
    configure: Configure,
) -> None:
    configure(UNIQUE_EMAIL=unique)
    User.objects.create(username="other", email=other)

    answer = frontend.log_in(verified)

    assert User.objects.exclude(social_auth=None).count() == (0 if unique else 1)
    assert User.objects.count() == (2 if unique else 3)
    if unique:
        assert (answer.status_code, answer.data["error_code"]) == (400, "email_in_use")


def test_an_inactive_account(ada: Any, frontend: Frontend, verified: OpenIDProvider) -> None:
    User.objects.update(is_active=False)

    assert_linked(frontend.log_in(verified), ada, linked=False)


def test_which_accounts_are_active_is_a_setting_of_cores(
    ada: Any, frontend: Frontend, verified: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_ACTIVE_USERS_FILTER = {"is_staff": True}

    assert_linked(frontend.log_in(verified), ada, linked=False)


def test_the_field_of_the_address_may_have_another_name(
    frontend: Frontend, verified: OpenIDProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(User, "EMAIL_FIELD", "first_name")
    User.objects.create(username="other", email=EMAIL)
    account = User.objects.create(username="account", first_name=EMAIL, email="x@example.com")

    assert frontend.log_in(verified).status_code == 201
    assert UserSocialAuth.objects.get().user == account


def test_a_user_model_without_addresses(
    ada: Any, frontend: Frontend, verified: OpenIDProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(User, "EMAIL_FIELD", "mail")

    assert_linked(frontend.log_in(verified), ada, linked=False)


def test_a_provider_that_signs_nobody_in(ada: Any, settings: Any) -> None:
    backend = MixcloudOAuth2(None)
    known = {"backend": backend, "details": {"email": EMAIL}, "response": {"email": EMAIL}}

    assert backend.ASSOCIATION_ONLY
    assert pipeline.associate_by_verified_email(**known) is None


@pytest.mark.parametrize("size", [300, 5_000])
def test_an_address_that_is_too_long(
    size: int, frontend: Frontend, verified: OpenIDProvider
) -> None:
    verified.userinfo["email"] = "a" * size + "@example.com"

    assert frontend.log_in(verified).status_code in {201, 400}


@pytest.mark.parametrize("email", ["@", "ada", "a@b@c", "\ud800@example.com", "a\n@b", 5, ["x"]])
def test_an_address_that_is_none(email: Any, frontend: Frontend, verified: OpenIDProvider) -> None:
    verified.userinfo["email"] = email

    assert frontend.log_in(verified).status_code in {201, 400}


# --- When and where -------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_first_logins_at_the_same_moment(ada: Any, verified: OpenIDProvider) -> None:
    frontends = [Frontend("cookie") for _ in range(THREADS)]
    begun = [each.begin() for each in frontends]
    callbacks = [verified.authorize(answer.data["authorization_url"]) for answer in begun]
    barrier = threading.Barrier(THREADS)
    verified.before_userinfo = lambda: barrier.wait(timeout=10)
    calls: list[Callable[[], Any]] = [
        lambda n=n: frontends[n].complete(begun[n], callbacks[n])  # type: ignore[misc]
        for n in range(THREADS)
    ]

    answers = together(calls)

    assert [answer.status_code for answer in answers] == [201] * THREADS
    assert_linked(answers[0], ada)


@pytest.mark.parametrize("in_id_token", [True, False])
def test_after_a_pause(
    in_id_token: bool, ada: Any, frontend: Frontend, verified: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = steps("tests.support.pipeline.ask_name")
    if in_id_token:
        verified.claims.update({"email": verified.userinfo.pop("email"), "email_verified": True})

    answer = frontend.resume(frontend.log_in(verified), name="Ada")

    assert_linked(answer, ada)


@partial
def ask_for_address(strategy: Any, details: dict[str, Any], **known: Any) -> Any:
    """Pause until there is an address, and take it as a project may."""
    typed = strategy.request_data().get("email")
    return {"details": {**details, "email": typed}} if typed else strategy.redirect("/email")


@pytest.mark.parametrize("said", [None, "grace@example.com"])
@pytest.mark.parametrize("in_id_token", [True, False])
def test_what_the_user_types_is_not_what_the_provider_asserts(
    said: str | None,
    in_id_token: bool,
    ada: Any,
    frontend: Frontend,
    verified: OpenIDProvider,
    settings: Any,
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = steps("tests.api.accounts.test_verified_email.ask_for_address")
    del verified.userinfo["email"]
    source = verified.claims if in_id_token else verified.userinfo
    source.update({"email": said, "email_verified": True})
    claims = {"email": EMAIL, "email_verified": True}

    answer = frontend.resume(frontend.log_in(verified), response=claims, **claims)

    assert_linked(answer, ada, linked=False)


@pytest.mark.parametrize("is_verified", [True, False])
def test_in_the_views_of_social_django(
    is_verified: bool, ada: Any, wire: responses.RequestsMock, settings: Any
) -> None:
    settings.ROOT_URLCONF = "tests.api.accounts.test_verified_email"
    settings.MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ]
    settings.SOCIAL_AUTH_GITHUB_SCOPE = ["user:email"]
    settings.SOCIAL_AUTH_LOGIN_REDIRECT_URL = "/welcome/"
    emails = [{"email": EMAIL, "primary": True, "verified": is_verified}]
    wire.post("https://github.com/login/oauth/access_token", json={"access_token": "t"})
    wire.get("https://api.github.com/user", json={"id": 7, "login": "ada"})
    wire.get("https://api.github.com/user/emails", json=emails)
    browser = Client()
    begun = browser.post("/social/login/github/")
    state = parse_qs(urlsplit(begun["Location"]).query)["state"][0]

    answer = browser.get("/social/complete/github/", {"code": "code", "state": state})

    assert answer["Location"] == "/welcome/"
    assert (UserSocialAuth.objects.get().user == ada) is is_verified
