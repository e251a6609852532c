"""Native sign-in with tokens that an app has got from a real provider by itself."""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
import requests

from tests.servers import client
from tests.servers.addresses import Addresses
from tests.servers.assertions import assert_refused, assert_signed_in
from tests.servers.frontend import ALLOW, Frontend, User

pytestmark = pytest.mark.usefixtures("openid_connect_provider")

NAME = "openid-connect"


def base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def tokens(
    addresses: Addresses, user: str, *, app: str = client.APP, nonce: str | None = None
) -> dict[str, str]:
    """Log somebody in as an app does, and return its tokens (RFC 8252, RFC 7636)."""
    verifier = secrets.token_urlsafe(32)
    redirect_uri = addresses.redirect_uris[0]
    asked = {
        "client_id": app,
        "response_type": "code",
        "scope": "openid profile email",
        "redirect_uri": redirect_uri,
        "code_challenge": base64url(hashlib.sha256(verifier.encode()).digest()),
        "code_challenge_method": "S256",
        **({} if nonce is None else {"nonce": nonce}),
    }
    url = f"{addresses.openid_connect}/auth?{urlencode(asked)}"
    code = User().follow(url, until=redirect_uri, fill={**ALLOW, "login": user}).query["code"]
    answer = requests.post(
        f"{addresses.openid_connect}/token",
        data={
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        },
        auth=(app, client.SECRET),
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def sign_in(frontend: Frontend, **body: Any) -> requests.Response:
    url = f"{frontend.addresses.site}/auth/o/{NAME}/token/"
    return requests.post(url, json=body, timeout=30)


@pytest.fixture
def user() -> str:
    """A user name that the provider has not seen yet."""
    return f"user-{uuid4().hex[:8]}"


@pytest.fixture
def page(frontend: Frontend, user: str) -> Any:
    """Return a function that signs the same user in with a redirect."""

    def by_redirect() -> requests.Response:
        fresh = replace(frontend, client=requests.Session())
        begun = fresh.begin(NAME)
        callback = fresh.authorize(begun, User(), {**ALLOW, "login": user})
        return fresh.complete(NAME, begun, callback)

    return by_redirect


@pytest.mark.parametrize("app", [client.APP, client.ID])
def test_id_token(frontend: Frontend, user: str, page: Any, app: str) -> None:
    got = tokens(frontend.addresses, user, app=app)
    token = assert_signed_in(sign_in(frontend, id_token=got["id_token"]))
    assert assert_signed_in(page()) == token
    assert_refused(sign_in(frontend, id_token=got["id_token"]), "credential_rejected")


@pytest.mark.parametrize("spelling", ["plain", "hashed"])
def test_nonce(frontend: Frontend, user: str, spelling: str) -> None:
    nonce = secrets.token_urlsafe(16)
    digest = hashlib.sha256(nonce.encode()).hexdigest()
    asked = nonce if spelling == "plain" else digest
    id_token = tokens(frontend.addresses, user, nonce=asked)["id_token"]
    assert_refused(sign_in(frontend, id_token=id_token), "missing_parameter")
    assert_refused(sign_in(frontend, id_token=id_token, nonce="another"), "nonce_mismatch")
    assert_signed_in(sign_in(frontend, id_token=id_token, nonce=nonce))


def test_both_tokens(frontend: Frontend, user: str, page: Any) -> None:
    got, others = (tokens(frontend.addresses, name) for name in (user, f"not-{user}"))
    mixed = sign_in(frontend, id_token=got["id_token"], access_token=others["access_token"])
    assert_refused(mixed, "invalid_claim")
    right = sign_in(frontend, id_token=got["id_token"], access_token=got["access_token"])
    token = assert_signed_in(right)
    # This provider tells who the user is with the access token alone (Core section 5.4).
    assert frontend.me(token)["email"] == "dana@example.com"
    assert assert_signed_in(page()) == token


@pytest.mark.usefixtures("no_new_account")
@pytest.mark.parametrize("kind", ["id_token", "access_token"])
def test_an_app_of_somebody_else(frontend: Frontend, user: str, kind: str) -> None:
    got = tokens(frontend.addresses, user, app=client.OTHER_APP)
    assert_refused(sign_in(frontend, **{kind: got[kind]}), "invalid_claim", "credential_rejected")


@pytest.mark.usefixtures("no_new_account")
def test_an_access_token_is_no_id_token(frontend: Frontend, user: str) -> None:
    got = tokens(frontend.addresses, user)
    assert_refused(sign_in(frontend, id_token=got["access_token"]))
    assert_refused(sign_in(frontend, access_token=got["id_token"]))


def test_access_token(frontend: Frontend, user: str, page: Any) -> None:
    """The provider introspects it (RFC 7662), and then says who the user is."""
    got = tokens(frontend.addresses, user, app=client.ID)
    first, second = (sign_in(frontend, access_token=got["access_token"]) for _ in range(2))
    assert assert_signed_in(first) == assert_signed_in(second) == assert_signed_in(page())
