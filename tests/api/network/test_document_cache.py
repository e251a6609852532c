"""Discovery and keys: how often a provider is asked, and which documents are used."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
import responses
from django.core.cache import cache
from social_core.backends.azuread import AzureADOAuth2
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.backends.utils import OIDCDiscoveryMixin, load_oidc_config
from social_core.exceptions import AuthPolicyError
from social_core.utils import cache as core_cache

from social_endpoints.internal.backends.extensions.discovery import KEYS_GRACE, KEYS_LIFETIME
from social_endpoints.internal.network.document_cache import (
    GRACE,
    MAX_LENGTH,
    MAX_LIFETIME,
    MIN_LIFETIME,
    PAUSE,
)
from social_endpoints.strategy import Strategy
from tests.support import caches
from tests.support.configuration import Configure
from tests.support.frontend import Frontend, authorization_params
from tests.support.http_provider import served
from tests.support.id_token_providers import hexadecimal
from tests.support.interpreter import python
from tests.support.keys import other_key, signing_key
from tests.support.openid_provider import ISSUER, OpenIDProvider

pytestmark = [pytest.mark.django_db]

HERE = "tests.api.network.test_document_cache"
DISCOVERY = "/.well-known/openid-configuration"
EVIL = "https://evil.example.com"
FIRST_LOGIN = [DISCOVERY, "/token", "/jwks", "/userinfo"]
NEXT_LOGIN = ["/token", "/userinfo"]

LogIn = Callable[[], list[str]]


@pytest.fixture(autouse=True)
def tracked_cache(use_cache: Callable[[str], None]) -> None:
    use_cache("tests.support.caches.TrackedCache")


@pytest.fixture
def use_cache(settings: Any) -> Callable[[str], None]:
    def use(backend: str) -> None:
        settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": "test_document_cache"}}

    return use


@pytest.fixture
def frontend() -> Frontend:
    """Return a frontend; the transport makes no difference here."""
    return Frontend()


@pytest.fixture
def log_in(openid: OpenIDProvider, frontend: Frontend) -> LogIn:
    """Return a function that logs in and returns the requests to the provider."""
    cache.clear()

    def log_in() -> list[str]:
        openid.paths.clear()
        response = frontend.log_in(openid)
        assert response.status_code == 201, response.data
        return list(openid.paths)

    return log_in


# --- Number of requests ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("backend", "first_login_of_next_process"),
    [
        ("filebased.FileBasedCache", NEXT_LOGIN),
        ("locmem.LocMemCache", FIRST_LOGIN),
        ("dummy.DummyCache", FIRST_LOGIN),
    ],
)
def test_next_process_with_shared_cache_makes_two_requests(
    backend: str, first_login_of_next_process: list[str], tmp_path: Path
) -> None:
    options = {"BACKEND": f"django.core.cache.backends.{backend}", "LOCATION": str(tmp_path)}
    processes = []
    with served() as (url, provider):
        for _ in range(2):
            outcome = python("-m", "tests.support.two_logins", url, json.dumps(options))
            assert outcome.returncode == 0, outcome.stderr
            processes.append(list(provider.paths))
            provider.paths.clear()

    assert processes == [FIRST_LOGIN + NEXT_LOGIN, first_login_of_next_process + NEXT_LOGIN]


@pytest.mark.parametrize(
    ("cache_control", "lifetime"),
    [
        (None, MAX_LIFETIME),
        ("public", MAX_LIFETIME),
        ("max-age=3000", 3000),
        ('public, Max-Age="3000"', 3000),
        ("max-age=0", MIN_LIFETIME),
        ("max-age=1", MIN_LIFETIME),
        ("max-age=tomorrow", MIN_LIFETIME),
        ("no-store", MIN_LIFETIME),
        ("max-age=3600, no-cache", MIN_LIFETIME),
        *((f"max-age={each}", MAX_LIFETIME) for each in (86_400, 10**20)),
    ],
)
def test_document_expires_after_max_age_within_limits(
    cache_control: str | None, lifetime: int, log_in: LogIn, openid: OpenIDProvider
) -> None:
    openid.headers = {} if cache_control is None else {"Cache-Control": cache_control}
    log_in()
    caches.age_documents(lifetime - 30)
    assert DISCOVERY not in log_in()
    caches.age_documents(30)

    assert DISCOVERY in log_in()
    assert log_in() == NEXT_LOGIN


@pytest.mark.parametrize(
    ("cache_control", "lifetime"),
    [(None, KEYS_LIFETIME), ("max-age=86400", KEYS_LIFETIME), ("no-store", MIN_LIFETIME)],
)
def test_keys_expire_after_minutes(
    cache_control: str | None, lifetime: int, log_in: LogIn, openid: OpenIDProvider
) -> None:
    openid.headers = {} if cache_control is None else {"Cache-Control": cache_control}
    log_in()
    caches.age_documents(lifetime - 30)
    assert "/jwks" not in log_in()
    caches.age_documents(30)

    assert log_in().count("/jwks") == 1
    assert log_in() == NEXT_LOGIN


def test_native_sign_in_uses_the_same_keys(
    log_in: LogIn, openid: OpenIDProvider, settings: Any, configure: Configure
) -> None:
    configure(NATIVE_PROVIDERS=["oidc"])
    settings.SOCIAL_AUTH_OIDC_JWT_ALGORITHMS = ["RS256", "PS256"]
    openid.jwk_fields = {}  # Without "alg", social-core adds one to its copy.
    log_in()
    openid.paths.clear()
    openid.algorithm = "PS256"
    params = {"client_id": "our-client-id", "redirect_uri": "https://app.example.com/"}
    callback = openid.authorize({**params, "nonce": hexadecimal("value")}).callback_params
    form = {**params, "code": callback["code"], "client_secret": "our-client-secret"}
    form["grant_type"] = "authorization_code"
    tokens = requests.post(f"{ISSUER}/token", form, timeout=5)

    body = {"id_token": tokens.json()["id_token"], "nonce": "value"}
    response = Frontend(below="token/").post(body)

    assert response.status_code == 201, response.data
    assert openid.paths == ["/token"]


def test_settings_replace_discovery(log_in: LogIn, settings: Any) -> None:
    paths = {"AUTHORIZATION_URL": "/authorize", "ACCESS_TOKEN_URL": "/token"}
    paths |= {"USERINFO_URL": "/userinfo", "JWKS_URI": "/jwks", "ID_TOKEN_ISSUER": ""}
    for name, path in paths.items():
        setattr(settings, f"SOCIAL_AUTH_OIDC_{name}", ISSUER + path)
    settings.SOCIAL_AUTH_OIDC_TOKEN_ENDPOINT_AUTH_METHOD = "client_secret_post"

    assert log_in() == ["/token", "/jwks", "/userinfo"]
    assert log_in() == NEXT_LOGIN


# --- Complete documents ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("issuer", value) for value in (None, 7, EVIL, EVIL + "/{tenantid}")),
        *(("authorization_endpoint", value) for value in (None, [f"{ISSUER}/authorize"])),
        *(("token_endpoint", value) for value in (None, 7, "javascript:alert()")),
        *(("jwks_uri", None), ("jwks_uri", {}), ("userinfo_endpoint", 7)),
    ],
)
def test_incomplete_or_foreign_discovery_is_not_stored(
    name: str, value: Any, log_in: LogIn, openid: OpenIDProvider, frontend: Frontend
) -> None:
    openid.endpoints = {name: value}
    begun = frontend.begin()
    openid.endpoints = {}

    assert begun.status_code in {200, 400}
    assert caches.document_names() == []
    assert log_in() == FIRST_LOGIN


def test_discovery_without_endpoints_that_settings_replace_is_stored(
    log_in: LogIn, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_AUTHORIZATION_URL = f"{ISSUER}/authorize"
    settings.SOCIAL_AUTH_OIDC_ACCESS_TOKEN_URL = f"{ISSUER}/token"
    settings.SOCIAL_AUTH_OIDC_JWKS_URI = f"{ISSUER}/jwks"
    claims = ("authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint")
    openid.endpoints = dict.fromkeys(claims)

    log_in()

    assert len(caches.document_names("discovery")) == 1


@pytest.mark.parametrize(
    ("setting", "issuer"),
    [
        (None, f"{ISSUER}/"),
        (None, ISSUER + "/{tenantid}/v2.0"),
        ("https://other.example.com", "https://other.example.com"),
    ],
)
def test_discovery_with_a_configured_issuer_is_stored(
    setting: str | None, issuer: str, openid: OpenIDProvider, frontend: Frontend, settings: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_ID_TOKEN_ISSUER = setting
    openid.endpoints = {"issuer": issuer}
    frontend.begin()

    assert len(caches.document_names("discovery")) == 1


@pytest.mark.parametrize(
    ("issuer", "is_stored"),
    [
        ("https://login.microsoftonline.com/{tenantid}/v2.0", True),
        ("https://sts.windows.net/{tenantid}/", True),
        (EVIL + "/{tenantid}/", False),
    ],
)
def test_issuer_of_microsoft_is_a_template(
    issuer: str, is_stored: bool, settings: Any, frontend: Frontend, wire: responses.RequestsMock
) -> None:
    cache.clear()
    settings.AUTHENTICATION_BACKENDS = [f"{HERE}.Microsoft"]
    base = "https://login.microsoftonline.com/common"
    wire.get(base + DISCOVERY, json={"issuer": issuer, "jwks_uri": f"{ISSUER}/jwks"})
    wire.get(f"{ISSUER}/jwks", json={"keys": []})
    begun = frontend.begin()
    id_token = jwt.encode({"tid": "x"}, other_key(), "RS256", headers={"kid": "1"})
    wire.post(f"{ISSUER}/token", json={"access_token": "x", "id_token": id_token})
    callback = {"code": "x", "state": authorization_params(begun)["state"]}

    assert frontend.complete(begun, callback).status_code == 400
    assert bool(caches.document_names("discovery")) is is_stored


@pytest.mark.parametrize("content", [b"[7]", b"[", b"[" * 100_000, b'{"keys": []}'])
@pytest.mark.parametrize("path", [DISCOVERY, "/jwks"])
def test_response_that_is_not_a_document_is_refused_and_not_stored(
    path: str, content: bytes, log_in: LogIn, openid: OpenIDProvider, frontend: Frontend
) -> None:
    openid.wire.replace("GET", ISSUER + path, body=content)
    refused = frontend.log_in(openid)
    openid.wire.reset()
    openid.register()

    assert refused.status_code == 400
    assert log_in().count(path) <= 1


def test_document_that_is_too_long_is_not_stored(log_in: LogIn, openid: OpenIDProvider) -> None:
    openid.endpoints = {"text": "x" * MAX_LENGTH}

    assert log_in().count("/jwks") == 1
    assert caches.document_names("discovery") == []
    assert log_in().count(DISCOVERY) == 2  # At begin and at complete.


# --- Failing providers ----------------------------------------------------------------

OUTAGES: dict[str, dict[str, Any]] = {
    "error": {"status": 500},
    "unreachable": {"body": requests.ConnectionError("secret-of-the-wire")},
    "no JSON": {"body": "<html>"},
    "another page": {"json": {"error": "maintenance"}},
    "a list": {"json": [7]},
    "empty": {"json": {"keys": []}},
}


@pytest.mark.parametrize("path", [DISCOVERY, "/jwks"])
@pytest.mark.parametrize("outage", OUTAGES)
def test_expired_document_is_used_for_a_limited_time_while_the_provider_fails(
    outage: str,
    path: str,
    openid: OpenIDProvider,
    frontend: Frontend,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert frontend.log_in(openid).status_code == 201
    lifetime, grace = (KEYS_LIFETIME, KEYS_GRACE) if path == "/jwks" else (MAX_LIFETIME, GRACE)
    caches.age_documents(lifetime)
    failing = openid.wire.replace("GET", ISSUER + path, **OUTAGES[outage])

    for _ in range(3):
        assert frontend.log_in(openid).status_code == 201
    assert failing.call_count == 1
    assert outage != "error" or "expired document used provider=oidc" in caplog.text
    caches.age_documents(PAUSE)
    assert frontend.log_in(openid).status_code == 201
    assert failing.call_count == 2
    caches.age_documents(grace)
    assert frontend.log_in(openid).status_code == 400
    assert "secret-of-the-wire" not in caplog.text


@pytest.mark.parametrize(
    ("path", "status"), [("/token", 500), ("/token", 403), ("/userinfo", 500), ("/jwks", 503)]
)
def test_login_after_a_failed_one_requests_discovery_once_a_minute(
    path: str, status: int, log_in: LogIn, openid: OpenIDProvider, frontend: Frontend
) -> None:
    log_in()
    [jwks] = caches.document_names("jwks")
    caches.age_documents(PAUSE)
    endpoint = {"/token": "token_endpoint", "/userinfo": "userinfo_endpoint"}.get(path, "jwks_uri")
    openid.endpoints = {endpoint: f"{ISSUER}/moved"}
    method = "POST" if path == "/token" else "GET"
    openid.wire.add_callback(method, f"{ISSUER}/moved", callback=openid.answer)
    openid.wire.replace(method, ISSUER + path, status=status)
    cache.delete(jwks)

    assert frontend.log_in(openid).status_code == 400
    assert log_in().count(DISCOVERY) == 1
    openid.wire.replace("GET", f"{ISSUER}/userinfo", status=500)
    openid.wire.upsert("GET", f"{ISSUER}/moved", status=500)
    openid.paths.clear()
    for _ in range(3):
        assert frontend.log_in(openid).status_code == 400
    assert openid.paths.count(DISCOVERY) == 0


def test_login_after_one_that_the_user_cancelled_uses_the_stored_document(
    log_in: LogIn, openid: OpenIDProvider, frontend: Frontend
) -> None:
    log_in()
    caches.age_documents(PAUSE)
    begun = frontend.begin()
    state = openid.authorize(begun.data["authorization_url"])["state"]

    refused = frontend.complete(begun, {"error": "access_denied", "state": state})

    assert refused.status_code == 400
    assert log_in() == NEXT_LOGIN


def test_native_sign_in_after_a_failed_one_requests_discovery(
    log_in: LogIn, openid: OpenIDProvider, configure: Configure
) -> None:
    configure(NATIVE_PROVIDERS=["oidc"])
    log_in()
    caches.age_documents(PAUSE)
    claims = {"iss": "https://new.example.com", "aud": "our-client-id", "sub": "1"}
    times = {"iat": int(time.time()), "exp": int(time.time()) + 60}
    token = jwt.encode(
        {**claims, **times}, openid.private_key, "RS256", headers={"kid": openid.kid}
    )

    refused = Frontend(below="token/").post({"id_token": token})

    assert refused.data["error_code"] == "invalid_claim"
    assert log_in() == [DISCOVERY, *NEXT_LOGIN]


# --- The cache ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "backend",
    [
        "tests.support.caches.FailingCache",
        "tests.support.caches.SilentCache",
        "django.core.cache.backends.dummy.DummyCache",
        "no.such.Cache",
    ],
)
def test_process_stores_documents_if_the_cache_does_not(
    backend: str, log_in: LogIn, use_cache: Any, caplog: pytest.LogCaptureFixture
) -> None:
    use_cache(backend)

    assert (log_in(), log_in()) == (FIRST_LOGIN, NEXT_LOGIN)
    assert caches.SECRET not in caplog.text


@pytest.mark.parametrize("backend", ["FailingCache", "SilentCache"])
def test_expired_document_in_the_process_is_used_while_the_provider_fails(
    backend: str, log_in: LogIn, use_cache: Any, openid: OpenIDProvider
) -> None:
    use_cache(f"tests.support.caches.{backend}")
    log_in()
    caches.age_documents(KEYS_LIFETIME)
    failing = openid.wire.replace("GET", f"{ISSUER}/jwks", status=500)

    for _ in range(3):
        log_in()

    assert failing.call_count == 1


def test_clearing_the_cache_removes_documents(log_in: LogIn) -> None:
    log_in()
    cache.clear()

    assert log_in() == FIRST_LOGIN


@pytest.mark.parametrize(("seconds", "requests"), [(2, NEXT_LOGIN), (3600, FIRST_LOGIN)])
def test_document_from_a_server_whose_clock_is_ahead_is_used_within_a_minute(
    seconds: int, requests: list[str], log_in: LogIn
) -> None:
    log_in()
    caches.age_documents(-seconds)

    assert log_in() == requests


_EVIL = f'{{"issuer": "{EVIL}"}}'


@pytest.mark.parametrize(
    "garbage",
    [
        *(7, "no JSON", "[]", '{"a": 1, "b": 2, "c": 3}', "[" * 100_000),
        f'["x", NOW, {_EVIL}]',
        f"[NaN, NaN, {_EVIL}]",
        f"[9999999999, 9999999999, {_EVIL}]",
        f"[NOW, 9999999999, {_EVIL}]",
        f"[1{'0' * 400}, 1, {_EVIL}]",
        f"[0, 0, {_EVIL}]",
        *(f"[NOW, SOON, {each}]" for each in ("7", "[7]", "[]", "[{}]", "{}", _EVIL)),
        f'[NOW, SOON, {{"issuer": "{"x" * MAX_LENGTH}"}}]',
    ],
    ids=map(str, range(100)),
)
def test_garbage_in_the_cache_is_ignored(garbage: Any, log_in: LogIn) -> None:
    log_in()
    if isinstance(garbage, str):
        now = time.time()
        garbage = garbage.replace("NOW", str(now)).replace("SOON", str(now + 60))
    for name in caches.document_names():
        cache.set(name, garbage)

    assert log_in() == FIRST_LOGIN
    assert log_in() == NEXT_LOGIN


def test_names_in_the_cache_do_not_reveal_the_provider(log_in: LogIn) -> None:
    log_in()

    names = caches.document_names()
    assert len(names) == 2
    assert not [name for name in names if ISSUER in name]
    assert {type(caches.stored_document(name)) for name in names} == {dict, list}


def test_document_that_was_requested_without_verification_is_not_used_with_it(
    log_in: LogIn, settings: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_VERIFY_SSL = False
    log_in()
    settings.SOCIAL_AUTH_OIDC_VERIFY_SSL = True

    assert log_in() == FIRST_LOGIN


# --- New keys -------------------------------------------------------------------------


class Microsoft(AzureADOAuth2):
    name = "oidc"

    def authorization_url(self) -> str:
        return f"{ISSUER}/authorize"

    def access_token_url(self) -> str:
        return f"{ISSUER}/token"


@pytest.fixture(params=["openid", "microsoft"])
def each_kind(request: pytest.FixtureRequest, settings: Any, openid: OpenIDProvider) -> None:
    if request.param == "microsoft":
        settings.AUTHENTICATION_BACKENDS = [f"{HERE}.Microsoft"]
        settings.SOCIAL_AUTH_OIDC_OPENID_CONFIGURATION_URL = ISSUER + DISCOVERY
        openid.claims["upn"] = "ada"


@pytest.mark.usefixtures("each_kind")
def test_new_keys_are_requested_at_once(log_in: LogIn, openid: OpenIDProvider) -> None:
    log_in()
    for key, kid in ((other_key(), "2"), (other_key(), "3"), (signing_key(), "3")):
        openid.private_key, openid.kid = key, kid
        assert log_in().count("/jwks") == 1
        assert log_in().count("/jwks") == 0


def test_new_key_without_an_id_is_requested_at_once(log_in: LogIn, openid: OpenIDProvider) -> None:
    openid.kid = None
    log_in()
    openid.private_key = other_key()

    assert log_in().count("/jwks") == 1


@pytest.mark.usefixtures("each_kind")
@pytest.mark.parametrize("garbled", [{"kty": "RSA"}, {"kty": "x"}, {"kty": "RSA", "n": "!"}])
def test_garbled_key_is_replaced_at_once(garbled: dict[str, str], log_in: LogIn) -> None:
    log_in()
    [name] = caches.document_names("jwks")
    caches.replace_document(name, [{**garbled, "kid": "1", "e": "AQAB"}])

    assert log_in().count("/jwks") == 1
    assert log_in().count("/jwks") == 0


@pytest.mark.usefixtures("each_kind")
def test_keys_are_requested_at_their_new_url(log_in: LogIn, openid: OpenIDProvider) -> None:
    log_in()
    caches.age_documents(KEYS_LIFETIME)
    openid.endpoints = {"jwks_uri": f"{ISSUER}/moved"}
    openid.wire.add_callback("GET", f"{ISSUER}/moved", callback=openid.answer)
    openid.wire.replace("GET", f"{ISSUER}/jwks", status=410)

    assert log_in().count("/moved") == 1
    assert log_in().count(DISCOVERY) == 0


@pytest.mark.usefixtures("each_kind")
def test_stored_keys_stay_if_new_ones_cannot_be_requested(
    log_in: LogIn, openid: OpenIDProvider, frontend: Frontend
) -> None:
    log_in()
    openid.wire.replace("GET", f"{ISSUER}/jwks", status=503)
    openid.kid = "2"
    refused = frontend.log_in(openid)
    openid.kid = "1"

    assert (refused.status_code, refused.data["error_recovery"]) == (400, "retry_later")
    log_in()


@pytest.mark.usefixtures("each_kind")
def test_token_with_a_foreign_signature_is_refused_after_one_request(
    log_in: LogIn, openid: OpenIDProvider, frontend: Frontend
) -> None:
    log_in()
    keys = [{"kid": "1", "kty": "oct", "k": "AQ"}]
    failing = openid.wire.replace("GET", f"{ISSUER}/jwks", json={"keys": keys})
    openid.private_key = other_key()

    assert frontend.log_in(openid).status_code == 400
    assert failing.call_count == 1


@pytest.mark.usefixtures("each_kind")
def test_token_that_is_invalid_otherwise_does_not_cause_a_request(
    log_in: LogIn, openid: OpenIDProvider, frontend: Frontend
) -> None:
    log_in()
    openid.paths.clear()
    openid.claims["exp"] = 1

    refused = frontend.log_in(openid)

    assert (refused.status_code, refused.data["error_code"]) == (400, "response_expired")
    assert "/jwks" not in openid.paths


# --- Backends of a project ------------------------------------------------------------


class OwnRequests(OpenIdConnectAuth):
    name = "oidc"

    def get_openid_configuration(self, url: str) -> dict[str, Any]:
        return dict(load_oidc_config(self, url))

    def get_jwks_keys(self) -> list[dict[str, Any]]:
        return list(self.get_remote_jwks_keys())


class OwnJson(OpenIdConnectAuth):
    name = "oidc"

    def get_json(self, *args: Any, **kwargs: Any) -> Any:
        return {**super().get_json(*args, **kwargs), "seen": object()}


class OwnSecret(OpenIdConnectAuth):
    name = "oidc"

    def get_remote_jwks_keys(self, uri: str | None = None) -> list[dict[str, Any]]:
        return [*super().get_remote_jwks_keys(uri), {"kty": "oct", "k": "c2VjcmV0"}]


class OwnCachedKeys(OpenIdConnectAuth):
    name = "oidc"

    @core_cache(ttl=-1)
    def get_jwks_keys(self) -> list[dict[str, Any]]:
        return self.get_remote_jwks_keys(f"{ISSUER}/jwks")


class OwnChoice(OpenIdConnectAuth):
    name = "oidc"

    def validate_and_return_id_token(self, id_token: str, access_token: str) -> Any:
        key = jwt.PyJWK(self.get_jwks_keys()[0]).key
        return jwt.decode(id_token, key, ["RS256"], options={"verify_aud": False})


@pytest.mark.parametrize(
    ("backend", "stored"),
    [
        ("OwnChoice", ["discovery", "jwks"]),
        ("OwnRequests", []),
        ("OwnJson", ["jwks"]),
        ("OwnSecret", ["discovery"]),
        ("OwnCachedKeys", ["discovery"]),
    ],
)
def test_overridden_methods_of_a_backend_are_used(
    backend: str, stored: list[str], log_in: LogIn, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{HERE}.{backend}"]

    log_in()

    assert [name.split(".")[1] for name in caches.document_names()] == stored
    assert "jwks" not in stored or "/jwks" not in log_in()


class OwnValidation(OpenIdConnectAuth):
    name = "oidc"

    def validate_and_return_id_token(self, id_token: str, access_token: str) -> Any:
        key = self.find_valid_key(id_token)
        if key is None:
            raise AuthPolicyError(self)
        return jwt.decode(id_token, jwt.PyJWK(key).key, ["RS256"], options={"verify_aud": False})


class OwnDecoding(OpenIdConnectAuth):
    name = "oidc"
    decode_and_validate_id_token = OwnValidation.validate_and_return_id_token


@pytest.mark.parametrize("backend", ["OwnValidation", "OwnDecoding"])
def test_own_validation_finds_new_keys(
    backend: str, log_in: LogIn, openid: OpenIDProvider, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{HERE}.{backend}"]
    log_in()
    openid.private_key, openid.kid = other_key(), "2"

    assert log_in().count("/jwks") == 1
    assert log_in().count("/jwks") == 0


def test_own_validation_with_a_foreign_signature_finds_no_key(
    log_in: LogIn, openid: OpenIDProvider, frontend: Frontend, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{HERE}.OwnValidation"]
    log_in()
    openid.wire.replace("GET", f"{ISSUER}/jwks", json={"keys": [{"kty": "RSA", "kid": "9"}]})
    openid.private_key = other_key()

    assert frontend.log_in(openid).status_code == 400


def test_decorator_around_core_methods_does_not_disable_the_cache(
    log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a monitoring tool does it."""
    original: Any = OIDCDiscoveryMixin.get_openid_configuration

    def decorated(*args: Any, **kwargs: Any) -> Any:
        return original(*args, **kwargs)

    monkeypatch.setattr(OIDCDiscoveryMixin, "get_openid_configuration", decorated)

    assert (log_in(), log_in()) == (FIRST_LOGIN, NEXT_LOGIN)


# --- Tenants --------------------------------------------------------------------------


class ByHost(Strategy):
    def get_setting(self, name: str) -> Any:
        if name == "SOCIAL_AUTH_OIDC_OIDC_ENDPOINT" and self.request is not None:
            return f"https://id.{self.request.get_host()}"
        return super().get_setting(name)


def test_tenants_have_documents_of_their_own(
    settings: Any, configure: Configure, wire: responses.RequestsMock
) -> None:
    cache.clear()
    settings.ALLOWED_HOSTS = ["*"]
    configure(STRATEGY=f"{HERE}.ByHost")
    for _ in range(2):
        for host in ("a.example.com", "b.example.com"):
            url = f"https://id.{host}"
            OpenIDProvider(wire, url)
            frontend = Frontend()
            frontend.client.defaults["HTTP_HOST"] = host
            begun = frontend.begin()
            assert begun.data["authorization_url"].startswith(f"{url}/authorize?")

    assert len(wire.calls) == 2
