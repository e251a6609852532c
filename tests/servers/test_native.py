"""Native sign-in with tokens that an app has obtained from a real provider."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.support.servers.addresses import CLIENT_ID, FOREIGN_APP, NATIVE_APP, Addresses
from tests.support.servers.assertions import assert_refused, assert_signed_in
from tests.support.servers.frontend import Frontend, new_name
from tests.support.servers.native_app import PROVIDER, obtain_tokens


def native_tokens(addresses: Addresses, user: str, **options: Any) -> dict[str, str]:
    """Return the tokens, and the nonce that the app posts with them."""
    nonce = secrets.token_urlsafe(16)
    digest = hashlib.sha256(nonce.encode()).hexdigest()
    return {**obtain_tokens(addresses, user, nonce=digest, **options), "nonce": nonce}


def posted(tokens: dict[str, str], *names: str) -> dict[str, str]:
    return {name: tokens[name] for name in ("nonce", *names)}


def sign_in(frontend: Frontend, **body: Any) -> requests.Response:
    url = f"{frontend.addresses.site}/auth/o/{PROVIDER}/token/"
    return requests.post(url, json=body, timeout=30)


@pytest.fixture
def user() -> str:
    return new_name()


@pytest.fixture
def redirect_login(frontend: Frontend, user: str) -> Callable[[], requests.Response]:
    """Return a function that signs the same user in with a redirect."""
    return lambda: frontend.fresh().sign_in(PROVIDER, user)


@pytest.mark.parametrize("client_id", [NATIVE_APP, CLIENT_ID])
def test_id_token_signs_in_once(
    frontend: Frontend, user: str, redirect_login: Any, client_id: str
) -> None:
    body = posted(native_tokens(frontend.addresses, user, client_id=client_id), "id_token")
    token = assert_signed_in(sign_in(frontend, **body))
    assert assert_signed_in(redirect_login()) == token
    assert_refused(sign_in(frontend, **body), "credential_rejected")


def test_id_token_requires_the_value_behind_its_nonce(frontend: Frontend, user: str) -> None:
    tokens = native_tokens(frontend.addresses, user)
    id_token, nonce = tokens["id_token"], tokens["nonce"]
    digest = hashlib.sha256(nonce.encode()).hexdigest()
    assert_refused(sign_in(frontend, id_token=id_token), "missing_parameter")
    assert_refused(sign_in(frontend, id_token=id_token, nonce="another"), "nonce_mismatch")
    assert_refused(sign_in(frontend, id_token=id_token, nonce=digest), "nonce_not_hashed")
    assert_signed_in(sign_in(frontend, id_token=id_token, nonce=nonce))


@pytest.mark.usefixtures("no_new_account")
def test_id_token_without_a_hashed_nonce_is_refused(frontend: Frontend, user: str) -> None:
    without = obtain_tokens(frontend.addresses, user)["id_token"]
    clear = obtain_tokens(frontend.addresses, user, nonce="clear")["id_token"]
    assert_refused(sign_in(frontend, id_token=without), "missing_claim")
    assert_refused(sign_in(frontend, id_token=clear, nonce="clear"), "nonce_not_hashed")


def test_both_tokens_must_belong_together(
    frontend: Frontend, user: str, redirect_login: Any
) -> None:
    tokens, foreign = (native_tokens(frontend.addresses, name) for name in (user, f"not-{user}"))
    body = posted(tokens, "id_token", "access_token")
    mixed = sign_in(frontend, **{**body, "access_token": foreign["access_token"]})
    assert_refused(mixed, "invalid_claim")
    response = sign_in(frontend, **body)
    token = assert_signed_in(response)
    # The provider returns the address only for the access token (Core section 5.4).
    assert frontend.email(token) == "dana@example.com"
    assert assert_signed_in(redirect_login()) == token


@pytest.mark.usefixtures("no_new_account")
@pytest.mark.parametrize("token_type", ["id_token", "access_token"])
def test_token_of_foreign_app_is_refused(frontend: Frontend, user: str, token_type: str) -> None:
    tokens = obtain_tokens(frontend.addresses, user, client_id=FOREIGN_APP)
    response = sign_in(frontend, **{token_type: tokens[token_type]})
    assert_refused(response, "invalid_claim", "credential_rejected")


@pytest.mark.usefixtures("no_new_account")
def test_token_of_wrong_type_is_refused(frontend: Frontend, user: str) -> None:
    tokens = obtain_tokens(frontend.addresses, user)
    assert_refused(sign_in(frontend, id_token=tokens["access_token"]))
    assert_refused(sign_in(frontend, access_token=tokens["id_token"]))


def test_access_token_signs_in(frontend: Frontend, user: str, redirect_login: Any) -> None:
    """The site introspects it (RFC 7662), and then reads the profile."""
    tokens = obtain_tokens(frontend.addresses, user, client_id=CLIENT_ID)
    first, second = (sign_in(frontend, access_token=tokens["access_token"]) for _ in range(2))
    assert assert_signed_in(first) == assert_signed_in(second) == assert_signed_in(redirect_login())
