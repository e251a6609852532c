"""Back-channel logout: which logout tokens are accepted, and what they end."""

from __future__ import annotations

import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from functools import partial
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.http import JsonResponse
from django.urls import path
from rest_framework import serializers
from rest_framework.authtoken.models import Token
from rest_framework.response import Response
from rest_framework.throttling import AnonRateThrottle
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_django.models import Nonce, UserSocialAuth

from social_endpoints.internal.backends.extensions.discovery import KEYS_LIFETIME
from social_endpoints.internal.connections.encryption import encrypt
from social_endpoints.internal.network.document_cache import BURST, REFILL
from social_endpoints.signals import logged_out_by_provider
from social_endpoints.tokens import TokenSerializer
from social_endpoints.views import ProviderBackchannelLogoutView
from tests.support.accounts import logged_in, user_with
from tests.support.caches import age_documents
from tests.support.concurrency import THREADS, together
from tests.support.configuration import Configure
from tests.support.error_reports import reported_errors
from tests.support.frontend import Frontend, browser, error
from tests.support.id_token_providers import signed
from tests.support.keys import other_key, public, signing_key
from tests.support.log import logged
from tests.support.logout_tokens import EVENT, logout_token, post
from tests.support.openid_provider import ISSUER, OpenIDProvider
from tests.support.signals import connected, received
from tests.support.urlconf import urlconf

pytestmark = pytest.mark.django_db
User = get_user_model()

HERE = "tests.api.signing_out.test_backchannel_logout"
PATH = "/auth/o/oidc/logout/backchannel/"
JWKS = f"{ISSUER}/jwks"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(autouse=True)
def provider(openid: OpenIDProvider, configure: Configure, settings: Any) -> OpenIDProvider:
    location = {"BACKEND": "tests.support.caches.TrackedCache", "LOCATION": "logout"}
    settings.CACHES = {"default": location}
    cache.clear()
    configure(BACKCHANNEL_LOGOUT_PROVIDERS=["oidc"], NATIVE_PROVIDERS=["oidc"])
    return openid


@pytest.fixture
def user() -> Any:
    """Return a user with a connection and a token."""
    user = user_with(("oidc", "user-1"))
    Token.objects.create(user=user)
    return user


def encoded(part: bytes) -> str:
    return urlsafe_b64encode(part).decode().rstrip("=")


def assert_signed_out(response: Any) -> None:
    assert response.status_code == 200, response.data
    assert response.json() == {}
    assert not Token.objects.exists()


def assert_refused(response: Any, *codes: str, status: int = 400) -> None:
    """Assert that a response has the error body, and that nothing has changed."""
    assert response.status_code == status, response.data
    assert not codes or response.data["error_code"] in codes, response.data
    expected = {400: "invalid_request", 500: "server_error", 503: "temporarily_unavailable"}
    assert response.json()["error"] == expected[status]
    assert {"error_recovery", "error_id"} <= response.json().keys()
    assert "no-store" in response.headers["Cache-Control"]
    assert Token.objects.exists()
    assert not Nonce.objects.exists()


# --- What ends ------------------------------------------------------------------------


def test_login_by_redirect_is_ended(openid: OpenIDProvider) -> None:
    token = Frontend().log_in(openid).data["token"]
    client = browser(headers={"Authorization": f"Token {token}"})
    assert client.get("/auth/connections/", secure=True).status_code == 200

    response = post()

    assert_signed_out(response)
    assert "no-store" in response.headers["Cache-Control"]
    assert client.get("/auth/connections/", secure=True).status_code == 401
    assert Frontend().log_in(openid).status_code == 201


def test_only_the_logins_of_the_user_are_ended(user: Any) -> None:
    other = user_with(("oidc", "user-2"), ("github", "user-1"), username="grace")
    Token.objects.create(user=other)

    assert post().status_code == 200

    assert [token.user for token in Token.objects.all()] == [other]


@pytest.mark.parametrize("subject", ["nobody", "USER-1", "user-1 ", "a\0b", "\ud800", "ü" * 255])
def test_unknown_subject_is_not_an_error(subject: str, user: Any) -> None:
    with received(logged_out_by_provider) as calls:
        response = post(logout_token(sub=subject))

    assert (response.status_code, response.json()) == (200, {})
    assert Token.objects.exists()
    assert calls == []


def test_logins_of_an_inactive_user_are_ended(user: Any) -> None:
    User.objects.update(is_active=False)

    assert_signed_out(post())


def test_signal_is_sent_inside_the_transaction(user: Any) -> None:
    with received(logged_out_by_provider) as calls:
        post()

    (call,) = calls
    assert (call["sender"], call["user"], call["provider"]) == (User, user, "oidc")
    assert call["social"] == UserSocialAuth.objects.get()
    assert call["request"].path == PATH


@pytest.mark.parametrize("body", ["form", "json", "multipart", "query"])
def test_parameter_is_accepted_in_each_format(body: str, user: Any) -> None:
    values = {"logout_token": logout_token()}
    send = browser().post
    if body == "form":
        response = post(values["logout_token"])
    elif body == "query":
        response = send(PATH, QUERY_STRING=f"logout_token={values['logout_token']}", secure=True)
    else:
        response = send(PATH, values, format=body, secure=True)

    assert_signed_out(response)


def test_request_needs_neither_authentication_nor_csrf_token(user: Any, settings: Any) -> None:
    settings.MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ]
    client = browser(enforce_csrf_checks=True)
    client.credentials(HTTP_AUTHORIZATION="Token expired")

    response = client.post(PATH, {"logout_token": logout_token()}, secure=True)

    assert_signed_out(response)
    assert not response.cookies


# --- Who is found ---------------------------------------------------------------------


def test_subject_stored_beside_another_identifier_is_found(
    openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_ID_KEY = "email"
    Frontend().log_in(openid)
    assert UserSocialAuth.objects.get().uid == "ada@example.com"
    stranger = user_with(("oidc", "user-1"), ("oidc", "x"), username="grace")
    stranger.social_auth.filter(uid="x").update(extra_data={"id": "USER-1"})
    Token.objects.create(user=stranger)

    assert post().status_code == 200

    assert [token.user for token in Token.objects.all()] == [stranger]


def test_all_users_with_the_subject_are_logged_out(settings: Any) -> None:
    settings.SOCIAL_AUTH_OIDC_ID_KEY = "email"
    for name in ("ada", "grace"):
        user = user_with(("oidc", f"{name}@example.com"), ("oidc", f"{name}@x.org"), username=name)
        user.social_auth.update(extra_data={"id": "user-1"})
        Token.objects.create(user=user)

    with received(logged_out_by_provider) as calls:
        assert_signed_out(post())

    assert [call["user"].username for call in calls] == ["ada", "grace"]


@pytest.mark.parametrize("other", [{"a": 1}, ["a"], 7, None])
def test_subject_beside_an_entry_of_another_type_is_found(
    other: Any, user: Any, settings: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_ID_KEY = "email"
    user.social_auth.update(uid="ada@example.com", extra_data={"sub": "user-1", "id": other})

    assert_signed_out(post())


def test_connection_of_an_older_version_is_found(user: Any, settings: Any) -> None:
    user.social_auth.update(uid="ada", extra_data={"sub": "user-1"})
    assert post().status_code == 200
    assert Token.objects.exists()
    settings.SOCIAL_AUTH_OIDC_LEGACY_ID_KEYS = ["preferred_username"]

    assert_signed_out(post())


@pytest.mark.parametrize(("id_key", "is_found"), [("", True), ("sub", True), ("email", False)])
def test_identifier_of_another_claim_is_not_the_subject(
    id_key: str, is_found: bool, user: Any
) -> None:
    user.social_auth.update(id_key=id_key)

    assert post().status_code == 200
    assert Token.objects.exists() is not is_found


class Company(OpenIdConnectAuth):
    name = "oidc"

    def get_user_id(self, details: Any, response: Any) -> Any:
        return f"company:{self.id_token['sub']}"


class Profile(Company):
    def get_user_id(self, details: Any, response: Any) -> Any:
        return response["employee"]["number"]


@pytest.mark.parametrize(("backend", "is_found"), [("Company", True), ("Profile", False)])
def test_identifier_of_the_projects_backend_is_used(
    backend: str, is_found: bool, user: Any, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{HERE}.{backend}"]
    user.social_auth.update(uid="company:user-1")

    assert post().status_code == 200
    assert Token.objects.exists() is not is_found


# --- The token ------------------------------------------------------------------------


@pytest.mark.parametrize("token_type", ["logout+jwt", "Logout+JWT", "JWT", "jwt", None])
def test_type_in_the_header(token_type: str | None, user: Any) -> None:
    headers = {"typ": token_type} if token_type else {"typ": None}
    token = logout_token(headers=headers)
    if token_type is None:
        payload = jwt.decode(token, options={"verify_signature": False})
        token = jwt.encode(payload, signing_key(), "RS256", headers={"typ": None, "kid": "1"})
        assert "typ" not in jwt.get_unverified_header(token)

    assert_signed_out(post(token))


@pytest.mark.parametrize("prefix", ["application/logout+jwt", "application/JWT"])
def test_type_in_the_header_may_have_its_prefix(prefix: str, user: Any) -> None:
    assert_signed_out(post(logout_token(headers={"typ": prefix})))


@pytest.mark.parametrize("token_type", ["at+jwt", "id_token+jwt", "secevent+jwt", 7])
def test_other_type_in_the_header_is_refused(token_type: Any, user: Any) -> None:
    assert_refused(post(logout_token(headers={"typ": token_type})), "invalid_claim")


@pytest.mark.parametrize(
    "claims",
    [
        {"sid": None},
        {"typ": "Logout"},
        {"events": {EVENT: {"a": 1}, "https://example.com/event": None}},
        {"aud": ["our-client-id"]},
        {"azp": "our-client-id"},
        {"exp": time.time() + 10**6},
        {"trace_id": "x"},
    ],
)
def test_other_valid_tokens_are_accepted(claims: dict[str, Any], user: Any) -> None:
    assert_signed_out(post(logout_token(**claims)))


MISSING = ("iss", "aud", "iat", "exp", "jti", "events", "sub")


@pytest.mark.parametrize("name", MISSING)
def test_required_claim_is_missing(name: str, user: Any) -> None:
    assert_refused(post(logout_token(**{name: None})), "missing_claim")


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"iss": "https://evil.example.com"}, "invalid_claim"),
        ({"iss": f"{ISSUER}/"}, "invalid_claim"),
        ({"iss": [ISSUER]}, "invalid_claim"),
        ({"aud": "another-client"}, "invalid_claim"),
        ({"aud": ["our-client-id", "another-client"]}, "invalid_claim"),
        ({"aud": []}, "invalid_claim"),
        ({"azp": "another-client"}, "invalid_claim"),
        ({"client_id": "another-client"}, "invalid_claim"),
        ({"exp": 1}, "response_expired"),
        ({"exp": "tomorrow"}, "invalid_claim"),
        ({"iat": 10**10}, "response_not_yet_valid"),
        ({"nbf": 10**10}, "response_not_yet_valid"),
        ({"iat": True}, "invalid_claim"),
        ({"nonce": "x"}, "invalid_claim"),
        ({"nonce": ""}, "invalid_claim"),
        ({"at_hash": "x"}, "invalid_claim"),
        ({"scope": "openid"}, "invalid_claim"),
        ({"scp": ["openid"]}, "invalid_claim"),
        ({"typ": "Bearer"}, "invalid_claim"),
        ({"typ": "ID"}, "invalid_claim"),
        ({"token_use": "access"}, "invalid_claim"),
        ({"jti": ""}, "invalid_claim"),
        ({"jti": 7}, "invalid_claim"),
        ({"sub": ""}, "invalid_claim"),
        ({"sub": 7}, "invalid_claim"),
        ({"sub": ["user-1"]}, "invalid_claim"),
        ({"sub": "x" * 256}, "invalid_claim"),
        ({"events": {}}, "invalid_claim"),
        ({"events": [EVENT]}, "invalid_claim"),
        ({"events": EVENT}, "invalid_claim"),
        ({"events": {EVENT: None}}, "invalid_claim"),
        ({"events": {EVENT: True}}, "invalid_claim"),
        ({"events": {EVENT: []}}, "invalid_claim"),
        ({"events": {EVENT.upper(): {}}}, "invalid_claim"),
        ({"trace_id": "x" * 16_384}, "invalid_parameter"),
    ],
)
def test_claim_that_is_not_valid_is_refused(claims: dict[str, Any], code: str, user: Any) -> None:
    assert_refused(post(logout_token(**claims)), code)


def test_nonce_that_is_null_is_refused(user: Any) -> None:
    payload = jwt.decode(logout_token(), options={"verify_signature": False})
    token = signed(json.dumps({**payload, "nonce": None}).encode(), kid="1")

    assert_refused(post(token), "invalid_claim")


@pytest.mark.parametrize("algorithm", ["HS256", "none", "None", None, 7])
def test_algorithm_without_a_key_pair_is_refused(algorithm: Any, user: Any) -> None:
    header = {"alg": algorithm, "typ": "logout+jwt", "kid": "1"}
    message = f"{encoded(json.dumps(header).encode())}.{logout_token().split('.')[1]}"
    key = signing_key().public_key()
    secret = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    for signature in (hmac.new(secret, message.encode(), "sha256").digest(), b""):
        assert_refused(post(f"{message}.{encoded(signature)}"))


def test_algorithm_that_the_settings_do_not_list_is_refused(user: Any, settings: Any) -> None:
    assert_refused(post(logout_token(algorithm="RS512")), "invalid_signature")
    settings.SOCIAL_AUTH_OIDC_JWT_ALGORITHMS = ["HS256"]

    assert_refused(post(logout_token()), status=500)


@pytest.mark.parametrize("headers", [{}, {"kid": "2"}, {"jwk": public(other_key())}])
def test_foreign_signature_is_refused(headers: dict[str, Any], user: Any) -> None:
    assert_refused(post(logout_token(other_key(), headers=headers)), "invalid_signature")


@pytest.mark.parametrize("token", ["x", "a.b.c", "..", "é.b.c", "x" * 20_000, "null", "a.b.c.d.e"])
def test_malformed_token_is_refused(token: str, user: Any) -> None:
    assert_refused(post(token))


@pytest.mark.parametrize("payload", [b"[]", b"7", b"{", b"\xff"])
def test_payload_that_is_not_an_object_is_refused(payload: bytes, user: Any) -> None:
    assert_refused(post(signed(payload, kid="1")))


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        ("", FORM, 400, "invalid_parameter"),
        ("logout_token=", FORM, 400, "invalid_parameter"),
        ('{"logout_token": 7}', "application/json", 400, "invalid_parameter"),
        ("[]", "application/json", 400, "invalid_parameter"),
        ("{", "application/json", 400, "parse_error"),
        ("logout_token=a.b.c", "text/plain", 415, "unsupported_media_type"),
        ("logout_token=" + "x" * 1_000_000, FORM, 413, "body_too_large"),
    ],
)
def test_request_without_a_token_is_refused(
    body: str, content_type: str, status: int, code: str, user: Any
) -> None:
    response = browser().post(PATH, body, content_type=content_type, secure=True)

    assert error(response) == (status, code)
    assert response.json()["error"] == "invalid_request"
    assert Token.objects.exists()


# --- Other tokens of the provider -----------------------------------------------------


def test_id_token_is_not_a_logout_token(openid: OpenIDProvider) -> None:
    Frontend().log_in(openid)
    Nonce.objects.all().delete()

    assert_refused(post(UserSocialAuth.objects.get().extra_data["id_token"]))


def test_logout_token_does_not_sign_in(user: Any) -> None:
    nonce = {"nonce": "d0" * 32}
    for headers in ({}, {"typ": "JWT"}):
        body = {"id_token": logout_token(headers=headers), **nonce}
        response = browser().post("/auth/o/oidc/token/", body, format="json", secure=True)

        assert error(response) == (400, "invalid_claim")


# --- Single use -----------------------------------------------------------------------


@pytest.mark.parametrize("remaining", [120, -10])
def test_logout_token_is_accepted_once(remaining: int, user: Any, settings: Any) -> None:
    settings.SOCIAL_AUTH_OIDC_JWT_LEEWAY = 600
    token = logout_token(exp=int(time.time()) + remaining)
    assert_signed_out(post(token))
    Token.objects.create(user=user)

    response = post(token)

    assert error(response) == (400, "credential_rejected")
    assert response.json()["error"] == "invalid_request"
    assert Token.objects.exists()
    assert Nonce.objects.count() == 1
    assert post(logout_token()).status_code == 200


def test_identifier_of_a_token_is_accepted_once(user: Any) -> None:
    now = time.time()
    assert_signed_out(post(logout_token(jti="1", exp=now + 60)))

    response = post(logout_token(jti="1", exp=now + 600))

    assert error(response) == (400, "credential_rejected")


@pytest.mark.django_db(transaction=True)
def test_identifier_of_simultaneous_tokens_is_accepted_once(user: Any) -> None:
    now = int(time.time())
    tokens = [logout_token(jti="1", exp=now + 60 + seconds) for seconds in range(THREADS)]
    assert post(logout_token(sub="nobody")).status_code == 200  # The keys are cached now.

    with received(logged_out_by_provider) as calls:
        responses = together([partial(post, token) for token in tokens])

    assert sorted(response.status_code for response in responses) == [200, 400, 400, 400]
    assert len(calls) == 1
    assert not Token.objects.exists()


def test_identifier_is_the_providers(user: Any, settings: Any) -> None:
    assert post(logout_token(jti="1")).status_code == 200
    settings.SOCIAL_AUTH_OIDC_ID_TOKEN_ISSUER = "https://login.example.com"

    assert post(logout_token(jti="1", iss="https://login.example.com")).status_code == 200


class OtherBackend(OpenIdConnectAuth):
    name = "other-backend"


def test_identifier_is_that_of_one_backend(user: Any, configure: Configure, settings: Any) -> None:
    """Two backends with one issuer, for example for two client IDs."""
    configure(BACKCHANNEL_LOGOUT_PROVIDERS=["oidc", "other-backend"])
    settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, f"{HERE}.OtherBackend"]
    settings.SOCIAL_AUTH_OTHER_BACKEND_OIDC_ENDPOINT = ISSUER
    settings.SOCIAL_AUTH_OTHER_BACKEND_KEY = "our-client-id"
    settings.SOCIAL_AUTH_OTHER_BACKEND_SECRET = "our-client-secret"
    other = user_with(("other-backend", "user-1"), username="grace")
    Token.objects.create(user=other)
    token = logout_token(jti="1")

    assert post(token, "oidc").status_code == 200
    assert [each.user for each in Token.objects.all()] == [other]
    assert_signed_out(post(token, "other-backend"))
    for provider in ("oidc", "other-backend"):
        assert error(post(token, provider)) == (400, "credential_rejected")


def test_claim_of_an_id_token_does_not_use_up_a_logout_token(user: Any) -> None:
    Nonce.objects.create(server_url="social_endpoints.id_token", timestamp=1, salt="x")

    assert_signed_out(post())


class OnceADay(AnonRateThrottle):
    rate = "1/day"


class FailingReceiver:
    """A receiver that fails once."""

    def __init__(self, failure: Exception) -> None:
        self.failures = [failure]

    def __call__(self, **kwargs: Any) -> None:
        kwargs["user"].groups.create(name="logged out")
        if self.failures:
            raise self.failures.pop()


@pytest.mark.parametrize(
    ("failure", "status"),
    [(RuntimeError("a secret"), 500), (serializers.ValidationError("not now"), 400)],
)
def test_failed_logout_changes_nothing_and_can_be_sent_again(
    failure: Exception, status: int, user: Any
) -> None:
    token = logout_token()
    with connected(FailingReceiver(failure), logged_out_by_provider):
        assert_refused(post(token), status=status)
        assert not user.groups.exists()

        assert_signed_out(post(token))
        assert user.groups.exists()


class FailingSerializer(TokenSerializer):
    def revoke(self, user: Any) -> None:
        super().revoke(user)
        raise ConnectionError


def test_logins_that_cannot_be_ended_are_an_error_of_the_project(
    user: Any, configure: Configure
) -> None:
    configure(TOKEN_SERIALIZER=f"{HERE}.FailingSerializer")
    token = logout_token()
    response = post(token)

    assert response.status_code in {500, 503}
    assert_refused(response, status=response.status_code)
    configure(TOKEN_SERIALIZER="social_endpoints.tokens.TokenSerializer")
    assert_signed_out(post(token))


# --- Keys -----------------------------------------------------------------------------


def test_new_key_is_accepted_at_once(user: Any, openid: OpenIDProvider) -> None:
    assert post(logout_token(sub="nobody")).status_code == 200
    openid.private_key, openid.kid = other_key(), "2"

    assert_signed_out(post(logout_token(other_key(), headers={"kid": "2"})))


def test_removed_key_is_refused_after_minutes(user: Any, openid: OpenIDProvider) -> None:
    assert post(logout_token(sub="nobody")).status_code == 200
    Nonce.objects.all().delete()
    openid.private_key, openid.kid = other_key(), "2"
    age_documents(KEYS_LIFETIME)

    assert_refused(post(logout_token()), "invalid_signature")


def post_forged() -> Any:
    return post(logout_token(other_key(), headers={"kid": "forged"}))


@pytest.fixture
def pass_time(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Return a function that advances the clock."""
    now, advanced = time.time, [0.0]
    monkeypatch.setattr(time, "time", lambda: now() + sum(advanced))
    # The next period begins here, so none ends during the test.
    advanced.append(-time.time() % REFILL)
    return advanced.append


def test_forged_tokens_cause_a_limited_number_of_requests(
    user: Any, openid: OpenIDProvider, pass_time: Callable[[float], None]
) -> None:
    post(logout_token(sub="nobody"))
    Nonce.objects.all().delete()
    before = len(openid.paths)

    for _ in range(BURST):
        assert_refused(post_forged(), "invalid_signature")
    for _ in range(BURST):
        assert_refused(post_forged(), "provider_unavailable", status=503)

    assert len(openid.paths) - before == BURST
    assert Token.objects.exists()


def test_new_key_that_must_not_be_requested_now_is_a_503(
    user: Any, openid: OpenIDProvider, pass_time: Callable[[float], None]
) -> None:
    post(logout_token(sub="nobody"))
    Nonce.objects.all().delete()
    for _ in range(BURST):
        post_forged()
    openid.private_key, openid.kid = other_key(), "2"
    token = logout_token(other_key(), headers={"kid": "2"})

    response = post(token)
    assert_refused(response, "provider_unavailable", status=503)
    assert response.headers["Retry-After"] == str(REFILL)
    assert_refused(post(logout_token(nonce="x")), "invalid_claim")
    assert_refused(post(signed(b"[]", kid="1")), "invalid_claim")

    pass_time(REFILL)
    assert_signed_out(post(token))


def cut_off(**response: Any) -> Callable[[Any, str], None]:
    """Return a function that replaces the responses at a URL."""

    def replace(wire: Any, url: str) -> None:
        wire.remove("GET", url)
        wire.add("GET", url, **response)

    return replace


@pytest.mark.parametrize("url", [JWKS, f"{ISSUER}/.well-known/openid-configuration"])
@pytest.mark.parametrize(
    "failure",
    [
        cut_off(body=requests.ConnectionError()),
        cut_off(body=requests.Timeout()),
        cut_off(status=503, headers={"Retry-After": "17"}),
        cut_off(status=404),
        cut_off(status=403, json={"error": "access_denied"}),
        cut_off(body="no JSON"),
        cut_off(json=[]),
    ],
)
def test_keys_that_cannot_be_fetched_are_a_503(
    failure: Callable[[Any, str], None], url: str, user: Any, openid: OpenIDProvider
) -> None:
    token = logout_token()
    failure(openid.wire, url)

    response = post(token)

    assert_refused(response, status=503)
    if response.data["error_code"] == "unavailable":
        assert response.headers["Retry-After"] == "17"


@pytest.mark.parametrize("endpoints", [{"issuer": "https://evil.example"}, {"jwks_uri": None}])
def test_unusable_discovery_is_a_503(
    endpoints: dict[str, Any], user: Any, openid: OpenIDProvider
) -> None:
    openid.endpoints = endpoints

    assert_refused(post(), status=503)
    openid.endpoints = {}
    assert_signed_out(post())


def test_new_spelling_of_the_issuer_is_accepted_after_one_refusal(
    user: Any, openid: OpenIDProvider
) -> None:
    assert post(logout_token(sub="nobody")).status_code == 200  # Discovery is cached now.
    openid.endpoints = {"issuer": f"{ISSUER}/"}

    assert error(post(logout_token(iss=f"{ISSUER}/"))) == (400, "invalid_claim")
    assert_signed_out(post(logout_token(iss=f"{ISSUER}/")))


def test_outage_is_not_reported_as_an_error_of_the_project(
    user: Any, openid: OpenIDProvider, caplog: pytest.LogCaptureFixture
) -> None:
    cut_off(body=requests.ConnectionError())(openid.wire, JWKS)

    assert post().status_code == 503

    (line,) = logged(caplog)
    assert line["event"] == "backchannel logout refused"
    assert (line["level"], line["status"], line["provider"]) == ("WARNING", "503", "oidc")
    levels = {record.levelname for record in caplog.records if record.name == "django.request"}
    assert levels == {"WARNING"}


# --- Settings -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "code"),
    [
        ("oidc", "backchannel_logout_disabled"),
        ("github", "backchannel_logout_disabled"),
        ("unknown", "provider_not_supported"),
    ],
)
def test_logout_is_off_by_default(
    provider: str, code: str, user: Any, configure: Configure, openid: OpenIDProvider
) -> None:
    configure(BACKCHANNEL_LOGOUT_PROVIDERS=["github"])

    response = post(provider=provider)

    assert error(response) == (404, code)
    assert openid.paths == []
    assert Token.objects.exists()


def test_wrong_type_of_the_setting_is_a_mistake_of_the_project(
    user: Any, configure: Configure
) -> None:
    configure(BACKCHANNEL_LOGOUT_PROVIDERS="oidc")

    assert_refused(post(), status=500)


def test_rates_do_not_limit_the_provider(user: Any, configure: Configure) -> None:
    configure(THROTTLE_RATES={"anon": "1/day"})

    assert [post().status_code for _ in range(3)] == [200, 200, 200]


class ThrottledView(ProviderBackchannelLogoutView):
    throttle_classes = (OnceADay,)


def test_view_of_the_project_can_limit_the_provider(user: Any, settings: Any) -> None:
    cache.clear()
    view = path("auth/o/<str:provider>/logout/backchannel/", ThrottledView.as_view())
    settings.ROOT_URLCONF = urlconf(view)

    assert post().status_code == 200
    assert error(post()) == (429, "throttled")


def own_shape(exc: Any, context: Any) -> Response:
    return Response({"code": "own", "error": {"nested": True}}, status=exc.status_code)


def test_error_is_added_to_the_shape_of_the_project(user: Any, settings: Any) -> None:
    settings.REST_FRAMEWORK = {"EXCEPTION_HANDLER": f"{HERE}.own_shape"}

    response = post("a.b.c")

    assert response.status_code == 400
    assert response.json() == {"code": "own", "error": "invalid_request"}


def respond_with_list(exc: Any, context: Any) -> Response:
    return Response(["own"], status=exc.status_code)


def respond_with_django(exc: Any, context: Any) -> JsonResponse:
    return JsonResponse(["own"], status=exc.status_code, safe=False)


@pytest.mark.parametrize("handler", ["respond_with_list", "respond_with_django"])
@pytest.mark.parametrize("is_outage", [False, True])
def test_other_shapes_of_the_project_are_kept(
    is_outage: bool, handler: str, user: Any, settings: Any, openid: OpenIDProvider
) -> None:
    settings.REST_FRAMEWORK = {"EXCEPTION_HANDLER": f"{HERE}.{handler}"}
    if is_outage:
        cut_off(status=503)(openid.wire, JWKS)

    response = post(logout_token(sub="user-1" if is_outage else None))

    assert response.status_code == (503 if is_outage else 400)
    assert response.json() == ["own"]


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_other_methods_are_not_allowed(method: str) -> None:
    response = getattr(browser(), method)(PATH, secure=True)

    assert error(response) == (405, "method_not_allowed")
    assert response.json()["error"] == "invalid_request"


def test_log_contains_the_user_and_no_token(user: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    tokens = [logout_token(), logout_token(sub="nobody"), logout_token(nonce="x")]
    for token in tokens:
        post(token)

    lines = logged(caplog)
    assert [line["event"].rpartition(" ")[2] for line in lines] == [
        "completed",
        "completed",
        "refused",
    ]
    assert [line.get("user") for line in lines] == [str(user.pk), None, None]
    assert lines[2]["claim"] == "nonce"
    assert not any(part in caplog.text for token in tokens for part in token.split("."))


@pytest.mark.parametrize("store", [str, encrypt])
def test_stored_token_in_the_exception_of_a_receiver_is_not_reported(
    store: Callable[[str], str], user: Any, caplog: pytest.LogCaptureFixture
) -> None:
    user.social_auth.update(extra_data={"refresh_token": store("ya29.a0AfH6SM")})
    url = "https://id.example.com/revoke?token=ya29.a0AfH6SM"
    receiver = FailingReceiver(requests.HTTPError(f"400 Client Error for url: {url}"))

    with connected(receiver, logged_out_by_provider), reported_errors() as reports:
        assert post().status_code == 500

    assert "HTTPError" in caplog.text
    assert "ya29" not in caplog.text + "".join(reports)


def test_user_of_the_request_is_not_used(user: Any) -> None:
    other = user_with(username="grace")
    client = logged_in(other)

    response = client.post(PATH, {"logout_token": logout_token()}, secure=True)

    assert response.status_code == 200
    assert [token.user for token in Token.objects.all()] == [other]
