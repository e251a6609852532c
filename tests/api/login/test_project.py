"""A project's pipeline steps, backends and receivers in a login."""

from __future__ import annotations

import copy
import secrets
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from rest_framework.exceptions import ValidationError
from social_core.backends.base import BaseAuth
from social_core.backends.utils import load_backends
from social_core.exceptions import AuthSessionError
from social_django.models import Nonce, Partial, UserSocialAuth

from social_endpoints.signals import signed_in
from tests.support.configuration import Configure
from tests.support.frontend import Frontend, details, error
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import (
    AFTER_SOCIAL_USER,
    ASK_NAME,
    BEFORE_CREATE_USER,
    LAST,
    pipeline_with,
)
from tests.support.signals import connected, received

pytestmark = pytest.mark.django_db
User = get_user_model()


def refuse(**kwargs: Any) -> None:
    """Refuse a login with the project's own text."""
    raise ValidationError({"invitation": ["You need an invitation."]})


def return_a_page(strategy: Any, **kwargs: Any) -> Any:
    return strategy.html("<p>Not you.</p>")


def fill_the_session(strategy: Any, **kwargs: Any) -> None:
    strategy.session_set("much", secrets.token_urlsafe(5_000))


def use_storage_and_backends(strategy: Any, backend: Any, **kwargs: Any) -> None:
    assert copy.copy(strategy.storage).user is strategy.storage.user
    assert copy.copy(strategy.storage.nonce).flow is strategy.flow
    assert strategy.get_backend("oidc") is backend
    assert strategy.get_backend("github").name == "github"


def use_the_strategy(strategy: Any, backend: Any, user: Any, **kwargs: Any) -> None:
    """Call the methods that social-core documents for strategies."""
    assert strategy.redirect("https://app.example.com/").url == "https://app.example.com/"
    assert strategy.html("<p>").content == b"<p>"
    assert strategy.render_html(html="{{ name }}", context={"name": "Ada"}) == "Ada"
    assert strategy.tpl.render(html="{{ 1 }}") == "1"
    strategy.session_set("name", "Ada")
    assert strategy.session_setdefault("name", "Grace") == strategy.session_get("name") == "Ada"
    assert strategy.session_pop("name") == "Ada"
    assert strategy.session_get("name", "nobody") == "nobody"
    assert strategy.request_data() == strategy.request_data(merge=False) == strategy.request_post()
    assert strategy.build_absolute_uri("/path") == "https://testserver/path"
    assert strategy.absolute_uri("/path") == "https://testserver/path"
    assert strategy.get_language() == "en-us"
    assert strategy.get_user(user.pk) == strategy.storage.user.get_user(pk=user.pk) == user
    assert strategy.storage.user.get_username(user) == "ada"
    assert strategy.partial_load("unknown") is None
    assert strategy.clean_authenticate_args(strategy.request, 1, name=2) == ((1,), {"name": 2})
    assert strategy.get_backend_class("github").name in strategy.get_backends()[2]
    assert strategy.get_pipeline(backend) == strategy.get_setting("SOCIAL_AUTH_PIPELINE")
    assert strategy.from_session_value(strategy.to_session_value(user)) == user
    strategy.clean_partial_pipeline("unknown")


def step(function: Any, position: int = BEFORE_CREATE_USER) -> list[str]:
    return pipeline_with((position, f"{__name__}.{function.__name__}"))


def test_refusal_of_a_step_is_returned_as_it_is(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = step(refuse)

    response = frontend.log_in(openid)

    assert response.status_code == 400
    assert details(response) == {"invitation": ["You need an invitation."]}
    assert not User.objects.exists()


def test_page_of_a_step_that_is_not_partial_is_not_a_login(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = step(return_a_page)

    assert error(frontend.log_in(openid)) == (400, "authentication_disallowed")


def test_step_may_use_storage_and_backends(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    load_backends(settings.AUTHENTICATION_BACKENDS, force_load=True)
    settings.SOCIAL_AUTH_PIPELINE = step(use_storage_and_backends, LAST)

    assert frontend.log_in(openid).status_code == 201


def test_step_may_call_the_methods_of_the_strategy(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = step(use_the_strategy, LAST)

    response = frontend.log_in(openid)

    assert response.status_code == 201, response.data


@pytest.mark.parametrize("is_broken", [False, True])
def test_refused_login_leaves_a_transaction_of_the_project_as_it_is(
    is_broken: bool, frontend: Frontend, openid: OpenIDProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    with transaction.atomic():
        transaction.set_rollback(is_broken)
        assert frontend.begin(redirect_uri="https://evil.example/").status_code == 400
        assert transaction.get_rollback() is is_broken
    assert frontend.log_in(openid).status_code == 201


class WithNonces(BaseAuth):
    """A backend that stores nonces of its own, and reads the request through the strategy."""

    name = "nonces"

    def auth_url(self) -> str:
        return "https://nonces.example.com/"

    def auth_complete(self, *args: Any, **kwargs: Any) -> Any:
        nonces = self.strategy.storage.nonce
        assert nonces.get("https://nonces.example.com", "salt") is None
        assert nonces.use("https://nonces.example.com", 1, "salt")
        nonces.delete(nonces.get("https://nonces.example.com", "salt"))
        assert self.strategy.request_get() == {}
        assert self.strategy.request_post() == {"name": "value"}
        assert self.strategy.request_host() == "testserver"
        assert self.strategy.request_is_secure()
        assert self.strategy.request_path() == "/auth/o/nonces/"
        assert self.strategy.request_port() == 443
        with pytest.raises(AuthSessionError):
            self.strategy.restore_session("of somebody", {})
        response = {"id": "7", "username": "ada"}
        # A backend may pass the request, as social_django's views do.
        return self.strategy.authenticate(
            self, response=response, request=self.strategy.request, **kwargs
        )

    def get_user_id(self, details: Any, response: Any) -> str:
        return str(response["id"])

    def get_user_details(self, response: Any) -> dict[str, Any]:
        return {"username": response["username"]}


class WithoutObject(WithNonces):
    name = "without-object"

    def auth_complete(self, *args: Any, **kwargs: Any) -> Any:
        return self.strategy.authenticate(self, response=[], **kwargs)


def test_response_that_is_not_an_object_is_malformed(frontend: Frontend, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.WithoutObject"]
    begun = frontend.begin("without-object")

    response = frontend.complete(begun, {"name": "value"}, "without-object")

    assert error(response) == (400, "malformed_response")


def test_backend_may_use_nonces_and_the_request(frontend: Frontend, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.WithNonces"]
    begun = frontend.begin("nonces")

    response = frontend.complete(begun, {"name": "value", "partial_token": ""}, "nonces")

    assert response.status_code == 201, response.data
    assert Nonce.objects.count() == 1  # It makes the flow single use.


# --- Paused logins --------------------------------------------------------------------


@pytest.fixture
def pausing(settings: Any) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((BEFORE_CREATE_USER, ASK_NAME))


@pytest.mark.usefixtures("pausing")
def test_paused_login_resumes_once_in_its_own_browser_with_the_requested_field(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    paused = frontend.log_in(openid)
    partial_token = paused.data["partial_token"]

    stranger = Frontend(frontend.transport).post({"partial_token": partial_token, "name": "Eve"})
    invalid = frontend.resume(paused, name="")
    assert stranger.status_code == 400
    assert (invalid.status_code, details(invalid)) == (400, {"name": ["Enter a name."]})
    assert not User.objects.exists()

    again = frontend.resume(paused)
    assert again.status_code == 202
    assert again.data["partial_token"] != partial_token

    cookies = dict(frontend.client.cookies)
    assert frontend.resume(again, name="Augusta").status_code == 201
    assert User.objects.get().first_name == "Augusta"
    assert not Partial.objects.exists()

    frontend.client.cookies.update(cookies)
    assert error(frontend.resume(again, name="Augusta")) == (400, "state_mismatch")


@pytest.mark.usefixtures("pausing")
def test_partial_token_of_another_login_is_rejected(
    openid: OpenIDProvider, configure: Configure
) -> None:
    configure(FLOW_TRANSPORT="body")
    paused = []
    for subject in ("user-1", "user-2"):
        openid.claims["sub"] = openid.userinfo["sub"] = subject
        paused.append(Frontend("body").log_in(openid))
    victim, attacker = paused

    for partial_token in (victim.data["partial_token"], "unknown"):
        body = {"partial_token": partial_token, "name": "Eve"}
        rejected = Frontend("body").complete(attacker, body)
        assert error(rejected) == (400, "session_context_missing")
    assert Frontend("body").resume(attacker, name="Eve").status_code == 201


@pytest.mark.usefixtures("pausing")
def test_pause_with_a_session_too_large_for_a_flow_is_rejected(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE.insert(0, f"{__name__}.fill_the_session")

    assert error(frontend.log_in(openid)) == (400, "invalid_parameter")
    assert not Partial.objects.exists()


# --- The signal signed_in -------------------------------------------------------------


def test_each_login_sends_the_signal(frontend: Frontend, openid: OpenIDProvider) -> None:
    with received(signed_in) as calls:
        frontend.log_in(openid)
        frontend.log_in(openid)

    user, social = User.objects.get(), UserSocialAuth.objects.get()
    for call in calls:
        assert call["sender"] is User
        assert (call["user"], call["social"], call["provider"]) == (user, social, "oidc")
        assert call["request"].path == "/auth/o/oidc/"
    first, second = calls
    assert (first["is_new_user"], first["new_association"]) == (True, True)
    assert (second["is_new_user"], second["new_association"]) == (False, False)


def test_new_identity_of_an_existing_user_is_a_new_association(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    User.objects.create(username="grace", email="ada@example.com")
    step = "social_core.pipeline.social_auth.associate_by_email"
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((AFTER_SOCIAL_USER, step))

    with received(signed_in) as calls:
        frontend.log_in(openid)

    (call,) = calls
    assert (call["is_new_user"], call["new_association"]) == (False, True)


def test_validation_error_of_a_receiver_is_the_response(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    def refuse(**kwargs: Any) -> None:
        raise ValidationError({"provider": ["Not on Sundays."]})

    with connected(refuse, signed_in):
        response = frontend.log_in(openid)

    assert (response.status_code, response.data["provider"]) == (400, ["Not on Sundays."])
    assert User.objects.count() == 0
