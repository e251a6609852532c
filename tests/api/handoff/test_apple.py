"""Sign in with Apple, which posts its response when scopes are requested."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth import get_user_model

from social_endpoints.testing import FakeProvider, FakeProviders
from tests.support.frontend import REDIRECT_URI, Frontend, authorization_params, error
from tests.support.handoff import handoff_params, post_to_callback
from tests.support.keys import elliptic_key, private_pem

pytestmark = pytest.mark.django_db
User = get_user_model()
APPLE = "https://appleid.apple.com"
CALLBACK = "/auth/o/apple-id/callback/"


@pytest.fixture
def apple(settings: Any, social_provider: FakeProviders) -> FakeProvider:
    """Configure Sign in with Apple with scopes; return the fake of it."""
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.apple.AppleIdAuth"]
    values = {"CLIENT": "com.example", "TEAM": "team", "KEY": "key"}
    values["SECRET"] = private_pem(elliptic_key())
    for name, value in {**values, "SCOPE": ["name", "email"]}.items():
        setattr(settings, f"SOCIAL_AUTH_APPLE_ID_{name}", value)
    return social_provider("apple-id", sub="apple-1", email="ada@example.com")


def log_in(frontend: Frontend, apple: FakeProvider, **posted: str) -> Any:
    """Log in; replace parameters that Apple posts."""
    begun = frontend.begin("apple-id")
    authorized = apple.authorize(authorization_params(begun))
    assert (authorized.method, urlsplit(authorized.redirect_uri).path) == ("POST", CALLBACK)
    callback = post_to_callback({**authorized.callback_params, **posted}, CALLBACK)
    return frontend.complete(begun, handoff_params(callback), "apple-id")


@pytest.mark.parametrize("encoding", ["json", "multipart"])
def test_first_sign_in_stores_the_name_that_apple_posts(
    encoding: str, frontend: Frontend, apple: FakeProvider
) -> None:
    frontend.format = encoding
    user = json.dumps({"name": {"firstName": "Ada", "lastName": "Lovelace"}, "email": "x@y.z"})

    response = log_in(frontend, apple, id_token="a.b.c", user=user)

    assert response.status_code == 201, response.data
    account = User.objects.get()
    assert (account.first_name, account.last_name) == ("Ada", "Lovelace")
    assert account.email == "ada@example.com"
    (sent,) = (each.params for each in apple.requests if each.address == f"{APPLE}/auth/token")
    assert sent["redirect_uri"] == f"https://testserver{CALLBACK}"


@pytest.mark.parametrize(
    "user",
    ["{", "[]", "null", '"Ada"', '{"name": "Ada"}', '{"name": null}', '{"name": {"firstName": 1}}'],
)
def test_malformed_user_is_a_field_error(
    user: str, frontend: Frontend, apple: FakeProvider
) -> None:
    response = log_in(frontend, apple, user=user)

    assert error(response) == (400, "invalid_parameter")
    assert "user" in response.data
    assert not User.objects.exists()
    assert apple.requests == []


def test_sign_in_without_scopes_needs_no_handoff(
    frontend: Frontend, apple: FakeProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_APPLE_ID_SCOPE = []
    begun = frontend.begin("apple-id")
    params = authorization_params(begun)

    response = frontend.complete(begun, apple.authorize(params).callback_params, "apple-id")

    assert params["redirect_uri"] == REDIRECT_URI
    assert response.status_code == 201
