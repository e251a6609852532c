"""Twenty requests at the same time, over real connections: one wins, and nothing is half stored.

The requests wait for each other at a barrier, and logins a second time at the provider. The
assertions hold for each order in which the database then runs them. No request may be refused
because of the others' locks.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import responses
from django.contrib.auth import get_user_model
from django.core.cache import cache
from rest_framework.authtoken.models import Token
from social_core.backends.utils import load_backends
from social_django.models import Nonce, Partial, UserSocialAuth

from tests.support.accounts import connections, disconnect, logged_in, user_with
from tests.support.concurrency import together
from tests.support.configuration import configure_endpoints
from tests.support.frontend import Frontend, authorization_params, error
from tests.support.handoff import handoff_params, post_to_callback
from tests.support.id_token_providers import PROVIDERS, IdTokenProvider
from tests.support.logout_tokens import logout_token
from tests.support.logout_tokens import post as post_logout_token
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import ASK_NAME, BEFORE_CREATE_USER, pipeline_with
from tests.support.telegram import BOT_TOKEN, signed, state_of

pytestmark = pytest.mark.django_db(transaction=True)
User = get_user_model()

RACERS = 20
GOOGLE_TOKEN = "https://accounts.google.com/o/oauth2/token"
SIGNED_IN = (201, None)
DISCONNECTED = (204, None)
SIGNED_OUT = (200, None)
NOT_FOUND = (404, "not_found")
LATE = (400, "state_mismatch")
CREDENTIAL_USED = (400, "credential_rejected")


@pytest.fixture(autouse=True)
def empty_backend_cache(settings: Any) -> None:
    load_backends(settings.AUTHENTICATION_BACKENDS, force_load=True)


def results(answers: list[Any]) -> Counter[tuple[int, str | None]]:
    """Count the answers by status and error code."""
    return Counter(error(each) if each.data else (each.status_code, None) for each in answers)


def log_in_together(frontends: list[Frontend], openid: OpenIDProvider) -> list[Any]:
    """Log in, or connect, in all frontends; they meet at the provider."""
    attempts = [(frontend, *frontend.authorize(openid)) for frontend in frontends]
    meeting = threading.Barrier(len(frontends))
    openid.before_userinfo = lambda: meeting.wait(10)
    return together([partial(one.complete, *attempt) for one, *attempt in attempts])


def assert_one_account(token: str) -> None:
    """Assert that there is one account, with one connection and this token."""
    assert (User.objects.count(), UserSocialAuth.objects.count()) == (1, 1)
    assert Token.objects.get().key == token
    assert User.objects.get().last_login


def connecting(user: Any) -> Frontend:
    return replace(Frontend("body"), client=logged_in(user), below="connect/")


# --- Logins ---------------------------------------------------------------------------


def test_one_code_signs_in_once(openid: OpenIDProvider) -> None:
    begun, callback = Frontend("body").authorize(openid)

    answers = together([lambda: Frontend("body").complete(begun, callback)] * RACERS)

    assert results(answers) == {SIGNED_IN: 1, LATE: RACERS - 1}
    (winner,) = (each for each in answers if each.status_code == 201)
    assert_one_account(winner.data["token"])
    assert openid.paths.count("/token") == Nonce.objects.count() == 1


@pytest.mark.parametrize("transport", ["cookie", "body"])
def test_first_logins_of_one_identity_reach_one_account(
    transport: str, openid: OpenIDProvider
) -> None:
    answers = log_in_together([Frontend(transport) for _ in range(RACERS)], openid)

    assert results(answers) == {SIGNED_IN: RACERS}
    (token,) = {each.data["token"] for each in answers}
    assert_one_account(token)


def test_one_handoff_code_signs_in_once(openid: OpenIDProvider, settings: Any) -> None:
    settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS = {"response_mode": "form_post"}
    begun, posted = Frontend("body").authorize(openid)
    callback = handoff_params(post_to_callback(posted))

    answers = together([lambda: Frontend("body").complete(begun, callback)] * RACERS)

    assert results(answers) == {SIGNED_IN: 1, LATE: RACERS - 1}
    assert (User.objects.count(), openid.paths.count("/token")) == (1, 1)


def test_one_signed_callback_signs_in_once(settings: Any) -> None:
    """Telegram is not asked, and its assertion signs in once as well."""
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.telegram.TelegramAuth"]
    settings.SOCIAL_AUTH_TELEGRAM_BOT_TOKEN = BOT_TOKEN
    load_backends(settings.AUTHENTICATION_BACKENDS, force_load=True)
    begun = Frontend("body").begin("telegram")
    callback = {"state": state_of(begun), **signed()}

    answers = together([lambda: Frontend("body").complete(begun, callback, "telegram")] * RACERS)

    assert results(answers) == {SIGNED_IN: 1, LATE: RACERS - 1}
    assert User.objects.count() == 1


def test_one_paused_login_resumes_once(openid: OpenIDProvider, settings: Any) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((BEFORE_CREATE_USER, ASK_NAME))
    paused = Frontend("body").log_in(openid)

    answers = together([lambda: Frontend("body").resume(paused, name="Ada")] * RACERS)

    counted = results(answers)
    assert counted.pop(SIGNED_IN) == 1
    assert set(counted) <= {LATE, (400, "too_many_attempts"), (400, "session_context_missing")}
    assert User.objects.get().first_name == "Ada"
    assert not Partial.objects.exists()


# --- ID tokens ------------------------------------------------------------------------


@pytest.fixture
def google(wire: responses.RequestsMock, settings: Any) -> IdTokenProvider:
    cache.clear()
    provider: IdTokenProvider = PROVIDERS["google-oauth2"](wire)
    provider.install(settings)
    profile = {"sub": provider.claims["sub"], "email": "ada@example.com", "email_verified": True}
    wire.get("https://www.googleapis.com/oauth2/v3/userinfo", json=profile)
    return provider


@pytest.mark.parametrize("is_new_user", [True, False])
def test_one_id_token_signs_in_once(is_new_user: bool, google: IdTokenProvider) -> None:
    if not is_new_user:
        google.sign_in(google.token(jti="first"))
    token = google.token()

    answers = together([lambda: google.sign_in(token)] * RACERS)

    assert results(answers) == {SIGNED_IN: 1, CREDENTIAL_USED: RACERS - 1}
    (winner,) = (each for each in answers if each.status_code == 201)
    assert_one_account(winner.data["token"])


def test_one_id_token_signs_in_natively_or_by_redirect(google: IdTokenProvider) -> None:
    token = google.token()
    google.wire.post(
        GOOGLE_TOKEN, json={"access_token": "x", "token_type": "Bearer", "id_token": token}
    )
    half = RACERS // 2
    redirects = []
    for number in range(half):
        begun = Frontend("body").begin(google.name)
        callback = {"code": str(number), "state": authorization_params(begun)["state"]}
        redirects.append(partial(Frontend("body").complete, begun, callback, google.name))

    answers = together([*redirects, *([lambda: google.sign_in(token)] * half)])

    # Logins by redirect may share a token: two in one second receive the same one from Google.
    assert (results(answers[:half]), results(answers[half:])) in [
        ({SIGNED_IN: half}, {CREDENTIAL_USED: half}),
        ({CREDENTIAL_USED: half}, {SIGNED_IN: 1, CREDENTIAL_USED: half - 1}),
    ]
    assert User.objects.count() == UserSocialAuth.objects.count() == 1


# --- Connections ----------------------------------------------------------------------


def test_one_user_connects_one_identity_several_times(openid: OpenIDProvider) -> None:
    ada = user_with(("github", "2"))

    answers = log_in_together([connecting(ada) for _ in range(RACERS)], openid)

    assert results(answers) == {SIGNED_IN: RACERS}
    assert connections() == [("ada", "github", "2"), ("ada", "oidc", "user-1")]
    social = UserSocialAuth.objects.get(provider="oidc")
    assert {each.data["id"] for each in answers} == {social.pk}
    assert social.extra_data["access_token"]


def test_identity_is_connected_to_one_of_several_users(openid: OpenIDProvider) -> None:
    users = [user_with(username=f"user{number}") for number in range(RACERS)]

    answers = log_in_together([connecting(user) for user in users], openid)

    assert results(answers) == {SIGNED_IN: 1, (400, "identity_in_use"): RACERS - 1}
    (winner,) = (n for n, answer in enumerate(answers) if answer.status_code == 201)
    assert connections() == [(f"user{winner}", "oidc", "user-1")]
    assert User.objects.count() == RACERS


def test_connects_against_disconnects_of_one_identity(openid: OpenIDProvider) -> None:
    ada = user_with(("github", "2"), ("oidc", "user-1"))
    ada.social_auth.filter(provider="oidc").update(id_key="sub")
    social = ada.social_auth.get(provider="oidc")
    half = RACERS // 2
    connects = []
    for _ in range(half):
        frontend = connecting(ada)
        connects.append(partial(frontend.complete, *frontend.authorize(openid)))

    answers = together([*connects, *([lambda: disconnect(logged_in(ada), social)] * half)])

    connected = answers[:half]
    assert results(connected) == {SIGNED_IN: half}
    assert results(answers[half:]) == {DISCONNECTED: 1, NOT_FOUND: half - 1}
    # The connects before the disconnect have answered with its row, those after it with a new one.
    new = {each.data["id"] for each in connected} - {social.pk}
    assert {row.pk for row in ada.social_auth.filter(provider="oidc")} == new
    assert len(new) <= 1
    assert ada.social_auth.filter(provider="github").count() == User.objects.count() == 1


def test_one_of_the_last_two_ways_to_sign_in_is_left() -> None:
    ada = user_with(("github", "2"), ("oidc", "user-1"))
    rows = [*ada.social_auth.all()]
    clients = [(logged_in(ada), rows[number % 2]) for number in range(RACERS)]

    answers = together([partial(disconnect, *each) for each in clients])

    counted = results(answers)
    assert counted.pop(DISCONNECTED) == 1
    assert set(counted) <= {NOT_FOUND, (400, "disconnect_disallowed")}
    assert ada.social_auth.count() == 1


# --- Signing out ----------------------------------------------------------------------


@pytest.fixture
def signed_in(openid: OpenIDProvider, settings: Any) -> Any:
    """Return a user with a token, whom the provider can sign out."""
    configure_endpoints(settings, BACKCHANNEL_LOGOUT_PROVIDERS=["oidc"])
    ada = user_with(("oidc", "user-1"))
    ada.social_auth.update(id_key="sub")
    Token.objects.create(user=ada)
    return ada


def test_one_logout_token_is_accepted_once(signed_in: Any) -> None:
    token = logout_token()

    answers = together([lambda: post_logout_token(token)] * RACERS)

    assert results(answers) == {SIGNED_OUT: 1, CREDENTIAL_USED: RACERS - 1}
    assert not Token.objects.exists()
    assert Nonce.objects.count() == 1


def test_logins_against_logouts_by_the_provider(signed_in: Any, openid: OpenIDProvider) -> None:
    half = RACERS // 2
    logins = []
    for _ in range(half):
        frontend = Frontend("body")
        logins.append(partial(frontend.complete, *frontend.authorize(openid)))

    logouts = [partial(post_logout_token, logout_token()) for _ in range(half)]

    answers = together([*logins, *logouts])

    assert results(answers) == {SIGNED_IN: half, SIGNED_OUT: half}
    assert User.objects.count() == UserSocialAuth.objects.count() == 1
