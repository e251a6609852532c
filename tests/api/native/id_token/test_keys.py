"""The keys that ID tokens are verified with: requests, new keys and failing providers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from social_endpoints.internal.backends.extensions.discovery import KEYS_LIFETIME
from social_endpoints.internal.network.document_cache import BURST, REFILL
from tests.support.caches import age_documents
from tests.support.concurrency import together
from tests.support.id_token_providers import IdTokenProvider, Install
from tests.support.keys import other_key, public, signing_key
from tests.support.native import assert_refused

pytestmark = [pytest.mark.django_db]


def issuer_of(provider: IdTokenProvider) -> dict[str, Any]:
    return {"issuer": provider.claims["iss"]} if "azure" in provider.name else {}


def assert_code(response: Any, code: str) -> None:
    assert (response.status_code, response.data["error_code"]) == (400, code)


def header(kid: str | None) -> dict[str, str]:
    return {} if kid is None else {"kid": kid}


def test_keys_are_requested_once(provider: IdTokenProvider) -> None:
    for number in range(3):
        assert provider.sign_in(provider.token(jti=number)).status_code == 201

    assert provider.fetched == 1


@pytest.fixture
def pass_time(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Return a function that advances the clock."""
    now, advanced = time.time, [0.0]
    monkeypatch.setattr(time, "time", lambda: now() + sum(advanced))
    # The next period begins here, so none ends during the test.
    advanced.append(-time.time() % REFILL)
    return advanced.append


@pytest.mark.parametrize("kid", ["1", "unknown"])
def test_forged_tokens_cause_a_limited_number_of_requests(
    kid: str, oidc: IdTokenProvider, pass_time: Callable[[float], None]
) -> None:
    assert oidc.sign_in().status_code == 201
    forged = oidc.token(other_key(), headers=header(kid))

    codes = [oidc.sign_in(forged).data["error_code"] for _ in range(BURST + 3)]
    assert oidc.fetched == 1 + BURST
    for count in range(1, 4):
        pass_time(REFILL)
        codes += [oidc.sign_in(forged).data["error_code"] for _ in range(3)]
        assert oidc.fetched == 1 + BURST + count
    assert set(codes) == {"invalid_signature"}


def test_simultaneous_forged_tokens_cause_a_limited_number_of_requests(
    oidc: IdTokenProvider, pass_time: Callable[[float], None]
) -> None:
    oidc.sign_in()
    tokens = [oidc.token(other_key(), headers={"kid": f"x{number}"}) for number in range(20)]

    together([lambda token=token: oidc.sign_in(token) for token in tokens])

    assert 2 <= oidc.fetched <= 1 + BURST


def change_keys(provider: IdTokenProvider, *kids: str | None) -> None:
    """Sign in with one key after the other. They have these ids."""
    for number, kid in enumerate(kids, start=1):
        key = signing_key() if number % 2 else other_key()
        provider.keys = [public(key, kid, **issuer_of(provider))]
        token = provider.token(key, headers=header(kid), jti=str(number))

        assert provider.sign_in(token).status_code == 201
        assert provider.fetched == number


def test_new_keys_are_accepted_at_once(provider: IdTokenProvider) -> None:
    change_keys(provider, "1", "2", "3")


@pytest.mark.parametrize("kid", ["1", None])
def test_new_keys_with_the_same_id_are_accepted_at_once(
    kid: str | None, oidc: IdTokenProvider
) -> None:
    change_keys(oidc, *[kid] * (1 + BURST))


def test_new_key_is_accepted_soon_in_spite_of_forged_tokens(
    oidc: IdTokenProvider, pass_time: Callable[[float], None]
) -> None:
    assert oidc.sign_in().status_code == 201
    for number in range(BURST + 1):
        oidc.sign_in(oidc.token(other_key(), headers={"kid": f"x{number}"}))
    oidc.keys = [public(other_key(), "2", **issuer_of(oidc))]
    token = oidc.token(other_key(), headers={"kid": "2"}, jti="2")

    assert_code(oidc.sign_in(token), "invalid_signature")
    pass_time(REFILL)
    oidc.sign_in(oidc.token(signing_key(), headers={"kid": "y"}))

    assert oidc.sign_in(token).status_code == 201


def test_removed_key_is_refused_after_minutes(provider: IdTokenProvider) -> None:
    provider.headers = {"Cache-Control": "max-age=86400"}
    assert provider.sign_in().status_code == 201
    provider.keys = [public(other_key(), "2", **issuer_of(provider))]
    age_documents(KEYS_LIFETIME)

    assert_code(provider.sign_in(provider.token(jti="2")), "invalid_signature")


def test_removed_key_is_refused_after_an_hour_even_if_the_provider_fails(
    provider: IdTokenProvider,
) -> None:
    assert provider.sign_in().status_code == 201
    provider.status = 503
    age_documents(3_500)
    assert provider.sign_in(provider.token(jti="2")).status_code == 201
    age_documents(100)

    assert_code(provider.sign_in(provider.token(jti="3")), "unavailable")


def test_garbled_key_is_replaced(provider: IdTokenProvider) -> None:
    keys, provider.keys = provider.keys, [{"kty": "RSA", "kid": "1"}]
    assert_refused(provider.sign_in(), "malformed_response")
    provider.keys = keys

    assert provider.sign_in().status_code == 201


def test_stored_keys_are_used_while_the_provider_fails(provider: IdTokenProvider) -> None:
    provider.sign_in()
    provider.status = 503

    new_key = provider.sign_in(provider.token(other_key(), headers={"kid": "2"}))
    stored_key = provider.sign_in(provider.token(jti="2"))

    assert new_key.data["error_recovery"] == "retry_later"
    assert stored_key.status_code == 201


@pytest.mark.parametrize(
    ("status", "code"), [(500, "unavailable"), (503, "unavailable"), (429, "rate_limited")]
)
def test_failing_provider_is_reported(status: int, code: str, provider: IdTokenProvider) -> None:
    provider.status, provider.headers = status, {"Retry-After": "17"}

    response = provider.sign_in()

    assert_refused(response, code, recovery="retry_later")
    assert response.headers["Retry-After"] == "17"
    provider.status = 200
    assert provider.sign_in().status_code == 201


def test_unreachable_provider_is_reported(provider: IdTokenProvider) -> None:
    provider.wire.remove("GET", provider.jwks)
    provider.wire.add("GET", provider.jwks, body=requests.ConnectionError())

    assert_refused(provider.sign_in(), "connection_failed")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        *(
            (body, "malformed_response")
            for body in ("", "no JSON", "[]", "null", "{}", "[" * 100_000)
        ),
        *((f'{{"keys": {keys}}}', "malformed_response") for keys in ("{}", "[7]", "null")),
        ('{"keys": []}', "invalid_signature"),
    ],
)
def test_response_without_keys_is_refused(body: str, code: str, provider: IdTokenProvider) -> None:
    provider.keys = body

    assert_refused(provider.sign_in(), code)


@pytest.mark.parametrize("value", [None, 7, "", "!", [], {}, "AQ"])
def test_malformed_key_is_refused(value: Any, provider: IdTokenProvider) -> None:
    provider.keys = [{**public(signing_key()), "n": value}]

    assert_refused(provider.sign_in(), "malformed_response", "invalid_signature", "invalid_claim")


@pytest.mark.parametrize("name", ["oidc", "azuread-oauth2"])
@pytest.mark.parametrize("url", [None, 7, "", "no URL", "ftp://id.example.com/keys"])
def test_discovery_with_an_invalid_jwks_uri_is_refused(
    url: Any, name: str, install: Install
) -> None:
    provider = install(name)
    assert provider.discovery is not None
    document = {**provider.fake.discovery(), "jwks_uri": url}
    provider.wire.replace("GET", provider.discovery[0], json=document)

    assert_refused(provider.sign_in(), "malformed_response", "missing_claim")


def test_invalid_jwks_uri_in_the_settings_is_a_configuration_error(
    install: Install, settings: Any
) -> None:
    azure = install("azuread-oauth2")
    settings.SOCIAL_AUTH_AZUREAD_OAUTH2_JWKS_URI = "no URL"

    assert azure.sign_in().status_code == 500


def test_id_token_signs_in_without_a_working_cache(oidc: IdTokenProvider, settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}

    assert oidc.sign_in().status_code == 201
