"""An address, or a name, that another account has: what a login answers, at any moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses
from django.contrib.auth import get_user_model
from django.contrib.auth.models import UserManager
from django.core.checks.registry import registry
from django.db import connection, connections
from rest_framework.authtoken.models import Token
from social_django.models import Nonce, Partial, UserSocialAuth

from social_endpoints.checks.settings import check_unique_email
from tests.support.concurrency import together
from tests.support.configuration import Configure
from tests.support.frontend import Frontend
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import AFTER_SOCIAL_USER, DEFAULT_PIPELINE, pipeline_with

pytestmark = pytest.mark.django_db
User = get_user_model()

EMAIL = "ada@example.com"
ASSOCIATE = "social_endpoints.pipeline.associate_by_verified_email"


def agree(user: Any, **kwargs: Any) -> bool:
    """Allow every association, as a policy."""
    return True


class Meeting:
    """Where all logins wait for each other: at the provider, and in a step, at first."""

    barrier = threading.Barrier(1)
    been = threading.local()

    @classmethod
    def at_the_provider(cls) -> None:
        """Wait with what SQLite lets only one do at a time: all have claimed their flow."""
        cls.barrier.wait(timeout=10)

    @classmethod
    def step(cls, *args: Any, **kwargs: Any) -> None:
        if getattr(cls.been, "at", None) is not cls.barrier:
            cls.been.at = cls.barrier
            cls.barrier.wait(timeout=10)


meet = Meeting.step


def choose_a_name(*args: Any, **kwargs: Any) -> dict[str, Any]:
    """Take the provider's word for a name, as a step of a project's."""
    return {"username": "ada"}


def choose_the_address(*args: Any, **kwargs: Any) -> dict[str, Any]:
    """Take the address for a name, where the model has it so."""
    return {"username": EMAIL}


def forget_what_the_table_needs(details: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """Leave a column without a value that must have one."""
    return {"details": {**details, "is_staff": None}}


@pytest.fixture
def unique(settings: Any, configure: Configure) -> Any:
    """Have a project with one account for each address."""
    configure(UNIQUE_EMAIL=True)
    return settings


@pytest.fixture
def ada() -> Any:
    """Return the account that is there."""
    return User.objects.create(username="ada.l", email=EMAIL)


def assert_in_use(answer: Any, name: str = "email") -> None:
    assert (answer.status_code, answer.data["error_code"]) == (400, f"{name}_in_use")
    assert answer.data["error_recovery"] == "use_existing_account"
    assert (answer.data["error_source"], answer.data["error_stage"]) == ("storage", "pipeline")


def assert_nothing_is_written() -> None:
    assert User.objects.count() == 1
    for model in (UserSocialAuth, Token, Partial):
        assert not model.objects.exists()
    assert_no_lock_is_left()


def assert_no_lock_is_left() -> None:
    assert not Nonce.objects.filter(server_url="social_endpoints.email").exists()


# --- UNIQUE_EMAIL ---------------------------------------------------------------------


def test_without_it_there_may_be_two(ada: Any, frontend: Frontend, openid: OpenIDProvider) -> None:
    assert frontend.log_in(openid).status_code == 201
    assert User.objects.filter(email=EMAIL).count() == 2


@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize(
    ("stored", "said"),
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
def test_an_address_that_is_taken(
    stored: str, said: str, active: bool, unique: Any, frontend: Frontend, openid: OpenIDProvider
) -> None:
    User.objects.create(username="taken", email=stored, is_active=active)
    openid.userinfo["email"] = said

    assert_in_use(frontend.log_in(openid))
    assert_nothing_is_written()


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        ("eve@example.com", EMAIL),
        ("adda@example.com", "a_da@example.com"),
        ("ada@example.com", "%@example.com"),
        ("josé@example.com", "jose@example.com"),
        ("mike@example.com", "m\u0131ke@example.com"),
        ("", ""),
        ("", None),
        ("", " "),
    ],
)
def test_an_address_that_is_free(
    stored: str, said: Any, unique: Any, frontend: Frontend, openid: OpenIDProvider
) -> None:
    User.objects.create(username="other", email=stored)
    openid.userinfo["email"] = said

    assert frontend.log_in(openid).status_code == 201
    assert User.objects.count() == 2
    assert_no_lock_is_left()


def test_the_second_login_is_to_the_account_of_the_first(
    unique: Any, frontend: Frontend, openid: OpenIDProvider
) -> None:
    assert frontend.log_in(openid).data == frontend.log_in(openid).data
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    "email",
    ["a" * 300 + "@example.com", "a" * 5_000, "@", "ada", "\ud800@example.com", 5, [EMAIL], {}],
)
def test_an_address_that_is_none(
    email: Any, unique: Any, frontend: Frontend, openid: OpenIDProvider
) -> None:
    openid.userinfo["email"] = email

    answer = frontend.log_in(openid)

    assert answer.status_code in {201, 400}
    assert User.objects.count() == (answer.status_code == 201)
    assert_no_lock_is_left()


def test_the_name_is_the_address(
    unique: Any, frontend: Frontend, openid: OpenIDProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(User, "USERNAME_FIELD", "email")
    unique.SOCIAL_AUTH_USER_FIELDS = ["username"]
    unique.SOCIAL_AUTH_PIPELINE = list(DEFAULT_PIPELINE)
    unique.SOCIAL_AUTH_PIPELINE.insert(
        AFTER_SOCIAL_USER + 1, "tests.api.accounts.test_unique_email.choose_the_address"
    )
    User.objects.create(username="taken", email="ADA@example.com")

    assert_in_use(frontend.log_in(openid))
    assert_nothing_is_written()


def test_a_user_model_without_addresses(
    ada: Any,
    unique: Any,
    frontend: Frontend,
    openid: OpenIDProvider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(User, "EMAIL_FIELD", "mail")

    assert frontend.log_in(openid).status_code == 201


class ActiveUsers(UserManager[Any]):
    """The manager of a project that shows nobody who has left."""

    def get_queryset(self) -> Any:
        return super().get_queryset().filter(is_active=True)


def test_an_account_that_the_projects_manager_hides(
    unique: Any, frontend: Frontend, openid: OpenIDProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    User.objects.create(username="taken", email=EMAIL, is_active=False)
    manager = ActiveUsers()
    manager.model = User
    monkeypatch.setitem(vars(User._meta), "default_manager", manager)

    assert_in_use(frontend.log_in(openid))


def test_taken_while_the_login_was_paused(
    unique: Any, frontend: Frontend, openid: OpenIDProvider
) -> None:
    unique.SOCIAL_AUTH_PIPELINE = list(DEFAULT_PIPELINE)
    unique.SOCIAL_AUTH_PIPELINE.insert(AFTER_SOCIAL_USER, "tests.support.pipeline.ask_name")
    paused = frontend.log_in(openid)
    User.objects.create(username="faster", email=EMAIL)

    assert_in_use(frontend.resume(paused, name="Ada"))
    assert User.objects.count() == 1
    assert not UserSocialAuth.objects.exists()


# --- At the same moment ---------------------------------------------------------------


class Newcomers:
    """Several identities at GitHub with one address, and one at the OpenID provider."""

    def __init__(self, wire: responses.RequestsMock, openid: OpenIDProvider, count: int) -> None:
        token = "https://github.com/login/oauth/access_token"
        wire.add_callback("POST", token, callback=self._token)
        wire.add_callback("GET", "https://api.github.com/user", callback=self._user)
        wire.add_callback("GET", "https://api.github.com/user/emails", callback=self._emails)
        self.openid = openid
        self.count = count

    def log_in(self) -> list[Any]:
        """Log all in at the same moment; return the answers."""
        calls = [self._call("github", n) for n in range(1, self.count)]
        calls.append(self._call("oidc", self.count))
        Meeting.barrier = threading.Barrier(self.count)
        return together(calls)

    def _call(self, provider: str, number: int) -> Callable[[], Any]:
        frontend = Frontend("cookie")
        begun = frontend.begin(provider)
        url = begun.data["authorization_url"]
        state = parse_qs(urlsplit(url).query)["state"][0]
        callback = {"code": str(number), "state": state}
        if provider == "oidc":
            callback = self.openid.authorize(url)
        return lambda: frontend.complete(begun, callback, provider)

    def _token(self, request: Any) -> tuple[int, dict[str, str], str]:
        code = parse_qs(request.body)["code"][0]
        return 200, {}, f'{{"access_token": "{code}"}}'

    def _user(self, request: Any) -> tuple[int, dict[str, str], str]:
        Meeting.at_the_provider()
        number = request.headers["Authorization"].split()[1]
        return 200, {}, f'{{"id": {number}, "login": "ada{number}"}}'

    def _emails(self, request: Any) -> tuple[int, dict[str, str], str]:
        return 200, {}, f'[{{"email": "{EMAIL}", "primary": true, "verified": true}}]'


@pytest.fixture
def newcomers(wire: responses.RequestsMock, openid: OpenIDProvider, settings: Any) -> Newcomers:
    """Return identities whose logins meet where none of them has an account yet."""
    settings.SOCIAL_AUTH_PIPELINE = list(DEFAULT_PIPELINE)
    settings.SOCIAL_AUTH_PIPELINE.insert(
        AFTER_SOCIAL_USER, "tests.api.accounts.test_unique_email.meet"
    )
    openid.userinfo["email_verified"] = True
    openid.before_userinfo = Meeting.at_the_provider
    return Newcomers(wire, openid, 4)


@pytest.fixture(params=["read committed", "repeatable read"])
def isolation(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the threads of a test connect at a level of isolation, where that is a choice."""
    if connection.vendor == "mysql":
        monkeypatch.setitem(connection.settings_dict["OPTIONS"], "isolation_level", request.param)


@pytest.mark.django_db(transaction=True)
def test_first_logins_of_several_identities(
    isolation: None, unique: Any, newcomers: Newcomers
) -> None:
    answers = newcomers.log_in()

    assert sorted(answer.status_code for answer in answers) == [201, 400, 400, 400]
    for answer in answers:
        if answer.status_code == 400:
            assert_in_use(answer)
    assert User.objects.count() == UserSocialAuth.objects.count() == 1
    assert_no_lock_is_left()


@pytest.mark.django_db(transaction=True)
def test_first_logins_of_one_identity(isolation: None, unique: Any, openid: OpenIDProvider) -> None:
    unique.SOCIAL_AUTH_PIPELINE = list(DEFAULT_PIPELINE)
    unique.SOCIAL_AUTH_PIPELINE.insert(
        AFTER_SOCIAL_USER, "tests.api.accounts.test_unique_email.meet"
    )
    frontends = [Frontend("cookie") for _ in range(4)]
    begun = [each.begin() for each in frontends]
    callbacks = [openid.authorize(answer.data["authorization_url"]) for answer in begun]
    Meeting.barrier = threading.Barrier(4)
    openid.before_userinfo = Meeting.at_the_provider

    answers = together(
        [
            lambda n=n: frontends[n].complete(begun[n], callbacks[n])  # type: ignore[misc]
            for n in range(4)
        ]
    )

    assert [answer.status_code for answer in answers] == [201] * 4
    assert User.objects.count() == UserSocialAuth.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_first_logins_that_are_linked(
    isolation: None, unique: Any, newcomers: Newcomers, configure: Configure
) -> None:
    """Who comes later finds the account of who was first, and is linked to that."""
    agree = {"EMAIL_ASSOCIATION_POLICY": "tests.api.accounts.test_unique_email.agree"}
    configure(**agree)
    unique.SOCIAL_AUTH_GITHUB_SCOPE = ["user:email"]
    unique.SOCIAL_AUTH_PIPELINE = pipeline_with((AFTER_SOCIAL_USER, ASSOCIATE))
    place = unique.SOCIAL_AUTH_PIPELINE.index("social_core.pipeline.user.get_username")
    unique.SOCIAL_AUTH_PIPELINE.insert(place, "tests.api.accounts.test_unique_email.meet")

    answers = newcomers.log_in()

    assert [answer.status_code for answer in answers] == [201] * 4
    assert (User.objects.count(), UserSocialAuth.objects.count()) == (1, 4)


# --- What the table makes unique ------------------------------------------------------


@pytest.fixture
def index(request: pytest.FixtureRequest, transactional_db: None) -> Iterator[None]:
    """Add a unique index to the table of the users."""
    what = request.param
    if connection.vendor == "mysql":  # Its collation ignores case.
        what = what.removeprefix("lower(").removesuffix(")")
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE UNIQUE INDEX of_the_tests ON auth_user ({what})")
    yield
    on = " ON auth_user" if connection.vendor == "mysql" else ""
    with connection.cursor() as cursor:
        User.objects.all().delete()
        cursor.execute(f"DROP INDEX of_the_tests{on}")


@pytest.mark.parametrize("index", ["email", "lower(email)"], indirect=True)
def test_a_model_whose_address_is_unique(
    index: None, ada: Any, frontend: Frontend, openid: OpenIDProvider
) -> None:
    assert_in_use(frontend.log_in(openid))
    assert_nothing_is_written()


@pytest.mark.parametrize("index", ["lower(email)"], indirect=True)
def test_a_model_whose_address_is_unique_in_any_case(
    index: None, frontend: Frontend, openid: OpenIDProvider
) -> None:
    User.objects.create(username="taken", email="ADA@EXAMPLE.COM", is_active=False)

    assert_in_use(frontend.log_in(openid))
    assert_nothing_is_written()


@pytest.mark.parametrize("index", ["email", "lower(email)"], indirect=True)
def test_a_paused_login_and_a_unique_address(
    index: None, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = list(DEFAULT_PIPELINE)
    settings.SOCIAL_AUTH_PIPELINE.insert(AFTER_SOCIAL_USER, "tests.support.pipeline.ask_name")
    paused = frontend.log_in(openid)
    User.objects.create(username="faster", email=EMAIL)

    assert_in_use(frontend.resume(paused, name="Ada"))
    assert User.objects.count() == 1


@pytest.mark.parametrize("index", ["lower(email)"], indirect=True)
def test_several_identities_and_a_unique_address(index: None, newcomers: Newcomers) -> None:
    answers = newcomers.log_in()

    assert sorted(answer.status_code for answer in answers) == [201, 400, 400, 400]
    assert {answer.data.get("error_code", "email_in_use") for answer in answers} == {"email_in_use"}
    assert User.objects.count() == UserSocialAuth.objects.count() == 1


@pytest.mark.parametrize("index", ["lower(username)"], indirect=True)
@pytest.mark.parametrize("taken", ["ada", "ADA"])
def test_a_model_whose_name_is_unique_in_any_case(
    taken: str, index: None, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = list(DEFAULT_PIPELINE)
    settings.SOCIAL_AUTH_PIPELINE.insert(
        AFTER_SOCIAL_USER + 1, "tests.api.accounts.test_unique_email.choose_a_name"
    )
    User.objects.create(username=taken)

    assert_in_use(frontend.log_in(openid), "username")
    assert_nothing_is_written()


@pytest.mark.django_db(transaction=True)
def test_a_name_that_a_step_has_chosen(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = list(DEFAULT_PIPELINE)
    settings.SOCIAL_AUTH_PIPELINE.insert(
        AFTER_SOCIAL_USER + 1, "tests.api.accounts.test_unique_email.choose_a_name"
    )
    User.objects.create(username="ada")

    assert_in_use(frontend.log_in(openid), "username")
    assert_nothing_is_written()


@pytest.mark.parametrize("index", ["last_name"], indirect=True)
def test_anything_else_that_is_unique(
    index: None, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_USER_FIELDS = ["username", "email", "last_name"]
    User.objects.create(username="other", last_name="Lovelace")

    answer = frontend.log_in(openid)

    assert (answer.status_code, answer.data["error_code"]) == (400, "unknown_error")
    assert_nothing_is_written()


@pytest.mark.django_db(transaction=True)
def test_what_breaks_is_not_that_something_is_unique(
    ada: Any, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_USER_FIELDS = ["username", "email", "is_staff"]
    settings.SOCIAL_AUTH_PIPELINE = list(DEFAULT_PIPELINE)
    settings.SOCIAL_AUTH_PIPELINE.insert(
        1, "tests.api.accounts.test_unique_email.forget_what_the_table_needs"
    )

    answer = frontend.log_in(openid)

    assert (answer.status_code, answer.data["error_code"]) == (400, "unknown_error")
    assert_nothing_is_written()


def test_several_accounts_with_the_address_for_cores_step(
    ada: Any, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = list(DEFAULT_PIPELINE)
    settings.SOCIAL_AUTH_PIPELINE.insert(
        AFTER_SOCIAL_USER, "social_core.pipeline.social_auth.associate_by_email"
    )
    User.objects.create(username="other", email=EMAIL)

    assert_in_use(frontend.log_in(openid))
    assert not UserSocialAuth.objects.exists()


# --- The check ------------------------------------------------------------------------


class Level(Enum):
    """As psycopg names the levels of isolation."""

    READ_COMMITTED = 2
    REPEATABLE_READ = 3


@pytest.mark.parametrize(
    ("vendor", "level", "found"),
    [
        ("postgresql", Level.REPEATABLE_READ, True),
        ("postgresql", Level.READ_COMMITTED, False),
        ("postgresql", None, False),
        ("mysql", "repeatable read", False),
    ],
)
def test_a_level_of_isolation_at_which_logins_do_not_see_each_other(
    vendor: str,
    level: Any,
    found: bool,
    unique: Any,
    monkeypatch: pytest.MonkeyPatch,
    configure: Configure,
) -> None:
    options = {**connection.settings_dict["OPTIONS"], "isolation_level": level}
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)
    monkeypatch.setattr(type(connections["default"]), "vendor", vendor)

    assert check_unique_email in registry.registered_checks
    assert [message.id for message in check_unique_email()] == ["social_endpoints.W012"] * found
    configure(UNIQUE_EMAIL=False)
    assert list(check_unique_email()) == []
