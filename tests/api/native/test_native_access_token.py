"""Sign-in with an access token that a native SDK already holds."""

from __future__ import annotations

import json
import logging
import time
from base64 import b64decode
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
import requests
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_login_failed
from django.core.checks import run_checks
from django.utils.module_loading import import_string
from rest_framework.test import APIClient
from social_core.backends.github import GithubOAuth2
from social_core.backends.oauth import BaseOAuth2
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.pipeline import DEFAULT_AUTH_PIPELINE
from social_django.models import UserSocialAuth

from social_endpoints.signals import signed_in
from social_endpoints.verifiers import TokenInfo, TokenVerifier
from tests.support.access_token_providers import (
    CHECK,
    DEBUG_TOKEN,
    INTROSPECT,
    PROVIDERS,
    SECRETS,
    TOKEN,
    TOKENINFO,
    TokenProvider,
)
from tests.support.configuration import Configure, configure_endpoints
from tests.support.frontend import Frontend
from tests.support.openid_provider import ISSUER, OpenIDProvider, signing_key

pytestmark = pytest.mark.django_db
User = get_user_model()

HERE = "tests.api.native.test_native_access_token"
CORPORATE = "https://corp.example.com/whose"


class CompanyGithub(GithubOAuth2):
    """A backend of a project, under a name of its own."""

    name = "company-github"


class Plain(BaseOAuth2):
    """A provider of OAuth 2 that is not one of OpenID Connect."""

    name = "plain"
    ID_KEY = "id"

    def user_data(self, access_token: str, *args: Any, **kwargs: Any) -> Any:
        return self.get_json("https://plain.example.com/me")

    def get_user_details(self, response: Any) -> dict[str, Any]:
        return {"username": response["name"], "email": ""}


class Linking(Plain):
    """A provider that may be linked, and signs nobody in."""

    ASSOCIATION_ONLY = True


class WithoutDiscovery(OpenIdConnectAuth):
    """A provider of OpenID Connect whose URLs the project knows."""

    name = "without-discovery"
    AUTHORIZATION_URL = "https://id.example.com/authorize"


class Corporate(TokenVerifier):
    """A verifier of a project."""

    subject_key = "id"

    def verify(self, access_token: str) -> TokenInfo:
        answer = self.ask(CORPORATE, method="POST", json={"token": access_token})
        return TokenInfo(frozenset({answer.identifier("client")}), answer.identifier("user"))


class Careless(TokenVerifier):
    """One that does not say for whom a token is."""

    def verify(self, access_token: str) -> TokenInfo:
        return TokenInfo(frozenset())


class Mistaken(TokenVerifier):
    """One that returns what it should not."""

    def verify(self, access_token: str) -> Any:
        return TokenInfo("our-github-id")  # type: ignore[arg-type]  # that is the mistake


class Unfinished(TokenVerifier):
    """One that does nothing yet."""


class NoVerifier:
    """A class of something else."""


@pytest.fixture
def put(settings: Any, configure: Configure, openid: OpenIDProvider) -> Any:
    """Return a function that configures a provider and puts it on the wire."""

    def put(name: str) -> TokenProvider:
        provider: TokenProvider = PROVIDERS[name]()
        for setting, value in provider.settings.items():
            setattr(settings, setting, value)
        settings.AUTHENTICATION_BACKENDS = [provider.path]
        configure(NATIVE_PROVIDERS=[name])
        provider.install(openid)
        return provider

    return put


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest, put: Any) -> TokenProvider:
    """Return each of the providers."""
    return put(request.param)  # type: ignore[no-any-return]


@pytest.fixture
def github(put: Any) -> TokenProvider:
    return put("github")  # type: ignore[no-any-return]


@pytest.fixture
def facebook(put: Any) -> TokenProvider:
    return put("facebook")  # type: ignore[no-any-return]


@pytest.fixture
def google(put: Any) -> TokenProvider:
    return put("google-oauth2")  # type: ignore[no-any-return]


@pytest.fixture
def oidc(put: Any) -> TokenProvider:
    return put("oidc")  # type: ignore[no-any-return]


def sign_in(provider: str | TokenProvider, token: str = TOKEN) -> Any:
    """Post an access token."""
    name = provider if isinstance(provider, str) else provider.name
    body = {"access_token": token}
    return APIClient().post(f"/auth/o/{name}/token/", body, format="json", secure=True)


def by_redirect(provider: TokenProvider, openid: OpenIDProvider) -> Any:
    """Log the same person in with a redirect."""
    frontend = Frontend("body")
    begun = frontend.begin(provider.name)
    url = begun.data["authorization_url"]
    if provider.name == "oidc":
        return frontend.complete(begun, openid.authorize(url))
    asked = dict(parse_qsl(urlsplit(url).query))
    if "nonce" in asked:
        provider.redirect["id_token"] = id_token(provider, asked["nonce"])
    callback = {"code": "code", "state": asked["state"]}
    return frontend.complete(begun, callback, provider.name)


def id_token(provider: TokenProvider, nonce: str) -> str:
    now = int(time.time())
    times = {"iat": now, "exp": now + 300}
    audience = {"iss": "accounts.google.com", "aud": "our-google-id", "sub": provider.uid}
    claims = {**times, **audience, "nonce": nonce}
    return jwt.encode(claims, signing_key(), "RS256", headers={"kid": "1"})


def assert_refused(answer: Any, code: str, recovery: str = "") -> None:
    """Assert that an answer is an error body with this code, and that no account is touched."""
    assert answer.status_code == 400, answer.data
    assert answer.data["error_code"] == code
    assert not recovery or answer.data["error_recovery"] == recovery
    assert User.objects.count() == UserSocialAuth.objects.count() == 0


# --- Every provider -------------------------------------------------------------------


def test_own_token_signs_in_and_again(provider: TokenProvider) -> None:
    first, second = sign_in(provider), sign_in(provider)

    assert (first.status_code, second.status_code) == (201, 201), first.data
    assert first.data == second.data
    social = UserSocialAuth.objects.get()
    assert (social.provider, social.uid) == (provider.name, provider.uid)
    assert social.user.email == "ada@example.com"
    assert social.extra_data["access_token"] == TOKEN


def test_token_of_another_application_touches_no_account(provider: TokenProvider) -> None:
    sign_in(provider)
    user, social = User.objects.get(), UserSocialAuth.objects.get()
    provider.claims.update(provider.of_others)

    answer = sign_in(provider, "token-of-ada-for-them")

    assert answer.status_code == 400
    assert answer.data["error_code"] == "invalid_claim"
    assert answer.data["error_stage"] == "token_validation"
    assert User.objects.get().last_login == user.last_login
    assert UserSocialAuth.objects.get().extra_data == social.extra_data


def test_token_of_another_application_makes_no_account(provider: TokenProvider) -> None:
    provider.claims.update(provider.of_others)

    assert_refused(sign_in(provider), "invalid_claim")


@pytest.mark.parametrize("audience", ["our-app-id", ["our-app-id"]])
@pytest.mark.parametrize("name", ["google-oauth2", "google-openidconnect", "oidc"])
def test_token_of_another_client_of_the_project_signs_in(
    name: str, audience: Any, put: Any, settings: Any
) -> None:
    provider = put(name)
    setattr(settings, f"SOCIAL_AUTH_{name.upper().replace('-', '_')}_AUDIENCE", audience)
    provider.claims.update(dict.fromkeys(provider.of_others, "our-app-id"))

    assert sign_in(provider).status_code == 201


@pytest.mark.parametrize("name", ["github", "facebook"])
def test_only_the_client_with_the_secret_counts(name: str, put: Any, settings: Any) -> None:
    provider = put(name)
    setattr(
        settings, f"SOCIAL_AUTH_{name.upper()}_AUDIENCE", ["their-github-id", "their-facebook-id"]
    )
    provider.claims.update(provider.of_others)

    assert_refused(sign_in(provider), "invalid_claim")


@pytest.mark.parametrize("name", ["google-oauth2", "google-openidconnect", "facebook", "oidc"])
def test_expired_token_is_refused(name: str, put: Any) -> None:
    provider = put(name)
    provider.claims.update(provider.expired)

    assert_refused(sign_in(provider), "response_expired", "restart_login")


@pytest.mark.parametrize("owner", [{"id": 4712, "sub": "grace"}, {}, {"id": True, "sub": ["x"]}])
def test_profile_of_anybody_else_is_refused(provider: TokenProvider, owner: Any) -> None:
    provider.profile.pop("sub", None)
    provider.profile.pop("id", None)
    provider.profile.update(owner)

    answer = sign_in(provider)

    assert_refused(answer, "invalid_claim")
    assert answer.data["error_stage"] == "user_info"


@pytest.mark.parametrize(
    "answer", ["", "no JSON", "[]", "null", '"text"', "{}", "1e999", "[" * 100_000, '{"data": 1}']
)
def test_answer_that_is_none_is_refused(provider: TokenProvider, answer: str) -> None:
    provider.answer = answer

    answered = sign_in(provider)

    assert answered.status_code == 400
    codes = {"malformed_response", "missing_claim", "credential_rejected"}
    assert answered.data["error_code"] in codes
    assert not User.objects.exists()


@pytest.mark.parametrize("wrong", [True, False, [], {}, "", "\0", 1.5, "9" * 5000, None, -1, [1]])
def test_claim_of_the_wrong_type_is_refused(provider: TokenProvider, wrong: Any) -> None:
    right = json.dumps(provider.answer)
    for name in provider.demanded:
        provider.answer = json.loads(right)
        if provider.claims[name] is wrong:  # It is right here.
            continue
        provider.claims[name] = wrong

        answer = sign_in(provider)

        assert answer.status_code == 400, name
        assert "error_code" in answer.data
    assert not User.objects.exists()


@pytest.mark.parametrize("wrong", ["NaN", "Infinity", "-Infinity", "1e400", "1" + "0" * 40, "true"])
@pytest.mark.parametrize("name", ["google-oauth2", "facebook", "oidc"])
def test_time_that_is_none_is_refused(name: str, wrong: str, put: Any) -> None:
    provider = put(name)
    provider.claims.update(dict.fromkeys(provider.expired, "@"))
    provider.answer = json.dumps(provider.answer).replace('"@"', wrong)

    assert_refused(sign_in(provider), "malformed_response")


@pytest.mark.parametrize(
    ("status", "code"), [(500, "unavailable"), (503, "unavailable"), (429, "rate_limited")]
)
def test_outage_is_to_be_tried_again_later(provider: TokenProvider, status: int, code: str) -> None:
    provider.status, provider.headers, provider.answer = status, {"Retry-After": "17"}, "Sorry"

    answer = sign_in(provider)

    assert_refused(answer, code, "retry_later")
    assert answer.headers["Retry-After"] == "17"


@pytest.mark.parametrize(
    ("error", "code"),
    [(requests.ConnectionError(), "connection_failed"), (requests.ReadTimeout(), "timeout")],
)
def test_provider_that_cannot_be_reached(
    provider: TokenProvider, openid: OpenIDProvider, error: Exception, code: str
) -> None:
    openid.wire.remove(*provider.verify)
    openid.wire.add(*provider.verify, body=error)

    assert_refused(sign_in(provider), code, "retry_later")


@pytest.mark.parametrize("token", ["with space", "with\nnewline", "wörter", "x" * 20_000])
def test_what_is_no_token_is_sent_nowhere(provider: TokenProvider, token: str) -> None:
    answer = sign_in(provider, token)

    assert answer.status_code == 400
    assert answer.data["access_token"]
    assert provider.asked == []


def test_leeway_that_is_no_number(oidc: TokenProvider, settings: Any) -> None:
    settings.SOCIAL_AUTH_OIDC_JWT_LEEWAY = "10"

    assert sign_in(oidc).status_code == 500


def test_no_secret_is_logged_or_answered(
    provider: TokenProvider, caplog: pytest.LogCaptureFixture
) -> None:
    right, answers = json.dumps(provider.answer), []
    with caplog.at_level(logging.DEBUG):
        for status in (200, 400, 401, 403, 404, 422, 500):
            for body in (right.replace("our-", f"{TOKEN}-"), "{}", f'"{TOKEN}"', "[" * 9999):
                provider.status, provider.answer = status, body
                answers.append(json.dumps(sign_in(provider).data))

    written = caplog.text + "".join(answers)
    assert "token_validation" in written
    assert [secret for secret in (TOKEN, *SECRETS) if secret in written] == []


def test_inactive_user_is_refused(provider: TokenProvider) -> None:
    sign_in(provider)
    User.objects.update(is_active=False)

    answer = sign_in(provider)

    assert answer.status_code == 400
    assert answer.data["error_code"] == "authentication_disallowed"


@pytest.mark.parametrize("native_first", [True, False])
def test_account_is_the_one_by_redirect(
    native_first: bool, provider: TokenProvider, openid: OpenIDProvider
) -> None:
    ways = [lambda: by_redirect(provider, openid), lambda: sign_in(provider)]
    answers = [way() for way in (reversed(ways) if native_first else ways)]

    assert [answer.status_code for answer in answers] == [201, 201], answers[0].data
    assert answers[0].data == answers[1].data
    assert UserSocialAuth.objects.get().uid == provider.uid
    assert User.objects.count() == 1


def test_what_the_redirect_has_stored_is_kept(
    provider: TokenProvider, openid: OpenIDProvider
) -> None:
    by_redirect(provider, openid)
    social = UserSocialAuth.objects.get()
    stored = {**social.extra_data, "refresh_token": "refresh-by-redirect"}
    social.extra_data = stored
    social.save()

    sign_in(provider)

    extra_data = UserSocialAuth.objects.get().extra_data
    assert extra_data["access_token"] == TOKEN
    fresh = {"access_token", "auth_time", "expires_in"}
    assert {name: extra_data.get(name) for name in stored.keys() - fresh} == {
        name: stored[name] for name in stored.keys() - fresh
    }
    assert extra_data.get("expires_in") == pytest.approx(provider.lifetime, abs=60)


def test_paused_login_is_continued(
    provider: TokenProvider, openid: OpenIDProvider, settings: Any, configure: Configure
) -> None:
    by_redirect(provider, openid)
    UserSocialAuth.objects.update(extra_data={"refresh_token": "refresh-by-redirect"})
    before = DEFAULT_AUTH_PIPELINE.index("social_core.pipeline.social_auth.social_user") + 1
    pipeline = [*DEFAULT_AUTH_PIPELINE]
    pipeline.insert(before, "tests.support.pipeline.ask_name")
    settings.SOCIAL_AUTH_PIPELINE = pipeline
    configure(FLOW_TRANSPORT="body")

    paused = sign_in(provider)
    assert paused.status_code == 202, paused.data
    body = {name: paused.data[name] for name in ("flow", "partial_token")}
    answer = Frontend("body").post({**body, "name": "Augusta"}, provider.name)

    assert answer.status_code == 201, answer.data
    social = UserSocialAuth.objects.get()
    assert social.user.first_name == "Augusta"
    assert social.extra_data["refresh_token"] == "refresh-by-redirect"
    assert social.extra_data["access_token"] == TOKEN


# --- Google ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["aud", "azp"])
def test_google_token_of_which_one_party_is_somebody_else(name: str, google: TokenProvider) -> None:
    google.claims[name] = "their-google-id"

    assert_refused(sign_in(google), "invalid_claim")


def test_google_token_need_not_name_its_presenter(google: TokenProvider) -> None:
    del google.claims["azp"]

    assert sign_in(google).status_code == 201


def test_google_token_without_an_end(google: TokenProvider) -> None:
    del google.claims["expires_in"]

    assert_refused(sign_in(google), "missing_claim")


def test_google_is_not_sent_the_token_in_a_url(google: TokenProvider) -> None:
    sign_in(google)

    (asked,) = google.asked
    assert (asked.url, asked.body) == (TOKENINFO, None)
    assert asked.headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("status", [400, 401])
def test_google_refuses_a_token(status: int, google: TokenProvider) -> None:
    google.status = status
    google.answer = {"error": "invalid_token", "error_description": "Invalid Value"}

    assert_refused(sign_in(google), "credential_rejected", "reauthenticate")


def test_google_wants_the_address_verified_as_by_redirect(google: TokenProvider) -> None:
    google.profile["email_verified"] = False

    assert_refused(sign_in(google), "invalid_claim")


# --- Facebook -------------------------------------------------------------------------


def test_facebook_is_asked_as_the_app(facebook: TokenProvider) -> None:
    sign_in(facebook)

    (asked,) = facebook.asked
    assert asked.url.partition("?")[0] == DEBUG_TOKEN
    app_token = "our-facebook-id|our-facebook-secret"
    assert asked.params == {"input_token": TOKEN, "access_token": app_token}


@pytest.mark.parametrize(
    "claims",
    [
        {"is_valid": False, "error": {"code": 190, "message": "The session was invalidated."}},
        {"is_valid": "true"},
        {"is_valid": 1},
        {"type": "PAGE"},
        {"type": "APP"},
        {"type": None},
    ],
)
def test_facebook_token_that_is_no_users(claims: Any, facebook: TokenProvider) -> None:
    facebook.claims.update(claims)

    assert_refused(sign_in(facebook), "credential_rejected", "reauthenticate")


def test_facebook_token_may_be_for_ever(facebook: TokenProvider) -> None:
    facebook.claims.update({"expires_at": 0, "data_access_expires_at": 0})

    assert sign_in(facebook).status_code == 201
    assert "expires_in" not in UserSocialAuth.objects.get().extra_data


def test_facebook_has_withdrawn_the_data(facebook: TokenProvider) -> None:
    facebook.claims["data_access_expires_at"] = int(time.time()) - 5

    assert_refused(sign_in(facebook), "response_expired")


def test_facebook_may_leave_the_times_out(facebook: TokenProvider) -> None:
    del facebook.claims["expires_at"], facebook.claims["data_access_expires_at"]

    assert sign_in(facebook).status_code == 201


@pytest.mark.parametrize(
    ("error", "code"),
    [(100, "credential_rejected"), (4, "rate_limited"), (1, "http_error")],
)
def test_facebook_answers_with_an_error(error: int, code: str, facebook: TokenProvider) -> None:
    facebook.status = 400
    facebook.answer = {"error": {"message": "No.", "type": "OAuthException", "code": error}}

    assert_refused(sign_in(facebook), code)


# --- GitHub ---------------------------------------------------------------------------


def test_github_is_asked_as_the_app(github: TokenProvider) -> None:
    sign_in(github)

    (asked,) = github.asked
    assert (asked.url, json.loads(asked.body)) == (CHECK, {"access_token": TOKEN})
    assert b64decode(asked.headers["Authorization"].removeprefix("Basic ")) == (
        b"our-github-id:our-github-secret"
    )


@pytest.mark.parametrize("status", [404, 422])
def test_github_knows_no_such_token(status: int, github: TokenProvider) -> None:
    github.status, github.answer = status, {"message": "Not Found"}

    assert_refused(sign_in(github), "credential_rejected", "reauthenticate")


def test_github_token_of_nobody(github: TokenProvider) -> None:
    github.answer["user"] = None

    assert_refused(sign_in(github), "missing_claim")


def test_github_limits_with_a_status_of_its_own(github: TokenProvider) -> None:
    github.status, github.headers, github.answer = 403, {"Retry-After": "60"}, {"message": "Slow"}

    answer = sign_in(github)

    assert_refused(answer, "rate_limited", "retry_later")
    assert answer.headers["Retry-After"] == "60"


def test_github_forbids(github: TokenProvider) -> None:
    github.status, github.answer = 403, {"message": "Forbidden"}

    assert_refused(sign_in(github), "http_error")


def test_github_under_another_name_and_at_another_place(
    github: TokenProvider, openid: OpenIDProvider, settings: Any, configure: Configure
) -> None:
    """By class: a subclass of the project's, and the server of an enterprise."""
    api = "https://github.example.com/api/v3"
    enterprise = "social_core.backends.github_enterprise.GithubEnterpriseOAuth2"
    settings.AUTHENTICATION_BACKENDS = [f"{HERE}.CompanyGithub", enterprise]
    names = ["company-github", "github-enterprise"]
    configure(NATIVE_PROVIDERS=names)
    for name in ("COMPANY_GITHUB", "GITHUB_ENTERPRISE"):
        setattr(settings, f"SOCIAL_AUTH_{name}_KEY", "our-github-id")
        setattr(settings, f"SOCIAL_AUTH_{name}_SECRET", "our-github-secret")
    settings.SOCIAL_AUTH_GITHUB_ENTERPRISE_API_URL = api
    token, user = f"{api}/applications/our-github-id/token", f"{api}/user"
    openid.wire.add("POST", token, json=github.answer)
    openid.wire.add("GET", user, json=github.profile)

    assert [sign_in(name).status_code for name in names] == [201, 201]


@pytest.mark.parametrize("providers", [None, 5, "github"])
def test_a_setting_that_is_no_list(
    providers: Any, github: TokenProvider, configure: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    configure(NATIVE_PROVIDERS=providers)

    answers = sign_in(github), APIClient().get("/auth/o/")

    assert [answer.status_code for answer in answers] == [500, 500]
    assert [answer.data["error_code"] for answer in answers] == ["invalid_setting"] * 2
    assert "NATIVE_PROVIDERS" in caplog.text


@pytest.mark.parametrize(("status", "answered"), [(204, 201), (404, 400)])
def test_github_membership_is_demanded_as_by_redirect(
    status: int,
    answered: int,
    github: TokenProvider,
    openid: OpenIDProvider,
    settings: Any,
    configure: Configure,
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.github.GithubOrganizationOAuth2"]
    configure(NATIVE_PROVIDERS=["github-org"])
    settings.SOCIAL_AUTH_GITHUB_ORG_KEY = "our-github-id"
    settings.SOCIAL_AUTH_GITHUB_ORG_SECRET = "our-github-secret"
    settings.SOCIAL_AUTH_GITHUB_ORG_NAME = "corp"
    openid.wire.add("GET", "https://api.github.com/orgs/corp/members/ada", status=status)

    answer = sign_in("github-org")

    assert answer.status_code == answered
    assert answered == 201 or answer.data["error_code"] == "membership_required"


# --- Introspection --------------------------------------------------------------------


def test_introspection_is_asked_as_the_token_endpoint(oidc: TokenProvider, settings: Any) -> None:
    settings.SOCIAL_AUTH_OIDC_INTROSPECTION_URL = INTROSPECT
    sign_in(oidc)
    settings.SOCIAL_AUTH_OIDC_TOKEN_ENDPOINT_AUTH_METHOD = "client_secret_basic"
    sign_in(oidc)

    posted, basic = (dict(parse_qsl(asked.body)) for asked in oidc.asked)
    hint = {"token": TOKEN, "token_type_hint": "access_token"}
    client = {"client_id": "our-client-id", "client_secret": "our-client-secret"}
    assert (posted, basic) == ({**hint, **client}, hint)
    credentials = oidc.asked[1].headers["Authorization"].removeprefix("Basic ")
    assert b64decode(credentials) == b"our-client-id:our-client-secret"


@pytest.mark.parametrize("active", [False, "true", 1, None])
def test_token_that_is_not_active(active: Any, oidc: TokenProvider) -> None:
    oidc.claims["active"] = active

    assert_refused(sign_in(oidc), "credential_rejected", "reauthenticate")


@pytest.mark.parametrize("kind", ["refresh_token", "Refresh"])
def test_refresh_token_is_no_access_token(kind: str, oidc: TokenProvider) -> None:
    oidc.claims["token_type"] = kind

    assert_refused(sign_in(oidc), "credential_rejected")


def test_token_that_is_not_yet_valid(oidc: TokenProvider) -> None:
    oidc.claims["nbf"] = int(time.time()) + 60

    assert_refused(sign_in(oidc), "response_not_yet_valid")


def test_introspection_need_not_say_times_or_types(oidc: TokenProvider) -> None:
    for name in ("exp", "nbf", "token_type"):
        del oidc.claims[name]

    assert sign_in(oidc).status_code == 201


@pytest.mark.parametrize("audience", ["our-client-id", ["our-client-id", "our-app-id"]])
def test_audience_says_for_whom_where_no_client_does(
    audience: Any, oidc: TokenProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_AUDIENCE = ["our-app-id"]
    del oidc.claims["client_id"]
    oidc.claims["aud"] = audience

    assert sign_in(oidc).status_code == 201


@pytest.mark.parametrize(
    ("audience", "code"),
    [
        (None, "missing_claim"),
        ([], "invalid_claim"),
        (["our-client-id", "their-client-id"], "invalid_claim"),
        (["our-client-id", 1.5], "malformed_response"),
        (["our-client-id", None], "missing_claim"),
        ({"our-client-id": 1}, "malformed_response"),
    ],
)
def test_audience_that_is_not_the_project_alone(
    audience: Any, code: str, oidc: TokenProvider
) -> None:
    del oidc.claims["client_id"]
    oidc.claims["aud"] = audience

    assert_refused(sign_in(oidc), code)


def test_client_counts_and_not_the_audience(oidc: TokenProvider) -> None:
    oidc.claims.update(client_id="their-client-id", aud="our-client-id")

    assert_refused(sign_in(oidc), "invalid_claim")


def test_userinfo_says_whose_the_token_is_where_introspection_does_not(
    oidc: TokenProvider, openid: OpenIDProvider
) -> None:
    del oidc.claims["sub"]

    assert by_redirect(oidc, openid).data == sign_in(oidc).data
    assert UserSocialAuth.objects.get().uid == "user-1"


def test_nobody_says_whose_the_token_is(oidc: TokenProvider) -> None:
    del oidc.claims["sub"], oidc.profile["sub"]

    assert_refused(sign_in(oidc), "missing_claim")


def test_discovery_without_the_endpoint(oidc: TokenProvider, openid: OpenIDProvider) -> None:
    del openid.endpoints["introspection_endpoint"]

    answer = sign_in(oidc)

    assert_refused(answer, "unsupported_feature")
    assert answer.data["access_token"]


@pytest.mark.parametrize("endpoint", [["https://id.example.com/"], "no URL", "ftp://x/", 1])
def test_discovery_with_an_endpoint_that_is_none(
    endpoint: Any, oidc: TokenProvider, openid: OpenIDProvider
) -> None:
    openid.endpoints["introspection_endpoint"] = endpoint

    assert_refused(sign_in(oidc), "malformed_response")


def test_discovery_out_of_order(oidc: TokenProvider, openid: OpenIDProvider) -> None:
    openid.wire.replace("GET", f"{ISSUER}/.well-known/openid-configuration", status=503)

    answer = sign_in(oidc)

    assert_refused(answer, "unavailable", "retry_later")
    assert answer.data["error_stage"] == "token_validation"


@pytest.mark.parametrize("url", ["introspect", ["https://id.example.com"], "ftp://x/", "https://["])
def test_introspection_url_that_is_none(url: Any, oidc: TokenProvider, settings: Any) -> None:
    settings.SOCIAL_AUTH_OIDC_INTROSPECTION_URL = url

    answer = sign_in(oidc)

    assert (answer.status_code, answer.data["error_code"]) == (500, "invalid_setting")


def plain(settings: Any, openid: OpenIDProvider, **introspected: Any) -> None:
    """Configure a provider of OAuth 2 that has an introspection endpoint."""
    settings.AUTHENTICATION_BACKENDS = [f"{HERE}.Plain"]
    configure_endpoints(settings, NATIVE_PROVIDERS=["plain"])
    settings.SOCIAL_AUTH_PLAIN_KEY = settings.SOCIAL_AUTH_PLAIN_SECRET = "our-id"
    settings.SOCIAL_AUTH_PLAIN_INTROSPECTION_URL = "https://plain.example.com/introspect"
    answer = {"active": True, "client_id": "our-id", **introspected}
    openid.wire.add("POST", "https://plain.example.com/introspect", json=answer)
    openid.wire.add("GET", "https://plain.example.com/me", json={"id": 7, "name": "ada"})


@pytest.mark.parametrize("introspected", [{}, {"sub": "7"}, {"sub": 7}])
def test_provider_of_oauth_2_with_introspection(
    introspected: Any, settings: Any, openid: OpenIDProvider
) -> None:
    plain(settings, openid, **introspected)

    assert sign_in("plain").status_code == 201
    assert UserSocialAuth.objects.get().uid == "7"


def test_subject_is_compared_with_what_the_provider_has_for_it(
    settings: Any, openid: OpenIDProvider
) -> None:
    plain(settings, openid, sub="8")

    assert_refused(sign_in("plain"), "invalid_claim")


def test_okta_has_the_subject_under_another_name(
    settings: Any, configure: Configure, openid: OpenIDProvider
) -> None:
    okta = "https://okta.example.com"
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.okta.OktaOAuth2"]
    configure(NATIVE_PROVIDERS=["okta-oauth2"])
    settings.SOCIAL_AUTH_OKTA_OAUTH2_KEY = settings.SOCIAL_AUTH_OKTA_OAUTH2_SECRET = "our-id"
    settings.SOCIAL_AUTH_OKTA_OAUTH2_API_URL = f"{okta}/oauth2"
    introspected = {"active": True, "client_id": "our-id", "sub": "ada@example.com", "uid": "00u1"}
    openid.wire.add(
        "GET",
        f"{okta}/.well-known/openid-configuration",
        json={"introspection_endpoint": f"{okta}/introspect"},
    )
    openid.wire.add("POST", f"{okta}/introspect", json=introspected)
    profile = {"sub": "00u1", "preferred_username": "ada@example.com"}
    openid.wire.add("GET", f"{okta}/oauth2/v1/userinfo", json=profile)

    assert sign_in("okta-oauth2").status_code == 201
    assert UserSocialAuth.objects.get().uid == "00u1"


# --- The project's client -------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "status", "answer"),
    [
        ("github", 401, {"message": "Bad credentials"}),
        ("oidc", 401, {"error": "invalid_client"}),
        ("oidc", 401, "Who are you?"),
        ("oidc", 403, {"error": "forbidden"}),
        ("oidc", 400, {"error": "invalid_client"}),
        ("facebook", 400, {"error": {"code": 190, "type": "OAuthException"}}),
        ("facebook", 400, {"error": {"code": 101, "type": "OAuthException"}}),
    ],
)
def test_wrong_secret_is_the_operators_to_mend(
    name: str, status: int, answer: Any, put: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """As in a login by redirect: a 400, because it is the provider's word, and an error logged."""
    provider = put(name)
    provider.status, provider.answer = status, answer

    assert_refused(sign_in(provider), "invalid_setting", "contact_administrator")
    (record,) = [record for record in caplog.records if record.name == "social_endpoints"]
    assert record.levelno == logging.ERROR
    assert "invalid_client" in record.message


@pytest.mark.parametrize("name", ["github", "facebook", "oidc"])
@pytest.mark.parametrize("missing", ["KEY", "SECRET"])
def test_missing_client_is_a_misconfiguration(
    name: str, missing: str, put: Any, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    provider = put(name)
    setattr(settings, f"SOCIAL_AUTH_{name.upper()}_{missing}", None)

    answer = sign_in(provider)

    assert (answer.status_code, answer.data["error_code"]) == (500, "missing_setting")
    assert missing in caplog.text
    assert provider.asked == []


# --- Verifiers of the project's -------------------------------------------------------


def name_verifier(settings: Any, name: str, path: Any, **more: Any) -> None:
    configure_endpoints(settings, NATIVE_VERIFIERS={name: path}, **more)


def test_verifier_of_the_project_replaces_ours(
    github: TokenProvider, openid: OpenIDProvider, settings: Any
) -> None:
    name_verifier(settings, "github", f"{HERE}.Corporate")
    openid.wire.add("POST", CORPORATE, json={"client": "our-github-id", "user": 4711})

    assert sign_in(github).status_code == 201
    assert github.asked == []


def test_verifier_of_the_project_is_added(settings: Any, openid: OpenIDProvider) -> None:
    plain(settings, openid)
    settings.SOCIAL_AUTH_PLAIN_INTROSPECTION_URL = None
    name_verifier(settings, "plain", f"{HERE}.Corporate")
    openid.wire.add("POST", CORPORATE, json={"client": "our-id", "user": 7})

    assert sign_in("plain").status_code == 201


@pytest.mark.parametrize("said", [{"client": "their-id", "user": 4711}, {"user": 4711}, {}, []])
def test_verifier_of_the_project_is_compared_like_ours(
    said: Any, github: TokenProvider, openid: OpenIDProvider, settings: Any
) -> None:
    name_verifier(settings, "github", f"{HERE}.Corporate")
    openid.wire.add("POST", CORPORATE, json=said)

    answer = sign_in(github)

    assert answer.status_code == 400
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("verifier", "code"),
    [
        ("Careless", "invalid_claim"),
        ("Mistaken", "unknown_error"),
        ("Unfinished", "unknown_error"),
    ],
)
def test_verifier_that_does_not_say_for_whom(
    verifier: str, code: str, github: TokenProvider, settings: Any
) -> None:
    name_verifier(settings, "github", f"{HERE}.{verifier}")

    assert_refused(sign_in(github), code)


@pytest.mark.parametrize(
    ("name", "path", "problem", "hint"),
    [
        ("github", f"{HERE}.Missing", "cannot import", "dotted path"),
        ("github", f"{HERE}.NoVerifier", "is not a subclass of", "dotted path"),
        ("github", f"{HERE}.sign_in", "is not a subclass of", "dotted path"),
        ("githbu", f"{HERE}.Corporate", "is not configured", "Did you mean 'github'?"),
        ("x", f"{HERE}.Corporate", "is not configured", "Available names: github."),
    ],
)
def test_entry_that_cannot_be_followed(
    name: str, path: str, problem: str, hint: str, github: TokenProvider, settings: Any
) -> None:
    name_verifier(settings, name, path)

    (found,) = [message for message in run_checks() if message.id == "social_endpoints.E020"]
    assert problem in found.msg
    assert hint in found.hint
    answer = sign_in(github)
    assert (answer.status_code, answer.data["error_code"]) == (500, "invalid_setting")
    assert github.asked == []


def test_setting_that_is_no_dictionary(github: TokenProvider, configure: Configure) -> None:
    configure(NATIVE_VERIFIERS=["github"])

    assert [message.id for message in run_checks()] == ["social_endpoints.E003"]
    assert sign_in(github).status_code == 500


def test_check_leaves_backends_that_cannot_be_imported_to_another(settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = ["tests.Missing"]
    name_verifier(settings, "github", f"{HERE}.Corporate")

    assert "social_endpoints.E020" not in {message.id for message in run_checks()}


# --- Providers without one ------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "social_core.backends.discord.DiscordOAuth2",  # It has no introspection.
        "social_core.backends.facebook_limited.FacebookLimitedLogin",
        "social_core.backends.twitter.TwitterOAuth",  # OAuth 1.0a.
        f"{HERE}.WithoutDiscovery",
    ],
)
def test_provider_that_cannot_say_for_whom(
    path: str, settings: Any, configure: Configure, wire: Any
) -> None:
    name = import_string(path).name
    settings.AUTHENTICATION_BACKENDS = [path]
    configure(NATIVE_PROVIDERS=[name])

    answer = sign_in(name)

    assert answer.status_code == 400
    assert answer.data["access_token"]
    assert not User.objects.exists()


# --- The endpoint ---------------------------------------------------------------------


def test_provider_that_is_not_listed_is_unknown(
    github: TokenProvider, configure: Configure
) -> None:
    configure(NATIVE_PROVIDERS=["oidc", "x"])

    assert [sign_in(name).status_code for name in ("github", "oidc", "x", "y")] == [404] * 4
    assert github.asked == []


def test_token_that_is_no_text(github: TokenProvider) -> None:
    body = {"access_token": ["token"]}
    answer = APIClient().post("/auth/o/github/token/", body, format="json", secure=True)

    assert answer.status_code == 400
    assert list(answer.data) == ["access_token"]


def test_another_site_can_post_no_token_of_the_attackers(
    github: TokenProvider, settings: Any, configure: Configure
) -> None:
    settings.MIDDLEWARE = [
        *settings.MIDDLEWARE,
        "django.contrib.sessions.middleware.SessionMiddleware",
    ]
    serializer = "social_endpoints.tokens.SessionSerializer"
    configure(TOKEN_SERIALIZER=serializer)

    for kind in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        answer = APIClient().post(
            "/auth/o/github/token/", f"access_token={TOKEN}", content_type=kind, secure=True
        )
        assert answer.status_code == 415
        assert not answer.cookies

    assert sign_in(github).status_code == 201


def test_form_will_do_where_no_cookie_is_set(github: TokenProvider) -> None:
    body = {"access_token": TOKEN}
    assert APIClient().post("/auth/o/github/token/", body, secure=True).status_code == 201


def test_provider_that_signs_nobody_in(settings: Any, openid: OpenIDProvider) -> None:
    plain(settings, openid)
    settings.AUTHENTICATION_BACKENDS = [f"{HERE}.Linking"]

    answer = sign_in("plain")

    assert_refused(answer, "authentication_disallowed", "use_existing_account")


def test_signals_tell_of_it(github: TokenProvider) -> None:
    told: list[Any] = []

    def note(sender: Any, **kwargs: Any) -> None:
        told.append(kwargs.get("credentials") or (kwargs["provider"], kwargs["is_new_user"]))

    signed_in.connect(note)
    user_login_failed.connect(note)
    try:
        sign_in(github)
        github.claims.update(github.of_others)
        sign_in(github)
    finally:
        signed_in.disconnect(note)
        user_login_failed.disconnect(note)

    failed = {"provider": "github", "error_code": "invalid_claim"}
    assert told == [("github", True), failed]


@pytest.mark.parametrize("audience", [[1], 7, [""], [["our-app-id"]], {"our-app-id": True}, [None]])
def test_audience_that_is_no_list_of_client_ids(
    audience: Any, google: TokenProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_GOOGLE_OAUTH2_AUDIENCE = audience

    answer = sign_in(google)

    assert (answer.status_code, answer.data["error_code"]) == (500, "invalid_setting")


def test_project_without_a_client_id(google: TokenProvider, settings: Any) -> None:
    settings.SOCIAL_AUTH_GOOGLE_OAUTH2_KEY = None

    answer = sign_in(google)

    assert (answer.status_code, answer.data["error_code"]) == (500, "missing_setting")
