"""What a provider says of itself: how often it is asked for that, and what serves meanwhile."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
import responses
from django.core.cache import cache
from django.core.cache.backends.filebased import FileBasedCache
from social_core.backends.azuread import AzureADOAuth2
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.backends.utils import load_oidc_config
from social_core.exceptions import AuthPolicyError
from social_core.utils import cache as core_cache

from social_endpoints.internal.network.document_cache import (
    GRACE,
    LIFETIME,
    MAX_LENGTH,
    MAX_MEMORY,
    PAUSE,
    memory,
)
from social_endpoints.strategy import Strategy
from tests.support.configuration import Configure
from tests.support.frontend import Frontend
from tests.support.http_provider import served
from tests.support.id_token_providers import other_key
from tests.support.interpreter import python
from tests.support.openid_provider import ISSUER, OpenIDProvider

pytestmark = [pytest.mark.django_db]

DISCOVERY = "/.well-known/openid-configuration"
FIRST = [DISCOVERY, "/token", "/jwks", "/userinfo"]
NEXT = ["/token", "/userinfo"]


PASSWORD = "password of the cache"


class BrokenCache(FileBasedCache):
    """A cache that is down."""

    def get(self, *args: Any, **kwargs: Any) -> Any:
        raise ConnectionError(PASSWORD)

    set = add = get


class SilentCache(FileBasedCache):
    """A cache that is down and does not say so, as ``ignore_exc`` of memcached's client."""

    def get(self, key: Any, default: Any = None, version: Any = None) -> Any:
        return default

    def set(self, *args: Any, **kwargs: Any) -> Any:
        return None

    def add(self, *args: Any, **kwargs: Any) -> bool:
        return False


def _in(path: Path, backend: str = "django.core.cache.backends.filebased.FileBasedCache") -> Any:
    return {"default": {"BACKEND": backend, "LOCATION": str(path)}}


@pytest.fixture
def shared(settings: Any, tmp_path: Path) -> None:
    """Configure a cache that processes share."""
    settings.CACHES = _in(tmp_path)


def new_process() -> None:
    """Forget what a process knows; a real new one is slow (see the first test)."""
    memory.clear()


def names() -> list[str]:
    """Return the names of what is remembered, here and in the cache."""
    return list(memory.answers)


def time_passes(seconds: float) -> None:
    """Let what is remembered grow older, here and in the cache."""
    for name, answer in memory.answers.items():
        answer.fetched -= seconds
        answer.asked -= seconds
        if (text := cache.get(name)) is not None:
            fetched, value = json.loads(text)
            cache.set(name, json.dumps([fetched - seconds, value]))
        cache.delete(f"{name}.asked")


@pytest.fixture
def asked(openid: OpenIDProvider, frontend: Frontend) -> Callable[[], list[str]]:
    """Return what logs in and returns what the provider was asked for."""

    def log_in() -> list[str]:
        openid.requests.clear()
        answer = frontend.log_in(openid)
        assert answer.status_code == 201, answer.data
        return list(openid.requests)

    return log_in


# --- How often ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("backend", "first_of_the_next"),
    [
        ("filebased.FileBasedCache", NEXT),
        ("locmem.LocMemCache", FIRST),
        ("dummy.DummyCache", FIRST),
    ],
)
def test_a_new_process(backend: str, first_of_the_next: list[str], tmp_path: Path) -> None:
    """With a shared cache it asks for what belongs to the login, and for nothing else."""
    caches = json.dumps(_in(tmp_path, f"django.core.cache.backends.{backend}")["default"])
    asked = []
    with served() as (url, provider):
        for _ in range(2):
            outcome = python("-m", "tests.support.two_logins", url, caches)
            assert outcome.returncode == 0, outcome.stderr
            asked.append(list(provider.requests))
            provider.requests.clear()

    assert asked == [FIRST + NEXT, first_of_the_next + NEXT]


@pytest.mark.usefixtures("shared")
def test_after_a_day_it_is_asked_again(asked: Callable[[], list[str]]) -> None:
    asked()
    time_passes(LIFETIME - 60)
    assert asked() == NEXT
    time_passes(60)

    assert asked() == FIRST
    assert asked() == NEXT


def test_native_sign_in_knows_the_same_keys(
    asked: Callable[[], list[str]], openid: OpenIDProvider, settings: Any, configure: Configure
) -> None:
    configure(NATIVE_PROVIDERS=["oidc"])
    settings.SOCIAL_AUTH_OIDC_JWT_ALGORITHMS = ["RS256", "PS256"]
    openid.said = {}  # So social-core writes into what it is given.
    asked()
    openid.requests.clear()
    openid.algorithm = "PS256"
    openid.codes["native"] = {"client_id": "our-client-id", "redirect_uri": "x"}
    tokens = requests.post(f"{ISSUER}/token", {"code": "native", "redirect_uri": "x"}, timeout=5)

    answer = Frontend(below="token/").post({"id_token": tokens.json()["id_token"]})

    assert answer.status_code == 201, answer.data
    assert openid.requests == ["/token"]


def test_settings_that_need_no_discovery(asked: Callable[[], list[str]], settings: Any) -> None:
    paths = {"AUTHORIZATION_URL": "/authorize", "ACCESS_TOKEN_URL": "/token"}
    paths |= {"USERINFO_URL": "/userinfo", "JWKS_URI": "/jwks", "ID_TOKEN_ISSUER": ""}
    for name, path in paths.items():
        setattr(settings, f"SOCIAL_AUTH_OIDC_{name}", ISSUER + path)
    settings.SOCIAL_AUTH_OIDC_TOKEN_ENDPOINT_AUTH_METHOD = "client_secret_post"

    assert asked() == ["/token", "/jwks", "/userinfo"]
    assert asked() == NEXT


class OwnWay(OpenIdConnectAuth):
    """A backend that fetches in a way of its own."""

    name = "oidc"

    def get_openid_configuration(self, url: str) -> dict[str, Any]:
        return dict(load_oidc_config(self, url))

    def get_jwks_keys(self) -> list[dict[str, Any]]:
        return list(self.get_remote_jwks_keys())


def test_a_backend_that_fetches_in_a_way_of_its_own(
    asked: Callable[[], list[str]], settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["tests.api.network.test_remembered.OwnWay"]

    assert {asked().count("/jwks"), asked().count("/jwks")} == {1}
    assert asked().count(DISCOVERY) > 1
    assert not names()


# --- While the provider fails ---------------------------------------------------------

OUTAGES: dict[str, dict[str, Any]] = {
    "error": {"status": 500},
    "unreachable": {"body": requests.ConnectionError("secret-of-the-wire")},
    "no JSON": {"body": "<html>"},
    "another page": {"json": {"error": "maintenance"}},
    "a list": {"json": [7]},
    "empty": {"json": {"keys": []}},
}


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("path", [DISCOVERY, "/jwks"])
@pytest.mark.parametrize("outage", OUTAGES)
def test_what_is_known_serves(
    outage: str,
    path: str,
    openid: OpenIDProvider,
    frontend: Frontend,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert frontend.log_in(openid).status_code == 201
    time_passes(LIFETIME)
    failing = openid.wire.replace("GET", ISSUER + path, **OUTAGES[outage])

    for _ in range(3):
        assert frontend.log_in(openid).status_code == 201
        new_process()
    assert failing.call_count == 1
    frontend.log_in(openid)
    time_passes(PAUSE)
    assert frontend.log_in(openid).status_code == 201
    assert failing.call_count == 2
    time_passes(GRACE)
    assert frontend.log_in(openid).status_code == 400
    assert "secret-of-the-wire" not in caplog.text


def test_what_is_known_serves_without_a_shared_cache(
    openid: OpenIDProvider, frontend: Frontend
) -> None:
    frontend.log_in(openid)
    time_passes(LIFETIME)
    failing = openid.wire.replace("GET", f"{ISSUER}/jwks", status=500)

    for _ in range(3):
        assert frontend.log_in(openid).status_code == 201

    assert failing.call_count == 1


@pytest.mark.parametrize("path", [DISCOVERY, "/jwks"])
@pytest.mark.parametrize("outage", OUTAGES)
def test_a_failure_is_not_remembered(
    outage: str, path: str, openid: OpenIDProvider, frontend: Frontend
) -> None:
    failing = openid.wire.replace("GET", ISSUER + path, **OUTAGES[outage])
    refused = frontend.log_in(openid)
    openid.wire.remove(failing)
    OpenIDProvider(openid.wire, codes=openid.codes)

    assert refused.status_code == 400
    assert frontend.log_in(openid).status_code == 201


def test_old_answers_are_told_to_the_operator(
    openid: OpenIDProvider, frontend: Frontend, caplog: pytest.LogCaptureFixture
) -> None:
    frontend.log_in(openid)
    time_passes(LIFETIME)
    openid.wire.replace("GET", f"{ISSUER}/jwks", status=500)

    frontend.log_in(openid)

    [record] = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert record.getMessage() == "A provider's old answer stands in for a new one: unavailable "


@pytest.mark.usefixtures("shared")
def test_clocks_that_differ_a_little(asked: Callable[[], list[str]]) -> None:
    asked()
    time_passes(-2)
    new_process()

    assert asked() == NEXT


def test_a_clock_that_was_wrong(asked: Callable[[], list[str]]) -> None:
    asked()
    time_passes(-3600)

    assert asked() == FIRST


# --- The cache ------------------------------------------------------------------------


def test_a_cache_that_is_down(
    asked: Callable[[], list[str]], settings: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings.CACHES = _in(tmp_path, "tests.api.network.test_remembered.BrokenCache")

    assert (asked(), asked()) == (FIRST, NEXT)
    for answer in memory.answers.values():
        answer.fetched -= LIFETIME
    assert asked() == FIRST
    assert PASSWORD not in caplog.text


def test_a_cache_that_is_down_in_silence(
    asked: Callable[[], list[str]], settings: Any, tmp_path: Path
) -> None:
    settings.CACHES = _in(tmp_path, "tests.api.network.test_remembered.SilentCache")

    assert (asked(), asked()) == (FIRST, NEXT)
    for answer in memory.answers.values():
        answer.fetched -= LIFETIME
    assert asked() == FIRST


def test_a_cache_that_there_is_not(asked: Callable[[], list[str]], settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "no.such.Cache"}}

    assert (asked(), asked()) == (FIRST, NEXT)


GARBAGE: dict[str, Any] = {
    "a number": 7,
    "no JSON": "no JSON",
    "nothing in it": "[]",
    "a dictionary": '{"a": 1, "b": 2}',
    "of no time": '["x", {"issuer": "https://evil.example.com"}]',
    "of no number": '[NaN, {"issuer": "https://evil.example.com"}]',
    "of the future": '[9999999999, {"issuer": "https://evil.example.com"}]',
    "of no float": f'[1{"0" * 400}, {{"issuer": "https://evil.example.com"}}]',
    "of long ago": '[0, {"issuer": "https://evil.example.com"}]',
    "no answer": f"[{time.time()}, 7]",
    "no keys": f"[{time.time()}, [7]]",
    "no key": f"[{time.time()}, []]",
    "nothing said": f"[{time.time()}, {{}}]",
    "deep": "[" * 100_000,
    "long": f'[{time.time()}, {{"issuer": "{"x" * MAX_LENGTH}"}}]',
}


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_in_the_cache(garbage: str, asked: Callable[[], list[str]]) -> None:
    asked()
    for name in names():
        cache.set(name, GARBAGE[garbage])
    new_process()

    assert asked() == FIRST
    new_process()
    assert asked() == NEXT


@pytest.mark.usefixtures("shared")
def test_a_cache_says_what_another_issuer_signs(
    asked: Callable[[], list[str]], openid: OpenIDProvider, frontend: Frontend
) -> None:
    """What is from the cache passes the same tests as what was fetched."""
    asked()
    name = next(name for name in names() if ".discovery." in name)
    fetched, document = json.loads(cache.get(name))
    cache.set(name, json.dumps([fetched, {**document, "issuer": "https://evil.example.com"}]))
    new_process()

    answer = frontend.log_in(openid)

    assert (answer.status_code, answer.data["error_code"]) == (400, "invalid_claim")


@pytest.mark.usefixtures("shared")
def test_nothing_but_the_providers_own_words_is_in_the_cache(
    asked: Callable[[], list[str]], tmp_path: Path
) -> None:
    asked()

    for name in names():
        assert name.startswith("social_endpoints.")
        assert ISSUER not in name
    assert sorted(type(json.loads(cache.get(name))[1]) is list for name in names()) == [False, True]
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.usefixtures("shared")
def test_an_answer_that_is_too_long_for_a_cache(
    asked: Callable[[], list[str]], openid: OpenIDProvider
) -> None:
    openid.endpoints = {"text": "x" * MAX_LENGTH}

    assert (asked(), asked()) == (FIRST, NEXT)
    assert [cache.get(name) for name in names() if ".discovery." in name] == [None]
    new_process()
    assert asked() == [DISCOVERY, *NEXT]


@pytest.mark.usefixtures("shared")
def test_an_answer_that_cannot_be_written_down(
    asked: Callable[[], list[str]], settings: Any
) -> None:
    """What the project adds may be anything."""
    settings.AUTHENTICATION_BACKENDS = ["tests.api.network.test_remembered.OwnObjects"]

    assert [DISCOVERY in asked() for _ in range(2)] == [True, True]


def test_certificates_that_are_not_verified(asked: Callable[[], list[str]], settings: Any) -> None:
    """What was taken without a proof does not pass for what was proved."""
    settings.SOCIAL_AUTH_OIDC_VERIFY_SSL = False
    asked()
    settings.SOCIAL_AUTH_OIDC_VERIFY_SSL = True

    assert asked() == FIRST


# --- New keys -------------------------------------------------------------------------


class Microsoft(AzureADOAuth2):
    """A backend that verifies as Microsoft's do."""

    name = "oidc"

    def authorization_url(self) -> str:
        return f"{ISSUER}/authorize"

    def access_token_url(self) -> str:
        return f"{ISSUER}/token"


@pytest.fixture(params=["openid", "microsoft"])
def kind(request: pytest.FixtureRequest, settings: Any, openid: OpenIDProvider) -> str:
    """Configure a provider of either kind."""
    if request.param == "microsoft":
        settings.AUTHENTICATION_BACKENDS = ["tests.api.network.test_remembered.Microsoft"]
        settings.SOCIAL_AUTH_OIDC_OPENID_CONFIGURATION_URL = ISSUER + DISCOVERY
        openid.claims["upn"] = "ada"
    return str(request.param)


@pytest.mark.usefixtures("shared", "kind")
@pytest.mark.parametrize("kid", ["2", "1"])
def test_a_new_key(kid: str, asked: Callable[[], list[str]], openid: OpenIDProvider) -> None:
    """At any moment, and also under the name of the old one; known to all processes at once."""
    asked()
    openid.key, openid.kid = other_key(), kid

    assert asked().count("/jwks") == 1
    assert asked().count("/jwks") == 0
    new_process()
    assert asked().count("/jwks") == 0


@pytest.mark.usefixtures("shared", "kind")
@pytest.mark.parametrize(
    "garbled", [{"kty": "RSA"}, {}, {"kty": "new"}, {"kty": "RSA", "n": "!", "e": "AQAB"}]
)
def test_a_key_that_was_none(
    garbled: dict[str, str], asked: Callable[[], list[str]], openid: OpenIDProvider
) -> None:
    """What has taken the place of a key for a moment is not held on to."""
    asked()
    name = next(name for name in names() if ".jwks." in name)
    fetched, _ = json.loads(cache.get(name))
    cache.set(name, json.dumps([fetched, [{**garbled, "kid": "1"}]]))
    new_process()

    assert asked().count("/jwks") == 1
    assert asked().count("/jwks") == 0


def test_a_new_key_without_a_name(asked: Callable[[], list[str]], openid: OpenIDProvider) -> None:
    openid.kid = None
    asked()
    openid.key = other_key()

    assert asked().count("/jwks") == 1


@pytest.mark.usefixtures("shared", "kind")
def test_a_new_key_that_another_process_knows(
    asked: Callable[[], list[str]], openid: OpenIDProvider
) -> None:
    asked()
    before = memory.answers
    openid.key, openid.kid = other_key(), "2"
    asked()
    memory.answers = before  # The process that has not noticed.

    assert asked().count("/jwks") == 0


@pytest.mark.usefixtures("kind")
def test_several_new_keys_in_a_minute(
    asked: Callable[[], list[str]], openid: OpenIDProvider
) -> None:
    for kid in ("1", "2", "3"):
        openid.kid = kid
        assert asked().count("/jwks") == 1


@pytest.mark.usefixtures("kind")
def test_a_new_key_that_cannot_be_fetched(openid: OpenIDProvider, frontend: Frontend) -> None:
    frontend.log_in(openid)
    openid.wire.replace("GET", f"{ISSUER}/jwks", status=503)
    known = openid.kid
    openid.kid = "2"
    refused = frontend.log_in(openid)
    openid.kid = known

    assert (refused.status_code, refused.data["error_recovery"]) == (400, "retry_later")
    assert frontend.log_in(openid).status_code == 201


@pytest.mark.usefixtures("kind")
def test_a_token_that_is_signed_with_no_key_of_the_providers(
    openid: OpenIDProvider, frontend: Frontend
) -> None:
    frontend.log_in(openid)
    keys = openid.wire.replace(
        "GET", f"{ISSUER}/jwks", json={"keys": [{"kid": "1", "kty": "oct", "k": "AQ"}]}
    )
    openid.key = other_key()

    refused = frontend.log_in(openid)

    assert refused.status_code == 400
    assert keys.call_count == 1


@pytest.mark.usefixtures("kind")
def test_a_token_that_is_wrong_otherwise(openid: OpenIDProvider, frontend: Frontend) -> None:
    frontend.log_in(openid)
    openid.requests.clear()
    openid.claims["exp"] = 1

    refused = frontend.log_in(openid)

    assert (refused.status_code, refused.data["error_code"]) == (400, "response_expired")
    assert "/jwks" not in openid.requests


class OwnValidation(OpenIdConnectAuth):
    """Validates as it likes, with the key that social-core finds."""

    name = "oidc"

    def validate_and_return_id_token(self, id_token: str, access_token: str) -> Any:
        key = self.find_valid_key(id_token)
        if key is None:
            raise AuthPolicyError(self)
        options = {"verify_aud": False}
        return jwt.decode(id_token, jwt.PyJWK(key).key, ["RS256"], options=options)


class OwnDecoding(OpenIdConnectAuth):
    """Decodes as it likes, and has an error of its own."""

    name = "oidc"

    def decode_and_validate_id_token(self, id_token: str, access_token: str) -> Any:
        key = self.find_valid_key(id_token)
        if key is None:
            raise AuthPolicyError(self)
        options = {"verify_aud": False}
        return jwt.decode(id_token, jwt.PyJWK(key).key, ["RS256"], options=options)


@pytest.mark.parametrize("backend", ["OwnValidation", "OwnDecoding"])
def test_a_new_key_for_a_validation_of_the_projects(
    backend: str, asked: Callable[[], list[str]], openid: OpenIDProvider, settings: Any
) -> None:
    """It finds what social-core finds."""
    settings.AUTHENTICATION_BACKENDS = [f"tests.api.network.test_remembered.{backend}"]
    asked()
    openid.key, openid.kid = other_key(), "2"

    assert asked().count("/jwks") == 1
    assert asked().count("/jwks") == 0


class OwnObjects(OpenIdConnectAuth):
    """Adds to what the provider says what is no JSON."""

    name = "oidc"

    def get_json(self, *args: Any, **kwargs: Any) -> Any:
        return {**super().get_json(*args, **kwargs), "seen": object()}


class OwnSecret(OpenIdConnectAuth):
    """Verifies with what is no key of the provider's."""

    name = "oidc"

    def get_remote_jwks_keys(self, uri: str | None = None) -> list[dict[str, Any]]:
        return [*super().get_remote_jwks_keys(uri), {"kty": "oct", "k": "c2VjcmV0"}]


@pytest.mark.usefixtures("shared")
def test_a_secret_of_the_projects_is_not_in_the_cache(
    asked: Callable[[], list[str]], settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["tests.api.network.test_remembered.OwnSecret"]
    asked()

    assert not [name for name in names() if ".jwks." in name]


class OwnKeys(OpenIdConnectAuth):
    """Has keys of its own, for which it uses social-core's cache."""

    name = "oidc"

    @core_cache(ttl=-1)
    def get_jwks_keys(self) -> list[dict[str, Any]]:
        return self.get_remote_jwks_keys(f"{ISSUER}/own")


def test_keys_of_the_projects_in_cores_cache(
    asked: Callable[[], list[str]], openid: OpenIDProvider, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["tests.api.network.test_remembered.OwnKeys"]
    openid.wire.add_callback("GET", f"{ISSUER}/own", callback=openid._jwks)

    assert asked() == [DISCOVERY, "/token", "/own", "/userinfo"]


# --- Tenants --------------------------------------------------------------------------


class ByHost(Strategy):
    """Asks another provider for each tenant."""

    def get_setting(self, name: str) -> Any:
        if name == "SOCIAL_AUTH_OIDC_OIDC_ENDPOINT" and self.request is not None:
            return f"https://id.{self.request.get_host()}"
        return super().get_setting(name)


@pytest.fixture
def begin_at(
    settings: Any, configure: Configure, wire: responses.RequestsMock
) -> Callable[..., str]:
    """Return what begins at a tenant, and returns where its users are sent."""
    settings.ALLOWED_HOSTS = ["*"]
    configure(STRATEGY="tests.api.network.test_remembered.ByHost")

    def begin(host: str, text: str = "") -> str:
        url = f"https://id.{host}"
        document = {"issuer": url, "authorization_endpoint": f"{url}/authorize", "text": text}
        wire.upsert("GET", url + DISCOVERY, json=document)
        frontend = Frontend()
        frontend.client.defaults["HTTP_HOST"] = host
        begun = frontend.begin()
        assert begun.status_code == 200, begun.data
        return str(begun.data["authorization_url"]).partition("?")[0]

    return begin


@pytest.mark.usefixtures("shared")
def test_tenants(begin_at: Callable[..., str], wire: responses.RequestsMock) -> None:
    for _ in range(2):
        for host in ("a.example.com", "b.example.com"):
            assert begin_at(host) == f"https://id.{host}/authorize"
        new_process()

    assert len(wire.calls) == 2


def test_many_tenants(begin_at: Callable[..., str]) -> None:
    """The memory is bounded, whatever they say."""
    for number in range(12):
        begin_at(f"{number}.example.com", "x" * 1_000_000)

    assert 0 < sum(one.size for one in memory.answers.values()) <= MAX_MEMORY
    begin_at("0.example.com", "x" * MAX_MEMORY)
    assert sum(one.size for one in memory.answers.values()) <= MAX_MEMORY
