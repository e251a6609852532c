"""The account that an access token signs in to, and the provider's response about the token."""

from __future__ import annotations

import json
import logging
import time
from typing import Any

import jwt
import pytest
import requests
from django.contrib.auth import get_user_model
from django.utils.module_loading import import_string
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.pipeline import DEFAULT_AUTH_PIPELINE
from social_django.models import UserSocialAuth

from social_endpoints.internal.connections.encryption import STATE
from social_endpoints.internal.connections.token_state import TokenState, describe, read_state
from tests.support.access_token_providers import SECRETS, TOKEN, Install, TokenProvider
from tests.support.configuration import Configure
from tests.support.frontend import Frontend, authorization_params, error
from tests.support.keys import signing_key
from tests.support.native import assert_refused, post_tokens
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import ASK_NAME

pytestmark = pytest.mark.django_db
User = get_user_model()

HERE = "tests.api.native.access_token.test_sign_in"


def log_in_by_redirect(provider: TokenProvider, openid: OpenIDProvider) -> Any:
    """Sign the same person in with a redirect login."""
    frontend = Frontend("body")
    begun = frontend.begin(provider.name)
    if provider.name == "oidc":
        return frontend.complete(begun, openid.authorize(begun.data["authorization_url"]))
    params = authorization_params(begun)
    if "nonce" in params:
        now = int(time.time())
        claims = {"iss": "accounts.google.com", "aud": "our-google-id", "sub": provider.uid}
        claims |= {"iat": now, "exp": now + 300, "nonce": params["nonce"]}
        id_token = jwt.encode(claims, signing_key(), "RS256", headers={"kid": "1"})
        provider.token_params["id_token"] = id_token
    return frontend.complete(begun, {"code": "x", "state": params["state"]}, provider.name)


def test_own_token_signs_in_repeatedly(provider: TokenProvider) -> None:
    first, second = provider.sign_in(), provider.sign_in()

    assert (first.status_code, second.status_code) == (201, 201), first.data
    assert first.data == second.data
    social = UserSocialAuth.objects.get()
    assert (social.provider, social.uid) == (provider.name, provider.uid)
    assert social.user.email == "ada@example.com"
    assert social.extra_data["access_token"] == TOKEN


def stored_rows() -> list[list[dict[str, Any]]]:
    return [list(model.objects.order_by("pk").values()) for model in (User, UserSocialAuth)]


@pytest.mark.parametrize("is_known", [True, False])
def test_token_of_another_application_changes_nothing(
    is_known: bool, provider: TokenProvider
) -> None:
    if is_known:
        provider.sign_in()
    before = stored_rows()
    provider.claims.update(provider.of_others)

    response = provider.sign_in("token-of-ada-for-them")

    assert response.status_code == 400
    assert response.data["error_code"] == "invalid_claim"
    assert response.data["error_stage"] == "token_validation"
    assert stored_rows() == before


@pytest.mark.parametrize("audience", ["our-app-id", ["our-app-id"]])
@pytest.mark.parametrize("name", ["google-oauth2", "google-openidconnect", "oidc"])
def test_token_of_a_client_in_the_audience_setting_signs_in(
    name: str, audience: Any, install: Install, settings: Any
) -> None:
    provider = install(name)
    setattr(settings, f"SOCIAL_AUTH_{name.upper().replace('-', '_')}_AUDIENCE", audience)
    provider.claims.update(dict.fromkeys(provider.of_others, "our-app-id"))

    assert provider.sign_in().status_code == 201


@pytest.mark.parametrize("name", ["github", "facebook"])
def test_audience_setting_has_no_effect_if_the_secret_belongs_to_one_client(
    name: str, install: Install, settings: Any
) -> None:
    provider = install(name)
    audience = ["their-github-id", "their-facebook-id"]
    setattr(settings, f"SOCIAL_AUTH_{name.upper()}_AUDIENCE", audience)
    provider.claims.update(provider.of_others)

    assert_refused(provider.sign_in(), "invalid_claim")


@pytest.mark.parametrize(
    ("setting", "value", "code"),
    [
        *(
            ("AUDIENCE", value, "invalid_setting")
            for value in ([1], 7, [""], [["our-app-id"]], {"our-app-id": True}, [None])
        ),
        ("KEY", None, "missing_setting"),
    ],
)
def test_invalid_client_id_is_a_configuration_error(
    setting: str, value: Any, code: str, google: TokenProvider, settings: Any
) -> None:
    setattr(settings, f"SOCIAL_AUTH_GOOGLE_OAUTH2_{setting}", value)

    assert error(google.sign_in()) == (500, code)


@pytest.mark.parametrize("name", ["google-oauth2", "google-openidconnect", "facebook", "oidc"])
def test_expired_token_is_refused(name: str, install: Install) -> None:
    provider = install(name)
    provider.claims.update(provider.expired)

    assert_refused(provider.sign_in(), "response_expired", recovery="restart_login")


@pytest.mark.parametrize("owner", [{"id": 4712, "sub": "grace"}, {}, {"id": True, "sub": ["x"]}])
def test_profile_of_another_user_is_refused(provider: TokenProvider, owner: Any) -> None:
    provider.profile.pop("sub", None)
    provider.profile.pop("id", None)
    provider.profile.update(owner)

    response = provider.sign_in()

    assert_refused(response, "invalid_claim")
    assert response.data["error_stage"] == "user_info"


@pytest.mark.parametrize(
    "body", ["", "no JSON", "[]", "null", '"text"', "{}", "1e999", "[" * 100_000, '{"data": 1}']
)
def test_malformed_response_is_refused(provider: TokenProvider, body: str) -> None:
    provider.response = body

    assert_refused(provider.sign_in(), "malformed_response", "missing_claim", "credential_rejected")


@pytest.mark.parametrize("value", [True, False, [], {}, "", "\0", 1.5, "9" * 5000, None, -1, [1]])
def test_claim_of_a_wrong_type_is_refused(provider: TokenProvider, value: Any) -> None:
    original = json.dumps(provider.response)
    for name in provider.required:
        provider.response = json.loads(original)
        if provider.claims[name] is value:  # "is_valid" or "active", correctly True.
            continue
        provider.claims[name] = value
        assert_refused(provider.sign_in())


@pytest.mark.parametrize("wrong", ["NaN", "Infinity", "-Infinity", "1e400", "1" + "0" * 40, "true"])
@pytest.mark.parametrize("name", ["google-oauth2", "facebook", "oidc"])
def test_time_that_is_not_a_finite_number_is_refused(
    name: str, wrong: str, install: Install
) -> None:
    provider = install(name)
    provider.claims.update(dict.fromkeys(provider.expired, "@"))
    provider.response = json.dumps(provider.response).replace('"@"', wrong)

    assert_refused(provider.sign_in(), "malformed_response")


@pytest.mark.parametrize(
    ("status", "code"), [(500, "unavailable"), (503, "unavailable"), (429, "rate_limited")]
)
def test_failing_provider_is_reported(provider: TokenProvider, status: int, code: str) -> None:
    provider.status, provider.headers, provider.response = status, {"Retry-After": "17"}, "Sorry"

    response = provider.sign_in()

    assert_refused(response, code, recovery="retry_later")
    assert response.headers["Retry-After"] == "17"


@pytest.mark.parametrize(
    ("failure", "code"),
    [(requests.ConnectionError(), "connection_failed"), (requests.ReadTimeout(), "timeout")],
)
def test_unreachable_provider_is_reported(
    provider: TokenProvider, openid: OpenIDProvider, failure: Exception, code: str
) -> None:
    openid.wire.remove(*provider.verify)
    openid.wire.add(*provider.verify, body=failure)

    assert_refused(provider.sign_in(), code, recovery="retry_later")


@pytest.mark.parametrize("token", ["with space", "with\nnewline", "wörter", "x" * 20_000])
def test_malformed_token_is_not_sent(provider: TokenProvider, token: str) -> None:
    response = provider.sign_in(token)

    assert_refused(response)
    assert response.data["access_token"]
    assert provider.asked == []


def test_no_secret_is_logged_or_returned(
    provider: TokenProvider, caplog: pytest.LogCaptureFixture
) -> None:
    original, answers = json.dumps(provider.response), []
    with caplog.at_level(logging.DEBUG):
        for status in (200, 400, 401, 403, 404, 422, 500):
            for body in (original.replace("our-", f"{TOKEN}-"), "{}", f'"{TOKEN}"', "[" * 9999):
                provider.status, provider.response = status, body
                answers.append(json.dumps(provider.sign_in().data))

    written = caplog.text + "".join(answers)
    assert "token_validation" in written
    assert [secret for secret in (TOKEN, *SECRETS) if secret in written] == []


def test_inactive_user_is_refused(provider: TokenProvider) -> None:
    provider.sign_in()
    User.objects.update(is_active=False)

    response = provider.sign_in()

    assert response.status_code == 400
    assert response.data["error_code"] == "authentication_disallowed"


@pytest.mark.parametrize("native_first", [True, False])
def test_redirect_login_reaches_the_same_account(
    native_first: bool, provider: TokenProvider, openid: OpenIDProvider
) -> None:
    logins = [provider.sign_in, lambda: log_in_by_redirect(provider, openid)]
    answers = [login() for login in (logins if native_first else reversed(logins))]

    assert [answer.status_code for answer in answers] == [201, 201], answers[0].data
    assert answers[0].data == answers[1].data
    assert UserSocialAuth.objects.get().uid == provider.uid
    assert User.objects.count() == 1


def test_stored_values_of_a_redirect_login_are_kept(
    provider: TokenProvider, openid: OpenIDProvider
) -> None:
    log_in_by_redirect(provider, openid)
    social = UserSocialAuth.objects.get()
    before = social.extra_data = {**social.extra_data, "refresh_token": "refresh-by-redirect"}
    social.save()

    provider.sign_in()

    after = UserSocialAuth.objects.get().extra_data
    assert after["access_token"] == TOKEN
    assert after.get("expires_in") == pytest.approx(provider.lifetime, abs=60)
    kept = before.keys() - {"access_token", "auth_time", "expires_in", STATE}
    assert {name: after.get(name) for name in kept} == {name: before[name] for name in kept}


# Seconds until the token expires, as the verifier reports it.
LIFETIMES = {"oidc": 300, "facebook": 5000, "google-oauth2": 3000, "google-openidconnect": 3000}


def test_expiry_and_scopes_are_stored_as_the_verifier_reports_them(provider: TokenProvider) -> None:
    before = time.time()

    provider.sign_in()

    state = read_state(UserSocialAuth.objects.get().extra_data)
    assert state.scopes == provider.granted
    lifetime = LIFETIMES.get(provider.name)
    expected = None if lifetime is None else pytest.approx(before + lifetime, abs=60)
    assert state.expires_at == expected


def test_expiry_of_a_github_token_is_stored(github: TokenProvider) -> None:
    github.response["expires_at"] = "2099-01-01T00:00:00Z"

    github.sign_in()

    state = read_state(UserSocialAuth.objects.get().extra_data)
    assert state.expires_at == pytest.approx(4_070_908_800, abs=2)


def test_scopes_that_a_verifier_does_not_report_are_unknown(provider: TokenProvider) -> None:
    for name in ("scope", "scopes"):
        provider.claims.pop(name, None)

    provider.sign_in()

    assert read_state(UserSocialAuth.objects.get().extra_data).scopes == ()


def test_native_sign_in_clears_the_mark_of_a_rejected_refresh_token(
    provider: TokenProvider,
) -> None:
    provider.sign_in()
    marked = {STATE: describe(TOKEN, TokenState(needs_reconnect=True)), "access_token": TOKEN}
    UserSocialAuth.objects.update(extra_data=marked)

    provider.sign_in()

    assert not read_state(UserSocialAuth.objects.get().extra_data).needs_reconnect


def test_paused_login_is_resumed(
    provider: TokenProvider, openid: OpenIDProvider, settings: Any, configure: Configure
) -> None:
    log_in_by_redirect(provider, openid)
    UserSocialAuth.objects.update(extra_data={"refresh_token": "refresh-by-redirect"})
    after = DEFAULT_AUTH_PIPELINE.index("social_core.pipeline.social_auth.social_user") + 1
    pipeline = [*DEFAULT_AUTH_PIPELINE]
    pipeline.insert(after, ASK_NAME)
    settings.SOCIAL_AUTH_PIPELINE = pipeline
    configure(FLOW_TRANSPORT="body")

    paused = provider.sign_in()
    assert paused.status_code == 202, paused.data
    body = {name: paused.data[name] for name in ("flow", "partial_token")}
    response = Frontend("body").post({**body, "name": "Augusta"}, provider.name)

    assert response.status_code == 201, response.data
    social = UserSocialAuth.objects.get()
    assert social.extra_data["refresh_token"] == "refresh-by-redirect"
    assert social.extra_data["access_token"] == TOKEN
    assert read_state(social.extra_data).scopes == provider.granted


class WithoutDiscovery(OpenIdConnectAuth):
    name = "without-discovery"
    AUTHORIZATION_URL = "https://id.example.com/authorize"


@pytest.mark.parametrize(
    "path",
    [
        "social_core.backends.discord.DiscordOAuth2",  # Without introspection.
        "social_core.backends.facebook_limited.FacebookLimitedLogin",
        "social_core.backends.twitter.TwitterOAuth",  # OAuth 1.0a.
        f"{HERE}.WithoutDiscovery",
    ],
)
def test_provider_without_a_verifier_is_refused(
    path: str, settings: Any, configure: Configure
) -> None:
    name = import_string(path).name
    settings.AUTHENTICATION_BACKENDS = [path]
    configure(NATIVE_PROVIDERS=[name])

    response = post_tokens(name, access_token=TOKEN)

    assert_refused(response)
    assert response.data["access_token"]
