"""A login is there as a whole or not at all, on every database and at any moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import responses
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models.signals import post_save
from rest_framework.authtoken.models import Token
from social_core.backends.github import GithubOAuth2
from social_django.models import Nonce, UserSocialAuth

from social_endpoints.tokens.drf import TokenSerializer
from tests.support.concurrency import (
    THREADS,
    CollidingSerializer,
    CollidingStep,
    log_in_together,
    together,
)
from tests.support.configuration import Configure
from tests.support.frontend import Frontend
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import DEFAULT_PIPELINE

User = get_user_model()


class Broken(TokenSerializer):
    """A token serializer that fails once its token is written."""

    def issue(self, login: Any) -> Any:
        super().issue(login)
        raise ZeroDivisionError


class BrokenBody(TokenSerializer):
    """A token serializer with a body that JSON cannot carry."""

    def to_representation(self, instance: Any) -> Any:
        return {**super().to_representation(instance), "user": instance.user}


def fail(*args: Any, **kwargs: Any) -> None:
    """Fail, as a pipeline step or a receiver."""
    raise LookupError


def fail_afterwards(*args: Any, **kwargs: Any) -> None:
    """Have something fail once the login is committed."""
    transaction.on_commit(fail)


def dangle(*args: Any, **kwargs: Any) -> None:
    """Write what the database refuses, on most of them when the login is committed."""
    Token.objects.create(user_id=4_711)


def nobody(*args: Any, **kwargs: Any) -> dict[str, Any]:
    """Take the user out of the pipeline."""
    return {"user": None}


def somebody_else(*args: Any, **kwargs: Any) -> dict[str, Any]:
    """Put another user into the pipeline than the identity belongs to."""
    return {"user": User.objects.create(username="mallory")}


def no_user_at_all(*args: Any, **kwargs: Any) -> dict[str, Any]:
    """Put something into the pipeline that is no user."""
    return {"user": Nonce(), "social": None}


def assert_nothing_is_left() -> None:
    assert not User.objects.exists()
    assert not UserSocialAuth.objects.exists()
    assert not Token.objects.exists()


@pytest.fixture
def broken(request: pytest.FixtureRequest, settings: Any, configure: Configure) -> Any:
    """Break one part of a login, by its name."""
    signals = {"user_logged_in": user_logged_in, "post_save": post_save}
    part = request.param
    senders = {"post_save": Token}
    if part in signals:
        signals[part].connect(fail, sender=senders.get(part))
    elif part in {"Broken", "BrokenBody"}:
        serializer = {"TOKEN_SERIALIZER": f"tests.api.login.test_transaction.{part}"}
        configure(**serializer)
    else:
        steps = [*DEFAULT_PIPELINE, f"tests.api.login.test_transaction.{part}"]
        settings.SOCIAL_AUTH_PIPELINE = steps

    def mend() -> None:
        for name, signal in signals.items():
            signal.disconnect(fail, sender=senders.get(name))
        settings.SOCIAL_AUTH_PIPELINE = DEFAULT_PIPELINE
        configure(TOKEN_SERIALIZER="social_endpoints.tokens.TokenSerializer")

    yield mend
    mend()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "broken",
    [
        "user_logged_in",
        "post_save",
        "Broken",
        "BrokenBody",
        "fail",
        "dangle",
        "nobody",
        "somebody_else",
        "no_user_at_all",
    ],
    indirect=True,
)
def test_what_fails_leaves_nothing(
    broken: Callable[[], None], frontend: Frontend, openid: OpenIDProvider
) -> None:
    answer = frontend.log_in(openid)

    assert answer.status_code == 400
    assert answer.data["error_code"] in {"unknown_error", "authentication_disallowed"}
    assert_nothing_is_left()

    broken()
    assert frontend.log_in(openid).status_code == 201


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("atomic_requests", [True, False])
def test_no_transaction_is_open_while_the_provider_is_asked(
    atomic_requests: bool, frontend: Frontend, openid: OpenIDProvider
) -> None:
    seen = []
    openid.before_userinfo = lambda: seen.append(
        (connection.in_atomic_block, Nonce.objects.count())
    )
    before = connection.settings_dict["ATOMIC_REQUESTS"]
    connection.settings_dict["ATOMIC_REQUESTS"] = atomic_requests
    try:
        assert frontend.log_in(openid).status_code == 201
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = before

    assert seen == [(False, 1)]


@pytest.mark.django_db(transaction=True)
def test_the_claim_stays_when_the_login_fails(frontend: Frontend, openid: OpenIDProvider) -> None:
    begun = frontend.begin()
    callback = openid.authorize(begun.data["authorization_url"])
    openid.userinfo["sub"] = "somebody else"

    first = frontend.complete(begun, callback)

    assert first.data["error_code"] == "invalid_claim"
    assert Nonce.objects.count() == 1
    assert_nothing_is_left()
    if frontend.transport == "body":
        assert frontend.complete(begun, callback).data["error_code"] == "state_mismatch"
    else:
        assert not [cookie for cookie in frontend.client.cookies.values() if cookie.value]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("username_taken", [False, True])
def test_first_logins_of_one_identity_at_the_same_moment(
    username_taken: bool, frontend: Frontend, openid: OpenIDProvider
) -> None:
    if username_taken:  # Then the two find different names, and meet at the association.
        User.objects.create(username="ada")

    answers = log_in_together(openid, frontend.transport)

    assert [answer.status_code for answer in answers] == [201] * THREADS
    assert len({answer.data["token"] for answer in answers}) == 1
    assert User.objects.exclude(social_auth=None).count() == 1
    assert User.objects.count() == 1 + username_taken


@pytest.mark.django_db(transaction=True)
def test_one_flow_sent_twice_at_the_same_moment(openid: OpenIDProvider) -> None:
    begun = Frontend("body").begin()
    callback = openid.authorize(begun.data["authorization_url"])

    answers = together([lambda: Frontend("body").complete(begun, callback)] * THREADS)

    assert sorted(answer.status_code for answer in answers) == [201] + [400] * (THREADS - 1)
    assert openid.requests.count("/token") == 1


@pytest.mark.django_db(transaction=True)
def test_a_name_that_is_too_long_is_no_500(frontend: Frontend, openid: OpenIDProvider) -> None:
    openid.userinfo["given_name"] = "A" * 500

    answer = frontend.log_in(openid)

    # SQLite takes it.
    assert answer.status_code == (201 if connection.vendor == "sqlite" else 400)
    if answer.status_code == 400:
        assert_nothing_is_left()


@pytest.mark.django_db
def test_clearsocial_removes_claims_that_nobody_can_use_any_more(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    from django.core.management import call_command

    frontend.log_in(openid)
    call_command("clearsocial", age=0)
    assert Nonce.objects.count() == 1

    Nonce.objects.update(timestamp=1)
    call_command("clearsocial")
    assert not Nonce.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("new", [True, False])
def test_queries_of_a_completion(
    new: bool, frontend: Frontend, openid: OpenIDProvider, django_assert_max_num_queries: Any
) -> None:
    if not new:
        frontend.log_in(openid)
    begun = frontend.begin()
    callback = openid.authorize(begun.data["authorization_url"])

    with django_assert_max_num_queries(100) as context:
        assert frontend.complete(begun, callback).status_code == 201

    control = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")
    queries = [
        query["sql"]
        for query in context.captured_queries
        if not query["sql"].startswith(control) and '"last_login" = \'2' not in query["sql"]
    ]
    queries = [sql for sql in queries if "SET `last_login`" not in sql.replace('"', "`")]
    assert len(queries) <= (10 if new else 4), "\n".join(queries)


@pytest.mark.django_db(transaction=True)
def test_the_transaction_of_a_project_around_a_login_is_not_needed(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    with transaction.atomic():
        assert frontend.log_in(openid).status_code == 201
    assert User.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_callback_that_fails_after_the_commit_takes_nothing_back(
    frontend: Frontend, openid: OpenIDProvider, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    steps = [*DEFAULT_PIPELINE, "tests.api.login.test_transaction.fail_afterwards"]
    settings.SOCIAL_AUTH_PIPELINE = steps

    answer = frontend.log_in(openid)

    assert answer.status_code == 201
    assert answer.data == {"token": Token.objects.get().key}
    assert "A callback after a login failed: LookupError" in caplog.text


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [IntegrityError, OperationalError])
def test_who_meets_another_login_tries_again(
    error: type[Exception], frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    """The row of another, or its lock."""
    settings.SOCIAL_AUTH_PIPELINE = [*DEFAULT_PIPELINE, "tests.support.concurrency.collide"]
    CollidingStep.error, CollidingStep.calls = error, 0

    assert frontend.log_in(openid).status_code == 201
    assert CollidingStep.calls == 2
    assert User.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("serializer", ["TokenSerializer", "SessionSerializer"])
def test_logins_of_one_user_at_the_same_moment(
    serializer: str, openid: OpenIDProvider, settings: Any, configure: Configure
) -> None:
    """Their first write is not the pipeline's, but the token's or that of ``last_login``."""
    settings.MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]
    configure(TOKEN_SERIALIZER=f"social_endpoints.tokens.{serializer}")
    Frontend("cookie").log_in(openid)
    settings.SOCIAL_AUTH_PIPELINE = DEFAULT_PIPELINE[:7]

    answers = log_in_together(openid)

    assert [answer.status_code for answer in answers] == [201] * THREADS
    assert User.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_answer_that_collides_is_given_again(
    frontend: Frontend, openid: OpenIDProvider, configure: Configure
) -> None:
    serializer = {"TOKEN_SERIALIZER": "tests.support.concurrency.CollidingSerializer"}
    configure(**serializer)
    CollidingSerializer.calls = 0

    assert frontend.log_in(openid).status_code == 201
    assert CollidingSerializer.calls == 2
    assert User.objects.count() == UserSocialAuth.objects.count() == 1


class Remembering(GithubOAuth2):
    """A backend that knows its user without a pipeline."""

    def do_auth(self, access_token: str, *args: Any, **kwargs: Any) -> Any:
        return User.objects.get_or_create(username="ada")[0]


@pytest.mark.django_db(transaction=True)
def test_a_user_without_a_pipeline(
    frontend: Frontend, wire: responses.RequestsMock, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["tests.api.login.test_transaction.Remembering"]
    wire.post("https://github.com/login/oauth/access_token", json={"access_token": "token"})
    begun = frontend.begin("github")
    state = begun.data["authorization_url"].split("state=")[1].split("&")[0]

    answer = frontend.complete(begun, {"code": "code", "state": state}, "github")

    assert answer.data == {"token": Token.objects.get(user__username="ada").key}
