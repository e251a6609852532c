"""Sign-in with an ID token that a native SDK already holds."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import threading
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
import pytest
import requests
import responses
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_login_failed
from django.core.cache import cache
from django.core.checks import run_checks
from django.db import connections
from rest_framework.authtoken.models import Token
from rest_framework.exceptions import ValidationError
from rest_framework.test import APIClient
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.pipeline.partial import partial
from social_django.models import Nonce, UserSocialAuth

from social_endpoints.internal.network.document_cache import PAUSE
from social_endpoints.strategy import Strategy
from tests.support.caches import age_documents
from tests.support.configuration import Configure
from tests.support.frontend import Frontend
from tests.support.id_token_providers import (
    PROVIDERS,
    IdTokenProvider,
    at_hash,
    edwards_key,
    elliptic_key,
    other_key,
    public,
)
from tests.support.openid_provider import OpenIDProvider, signing_key
from tests.support.pipeline import DEFAULT_PIPELINE

pytestmark = [pytest.mark.django_db]
User = get_user_model()


@pytest.fixture(autouse=True)
def no_keys_yet(settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "tests.support.caches.TrackedCache", "LOCATION": "x"}}


def put(name: str, wire: responses.RequestsMock, settings: Any) -> IdTokenProvider:
    """Configure a provider."""
    provider: IdTokenProvider = PROVIDERS[name](wire)
    provider.install(settings)
    return provider


NAMES = [
    pytest.param(name, marks=pytest.mark.needs("google.auth")) if name == "google-onetap" else name
    for name in PROVIDERS
]


@pytest.fixture(params=NAMES)
def provider(
    request: pytest.FixtureRequest, wire: responses.RequestsMock, settings: Any
) -> IdTokenProvider:
    """Return each of the providers."""
    return put(request.param, wire, settings)


@pytest.fixture
def oidc(wire: responses.RequestsMock, settings: Any) -> IdTokenProvider:
    return put("oidc", wire, settings)


@pytest.fixture
def google(wire: responses.RequestsMock, settings: Any) -> IdTokenProvider:
    return put("google-oauth2", wire, settings)


@pytest.fixture
def apple(wire: responses.RequestsMock, settings: Any) -> IdTokenProvider:
    return put("apple-id", wire, settings)


def sign_in(provider: IdTokenProvider | str, token: str | None = None, **body: Any) -> Any:
    """Post an ID token, of this moment where none is given."""
    name = provider if isinstance(provider, str) else provider.name
    if token is None and not isinstance(provider, str):
        token = provider.token()
    return APIClient().post(
        f"/auth/o/{name}/token/", {"id_token": token, **body}, format="json", secure=True
    )


def assert_refused(answer: Any, *codes: str) -> None:
    """Assert that an answer is an error body, and that no account is touched."""
    assert answer.status_code == 400, answer.data
    assert not codes or answer.data["error_code"] in codes, answer.data
    assert User.objects.count() == UserSocialAuth.objects.count() == Nonce.objects.count() == 0


# --- Every provider -------------------------------------------------------------------


def test_sign_in(provider: IdTokenProvider) -> None:
    answer = sign_in(provider)

    assert answer.status_code == 201, answer.data
    social = UserSocialAuth.objects.get()
    assert (social.provider, social.uid) == (provider.name, provider.claims["sub"])
    assert social.user.email == "ada@example.com"
    assert social.user.last_login is not None
    assert answer.data == {"token": Token.objects.get(user=social.user).key}
    assert "no-store" in answer.headers["Cache-Control"]


def test_the_same_person_is_the_same_account(provider: IdTokenProvider) -> None:
    first, second = sign_in(provider), sign_in(provider, provider.token(jti="another"))

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.data == second.data
    assert UserSocialAuth.objects.count() == 1


def test_a_token_signs_in_once(provider: IdTokenProvider) -> None:
    token = provider.token()
    first, second = sign_in(provider, token), sign_in(provider, token)

    assert first.status_code == 201
    assert second.status_code == 400
    assert second.data["error_code"] == "credential_rejected"
    assert second.data["error_recovery"] == "restart_login"


@pytest.mark.parametrize(
    ("claim", "value", "code"),
    [
        ("aud", "their-client-id", "invalid_claim"),
        ("aud", None, "missing_claim"),
        ("aud", [], "invalid_claim"),
        ("aud", {}, "invalid_claim"),
        ("aud", 7, "invalid_claim"),
        ("aud", [None], "invalid_claim"),
        ("aud", [["our-client-id"]], "invalid_claim"),
        ("azp", "their-client-id", "invalid_claim"),
        ("azp", ["our-client-id"], "invalid_claim"),
        ("azp", {}, "invalid_claim"),
        ("iss", "https://evil.example.com", "invalid_claim"),
        ("iss", None, "missing_claim"),
        ("iss", ["https://id.example.com"], "invalid_claim"),
        ("sub", None, "missing_claim"),
        ("sub", "", "invalid_claim"),
        ("sub", 7, "invalid_claim"),
        ("sub", "x" * 256, "invalid_claim"),
        ("exp", 1_000_000_000, "response_expired"),
        ("exp", None, "missing_claim"),
        ("exp", "tomorrow", "invalid_claim"),
        ("exp", True, "invalid_claim"),
        ("exp", 1e300, "invalid_claim"),
        ("exp", -1, "invalid_claim"),
        ("exp", 10**40, "invalid_claim"),
        ("iat", None, "missing_claim"),
        ("iat", 4_000_000_000, "response_not_yet_valid"),
        ("iat", [], "invalid_claim"),
        ("nbf", 4_000_000_000, "response_not_yet_valid"),
        ("nbf", "x", "invalid_claim"),
        ("typ", "Bearer", "invalid_claim"),
        ("typ", "Refresh", "invalid_claim"),
        ("typ", "DPoP", "invalid_claim"),
        ("client_id", "their-client-id", "invalid_claim"),
        ("appid", "their-client-id", "invalid_claim"),
        ("events", {"http://schemas.openid.net/event/backchannel-logout": {}}, "invalid_claim"),
        ("nonce", "n-1", "missing_parameter"),
        ("nonce", 7, "missing_parameter"),
    ],
)
def test_a_claim_that_is_wrong(
    claim: str, value: Any, code: str, provider: IdTokenProvider
) -> None:
    answer = sign_in(provider, provider.token(**{claim: value}))

    assert_refused(answer, code)
    assert answer.data["error_stage"] == "token_validation"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5000])
@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
def test_a_time_that_is_no_number(claim: str, number: str, oidc: IdTokenProvider) -> None:
    now = int(time.time())
    claims = {"iat": now, "exp": now + 300, **oidc.claims, claim: "@"}
    payload = json.dumps(claims).replace('"@"', number).encode()
    token = jwt.api_jws.encode(payload, signing_key(), "RS256", headers={"kid": "1", "typ": "JWT"})

    assert_refused(sign_in(oidc, token), "invalid_claim")


@pytest.mark.parametrize(
    ("audience", "azp", "is_ours"),
    [
        (["our-client-id", "our-app-id"], "our-app-id", True),
        ("our-app-id", None, True),
        (["our-app-id"], None, True),
        ("our-client-id", "our-app-id", True),
        (["our-client-id", "our-app-id"], None, False),
        (["our-client-id", "their-client-id"], "our-client-id", False),
        ("their-client-id", "our-client-id", False),
    ],
)
def test_audiences(
    audience: Any, azp: str | None, is_ours: bool, oidc: IdTokenProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_AUDIENCE = ["our-app-id"]

    answer = sign_in(oidc, oidc.token(aud=audience, azp=azp))

    assert answer.status_code == (201 if is_ours else 400), answer.data
    assert UserSocialAuth.objects.count() == is_ours


@pytest.mark.parametrize("audience", ["our-app-id", ("our-app-id",), {"our-app-id"}])
def test_the_setting_may_be_one_text(audience: Any, oidc: IdTokenProvider, settings: Any) -> None:
    settings.SOCIAL_AUTH_OIDC_AUDIENCE = audience

    assert sign_in(oidc, oidc.token(aud="our-app-id")).status_code == 201


@pytest.mark.parametrize(
    ("key", "audience"), [("our-client-id", [7]), ("our-client-id", 7), (None, None), (7, [])]
)
def test_a_mistake_in_the_client_ids(
    key: Any, audience: Any, oidc: IdTokenProvider, settings: Any, caplog: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_KEY, settings.SOCIAL_AUTH_OIDC_AUDIENCE = key, audience

    answer = sign_in(oidc)

    assert answer.status_code == 500
    assert answer.data["error_recovery"] == "contact_administrator"
    assert answer.data["error_code"] in {"invalid_setting", "missing_setting"}
    assert "Login with oidc failed" in caplog.text


@pytest.mark.parametrize("setting", [{"JWT_ALGORITHMS": ["HS256"]}, {"JWT_ALGORITHMS": None}])
def test_algorithms_that_are_none(
    setting: dict[str, Any], oidc: IdTokenProvider, settings: Any
) -> None:
    for name, value in setting.items():
        setattr(settings, f"SOCIAL_AUTH_OIDC_{name}", value)

    assert sign_in(oidc).status_code == 500


@pytest.mark.parametrize("leeway", ["10", True, -1, float("nan"), float("inf")])
def test_a_leeway_that_is_no_number(leeway: Any, oidc: IdTokenProvider, settings: Any) -> None:
    settings.SOCIAL_AUTH_OIDC_JWT_LEEWAY = leeway

    assert sign_in(oidc).status_code == 500


def test_clocks_may_differ(oidc: IdTokenProvider, settings: Any) -> None:
    settings.SOCIAL_AUTH_OIDC_JWT_LEEWAY = 60
    now = int(time.time())

    late = sign_in(oidc, oidc.token(exp=now - 30))
    early = sign_in(oidc, oidc.token(iat=now + 30))
    too_late = sign_in(oidc, oidc.token(exp=now - 90))

    assert (late.status_code, early.status_code, too_late.status_code) == (201, 201, 400)
    # It cannot be sent again for as long as it would be taken.
    assert Nonce.objects.order_by("timestamp").first().timestamp >= now + 30


# --- The signature --------------------------------------------------------------------


def unsigned(provider: IdTokenProvider) -> str:
    claims = jwt.decode(provider.token(), options={"verify_signature": False})
    return jwt.encode(claims, None, "none", headers={"kid": "1"})


def _by_hand(provider: IdTokenProvider, header: dict[str, Any], secret: bytes) -> str:
    """Return a token that is signed as PyJWT refuses to: with a public key as the secret."""
    payload = provider.token().split(".")[1]
    head = urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
    digest = hmac.new(secret, f"{head}.{payload}".encode(), "sha256").digest()
    return f"{head}.{payload}.{urlsafe_b64encode(digest).decode().rstrip('=')}"


def _public_keys() -> list[bytes]:
    key = signing_key().public_key()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return [
        pem,
        pem.strip(),
        key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        json.dumps(public(signing_key())).encode(),
        b"",
    ]


@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize("algorithm", ["HS256", "hs256", "none", "NONE", None, 7, "RS256"])
def test_signed_with_what_everybody_knows(
    number: int, algorithm: Any, provider: IdTokenProvider
) -> None:
    header = {"alg": algorithm, "typ": "JWT", "kid": "1"}

    assert_refused(sign_in(provider, _by_hand(provider, header, _public_keys()[number])))


@pytest.mark.parametrize("algorithm", [["RS256"], {"RS256": 1}])
def test_an_algorithm_that_is_no_name(algorithm: Any, provider: IdTokenProvider) -> None:
    token = _by_hand(provider, {"alg": algorithm, "typ": "JWT", "kid": "1"}, b"")

    assert_refused(sign_in(provider, token), "invalid_signature")


def test_not_signed(provider: IdTokenProvider) -> None:
    token = unsigned(provider)

    for each in (token, token + "x", token.rstrip(".")):
        assert_refused(sign_in(provider, each), "invalid_signature", "invalid_claim")


def test_signed_by_somebody_else(provider: IdTokenProvider) -> None:
    assert_refused(sign_in(provider, provider.token(other_key())), "invalid_signature")


@pytest.mark.parametrize("part", [0, 1, 2])
def test_altered(part: int, provider: IdTokenProvider) -> None:
    parts = provider.token().split(".")
    other = provider.token(sub="somebody-else", headers={"kid": "1", "x": "y"}).split(".")
    parts[part] = other[part]

    assert_refused(sign_in(provider, ".".join(parts)))


@pytest.mark.parametrize(
    "headers",
    [
        {"kid": "1", "crit": ["exp"], "exp": 1},
        {"kid": "1", "b64": False},
        {"kid": "1", "typ": "at+jwt"},
        {"kid": "1", "typ": "logout+jwt"},
        {"kid": "1", "typ": 7},
        {"kid": "1", "typ": None},
    ],
)
def test_a_header_that_means_something_else(
    headers: dict[str, Any], provider: IdTokenProvider
) -> None:
    # PyJWT leaves a header out that is None, and refuses to write some others.
    header = {"alg": "RS256", "typ": "JWT", **headers}
    body = provider.token().split(".")[1]
    head = urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
    algorithm = jwt.get_algorithm_by_name("RS256")
    signature = algorithm.sign(f"{head}.{body}".encode(), signing_key())
    token = f"{head}.{body}.{urlsafe_b64encode(signature).decode().rstrip('=')}"

    assert_refused(sign_in(provider, token), "invalid_claim", "malformed_response")


@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c"])
def test_a_token_that_brings_its_own_key(name: str, provider: IdTokenProvider) -> None:
    value = public(other_key()) if name == "jwk" else "https://evil.example.com/keys"
    headers = {"kid": "1", name: value}

    assert_refused(sign_in(provider, provider.token(other_key(), headers=headers)))


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "a.b.c",
        "..",
        "a.b.c.d.e",
        "{}",
        "null",
        "\u0131.b.c",
        "x" * 20_000,
        " ",
        urlsafe_b64encode(b"[" * 12_000).decode() + ".e30.e30",
        urlsafe_b64encode(b'{"alg":"RS256","kid":7}').decode() + ".e30.e30",
        urlsafe_b64encode(b"\xff\xfe").decode() + ".e30.e30",
    ],
)
def test_what_is_no_token(token: str, provider: IdTokenProvider) -> None:
    assert_refused(sign_in(provider, token))


@pytest.mark.parametrize("payload", [b"[]", b"7", b"{", b"\xff", b"[" * 11_400, b'{"a":' * 2_000])
def test_a_token_that_says_nothing(payload: bytes, oidc: IdTokenProvider) -> None:
    token = jwt.api_jws.encode(payload, signing_key(), "RS256", headers={"kid": "1", "typ": "JWT"})

    assert_refused(sign_in(oidc, token))


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "PS256", "RS512"])
def test_other_algorithms(algorithm: str, oidc: IdTokenProvider, settings: Any) -> None:
    keys = {"ES256": elliptic_key, "EdDSA": edwards_key}
    key = keys.get(algorithm, signing_key)()
    oidc.keys = [public(signing_key(), "0", alg="RS256"), public(key, alg=algorithm)]
    refused = sign_in(oidc, oidc.token(key, algorithm))
    settings.SOCIAL_AUTH_OIDC_JWT_ALGORITHMS = [algorithm]

    taken = sign_in(oidc, oidc.token(key, algorithm))

    assert (refused.status_code, taken.status_code) == (400, 201), taken.data
    assert refused.data["error_code"] == "invalid_signature"


@pytest.mark.parametrize(
    "more",
    [{"use": "enc"}, {"alg": "RS512"}, {"kty": "EC"}, {"kty": None}, {"use": None}],
)
def test_a_key_that_is_for_something_else(more: dict[str, Any], oidc: IdTokenProvider) -> None:
    oidc.keys = [public(signing_key(), **more)]

    assert_refused(sign_in(oidc), "invalid_signature")


def test_a_token_that_does_not_name_its_key(oidc: IdTokenProvider) -> None:
    oidc.keys = [public(signing_key(), None), public(other_key(), "2", use="enc")]
    taken = sign_in(oidc, oidc.token(headers={}))
    cache.clear()
    oidc.keys = [public(signing_key()), public(other_key(), "2")]

    refused = sign_in(oidc, oidc.token(headers={}, jti="2"))

    assert (taken.status_code, refused.status_code) == (201, 400)
    assert refused.data["error_code"] == "invalid_signature"


def test_two_keys_of_one_name(oidc: IdTokenProvider) -> None:
    oidc.keys = [public(other_key()), public(signing_key())]

    assert sign_in(oidc).status_code == 201


# --- The keys -------------------------------------------------------------------------


def test_the_keys_are_fetched_once(provider: IdTokenProvider) -> None:
    for number in range(3):
        assert sign_in(provider, provider.token(jti=str(number))).status_code == 201

    assert provider.fetched == 1


def test_a_key_that_nobody_knows_is_asked_for_once_a_minute(provider: IdTokenProvider) -> None:
    for number in range(5):
        token = provider.token(other_key(), headers={"kid": f"unknown-{number}"})
        assert_refused(sign_in(provider, token), "invalid_signature")

    assert provider.fetched == 1
    assert sign_in(provider).status_code == 201


def minute_passes() -> None:
    """Let the pause between two requests end."""
    age_documents(PAUSE)


def test_a_new_key(provider: IdTokenProvider) -> None:
    sign_in(provider)
    provider.keys = [public(other_key(), "2", **_issuer_of(provider))]
    token = provider.token(other_key(), headers={"kid": "2"})

    too_early = sign_in(provider, token)
    minute_passes()
    later = sign_in(provider, token)

    assert (too_early.status_code, later.status_code) == (400, 201), later.data
    assert provider.fetched == 2


@pytest.mark.parametrize("kid", ["1", None], ids=["of the same name", "without a name"])
def test_another_key_that_is_not_named_otherwise(kid: str | None, oidc: IdTokenProvider) -> None:
    headers = {} if kid is None else {"kid": kid}
    oidc.keys = [public(signing_key(), kid)]
    assert sign_in(oidc, oidc.token(headers=headers)).status_code == 201
    oidc.keys = [public(other_key(), kid)]
    token = oidc.token(other_key(), headers=headers, jti="2")

    too_early = sign_in(oidc, token)
    minute_passes()
    later = sign_in(oidc, token)

    assert (too_early.status_code, later.status_code) == (400, 201), later.data
    assert too_early.data["error_code"] == "invalid_signature"
    assert oidc.fetched == 2


def test_keys_that_were_broken_for_a_moment(provider: IdTokenProvider) -> None:
    whole, provider.keys = provider.keys, [{"kty": "RSA", "kid": "1"}]
    assert_refused(sign_in(provider), "malformed_response")
    provider.keys = whole
    minute_passes()

    assert sign_in(provider).status_code == 201


def test_forged_signatures_have_the_keys_fetched_once_a_minute(provider: IdTokenProvider) -> None:
    assert sign_in(provider).status_code == 201
    minute_passes()

    for number in range(5):
        forged = provider.token(other_key(), jti=str(number))
        assert sign_in(provider, forged).data["error_code"] == "invalid_signature"

    assert provider.fetched == 2


def _issuer_of(provider: IdTokenProvider) -> dict[str, Any]:
    return {"issuer": provider.claims["iss"]} if "azure" in provider.name else {}


def test_many_with_a_new_key_at_once(oidc: IdTokenProvider) -> None:
    sign_in(oidc)
    minute_passes()
    tokens = [oidc.token(other_key(), headers={"kid": f"x{number}"}) for number in range(8)]
    start = threading.Barrier(8)

    def post(token: str) -> None:
        start.wait(20)
        try:
            sign_in(oidc, token)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=post, args=[token]) for token in tokens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert oidc.fetched == 2


def test_keys_stay_good_while_the_provider_is_down(provider: IdTokenProvider) -> None:
    sign_in(provider)
    provider.status = 503
    minute_passes()

    new_key = sign_in(provider, provider.token(other_key(), headers={"kid": "2"}))
    known_key = sign_in(provider, provider.token(jti="2"))

    assert new_key.data["error_recovery"] == "retry_later"
    assert known_key.status_code == 201


@pytest.mark.parametrize(
    ("status", "code"), [(500, "unavailable"), (503, "unavailable"), (429, "rate_limited")]
)
def test_an_outage(status: int, code: str, provider: IdTokenProvider) -> None:
    provider.status, provider.headers = status, {"Retry-After": "17"}

    answer = sign_in(provider)

    assert_refused(answer, code)
    assert answer.data["error_recovery"] == "retry_later"
    assert answer.headers["Retry-After"] == "17"
    provider.status = 200
    assert sign_in(provider).status_code == 201


def test_a_provider_that_cannot_be_reached(provider: IdTokenProvider) -> None:
    provider.wire.remove("GET", provider.jwks)
    provider.wire.add("GET", provider.jwks, body=requests.ConnectionError())

    assert_refused(sign_in(provider), "connection_failed")


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "no JSON",
        "[]",
        "null",
        "{}",
        '{"keys": {}}',
        '{"keys": [7]}',
        '{"keys": null}',
        "[" * 100_000,
    ],
)
def test_an_answer_that_is_no_keys(answer: str, provider: IdTokenProvider) -> None:
    provider.keys = answer

    assert_refused(sign_in(provider), "malformed_response")


@pytest.mark.parametrize("name", ["oidc", "azuread-oauth2"])
@pytest.mark.parametrize("url", [None, 7, "", "no URL", "ftp://id.example.com/keys"])
def test_a_provider_that_does_not_say_where_its_keys_are(
    url: Any, name: str, wire: responses.RequestsMock, settings: Any
) -> None:
    provider = put(name, wire, settings)
    assert provider.discovery is not None
    discovery, document = provider.discovery
    wire.replace("GET", discovery, json={**document, "jwks_uri": url})

    assert_refused(sign_in(provider), "malformed_response", "missing_claim")


def test_a_project_that_does_not_know_where_the_keys_are(
    wire: responses.RequestsMock, settings: Any
) -> None:
    azure = put("azuread-oauth2", wire, settings)
    settings.SOCIAL_AUTH_AZUREAD_OAUTH2_JWKS_URI = "no URL"

    assert sign_in(azure).status_code == 500


@pytest.mark.parametrize("value", [None, 7, "", "!", [], {}, "AQ"])
def test_a_key_that_is_none(value: Any, provider: IdTokenProvider) -> None:
    provider.keys = [{**public(signing_key()), "n": value}]

    assert_refused(sign_in(provider), "malformed_response", "invalid_signature", "invalid_claim")


def test_no_keys_at_all(provider: IdTokenProvider) -> None:
    provider.keys = []

    assert_refused(sign_in(provider), "invalid_signature")


def test_a_cache_that_keeps_nothing(oidc: IdTokenProvider, settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}

    assert sign_in(oidc).status_code == 201


# --- The nonce ------------------------------------------------------------------------


def hashed(nonce: str, *, spelling: str) -> str:
    digest = hashlib.sha256(nonce.encode()).digest()
    return digest.hex() if spelling == "hex" else urlsafe_b64encode(digest).decode().rstrip("=")


@pytest.mark.parametrize("spelling", ["plain", "hex", "base64url"])
def test_a_nonce(spelling: str, provider: IdTokenProvider) -> None:
    nonce = "n-0S6_WzA2Mj"
    claim = nonce if spelling == "plain" else hashed(nonce, spelling=spelling)

    missing = sign_in(provider, provider.token(nonce=claim))
    wrong = sign_in(provider, provider.token(nonce=claim), nonce="another")
    assert_refused(missing, "missing_parameter")
    assert_refused(wrong, "nonce_mismatch")
    right = sign_in(provider, provider.token(nonce=claim), nonce=nonce)

    assert missing.data["nonce"]
    assert right.status_code == 201, right.data


def test_the_hash_of_the_claim_is_no_nonce(oidc: IdTokenProvider) -> None:
    posted = hashed("n-1", spelling="hex")

    assert_refused(sign_in(oidc, oidc.token(nonce="n-1"), nonce=posted), "nonce_mismatch")


@pytest.mark.parametrize("claim", [None, "", 7, [], {}, ["n-1"], True])
def test_a_nonce_that_the_token_has_not(claim: Any, provider: IdTokenProvider) -> None:
    answer = sign_in(provider, provider.token(nonce=claim), nonce="n-1")

    assert_refused(answer, "nonce_mismatch")


# --- Once -----------------------------------------------------------------------------


def written_otherwise(token: str) -> str:
    """Return the same token with other spare bits at the end of its signature."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    head, _, signature = token.rpartition(".")
    last = alphabet[alphabet.index(signature[-1]) ^ 1]
    other = f"{head}.{signature[:-1]}{last}"
    assert urlsafe_b64decode(signature + "==") == urlsafe_b64decode(signature[:-1] + last + "==")
    return other


def test_the_same_token_written_otherwise(provider: IdTokenProvider) -> None:
    token = provider.token()
    first = sign_in(provider, token)

    again = [sign_in(provider, each) for each in (written_otherwise(token), token + "=")]

    assert first.status_code == 201
    assert [answer.status_code for answer in again] == [400, 400]


def refuse(**kwargs: Any) -> None:
    raise ValidationError({"password": ["Say it once more."]})


def test_a_token_that_signs_in_nobody_is_not_used_up(
    provider: IdTokenProvider, settings: Any
) -> None:
    token = provider.token()
    settings.SOCIAL_AUTH_PIPELINE = [
        *DEFAULT_PIPELINE,
        "tests.api.native.test_native_id_token.refuse",
    ]
    refused = sign_in(provider, token)
    assert_refused_by_project(refused)
    settings.SOCIAL_AUTH_PIPELINE = DEFAULT_PIPELINE

    assert sign_in(provider, token).status_code == 201


def assert_refused_by_project(answer: Any) -> None:
    assert (answer.status_code, answer.data) == (400, {"password": ["Say it once more."]})
    assert Nonce.objects.count() == User.objects.count() == 0


def test_a_token_of_the_far_future(oidc: IdTokenProvider) -> None:
    token = oidc.token(exp=10**11)

    assert [sign_in(oidc, token).status_code for _ in range(2)] == [201, 400]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("known", [True, False], ids=["a known user", "a new user"])
def test_twice_at_once(known: bool, oidc: IdTokenProvider) -> None:
    sign_in(oidc, oidc.token(jti="known" if known else "keys", sub="user-1" if known else "0"))
    token = oidc.token()
    start = threading.Barrier(4)
    answers: list[Any] = []

    def post() -> None:
        start.wait(20)
        try:
            answers.append(sign_in(oidc, token))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=post) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    codes = sorted((each.status_code, each.data.get("error_code")) for each in answers)
    assert codes == [(201, None), *[(400, "credential_rejected")] * 3], codes
    assert UserSocialAuth.objects.filter(uid="user-1").count() == 1


# --- With an access token -------------------------------------------------------------


def test_an_access_token_that_came_along(oidc: IdTokenProvider, openid: OpenIDProvider) -> None:
    openid.userinfo["given_name"] = "Augusta"
    token = oidc.token(at_hash=at_hash("token-1"))

    other = sign_in(oidc, token, access_token="token-2")
    assert_refused(other, "invalid_claim")
    right = sign_in(oidc, token, access_token="token-1")

    assert right.status_code == 201, right.data
    social = UserSocialAuth.objects.get()
    assert social.user.first_name == "Augusta"
    assert social.extra_data["access_token"] == "token-1"
    assert social.extra_data["id_token"] == token


@pytest.mark.parametrize("claim", [7, "", ["x"], {}])
def test_a_hash_that_is_none(claim: Any, oidc: IdTokenProvider) -> None:
    answer = sign_in(oidc, oidc.token(at_hash=claim), access_token="token-1")

    assert_refused(answer, "invalid_claim")


def test_nobody_has_said_how_to_hash_for_eddsa(
    oidc: IdTokenProvider, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_JWT_ALGORITHMS = ["EdDSA"]
    oidc.keys = [public(edwards_key())]
    token = oidc.token(edwards_key(), "EdDSA", at_hash="x")

    assert sign_in(oidc, token, access_token="token-1").status_code == 201


def test_the_profile_of_somebody_else(oidc: IdTokenProvider, openid: OpenIDProvider) -> None:
    openid.userinfo["sub"] = "user-2"

    assert_refused(sign_in(oidc, access_token="token-of-user-2"), "invalid_claim")


@pytest.mark.parametrize("said", [{}, {"sub": None}, {"sub": ""}])
def test_the_profile_of_nobody_knows_whom(
    said: dict[str, Any], oidc: IdTokenProvider, openid: OpenIDProvider
) -> None:
    openid.userinfo = {"email": "victim@example.com", **said}

    assert_refused(sign_in(oidc, access_token="token-of-another-app"), "invalid_claim")


def test_googles_profile_of_nobody_knows_whom(google: IdTokenProvider) -> None:
    profile = "https://www.googleapis.com/oauth2/v3/userinfo"
    google.wire.add("GET", profile, json={"email": "victim@example.com", "email_verified": True})

    assert_refused(sign_in(google, access_token="token-of-another-app"), "invalid_claim")


def test_a_backend_that_hands_on_a_part_of_the_profile(
    oidc: IdTokenProvider, openid: OpenIDProvider, settings: Any, configure: Configure
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.cas.CASOpenIdConnectAuth"]
    configure(NATIVE_PROVIDERS=["cas"])
    settings.SOCIAL_AUTH_CAS_OIDC_ENDPOINT = "https://id.example.com"
    settings.SOCIAL_AUTH_CAS_KEY = "our-client-id"
    openid.userinfo["attributes"] = {"email": "ada@example.com"}

    assert sign_in("cas", oidc.token(), access_token="token-1").status_code == 201
    openid.userinfo["sub"] = "user-2"
    answer = sign_in("cas", oidc.token(jti="2"), access_token="token-of-user-2")
    assert answer.data["error_code"] == "invalid_claim"
    assert UserSocialAuth.objects.get().uid == "user-1"


@pytest.mark.parametrize("text", ["a b", "a\r\nX-Admin: 1", "\N{EURO SIGN}", "a" * 16_385])
def test_what_is_no_access_token(text: str, oidc: IdTokenProvider) -> None:
    answer = sign_in(oidc, access_token=text)

    assert_refused(answer, "invalid_parameter")
    assert answer.data["access_token"]
    assert oidc.fetched == 0


class Careless(OpenIdConnectAuth):
    """A backend of a project that takes a profile as it comes."""

    name = "careless"
    ID_KEY = "email"
    OIDC_ENDPOINT = "https://id.example.com"

    def user_data(self, access_token: str, *args: Any, **kwargs: Any) -> Any:
        return self.get_json(f"{self.OIDC_ENDPOINT}/userinfo")


@pytest.mark.parametrize(
    ("email", "status"), [("ada@example.com", 201), ("victim@example.com", 400), (None, 400)]
)
def test_a_profile_without_a_subject(
    email: Any,
    status: int,
    oidc: IdTokenProvider,
    openid: OpenIDProvider,
    settings: Any,
    configure: Configure,
) -> None:
    oidc.name = "careless"
    settings.AUTHENTICATION_BACKENDS = ["tests.api.native.test_native_id_token.Careless"]
    configure(NATIVE_PROVIDERS=["careless"])
    settings.SOCIAL_AUTH_CARELESS_KEY = "our-client-id"
    openid.userinfo = {"email": email}

    answer = sign_in(oidc, access_token="token-of-somebody")

    assert answer.status_code == status, answer.data
    assert UserSocialAuth.objects.exclude(uid="ada@example.com").count() == 0


def test_googles_profile_of_somebody_else(google: IdTokenProvider) -> None:
    profile = "https://www.googleapis.com/oauth2/v3/userinfo"
    google.wire.add(
        "GET", profile, json={"sub": "2", "email": "b@example.com", "email_verified": True}
    )

    assert_refused(sign_in(google, access_token="token-of-2"), "invalid_claim")


def test_an_outage_of_the_profile(oidc: IdTokenProvider, openid: OpenIDProvider) -> None:
    openid.wire.replace("GET", "https://id.example.com/userinfo", status=503)

    answer = sign_in(oidc, access_token="token-1")

    assert_refused(answer, "unavailable")
    assert answer.data["error_recovery"] == "retry_later"


# --- What each provider demands besides -----------------------------------------------


@pytest.mark.parametrize("issuer", ["accounts.google.com", "https://accounts.google.com"])
def test_google_is_written_in_two_ways(issuer: str, google: IdTokenProvider) -> None:
    assert sign_in(google, google.token(iss=issuer)).status_code == 201


@pytest.mark.parametrize("name", ["google-oauth2", "google-openidconnect"])
@pytest.mark.parametrize("verified", [False, None, "true", 1])
def test_an_address_that_google_has_not_verified(
    name: str, verified: Any, wire: responses.RequestsMock, settings: Any
) -> None:
    google = put(name, wire, settings)

    answer = sign_in(google, google.token(email_verified=verified))

    assert_refused(answer, "invalid_claim", "missing_claim")


@pytest.mark.parametrize("tid", [None, "", 7, "another-tenant", ["x"]])
@pytest.mark.parametrize("name", ["azuread-oauth2", "azuread-v2-tenant-oauth2"])
def test_another_tenant(tid: Any, name: str, wire: responses.RequestsMock, settings: Any) -> None:
    azure = put(name, wire, settings)

    assert_refused(sign_in(azure, azure.token(tid=tid)), "invalid_claim", "missing_claim")


def test_a_key_of_another_tenant(wire: responses.RequestsMock, settings: Any) -> None:
    azure = put("azuread-oauth2", wire, settings)
    azure.keys = [public(signing_key(), issuer="https://login.microsoftonline.com/another")]

    assert_refused(sign_in(azure), "invalid_claim")


@pytest.mark.parametrize(
    "said", [{"scp": "access_as_user"}, {"appid": "another-app"}, {"azp": "another-app"}]
)
@pytest.mark.parametrize("name", ["azuread-oauth2", "azuread-v2-tenant-oauth2"])
def test_an_access_token_of_microsofts_for_our_api(
    name: str, said: dict[str, str], wire: responses.RequestsMock, settings: Any
) -> None:
    azure = put(name, wire, settings)

    assert_refused(sign_in(azure, azure.token(**said)), "invalid_claim")


B2C = "https://ada.b2clogin.com/ada.onmicrosoft.com"


@pytest.mark.parametrize(("policy", "status"), [("b2c_1_in", 201), ("b2c_1_other", 400)])
def test_the_policy_of_azure_b2c(
    policy: str, status: int, wire: responses.RequestsMock, settings: Any
) -> None:
    azure = IdTokenProvider(
        wire,
        "azuread-b2c-oauth2",
        "social_core.backends.azuread_b2c.AzureADB2COAuth2",
        f"{B2C}/discovery/keys",
        {"iss": f"{B2C}/v2.0/", "aud": "our-azure-id", "sub": "7", "email": "ada@example.com"},
        {
            "SOCIAL_AUTH_AZUREAD_B2C_OAUTH2_KEY": "our-azure-id",
            "SOCIAL_AUTH_AZUREAD_B2C_OAUTH2_TENANT_NAME": "ada",
            "SOCIAL_AUTH_AZUREAD_B2C_OAUTH2_POLICY": "b2c_1_in",
        },
        (f"{B2C}/v2.0/.well-known/openid-configuration?p=b2c_1_in", {"issuer": f"{B2C}/v2.0/"}),
    )
    azure.install(settings)

    assert sign_in(azure, azure.token(tfp=policy)).status_code == status


@pytest.mark.parametrize("as_object", [True, False])
def test_what_apple_tells_of_a_new_user(as_object: bool, apple: IdTokenProvider) -> None:
    user = {"name": {"firstName": "Ada", "lastName": "Lovelace"}, "email": "evil@example.com"}

    answer = sign_in(apple, user=user if as_object else json.dumps(user))

    assert answer.status_code == 201, answer.data
    found = User.objects.get()
    assert (found.first_name, found.last_name) == ("Ada", "Lovelace")
    assert found.email == "ada@example.com"


@pytest.mark.parametrize(
    "user",
    [
        "{",
        "[]",
        '{"name": 7}',
        {"name": 7},
        {"name": {"x": []}},
        r'{"name": {"x": "\ud800"}}',
        {"name": {"x": "\0"}},
    ],
)
def test_what_apple_never_tells(user: Any, apple: IdTokenProvider) -> None:
    answer = sign_in(apple, user=user)

    assert_refused(answer, "invalid_parameter")
    assert answer.data["user"]


@pytest.mark.parametrize("user", [7, True, ["x"]])
def test_a_user_that_is_neither_text_nor_object(user: Any, apple: IdTokenProvider) -> None:
    answer = sign_in(apple, user=user)

    assert answer.status_code == 400
    assert answer.data == {"user": ["Not a valid string."]}


class Company(OpenIdConnectAuth):
    """A backend of a project, under a name of its own."""

    name = "company"
    OIDC_ENDPOINT = "https://id.example.com"


def test_a_backend_of_the_projects(oidc: IdTokenProvider, settings: Any) -> None:
    oidc.name, oidc.path = "company", "tests.api.native.test_native_id_token.Company"
    oidc.settings = {"SOCIAL_AUTH_COMPANY_KEY": "our-client-id"}
    oidc.discovery = None
    oidc.wire.remove("GET", oidc.jwks)
    oidc.install(settings)

    assert sign_in(oidc).status_code == 201
    assert UserSocialAuth.objects.get().provider == "company"


# --- As by redirect -------------------------------------------------------------------


@pytest.fixture
def by_redirect(oidc: IdTokenProvider, openid: OpenIDProvider) -> Any:
    """Return a function that logs the same person in with a redirect."""

    def log_in() -> Any:
        return Frontend("body").log_in(openid)

    return log_in


@pytest.mark.parametrize("first", ["native", "redirect"])
def test_one_account_with_what_is_stored(
    first: str, by_redirect: Any, oidc: IdTokenProvider
) -> None:
    logins = [lambda: sign_in(oidc), by_redirect]
    answers = [login() for login in (logins if first == "native" else reversed(logins))]

    assert [answer.status_code for answer in answers] == [201, 201], answers[-1].data
    assert answers[0].data == answers[1].data
    social = UserSocialAuth.objects.get()
    assert social.user.username == "ada" if first == "redirect" else social.user.username
    assert social.extra_data["access_token"]  # Of the redirect, in either order.
    assert social.extra_data["token_type"] == "Bearer"


@pytest.mark.parametrize("expires_in", [3600, "3600"])
def test_the_access_token_of_a_redirect_grows_no_younger(
    expires_in: Any, google: IdTokenProvider
) -> None:
    sign_in(google)
    social = UserSocialAuth.objects.get()
    ago = int(time.time()) - 3000
    social.extra_data.update(access_token="by-redirect", auth_time=ago, expires_in=expires_in)
    social.save()

    assert sign_in(google, google.token(jti="2")).status_code == 201

    social = UserSocialAuth.objects.get()
    assert social.extra_data["access_token"] == "by-redirect"
    assert social.extra_data["auth_time"] > ago  # It is when this one was last used.
    assert 0 < social.expiration_timedelta().total_seconds() <= 600


@pytest.mark.parametrize("stored", [{"expires_in": "soon"}, {"expires_in": []}, "x"])
def test_what_is_stored_may_say_nothing(stored: Any, google: IdTokenProvider) -> None:
    sign_in(google)
    social = UserSocialAuth.objects.get()
    social.extra_data = {**social.extra_data, **stored} if isinstance(stored, dict) else stored
    social.save()

    assert sign_in(google, google.token(jti="2")).status_code == 201


def test_apples_account_is_one(apple: IdTokenProvider, settings: Any) -> None:
    settings.SOCIAL_AUTH_APPLE_ID_TEAM = settings.SOCIAL_AUTH_APPLE_ID_KEY = "x"
    settings.SOCIAL_AUTH_APPLE_ID_SECRET = elliptic_key().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    frontend = Frontend("body")
    begun = frontend.begin("apple-id")
    state = dict(parse_qsl(urlsplit(begun.data["authorization_url"]).query))["state"]
    tokens = {"access_token": "by-redirect", "id_token": apple.token(), "refresh_token": "kept"}
    apple.wire.add("POST", "https://appleid.apple.com/auth/token", json=tokens)

    redirected = frontend.complete(begun, {"code": "1", "state": state}, "apple-id")
    native = sign_in(apple, apple.token(jti="2"))

    assert (redirected.status_code, native.status_code) == (201, 201), redirected.data
    assert redirected.data == native.data
    assert UserSocialAuth.objects.get().extra_data["access_token"] == "by-redirect"


@partial
def ask(strategy: Any, **kwargs: Any) -> Any:
    """Pause until there is a name."""
    return None if "name" in strategy.request_data() else strategy.redirect("/name")


@pytest.mark.parametrize("position", [0, 3, 7])
@pytest.mark.parametrize("name", NAMES)
def test_a_pause(
    name: str,
    position: int,
    wire: responses.RequestsMock,
    frontend: Frontend,
    settings: Any,
) -> None:
    provider = put(name, wire, settings)
    pipeline = list(DEFAULT_PIPELINE)
    pipeline.insert(position, "tests.api.native.test_native_id_token.ask")
    settings.SOCIAL_AUTH_PIPELINE = pipeline
    frontend.below = "token/"

    token = provider.token()
    paused = frontend.post({"id_token": token}, name)
    again = frontend.post({"id_token": token}, name)
    frontend.below = ""
    body = {"partial_token": paused.data["partial_token"], "name": "x"}
    completed = frontend.complete(paused, body, name)

    assert paused.status_code == 202, paused.data
    assert paused.data["redirect_to"] == "/name"
    assert again.status_code == 400
    assert completed.status_code == 201, completed.data
    assert UserSocialAuth.objects.get().uid == provider.claims["sub"]


def test_an_inactive_user(provider: IdTokenProvider) -> None:
    sign_in(provider)
    User.objects.update(is_active=False)
    token = provider.token(jti="2")

    answer = sign_in(provider, token)

    assert answer.status_code == 400
    assert answer.data["error_code"] == "authentication_disallowed"
    User.objects.update(is_active=True)
    assert sign_in(provider, token).status_code == 201


# --- The request ----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["unknown", "oidc", "email"])
def test_a_provider_that_does_not_take_part(
    name: str, oidc: IdTokenProvider, settings: Any, configure: Configure
) -> None:
    configure(NATIVE_PROVIDERS=["email"])
    settings.AUTHENTICATION_BACKENDS = [oidc.path, "social_core.backends.email.EmailAuth"]

    answer = sign_in(name, oidc.token())

    assert answer.status_code == 404
    assert answer.data == {"detail": f"Provider '{name}' not supported"}


def test_off_by_default(oidc: IdTokenProvider, settings: Any) -> None:
    del settings.SOCIAL_ENDPOINTS["NATIVE_PROVIDERS"]

    assert sign_in(oidc).status_code == 404


@pytest.mark.parametrize("names", ["oidc", "oidc,github", None, 7])
@pytest.mark.parametrize("path", ["oidc/token/", ""])
def test_names_that_are_no_list(
    names: Any, path: str, oidc: IdTokenProvider, configure: Configure
) -> None:
    configure(NATIVE_PROVIDERS=names)
    client = APIClient()
    ask = client.post if path else client.get

    answer = ask(f"/auth/o/{path}", {"id_token": oidc.token()}, secure=True)

    assert answer.status_code == 500
    assert answer.data["error_code"] == "invalid_setting"
    assert not UserSocialAuth.objects.exists()


@pytest.mark.parametrize("body", [{}, {"nonce": "n"}, {"id_token": ""}, {"access_token": ""}])
def test_no_token(body: dict[str, str], oidc: IdTokenProvider) -> None:
    answer = APIClient().post("/auth/o/oidc/token/", body, format="json", secure=True)

    assert answer.status_code == 400
    assert answer.data == {"id_token": ["This field is required."]}


@pytest.mark.parametrize("name", ["id_token", "access_token", "nonce"])
@pytest.mark.parametrize("value", [7, ["x"], {"x": 1}, True, "a\0b"])
def test_a_field_that_is_no_text(name: str, value: Any, oidc: IdTokenProvider) -> None:
    body = {"id_token": "x", name: value}

    answer = APIClient().post("/auth/o/oidc/token/", body, format="json", secure=True)

    assert answer.status_code == 400
    assert answer.data.keys() == {name}


@pytest.mark.parametrize("encoding", ["json", "form", "multipart", "query"])
def test_parameters_may_stand_anywhere(encoding: str, oidc: IdTokenProvider) -> None:
    path, body = "/auth/o/oidc/token/", {"id_token": oidc.token(nonce="n"), "nonce": "n"}
    form = "application/x-www-form-urlencoded"
    arguments: dict[str, tuple[str, dict[str, Any]]] = {
        "json": (path, {"data": body, "format": "json"}),
        "form": (path, {"data": urlencode(body), "content_type": form}),
        "multipart": (path, {"data": body, "format": "multipart"}),
        "query": (f"{path}?{urlencode(body)}", {"data": "", "content_type": form}),
    }
    url, rest = arguments[encoding]

    assert APIClient().post(url, secure=True, **rest).status_code == 201


def test_no_authorization_is_looked_at(oidc: IdTokenProvider) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION="Token expired")
    body = {"id_token": oidc.token()}

    answer = client.post("/auth/o/oidc/token/", body, format="json", secure=True)

    assert answer.status_code == 201


def test_get_is_nothing(oidc: IdTokenProvider) -> None:
    assert APIClient().get("/auth/o/oidc/token/", secure=True).status_code == 405


@pytest.mark.parametrize("name", ["github", "oidc-only-links"])
def test_a_provider_without_id_tokens(
    name: str, oidc: IdTokenProvider, settings: Any, configure: Configure
) -> None:
    path = "tests.api.native.test_native_id_token.OnlyLinks"
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.github.GithubOAuth2", path]
    configure(NATIVE_PROVIDERS=[name])
    settings.SOCIAL_AUTH_OIDC_ONLY_LINKS_OIDC_ENDPOINT = "https://id.example.com"

    answer = sign_in(name, oidc.token())

    assert_refused(answer, "unsupported_feature", "authentication_disallowed")
    assert "id_token" in answer.data or name != "github"


class OnlyLinks(OpenIdConnectAuth):
    """A provider that links accounts and signs nobody in."""

    name = "oidc-only-links"
    ASSOCIATION_ONLY = True


def test_a_login_that_is_kept_in_a_cookie_takes_json_alone(
    oidc: IdTokenProvider, settings: Any, configure: Configure
) -> None:
    settings.MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]
    configure(TOKEN_SERIALIZER="social_endpoints.tokens.SessionSerializer")
    body, path = {"id_token": oidc.token()}, "/auth/o/oidc/token/"
    form = "application/x-www-form-urlencoded"
    query = f"{path}?{urlencode(body)}"

    from_other_sites = [
        APIClient().post(path, urlencode(body), content_type=form, secure=True),
        APIClient().post(path, body, format="multipart", secure=True),
        APIClient().post(path, json.dumps(body), content_type="text/plain", secure=True),
        APIClient().post(query, secure=True),
        APIClient().generic("POST", query, b"", content_type="", secure=True),
    ]
    own_page = APIClient().post(path, body, format="json", secure=True)

    assert [answer.status_code for answer in from_other_sites] == [415] * 5
    assert all("sessionid" not in answer.cookies for answer in from_other_sites)
    assert own_page.status_code == 201
    assert own_page.cookies["sessionid"]


def test_a_refusal_is_told(oidc: IdTokenProvider) -> None:
    told: list[dict[str, Any]] = []

    def hear(credentials: dict[str, Any], **kwargs: Any) -> None:
        told.append(credentials)

    user_login_failed.connect(hear)
    try:
        sign_in(oidc, oidc.token(aud="their-client-id"))
    finally:
        user_login_failed.disconnect(hear)

    assert told == [{"provider": "oidc", "error_code": "invalid_claim"}]


def test_no_secret_is_logged(provider: IdTokenProvider, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secrets = []
    answers = []
    for changed in ({"aud": "their-client-id"}, {"nonce": "secret-nonce"}, {"exp": 1}, {"x": {}}):
        token = provider.token(other_key() if "x" in changed else None, **changed)
        secrets += token.split(".")[1:]
        answers.append(sign_in(provider, token, nonce="posted-nonce"))

    said = caplog.text + "".join(answer.content.decode() for answer in answers)
    assert all(answer.status_code == 400 for answer in answers)
    assert not [secret for secret in [*secrets, "secret-nonce", "posted-nonce"] if secret in said]


@pytest.mark.parametrize(
    ("listed", "capabilities"),
    [
        ([], ["redirect", "connect"]),
        (["oidc"], ["redirect", "id_token", "access_token", "connect"]),
    ],
)
def test_the_list_of_providers_tells(
    listed: list[str], capabilities: list[str], oidc: IdTokenProvider, configure: Configure
) -> None:
    configure(NATIVE_PROVIDERS=listed)

    (shown,) = APIClient().get("/auth/o/", secure=True).data

    assert shown["capabilities"] == capabilities


# --- The checks -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["oidc", "github"], []),
        (["odic"], ["Did you mean 'oidc'?"]),
        ([7], ["Available names: oidc, github, google-oauth, oidc-only-links."]),
        ([["oidc"]], ["Did you mean 'oidc'?"]),
        (["google-oauth"], ["Remove it"]),
        (["oidc-only-links"], ["Remove it"]),
    ],
)
def test_check_of_the_names(
    names: Any, found: list[str], settings: Any, configure: Configure
) -> None:
    settings.AUTHENTICATION_BACKENDS = [
        "social_core.backends.open_id_connect.OpenIdConnectAuth",
        "social_core.backends.github.GithubOAuth2",
        "social_core.backends.google.GoogleOAuth",
        "tests.api.native.test_native_id_token.OnlyLinks",
    ]
    configure(NATIVE_PROVIDERS=names)

    messages = [one for one in run_checks() if one.id == "social_endpoints.E019"]

    assert len(messages) == len(found)
    for message, hint in zip(messages, found, strict=True):
        assert str(message.hint).startswith(hint)


@pytest.mark.parametrize("strategy", [True, False])
@pytest.mark.parametrize(
    ("name", "value", "is_wrong"),
    [
        ("AUDIENCE", 7, True),
        ("AUDIENCE", [None], True),
        ("JWT_ALGORITHMS", ["HS256"], True),
        ("JWT_LEEWAY", "10", True),
        ("INTROSPECTION_URL", "no URL", True),
        ("KEY", None, False),  # Reported by check_providers().
        ("AUDIENCE", ["our-app-id"], False),
    ],
)
def test_check_of_the_settings(
    name: str, value: Any, is_wrong: bool, strategy: bool, settings: Any, configure: Configure
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.open_id_connect.OpenIdConnectAuth"]
    configure(NATIVE_PROVIDERS=["oidc"])
    if strategy:
        settings.SOCIAL_ENDPOINTS["STRATEGY"] = "tests.api.native.test_native_id_token.Tenants"
    setattr(settings, f"SOCIAL_AUTH_OIDC_{name}", value)

    found = [one.msg for one in run_checks() if one.id == "social_endpoints.E019"]

    assert len(found) == (is_wrong and not strategy)
    assert all(f"SOCIAL_AUTH_OIDC_{name}" in message for message in found)


class Tenants(Strategy):
    """A strategy of a project."""


@pytest.mark.parametrize(
    "changed",
    [
        {"NATIVE_PROVIDERS": "oidc"},
        {"NATIVE_PROVIDERS": ["oidc"], "NATIVE_VERIFIERS": {"oidc": "no.such.Class"}},
    ],
)
def test_check_leaves_it_to_others(changed: dict[str, Any], configure: Configure) -> None:
    configure(**changed)

    ids = {one.id for one in run_checks()}

    assert "social_endpoints.E019" not in ids
    assert ids & {"social_endpoints.E003", "social_endpoints.E020"}


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"STRATEGY": "tests.api.providers.test_provider_list.BrokenStrategy"}, set()),
        ({"STRATEGY": "no.such.Strategy"}, {"social_endpoints.E005"}),
    ],
)
def test_check_without_a_request(
    changed: dict[str, Any], found: set[str], configure: Configure
) -> None:
    """A strategy of the project's may need one, or a table that is not there before migrate."""
    native = {"NATIVE_PROVIDERS": ["oidc"], **changed}
    configure(**native)

    assert {one.id for one in run_checks()} == found


def test_check_of_backends_that_cannot_be_imported(settings: Any, configure: Configure) -> None:
    settings.AUTHENTICATION_BACKENDS = ["no.such.Backend"]
    configure(NATIVE_PROVIDERS=["oidc"])

    assert "social_endpoints.E019" not in {one.id for one in run_checks()}


def test_check_of_a_storage_that_cannot_be_imported(settings: Any, configure: Configure) -> None:
    settings.SOCIAL_AUTH_STORAGE = "no.such.Storage"
    configure(NATIVE_PROVIDERS=["oidc"])

    assert {one.id for one in run_checks()} == {"social_endpoints.E013"}
