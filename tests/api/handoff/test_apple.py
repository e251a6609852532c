"""Sign in with Apple, which posts its response when scopes are requested."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
import responses
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.contrib.auth import get_user_model
from jwt.algorithms import RSAAlgorithm

from tests.support.frontend import REDIRECT_URI, Frontend, authorization_params, error
from tests.support.handoff import handoff_params, post_to_callback
from tests.support.openid_provider import signing_key

pytestmark = pytest.mark.django_db
User = get_user_model()
APPLE = "https://appleid.apple.com"
CALLBACK = "/auth/o/apple-id/callback/"


@pytest.fixture
def token_endpoint(settings: Any, wire: responses.RequestsMock) -> Any:
    """Configure Sign in with Apple with scopes; return its token endpoint."""
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.apple.AppleIdAuth"]
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    values = {"CLIENT": "com.example", "TEAM": "team", "KEY": "key", "SECRET": pem}
    for name, value in {**values, "SCOPE": ["name", "email"]}.items():
        setattr(settings, f"SOCIAL_AUTH_APPLE_ID_{name}", value)
    claims = {"iss": APPLE, "aud": "com.example", "sub": "apple-1", "email": "ada@example.com"}
    claims |= {"iat": int(time.time()), "exp": int(time.time()) + 60}
    id_token = jwt.encode(claims, signing_key(), "RS256", headers={"kid": "1"})
    jwk = json.loads(RSAAlgorithm.to_jwk(signing_key().public_key()))
    wire.get(f"{APPLE}/auth/keys", json={"keys": [{**jwk, "kid": "1"}]})
    return wire.post(f"{APPLE}/auth/token", json={"access_token": "token", "id_token": id_token})


def log_in(frontend: Frontend, **posted: str) -> Any:
    begun = frontend.begin("apple-id")
    params = {"state": authorization_params(begun)["state"], **posted}
    return frontend.complete(begun, handoff_params(post_to_callback(params, CALLBACK)), "apple-id")


@pytest.mark.parametrize("encoding", ["json", "multipart"])
def test_first_sign_in_stores_the_name_that_apple_posts(
    encoding: str, frontend: Frontend, token_endpoint: Any
) -> None:
    frontend.format = encoding
    user = json.dumps({"name": {"firstName": "Ada", "lastName": "Lovelace"}, "email": "x@y.z"})

    response = log_in(frontend, code="apples-code", id_token="a.b.c", user=user)

    assert response.status_code == 201, response.data
    account = User.objects.get()
    assert (account.first_name, account.last_name) == ("Ada", "Lovelace")
    assert account.email == "ada@example.com"
    (call,) = token_endpoint.calls
    sent = parse_qs(str(call.request.body))
    assert sent["code"] == ["apples-code"]
    assert sent["redirect_uri"] == [f"https://testserver{CALLBACK}"]


@pytest.mark.parametrize(
    "user",
    ["{", "[]", "null", '"Ada"', '{"name": "Ada"}', '{"name": null}', '{"name": {"firstName": 1}}'],
)
def test_malformed_user_is_a_field_error(
    user: str, frontend: Frontend, token_endpoint: Any
) -> None:
    response = log_in(frontend, code="code", user=user)

    assert error(response) == (400, "invalid_parameter")
    assert "user" in response.data
    assert not User.objects.exists()
    assert token_endpoint.call_count == 0


def test_sign_in_without_scopes_needs_no_handoff(
    frontend: Frontend, token_endpoint: Any, settings: Any
) -> None:
    settings.SOCIAL_AUTH_APPLE_ID_SCOPE = []
    begun = frontend.begin("apple-id")
    params = authorization_params(begun)

    response = frontend.complete(begun, {"code": "code", "state": params["state"]}, "apple-id")

    assert params["redirect_uri"] == REDIRECT_URI
    assert response.status_code == 201
