"""Paused logins: what a step may return, and which parameters it receives."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.pipeline.partial import partial, partial_step
from social_django.models import Partial, UserSocialAuth

from tests.support.frontend import Frontend, error
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import (
    AFTER_ASSOCIATE_USER,
    AFTER_CREATE_USER,
    ASK_NAME,
    BEFORE_CREATE_USER,
    pipeline_with,
)

pytestmark = pytest.mark.django_db
User = get_user_model()

HERE = "tests.api.paused.test_paused"


@partial
def ask_with_page(strategy: Any, **kwargs: Any) -> Any:
    return None if "name" in strategy.request_data() else strategy.html("<form>")


@partial
def ask_with_text(strategy: Any, **kwargs: Any) -> Any:
    return None if "name" in strategy.request_data() else "waiting"


@partial_step(save_to_session=False)
def ask_outside_the_session(strategy: Any, **kwargs: Any) -> Any:
    return None if "name" in strategy.request_data() else strategy.redirect("/name")


@partial
def ask_username(strategy: Any, username: str, **kwargs: Any) -> Any:
    chosen = strategy.request_data().get("username")
    return {"username": chosen} if chosen else strategy.redirect("/username")


@partial
def record_value(strategy: Any, details: Any, **kwargs: Any) -> Any:
    """Pause until the request contains ``value``, and store it as JSON."""
    params = deepcopy(strategy.request_data())
    if "value" not in params:
        return strategy.redirect("/value")
    return {"details": {**details, "first_name": json.dumps(params["value"])}}


def redirect(strategy: Any, **kwargs: Any) -> Any:
    return strategy.redirect("https://app.example.com/away")


@pytest.fixture
def asks_value(settings: Any) -> None:
    steps = pipeline_with((BEFORE_CREATE_USER, f"{HERE}.record_value"))
    settings.SOCIAL_AUTH_PIPELINE = steps


def json_body(paused: Any, value: str, **params: Any) -> dict[str, Any]:
    """Return the arguments of a post whose ``value`` is this JSON text."""
    params |= {"partial_token": paused.data["partial_token"], "flow": paused.data.get("flow", "")}
    body = f'{json.dumps(params)[:-1]}, "value": {value}}}'
    return {"body": body, "format": None, "content_type": "application/json"}


# --- What a step may return -----------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "redirect_to"),
    [
        (ASK_NAME, "https://app.example.com/name"),
        (f"{HERE}.ask_with_page", None),
        (f"{HERE}.ask_with_text", None),
        (f"{HERE}.ask_outside_the_session", "/name"),
    ],
)
def test_partial_step_pauses_the_login(
    step: str, redirect_to: str | None, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((BEFORE_CREATE_USER, step))

    paused = frontend.log_in(openid)

    assert paused.status_code == 202
    assert paused.data["partial_token"] == Partial.objects.get().token
    assert (paused.data["redirect_to"], paused.data["fields"]) == (redirect_to, None)
    assert paused.data["provider"] == "oidc"
    assert not User.objects.exists()
    assert frontend.resume(paused, name="Ada").status_code == 201
    assert not Partial.objects.exists()


@pytest.mark.parametrize(
    ("steps", "position"),
    [([], AFTER_ASSOCIATE_USER), ([(BEFORE_CREATE_USER, ASK_NAME)], AFTER_CREATE_USER)],
    ids=["first", "after a pause"],
)
def test_plain_redirect_ends_the_login(
    steps: Any, position: int, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with(*steps, (position, f"{HERE}.redirect"))
    begun, callback = frontend.authorize(openid)
    if steps:
        begun = frontend.complete(begun, callback)
        callback = {"partial_token": begun.data["partial_token"], "name": "Ada"}
    cookies = dict(frontend.client.cookies)

    ended = frontend.complete(begun, callback)

    away = "https://app.example.com/away"
    assert ended.status_code == 202
    assert ended.json() == {
        "partial_token": None,
        "redirect_to": away,
        "fields": None,
        "provider": "oidc",
    }
    assert not User.objects.exists()
    assert not UserSocialAuth.objects.exists()
    assert not any(cookie.value for cookie in frontend.client.cookies.values())
    if not steps:
        frontend.client.cookies.update(cookies)
        assert error(frontend.complete(begun, callback)) == (400, "state_mismatch")


class RedirectingBackend(OpenIdConnectAuth):
    """Returns a redirect before a pipeline runs."""

    def do_auth(self, *args: Any, **kwargs: Any) -> Any:
        return self.strategy.redirect("https://id.example.com/install")


def test_redirect_of_a_backend_is_rejected(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{HERE}.RedirectingBackend"]

    assert error(frontend.log_in(openid)) == (400, "authentication_disallowed")


def test_login_may_pause_several_times(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with(
        (BEFORE_CREATE_USER, ASK_NAME), (BEFORE_CREATE_USER, f"{HERE}.record_value")
    )

    first = frontend.log_in(openid)
    second = frontend.resume(first, name="Ada")
    assert (second.status_code, second.data["redirect_to"]) == (202, "/value")
    assert second.data["partial_token"] != first.data["partial_token"]
    assert frontend.resume(first, name="Ada").status_code == 400

    assert frontend.resume(second, value="text").status_code == 201
    assert not Partial.objects.exists()


# --- Parameters -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", ["text", "", 5, 2.5, True, False, None, ["a", 1], {"a": {"b": [None]}}]
)
def test_step_receives_json_values_unchanged(
    value: Any, asks_value: None, frontend: Frontend, openid: OpenIDProvider
) -> None:
    assert frontend.resume(frontend.log_in(openid), value=value).status_code == 201
    assert json.loads(User.objects.get().first_name) == value


@pytest.mark.parametrize("encoding", ["multipart", "form"])
def test_step_receives_the_last_value_of_a_repeated_parameter(
    encoding: str, asks_value: None, frontend: Frontend, openid: OpenIDProvider
) -> None:
    paused = frontend.log_in(openid)
    token, flow = paused.data["partial_token"], paused.data.get("flow", "")
    body: Any = {"partial_token": token, "flow": flow, "value": ["first", "last"]}
    extra: dict[str, Any] = {"format": "multipart"}
    if encoding == "form":
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
def test_value_that_some_databases_cannot_store_is_a_field_error(
    value: str, asks_value: None, frontend: Frontend, openid: OpenIDProvider
) -> None:
    paused = frontend.log_in(openid)

    rejected = frontend.post(**json_body(paused, value))

    assert rejected.status_code == 400
    assert "value" in rejected.json()
    assert frontend.resume(paused, value="text").status_code == 201


@pytest.mark.parametrize(
    "value", ['"' + "a" * 900_000 + '"', "9" * 4_000, "[" + "0," * 300_000 + "0]"]
)
def test_huge_value_is_not_a_500(
    value: str, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with(
        (BEFORE_CREATE_USER, ASK_NAME), (BEFORE_CREATE_USER, ASK_NAME)
    )
    paused = frontend.log_in(openid)

    assert frontend.post(**json_body(paused, value)).status_code == 202


def test_parameters_of_the_endpoints_must_be_text(
    asks_value: None, frontend: Frontend, openid: OpenIDProvider
) -> None:
    paused = frontend.log_in(openid)

    assert "partial_token" in frontend.post({"partial_token": ["a"]}).data
    # "code" is a parameter of providers, which a resumed login does not ask again.
    assert frontend.resume(paused, value="text", code=5).status_code == 201


@pytest.fixture
def asks_username(settings: Any) -> None:
    """Run a pipeline that asks for a parameter named like the identity's key."""
    settings.SOCIAL_AUTH_OIDC_ID_KEY = "username"
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((BEFORE_CREATE_USER, f"{HERE}.ask_username"))


def test_parameter_named_like_the_identity_is_not_compared_with_it(
    asks_username: None, frontend: Frontend, openid: OpenIDProvider
) -> None:
    paused = frontend.log_in(openid)

    assert frontend.resume(paused, username="countess").status_code == 201
    assert User.objects.get().username == "countess"
    assert UserSocialAuth.objects.get().uid == "ada"


class CollidingBackend(OpenIdConnectAuth):
    """Meets another login's lock when it first looks for a paused login."""

    calls = 0

    def validate_partial_pipeline(self, *args: Any, **kwargs: Any) -> None:
        CollidingBackend.calls += 1
        if CollidingBackend.calls == 1:
            raise OperationalError


@pytest.mark.django_db(transaction=True)
def test_step_receives_all_parameters_after_a_collision(
    asks_username: None, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{HERE}.CollidingBackend"]
    CollidingBackend.calls = 0

    resumed = frontend.resume(frontend.log_in(openid), username="countess")

    assert (resumed.status_code, CollidingBackend.calls) == (201, 2)
    assert User.objects.get().username == "countess"
