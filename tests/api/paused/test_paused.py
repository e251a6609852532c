"""Pauses of a login: what a step may return, what it is given, and who comes of it."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import OperationalError
from rest_framework.authtoken.models import Token
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.pipeline.partial import partial, partial_step
from social_core.pipeline.social_auth import social_user as core_social_user
from social_django.models import Partial, UserSocialAuth

from tests.support.concurrency import CollidingSerializer, together
from tests.support.configuration import Configure
from tests.support.frontend import Frontend
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import (
    AFTER_ASSOCIATE_USER,
    AFTER_CREATE_USER,
    AFTER_SOCIAL_USER,
    ASK_NAME,
    BEFORE_CREATE_USER,
    BEFORE_SOCIAL_USER,
    DEFAULT_PIPELINE,
)

pytestmark = pytest.mark.django_db
User = get_user_model()


@partial
def ask_with_a_page(strategy: Any, **kwargs: Any) -> Any:
    """Pause with a page of HTML."""
    return None if "name" in strategy.request_data() else strategy.html("<form>")


@partial
def ask_with_a_text(strategy: Any, **kwargs: Any) -> Any:
    """Pause with what is no response at all."""
    return None if "name" in strategy.request_data() else "waiting"


@partial_step(save_to_session=False)
def ask_outside_of_the_session(strategy: Any, **kwargs: Any) -> Any:
    """Pause without putting the token into the session."""
    return None if "name" in strategy.request_data() else strategy.redirect("/name")


@partial
def ask_for_username(strategy: Any, username: str, **kwargs: Any) -> Any:
    """Pause until there is a user name of the user's choice."""
    chosen = strategy.request_data().get("username")
    return {"username": chosen} if chosen else strategy.redirect("/username")


@partial
def note(strategy: Any, details: Any, **kwargs: Any) -> Any:
    """Pause once, and write down what the answer is, in a step that copies it."""
    given = deepcopy(strategy.request_data())
    if "value" not in given:
        return strategy.redirect("/value")
    return {"details": {**details, "first_name": json.dumps(given["value"])}}


def send_away(strategy: Any, **kwargs: Any) -> Any:
    """Send the browser away, though the step is no partial one."""
    return strategy.redirect("https://app.example.com/away")


def find_the_grace(details: Any, user: Any = None, **kwargs: Any) -> dict[str, Any]:
    """Find the user by what the user has said, as ``associate_by_email`` does."""
    return {"user": user or User.objects.get(username="grace")}


def social_user(*args: Any, **kwargs: Any) -> Any:
    """Find the association as core does; a project's own."""
    return core_social_user(*args, **kwargs)


def take_username(user: Any, username: str, **kwargs: Any) -> None:
    """Write down what the pipeline takes for the user name."""
    User.objects.filter(pk=user.pk).update(last_name=username)
    user.last_name = username


def _step(name: str) -> str:
    return ASK_NAME if name == "ask" else f"tests.api.paused.test_paused.{name}"


def _with_steps(settings: Any, *steps: tuple[int, str]) -> None:
    pipeline = list(DEFAULT_PIPELINE)
    for position, name in reversed(steps):
        pipeline.insert(position, _step(name))
    settings.SOCIAL_AUTH_PIPELINE = pipeline


def another(frontend: Frontend) -> Frontend:
    """Return another browser with the same transport."""
    return Frontend(frontend.transport)


# --- What a step may return -----------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "redirect_to"),
    [
        ("ask", "https://app.example.com/name"),
        ("ask_with_a_page", None),
        ("ask_with_a_text", None),
        ("ask_outside_of_the_session", "/name"),
    ],
)
def test_a_partial_step_pauses(
    step: str, redirect_to: str | None, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    _with_steps(settings, (BEFORE_CREATE_USER, step))

    paused = frontend.log_in(openid)

    assert paused.status_code == 202
    assert paused.data["partial_token"] == Partial.objects.get().token
    assert paused.data["redirect_to"] == redirect_to
    assert paused.data["fields"] is None
    assert not User.objects.exists()
    assert frontend.resume(paused, name="Ada").status_code == 201
    assert not Partial.objects.exists()


def test_a_plain_redirect_ends_the_login(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    _with_steps(settings, (AFTER_ASSOCIATE_USER, "send_away"))
    begun = frontend.begin()
    callback = openid.authorize(begun.data["authorization_url"])
    kept = dict(frontend.client.cookies)

    answer = frontend.complete(begun, callback)

    assert (answer.status_code, answer.json()) == (
        202,
        {"partial_token": None, "redirect_to": "https://app.example.com/away", "fields": None},
    )
    assert not User.objects.exists()
    assert not UserSocialAuth.objects.exists()
    assert not any(cookie.value for cookie in frontend.client.cookies.values())
    frontend.client.cookies.update(kept)
    assert frontend.complete(begun, callback).data["error_code"] == "state_mismatch"


def test_a_plain_redirect_after_a_pause(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    _with_steps(settings, (BEFORE_CREATE_USER, "ask"), (AFTER_CREATE_USER, "send_away"))
    paused = frontend.log_in(openid)

    answer = frontend.resume(paused, name="Ada")

    assert (answer.status_code, answer.data["partial_token"]) == (202, None)
    assert answer.data["redirect_to"] == "https://app.example.com/away"
    assert not User.objects.exists()


class Installing(OpenIdConnectAuth):
    """A backend that answers with a redirect before there is a pipeline."""

    def do_auth(self, *args: Any, **kwargs: Any) -> Any:
        return self.strategy.redirect("https://id.example.com/install")


def test_a_redirect_that_is_not_of_the_pipeline_is_no_login(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [_step("Installing")]

    answer = frontend.log_in(openid)

    assert (answer.status_code, answer.data["error_code"]) == (400, "authentication_disallowed")


def test_several_pauses_in_a_row(frontend: Frontend, openid: OpenIDProvider, settings: Any) -> None:
    _with_steps(settings, (BEFORE_CREATE_USER, "ask"), (BEFORE_CREATE_USER, "note"))

    first = frontend.log_in(openid)
    second = frontend.resume(first, name="Ada")
    assert (second.status_code, second.data["redirect_to"]) == (202, "/value")
    assert second.data["partial_token"] != first.data["partial_token"]
    assert frontend.resume(first, name="Ada").status_code == 400

    assert frontend.resume(second, value="text").status_code == 201
    assert not Partial.objects.exists()


# --- What a step is given -------------------------------------------------------------


@pytest.mark.parametrize(
    "value", ["text", "", 5, 2.5, True, False, None, ["a", 1], {"a": {"b": [None]}}]
)
def test_an_answer_comes_as_it_was_posted(
    value: Any, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    _with_steps(settings, (BEFORE_CREATE_USER, "note"))

    assert frontend.resume(frontend.log_in(openid), value=value).status_code == 201
    assert json.loads(User.objects.get().first_name) == value


@pytest.mark.parametrize("kind", ["multipart", "form"])
def test_of_a_repeated_answer_the_last_one_counts(
    kind: str, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    _with_steps(settings, (BEFORE_CREATE_USER, "note"))
    paused = frontend.log_in(openid)
    token, flow = paused.data["partial_token"], paused.data.get("flow", "")
    body: Any = {"partial_token": token, "flow": flow, "value": ["first", "last"]}
    extra: dict[str, Any] = {"format": "multipart"}
    if kind == "form":
        body = f"partial_token={token}&flow={flow}&value=first&value=last"
        extra = {"format": None, "content_type": "application/x-www-form-urlencoded"}

    assert frontend.post(body, **extra).status_code == 201
    assert User.objects.get().first_name == '"last"'


@pytest.mark.parametrize(
    "value",
    [
        '"a\\u0000b"',
        '"\\ud800"',
        '["a\\u0000b"]',
        '{"a": ["\\ud800"]}',
        '{"a\\u0000b": 1}',
        "NaN",
        "-Infinity",
        "[1e999]",
        "[" * 17 + "]" * 17,
        '{"a":' * 17 + "1" + "}" * 17,
    ],
)
def test_an_answer_that_not_every_database_stores(
    value: str, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    _with_steps(settings, (BEFORE_CREATE_USER, "note"))
    paused = frontend.log_in(openid)
    body = {"partial_token": paused.data["partial_token"], "flow": paused.data.get("flow", "")}
    text = f'{json.dumps(body)[:-1]}, "value": {value}}}'

    wrong = frontend.post(text, format=None, content_type="application/json")

    assert wrong.status_code == 400
    assert list(wrong.json()) == ["value"]
    assert frontend.resume(paused, value="text").status_code == 201


@pytest.mark.parametrize(
    "value", ['"' + "a" * 900_000 + '"', "9" * 4_000, "[" + "0," * 300_000 + "0]"]
)
def test_a_huge_answer_is_no_500(
    value: str, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    _with_steps(settings, (BEFORE_CREATE_USER, "ask"), (BEFORE_CREATE_USER, "note"))
    paused = frontend.log_in(openid)
    body = {"partial_token": paused.data["partial_token"], "flow": paused.data.get("flow", "")}
    text = f'{json.dumps(body)[:-1]}, "name": "Ada", "much": {value}}}'

    assert frontend.post(text, format=None, content_type="application/json").status_code == 202


def test_what_the_endpoints_know_is_text_in_an_answer_too(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    _with_steps(settings, (BEFORE_CREATE_USER, "note"))
    paused = frontend.log_in(openid)

    assert list(frontend.resume(paused, verification_code=5).data) == ["verification_code"]
    assert list(frontend.post({"partial_token": ["a"]}).data) == ["partial_token"]
    # Of no provider any more.
    assert frontend.resume(paused, value="text", code=5).status_code == 201


def test_an_answer_under_the_name_of_the_identity(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    """Core would take it for what the provider says."""
    settings.SOCIAL_AUTH_OIDC_ID_KEY = "username"
    _with_steps(settings, (BEFORE_CREATE_USER, "ask_for_username"))

    paused = frontend.log_in(openid)

    assert frontend.resume(paused, username="countess").status_code == 201
    assert User.objects.get().username == "countess"
    assert UserSocialAuth.objects.get().uid == "ada"


class Busy(OpenIdConnectAuth):
    """A backend that meets another's lock when a paused login is looked for, once."""

    met = 0

    def validate_partial_pipeline(self, *args: Any, **kwargs: Any) -> None:
        Busy.met += 1
        if Busy.met == 1:
            raise OperationalError


@pytest.mark.django_db(transaction=True)
def test_an_answer_is_whole_when_the_login_is_resumed_again(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [_step("Busy")]
    settings.SOCIAL_AUTH_OIDC_ID_KEY = "username"
    _with_steps(settings, (BEFORE_CREATE_USER, "ask_for_username"))
    Busy.met = 0

    answer = frontend.resume(frontend.log_in(openid), username="countess")

    assert (answer.status_code, Busy.met) == (201, 2)
    assert User.objects.get().username == "countess"


# --- Who comes of it ------------------------------------------------------------------


@pytest.mark.parametrize("position", [BEFORE_SOCIAL_USER, AFTER_SOCIAL_USER, BEFORE_CREATE_USER])
@pytest.mark.parametrize("lookup", ["core", "project"])
def test_two_paused_first_logins_are_one_account(
    position: int, lookup: str, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    _with_steps(settings, (position, "ask"), (9, "take_username"))
    if lookup == "project":
        own, cores = _step("social_user"), "social_core.pipeline.social_auth.social_user"
        steps = [own if step == cores else step for step in settings.SOCIAL_AUTH_PIPELINE]
        settings.SOCIAL_AUTH_PIPELINE = steps
    frontends = [frontend, another(frontend)]
    paused = [each.log_in(openid) for each in frontends]

    first = frontends[0].resume(paused[0], name="Ada")
    User.objects.update(username="countess")
    second = frontends[1].resume(paused[1], name="Augusta")

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.data == second.data
    user = User.objects.get()
    assert (user.first_name, user.last_name) == ("Augusta", "countess")
    assert UserSocialAuth.objects.get().user == user


def test_a_paused_first_login_meets_one_that_did_not_pause(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    _with_steps(settings, (BEFORE_CREATE_USER, "ask"))
    paused = frontend.log_in(openid)
    settings.SOCIAL_AUTH_PIPELINE = DEFAULT_PIPELINE
    token = another(frontend).log_in(openid).data["token"]
    _with_steps(settings, (BEFORE_CREATE_USER, "ask"))

    assert frontend.resume(paused, name="Ada").data == {"token": token}
    assert User.objects.count() == 1


def test_a_user_found_otherwise_gives_way_to_whom_the_identity_belongs_to(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    User.objects.create(username="grace")
    _with_steps(settings, (AFTER_SOCIAL_USER, "find_the_grace"), (AFTER_SOCIAL_USER, "ask"))
    paused = frontend.log_in(openid)
    ada = User.objects.create(username="ada")
    UserSocialAuth.objects.create(user=ada, provider="oidc", uid="user-1", id_key="sub")

    answer = frontend.resume(paused, name="Ada")

    assert answer.data == {"token": Token.objects.get(user=ada).key}
    assert UserSocialAuth.objects.get().user == ada


def test_a_user_found_otherwise_is_kept(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    grace = User.objects.create(username="grace")
    steps = (AFTER_SOCIAL_USER, "find_the_grace"), (AFTER_SOCIAL_USER, "ask")
    _with_steps(settings, *steps)

    assert frontend.resume(frontend.log_in(openid), name="Grace").status_code == 201
    assert UserSocialAuth.objects.get().user == grace


@pytest.mark.parametrize(
    "position",
    [BEFORE_SOCIAL_USER, AFTER_SOCIAL_USER, AFTER_CREATE_USER, AFTER_ASSOCIATE_USER],
)
def test_a_known_user_pauses(
    position: int, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    token = frontend.log_in(openid).data["token"]
    _with_steps(settings, (position, "ask"))

    assert frontend.resume(frontend.log_in(openid), name="Ada").data == {"token": token}
    assert User.objects.count() == UserSocialAuth.objects.count() == 1


def test_a_paused_login_that_was_cleared_away(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    _with_steps(settings, (BEFORE_CREATE_USER, "ask"))
    paused = frontend.log_in(openid)
    call_command("clearsocial", age=0)
    assert not Partial.objects.exists()

    answer = frontend.resume(paused, name="Ada")

    assert (answer.status_code, answer.data["error_code"]) == (400, "session_context_missing")


@pytest.mark.parametrize("position", [BEFORE_CREATE_USER, AFTER_ASSOCIATE_USER])
@pytest.mark.parametrize("gone", ["unlinked", "deactivated", "deleted"])
def test_what_the_paused_login_had_found_is_gone(
    position: int, gone: str, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    frontend.log_in(openid)
    _with_steps(settings, (position, "ask"))
    paused = frontend.log_in(openid)
    if gone == "unlinked":
        UserSocialAuth.objects.all().delete()
    elif gone == "deactivated":
        User.objects.update(is_active=False)
    else:
        User.objects.all().delete()
    left = (User.objects.count(), UserSocialAuth.objects.count(), Token.objects.count())

    answer = frontend.resume(paused, name="Ada")

    assert (answer.status_code, answer.data["error_code"]) == (400, "session_context_missing")
    assert answer.data["error_recovery"] == "restart_login"
    assert left == (User.objects.count(), UserSocialAuth.objects.count(), Token.objects.count())


@pytest.mark.django_db(transaction=True)
def test_two_paused_first_logins_continue_at_once(openid: OpenIDProvider, settings: Any) -> None:
    _with_steps(settings, (BEFORE_CREATE_USER, "ask"))
    frontends = [Frontend("cookie") for _ in range(4)]
    paused = [each.log_in(openid) for each in frontends]

    answers = together(
        [
            lambda n=n: frontends[n].resume(paused[n], name="Ada")  # type: ignore[misc]
            for n in range(4)
        ]
    )

    assert [answer.status_code for answer in answers] == [201] * 4
    assert User.objects.count() == UserSocialAuth.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_partial_token_posted_twice_at_once(
    openid: OpenIDProvider, settings: Any, configure: Configure
) -> None:
    configure(FLOW_TRANSPORT="body")
    _with_steps(settings, (BEFORE_CREATE_USER, "ask"))
    paused = Frontend("body").log_in(openid)

    answers = together([lambda: Frontend("body").resume(paused, name="Ada")] * 4)

    assert sorted(answer.status_code for answer in answers) == [201, 400, 400, 400]
    assert User.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_answer_to_a_resumed_login_that_collides_is_given_again(
    frontend: Frontend, openid: OpenIDProvider, settings: Any, configure: Configure
) -> None:
    serializer = {"TOKEN_SERIALIZER": "tests.support.concurrency.CollidingSerializer"}
    configure(**serializer)
    _with_steps(settings, (BEFORE_CREATE_USER, "ask"))
    paused = frontend.log_in(openid)
    CollidingSerializer.calls = 0

    assert frontend.resume(paused, name="Ada").status_code == 201
    assert CollidingSerializer.calls == 2
    assert User.objects.count() == 1
