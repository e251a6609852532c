"""A login is stored completely or not at all, also when logins collide."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in
from django.core.management import call_command
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models.signals import post_save
from django.dispatch import Signal
from rest_framework.authtoken.models import Token
from social_core.backends.github import GithubOAuth2
from social_django.models import Nonce, UserSocialAuth

from social_endpoints.signals import signed_in
from social_endpoints.testing import FakeProviders
from social_endpoints.tokens.drf import TokenSerializer
from tests.support.concurrency import (
    THREADS,
    CollidingSerializer,
    CollidingStep,
    log_in_together,
    together,
)
from tests.support.configuration import Configure
from tests.support.fakes import sign_in
from tests.support.frontend import Frontend, error
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import AFTER_ASSOCIATE_USER, DEFAULT_PIPELINE, LAST, pipeline_with

pytestmark = pytest.mark.django_db(transaction=True)
User = get_user_model()

HERE = "tests.api.login.test_transaction"


class FailingSerializer(TokenSerializer):
    def issue(self, login: Any) -> Any:
        super().issue(login)
        raise ZeroDivisionError


class UnencodableSerializer(TokenSerializer):
    def to_representation(self, instance: Any) -> Any:
        return {**super().to_representation(instance), "user": instance.user}


def fail(*args: Any, **kwargs: Any) -> None:
    raise LookupError("a mistake")


def fail_on_commit(*args: Any, **kwargs: Any) -> None:
    transaction.on_commit(fail)


def create_dangling_row(*args: Any, **kwargs: Any) -> None:
    """Create a row that most databases refuse at the commit."""
    Token.objects.create(user_id=4_711)


def remove_user(*args: Any, **kwargs: Any) -> dict[str, Any]:
    return {"user": None}


def replace_user(*args: Any, **kwargs: Any) -> dict[str, Any]:
    """Replace the user with one to whom the identity does not belong."""
    return {"user": User.objects.create(username="mallory")}


def replace_user_with_nonce(*args: Any, **kwargs: Any) -> dict[str, Any]:
    """Replace the user with an instance of another model."""
    return {"user": Nonce(), "social": None}


def assert_nothing_is_stored() -> None:
    for model in (User, UserSocialAuth, Token):
        assert not model.objects.exists()


# --- Failures -------------------------------------------------------------------------


@pytest.fixture(
    params=[
        user_logged_in,
        signed_in,
        post_save,
        FailingSerializer,
        UnencodableSerializer,
        fail,
        create_dangling_row,
        remove_user,
        replace_user,
        replace_user_with_nonce,
    ],
    ids=lambda part: getattr(part, "__name__", "signal"),
)
def repair(
    request: pytest.FixtureRequest, configure: Configure, settings: Any
) -> Iterator[Callable[[], None]]:
    """Make one part of a login fail; return a function that repairs it."""
    part = request.param
    sender = Token if part is post_save else None
    if isinstance(part, Signal):
        part.connect(fail, sender=sender)
    elif isinstance(part, type):
        configure(TOKEN_SERIALIZER=f"{HERE}.{part.__name__}")
    else:
        settings.SOCIAL_AUTH_PIPELINE = pipeline_with((LAST, f"{HERE}.{part.__name__}"))

    def undo() -> None:
        if isinstance(part, Signal):
            part.disconnect(fail, sender=sender)
        configure(TOKEN_SERIALIZER="social_endpoints.tokens.TokenSerializer")
        settings.SOCIAL_AUTH_PIPELINE = DEFAULT_PIPELINE

    yield undo
    undo()


def test_failed_login_stores_nothing(
    repair: Callable[[], None],
    request: pytest.FixtureRequest,
    frontend: Frontend,
    openid: OpenIDProvider,
) -> None:
    part = request.node.callspec.params["repair"]
    replaces_user = part in (remove_user, replace_user, replace_user_with_nonce)
    expected = (400, "authentication_disallowed") if replaces_user else (500, "unknown_error")

    assert error(frontend.log_in(openid)) == expected
    assert_nothing_is_stored()

    repair()
    assert frontend.log_in(openid).status_code == 201


def test_failed_login_uses_up_its_flow(frontend: Frontend, openid: OpenIDProvider) -> None:
    begun, callback = frontend.authorize(openid)
    openid.userinfo["sub"] = "somebody else"

    first = frontend.complete(begun, callback)

    assert first.data["error_code"] == "invalid_claim"
    assert Nonce.objects.count() == 1
    assert_nothing_is_stored()
    if frontend.transport == "body":
        assert frontend.complete(begun, callback).data["error_code"] == "state_mismatch"
    else:
        assert not any(cookie.value for cookie in frontend.client.cookies.values())


def test_exception_after_the_commit_is_logged_and_the_login_succeeds(
    frontend: Frontend, openid: OpenIDProvider, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((LAST, f"{HERE}.fail_on_commit"))

    response = frontend.log_in(openid)

    assert (response.status_code, response.data) == (201, {"token": Token.objects.get().key})
    assert "on_commit failed provider=oidc" in caplog.text
    assert "LookupError: a mistake" in caplog.text


# --- Where the transaction begins and ends --------------------------------------------


@pytest.mark.parametrize("atomic_requests", [True, False])
def test_no_transaction_is_open_while_the_provider_is_asked(
    atomic_requests: bool,
    frontend: Frontend,
    openid: OpenIDProvider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    observed = []
    openid.before_userinfo = lambda: observed.append(
        (connection.in_atomic_block, Nonce.objects.count())
    )
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", atomic_requests)

    assert frontend.log_in(openid).status_code == 201
    assert observed == [(False, 1)]


def test_clearsocial_keeps_claims_until_the_flow_expires(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    frontend.log_in(openid)
    call_command("clearsocial", age=0)
    assert Nonce.objects.count() == 1

    Nonce.objects.update(timestamp=1)
    call_command("clearsocial")
    assert not Nonce.objects.exists()


class BackendWithoutPipeline(GithubOAuth2):
    def do_auth(self, access_token: str, *args: Any, **kwargs: Any) -> Any:
        return User.objects.get_or_create(username="ada")[0]


def test_user_without_a_pipeline_is_signed_in(
    frontend: Frontend, social_provider: FakeProviders, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{HERE}.BackendWithoutPipeline"]

    response = sign_in(social_provider("github"), frontend, "github")

    assert response.data == {"token": Token.objects.get(user__username="ada").key}


# --- Collisions -----------------------------------------------------------------------


@pytest.mark.parametrize("username_taken", [False, True])
def test_simultaneous_first_logins_of_one_identity_create_one_account(
    username_taken: bool, frontend: Frontend, openid: OpenIDProvider
) -> None:
    if username_taken:  # Then each login finds another name, and they meet at the association.
        User.objects.create(username="ada")

    completed = log_in_together(openid, frontend.transport)

    assert [response.status_code for response in completed] == [201] * THREADS
    assert len({response.data["token"] for response in completed}) == 1
    assert User.objects.exclude(social_auth=None).count() == 1
    assert User.objects.count() == 1 + username_taken


@pytest.mark.parametrize("serializer", ["TokenSerializer", "SessionSerializer"])
def test_simultaneous_logins_of_one_user_succeed(
    serializer: str, openid: OpenIDProvider, configure: Configure, settings: Any
) -> None:
    settings.MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]
    configure(TOKEN_SERIALIZER=f"social_endpoints.tokens.{serializer}")
    Frontend("cookie").log_in(openid)
    # The first row that this pipeline's logins write is the token or last_login.
    settings.SOCIAL_AUTH_PIPELINE = DEFAULT_PIPELINE[:AFTER_ASSOCIATE_USER]

    completed = log_in_together(openid)

    assert [response.status_code for response in completed] == [201] * THREADS
    assert User.objects.count() == 1


def test_simultaneous_completions_of_one_flow_complete_once(openid: OpenIDProvider) -> None:
    begun, callback = Frontend("body").authorize(openid)

    completed = together([lambda: Frontend("body").complete(begun, callback)] * THREADS)

    assert sorted(response.status_code for response in completed) == [201] + [400] * (THREADS - 1)
    assert openid.paths.count("/token") == 1


@pytest.mark.parametrize("exception", [IntegrityError, OperationalError])
def test_pipeline_that_collides_runs_again(
    exception: type[Exception], frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((LAST, "tests.support.concurrency.collide"))
    CollidingStep.error, CollidingStep.calls = exception, 0

    assert frontend.log_in(openid).status_code == 201
    assert CollidingStep.calls == 2
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("exception", "calls", "expected"),
    [
        (IntegrityError, 3, (500, "unknown_error")),
        (OperationalError, 3, (503, "storage_unavailable")),
    ],
)
def test_pipeline_that_always_collides_is_rejected(
    exception: type[Exception],
    calls: int,
    expected: tuple[int, str],
    frontend: Frontend,
    openid: OpenIDProvider,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((LAST, "tests.support.concurrency.collide"))
    CollidingStep.error, CollidingStep.calls = exception, 0
    monkeypatch.setattr(CollidingStep, "collisions", 100)

    assert error(frontend.log_in(openid)) == expected
    assert CollidingStep.calls == calls
    assert_nothing_is_stored()


def test_response_that_collides_is_built_again(
    frontend: Frontend, openid: OpenIDProvider, configure: Configure
) -> None:
    configure(TOKEN_SERIALIZER="tests.support.concurrency.CollidingSerializer")
    CollidingSerializer.calls = 0

    assert frontend.log_in(openid).status_code == 201
    assert CollidingSerializer.calls == 2
    assert User.objects.count() == UserSocialAuth.objects.count() == 1
