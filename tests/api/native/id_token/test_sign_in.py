"""The account that an ID token signs in to, and the single use of the token."""

from __future__ import annotations

import time
from base64 import urlsafe_b64decode
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from rest_framework.authtoken.models import Token
from rest_framework.exceptions import ValidationError
from social_core.backends.google import GoogleOAuth2
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_django.models import Nonce, UserSocialAuth

from social_endpoints.internal.connections.encryption import STATE
from social_endpoints.internal.connections.token_state import TokenState, describe, read_state
from tests.support.concurrency import together
from tests.support.frontend import Frontend, authorization_params
from tests.support.id_token_providers import IdTokenProvider
from tests.support.keys import elliptic_key, private_pem
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import AFTER_SOCIAL_USER, ASK_NAME, DEFAULT_PIPELINE, pipeline_with

pytestmark = [pytest.mark.django_db]
User = get_user_model()

HERE = "tests.api.native.id_token.test_sign_in"


def test_id_token_signs_in(provider: IdTokenProvider) -> None:
    response = provider.sign_in()

    assert response.status_code == 201, response.data
    social = UserSocialAuth.objects.get()
    assert (social.provider, social.uid) == (provider.name, provider.claims["sub"])
    assert social.user.email == "ada@example.com"
    assert social.user.last_login is not None
    assert response.data == {"token": Token.objects.get(user=social.user).key}
    assert "no-store" in response.headers["Cache-Control"]


def test_two_id_tokens_of_one_person_sign_in_to_one_account(provider: IdTokenProvider) -> None:
    first, second = provider.sign_in(), provider.sign_in(provider.token(jti="another"))

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.data == second.data
    assert UserSocialAuth.objects.count() == 1


def test_inactive_user_is_refused(provider: IdTokenProvider) -> None:
    provider.sign_in()
    User.objects.update(is_active=False)
    token = provider.token(jti="2")

    response = provider.sign_in(token)

    assert response.status_code == 400
    assert response.data["error_code"] == "authentication_disallowed"
    User.objects.update(is_active=True)
    assert provider.sign_in(token).status_code == 201


class Company(OpenIdConnectAuth):
    name = "company"
    OIDC_ENDPOINT = "https://id.example.com"


def test_backend_of_a_project_signs_in(oidc: IdTokenProvider, settings: Any) -> None:
    oidc.name, oidc.path = "company", f"{HERE}.Company"
    oidc.settings = {"SOCIAL_AUTH_COMPANY_KEY": "our-client-id"}
    oidc.discovery = None
    oidc.wire.remove("GET", oidc.jwks)
    oidc.install(settings)

    assert oidc.sign_in().status_code == 201
    assert UserSocialAuth.objects.get().provider == "company"


@pytest.mark.parametrize("position", [0, 3, 7])
def test_paused_login_is_resumed(
    position: int, provider: IdTokenProvider, frontend: Frontend, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((position, ASK_NAME))
    token = provider.token()
    frontend.below = "token/"
    tokens = {"id_token": token} | ({"nonce": provider.nonce} if provider.nonce else {})
    paused = frontend.post(tokens, provider.name)
    again = frontend.post(tokens, provider.name)
    frontend.below = ""
    body = {"partial_token": paused.data["partial_token"], "name": "x"}
    completed = frontend.complete(paused, body, provider.name)

    assert paused.status_code == 202, paused.data
    assert again.status_code == 400
    assert completed.status_code == 201, completed.data
    assert UserSocialAuth.objects.get().uid == provider.claims["sub"]


# --- Single use -----------------------------------------------------------------------


def with_other_padding(token: str) -> str:
    """Return the same token with other unused bits at the end of its signature."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet[alphabet.index(token[-1]) ^ 1]
    signature, other = (each.rpartition(".")[2] + "==" for each in (token, token[:-1] + last))
    assert urlsafe_b64decode(signature) == urlsafe_b64decode(other)
    return token[:-1] + last


def test_id_token_signs_in_once_in_any_spelling(provider: IdTokenProvider) -> None:
    token = provider.token()
    first, second = provider.sign_in(token), provider.sign_in(token)

    assert first.status_code == 201
    assert second.status_code == 400
    assert second.data["error_code"] == "credential_rejected"
    assert second.data["error_recovery"] == "restart_login"
    for spelling in (with_other_padding(token), token + "="):
        assert provider.sign_in(spelling).status_code == 400


def refuse(**kwargs: Any) -> None:
    raise ValidationError({"password": ["Enter it again."]})


def test_refused_login_does_not_use_up_the_id_token(
    provider: IdTokenProvider, settings: Any
) -> None:
    token = provider.token()
    settings.SOCIAL_AUTH_PIPELINE = [*DEFAULT_PIPELINE, f"{HERE}.refuse"]
    refused = provider.sign_in(token)
    assert refused.data["password"] == ["Enter it again."]
    assert Nonce.objects.count() == User.objects.count() == 0
    settings.SOCIAL_AUTH_PIPELINE = DEFAULT_PIPELINE

    assert provider.sign_in(token).status_code == 201


def test_id_token_of_the_far_future_signs_in_once(oidc: IdTokenProvider) -> None:
    token = oidc.token(exp=10**11)

    assert [oidc.sign_in(token).status_code for _ in range(2)] == [201, 400]


def test_id_token_stays_used_up_as_long_as_the_leeway_accepts_it(
    oidc: IdTokenProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_JWT_LEEWAY = 60
    now = int(time.time())

    assert oidc.sign_in(oidc.token(exp=now - 30)).status_code == 201
    assert Nonce.objects.get().timestamp >= now + 30


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("sub", ["user-1", "0"], ids=["known user", "new user"])
def test_simultaneous_requests_with_one_id_token_sign_in_once(
    sub: str, oidc: IdTokenProvider
) -> None:
    oidc.sign_in(oidc.token(jti="first", sub=sub))
    token = oidc.token()

    answers = together([lambda: oidc.sign_in(token)] * 4)

    codes = sorted((each.status_code, each.data.get("error_code")) for each in answers)
    assert codes == [(201, None), *[(400, "credential_rejected")] * 3], codes
    assert UserSocialAuth.objects.filter(uid="user-1").count() == 1


# --- The same account as in a redirect login ------------------------------------------


@pytest.mark.parametrize("native_first", [True, False])
def test_redirect_login_reaches_the_same_account(
    native_first: bool, oidc: IdTokenProvider, openid: OpenIDProvider
) -> None:
    logins = [oidc.sign_in, lambda: Frontend("body").log_in(openid)]
    answers = [login() for login in (logins if native_first else reversed(logins))]

    assert [answer.status_code for answer in answers] == [201, 201], answers[-1].data
    assert answers[0].data == answers[1].data
    social = UserSocialAuth.objects.get()
    assert social.extra_data["access_token"]  # From the redirect login, in either order.
    assert social.extra_data["token_type"] == "Bearer"


@pytest.mark.parametrize("expires_in", [3600, "3600"])
def test_lifetime_of_a_stored_access_token_is_not_extended(
    expires_in: Any, google: IdTokenProvider
) -> None:
    google.sign_in()
    social = UserSocialAuth.objects.get()
    ago = int(time.time()) - 3000
    social.extra_data.update(access_token="by-redirect", auth_time=ago, expires_in=expires_in)
    social.save()

    assert google.sign_in(google.token(jti="2")).status_code == 201

    social = UserSocialAuth.objects.get()
    assert social.extra_data["access_token"] == "by-redirect"
    assert social.extra_data["auth_time"] > ago
    assert 0 < social.expiration_timedelta().total_seconds() <= 600


class GoogleWithoutTimes(GoogleOAuth2):
    """A backend of a project that stores less than social-core."""

    def extra_data(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        data = super().extra_data(*args, **kwargs)
        return {name: value for name, value in data.items() if name != "auth_time"}


def test_backend_that_stores_no_time_keeps_the_stored_tokens(
    google: IdTokenProvider, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.GoogleWithoutTimes"]
    google.sign_in()
    UserSocialAuth.objects.update(extra_data={"access_token": "by-redirect", "expires_in": 5})

    assert google.sign_in(google.token(jti="2")).status_code == 201

    after = UserSocialAuth.objects.get().extra_data
    assert (after["access_token"], after["expires_in"]) == ("by-redirect", 5)


def test_id_token_alone_leaves_the_stored_tokens_and_their_state_alone(
    google: IdTokenProvider, settings: Any
) -> None:
    google.sign_in()
    state = TokenState(expires_at=2_000_000_000, scopes=("openid",), needs_reconnect=True)
    tokens = {"access_token": "by-redirect", "refresh_token": "refresh-by-redirect"}
    before = tokens | {
        STATE: describe("by-redirect", state),
        "auth_time": 1,
        "token_type": "Bearer",
    }
    UserSocialAuth.objects.update(extra_data=before)

    assert google.sign_in(google.token(jti="2")).status_code == 201
    after = UserSocialAuth.objects.get().extra_data
    assert {name: after[name] for name in before} == {**before, "auth_time": after["auth_time"]}
    assert after["auth_time"] > 1

    settings.SOCIAL_AUTH_GOOGLE_OAUTH2_GET_ALL_EXTRA_DATA = True
    token = google.token(jti="4", **{"expires_in": 5, STATE: {}})
    assert google.sign_in(token).status_code == 201
    after = UserSocialAuth.objects.get().extra_data
    assert {name: after[name] for name in before} == {**before, "auth_time": after["auth_time"]}
    assert "expires_in" not in after

    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((AFTER_SOCIAL_USER, f"{HERE}.rotate"))
    assert google.sign_in(google.token(jti="3")).status_code == 201
    after = UserSocialAuth.objects.get().extra_data
    assert {name: after[name] for name in ROTATED} == ROTATED


ROTATED = {"access_token": "refreshed", "refresh_token": "rotated", "expires_on": 5}


def rotate(**kwargs: Any) -> None:
    """Refresh the token in another process, after this sign-in has read the row."""
    extra_data = UserSocialAuth.objects.get().extra_data
    UserSocialAuth.objects.update(extra_data={**extra_data, **ROTATED})


@pytest.mark.parametrize("stored", [{"expires_in": "soon"}, {"expires_in": []}, "x"])
def test_garbage_in_extra_data_is_ignored(stored: Any, google: IdTokenProvider) -> None:
    google.sign_in()
    social = UserSocialAuth.objects.get()
    social.extra_data = {**social.extra_data, **stored} if isinstance(stored, dict) else stored
    social.save()

    assert google.sign_in(google.token(jti="2")).status_code == 201


def test_redirect_login_with_apple_reaches_the_same_account(
    apple: IdTokenProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_APPLE_ID_TEAM = settings.SOCIAL_AUTH_APPLE_ID_KEY = "x"
    settings.SOCIAL_AUTH_APPLE_ID_SECRET = private_pem(elliptic_key())
    frontend = Frontend("body")
    begun = frontend.begin("apple-id")
    state = authorization_params(begun)["state"]
    tokens = {"access_token": "by-redirect", "id_token": apple.token(), "refresh_token": "kept"}
    tokens |= {"expires_in": 3600, "token_type": "Bearer"}
    apple.wire.add("POST", "https://appleid.apple.com/auth/token", json=tokens)

    redirected = frontend.complete(begun, {"code": "1", "state": state}, "apple-id")
    native = apple.sign_in(apple.token(jti="2"))

    assert (redirected.status_code, native.status_code) == (201, 201), redirected.data
    assert redirected.data == native.data
    extra_data = UserSocialAuth.objects.get().extra_data
    assert (extra_data["access_token"], extra_data["refresh_token"]) == ("by-redirect", "kept")
    assert read_state(extra_data).expires_at == pytest.approx(time.time() + 3600, abs=60)
