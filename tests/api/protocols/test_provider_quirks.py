"""Log in with providers whose protocol or backend differs from the standards."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from typing import Any

import pytest
import responses
from openid.association import Association as OpenIdAssociation
from social_core.backends.oauth import BaseOAuth2
from social_core.store import OpenIdStore
from social_django.models import Association, Nonce, UserSocialAuth

from social_endpoints.testing import FakeProvider, FakeProviders
from tests.support.configuration import Configure
from tests.support.fakes import sign_in
from tests.support.frontend import Frontend, authorization_params, error
from tests.support.social_core import UNUSUAL_REDIRECT_URI, configure_backend

pytestmark = pytest.mark.django_db


def test_pushbullet_identifies_user_with_encoded_token(
    frontend: Frontend, social_provider: FakeProviders, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.pushbullet.PushbulletOAuth2"]
    settings.SOCIAL_AUTH_PUSHBULLET_KEY = settings.SOCIAL_AUTH_PUSHBULLET_SECRET = "value"
    pushbullet = social_provider("pushbullet", sub="user-7")

    response = sign_in(pushbullet, frontend, "pushbullet")

    assert response.status_code == 201, response.data
    social = UserSocialAuth.objects.get()
    encoded = b64encode(social.extra_data["access_token"].encode()).decode()
    assert pushbullet.requests[-1].address == "https://api.pushbullet.com/v2/users/me"
    assert pushbullet.requests[-1].header("Authorization") == f"Basic {encoded}"
    assert social.uid == "user-7"


@pytest.mark.parametrize(
    ("payload", "status"),
    [
        ({"code": "code", "device_id": "d"}, 201),
        ({"code": "code"}, 400),
        ({"device_id": "d"}, 400),
        ({"code": "\ud800", "device_id": "d"}, 400),
        ({"code": 5, "device_id": "d"}, 400),
        ([], 400),
        ("text", 400),
        (None, 400),
    ],
)
def test_vk_id_with_parameters_in_payload(
    payload: Any, status: int, frontend: Frontend, wire: responses.RequestsMock, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.vk.VKIDOAuth2"]
    settings.SOCIAL_AUTH_VK_ID_KEY = "key"
    begun = frontend.begin("vk-id")
    state = authorization_params(begun)["state"]
    if isinstance(payload, dict):
        payload = {**payload, "state": state}
    token = {"access_token": "token", "user_id": 7, "state": state, "token_type": "Bearer"}
    wire.post("https://id.vk.ru/oauth2/auth", json=token)
    wire.post("https://id.vk.ru/oauth2/user_info", json={"user": {"user_id": "7"}})
    text = json.dumps(payload) if payload is not None else "{"

    response = frontend.complete(begun, {"payload": text}, "vk-id")

    assert response.status_code == status, response.data


# --- Apple ------------------------------------------------------------------------------


@pytest.fixture
def apple(settings: Any, configure: Configure, social_provider: FakeProviders) -> FakeProvider:
    """Configure Sign in with Apple; return the fake of it."""
    configure_backend(settings, "apple-id")
    configure(FLOW_TRANSPORT="body")
    return social_provider("apple-id")


def test_apple_with_client_id_in_callback_uses_configured_client(apple: FakeProvider) -> None:
    frontend = Frontend("body")
    begun = frontend.begin("apple-id", redirect_uri=UNUSUAL_REDIRECT_URI, client_id="evil")
    params = {"code": "code", "state": authorization_params(begun)["state"], "client_id": "evil"}

    response = frontend.complete(begun, params, "apple-id")

    assert response.data["error_code"] == "authorization_code_rejected"
    assert [each.params["client_id"] for each in apple.requests] == ["value"]


def test_apple_with_invalid_key_is_500(
    apple: FakeProvider, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SOCIAL_AUTH_APPLE_ID_SECRET = "no key"

    begun = Frontend("body").begin("apple-id", redirect_uri=UNUSUAL_REDIRECT_URI)

    assert error(begun) == (500, "invalid_setting")
    assert "parameter=SECRET" in caplog.text
    assert "no key" not in caplog.text


# --- Storage ----------------------------------------------------------------------------


class Storing(BaseOAuth2):
    """A backend that uses all tables of the storage, as OpenID 2.0 does."""

    name = "storing"
    AUTHORIZATION_URL = "https://id.example.com/authorize"
    ACCESS_TOKEN_URL = "https://id.example.com/token"

    def user_data(self, access_token: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        server = "https://openid.example.com"
        store = OpenIdStore(self.strategy)
        association = OpenIdAssociation("handle", b"secret", int(time.time()), 60, "HMAC-SHA1")
        store.storeAssociation(server, association)
        assert store.getAssociation(server, "handle").handle == "handle"
        assert self.strategy.storage.association.get(server_url=server).count() == 1
        assert store.useNonce(server, int(time.time()), "salt")
        store.removeAssociation(server, "handle")
        nonces = self.strategy.storage.nonce
        assert nonces.get(server, "salt") is not None
        assert nonces.consume(server, 1, "another") is False
        assert self.strategy.storage.association.oids(server) == []
        return {"id": "ada", "username": "ada"}

    def get_user_details(self, response: Any) -> dict[str, Any]:
        return {"username": response["username"]}


def test_backend_can_use_storage_of_project(
    frontend: Frontend, social_provider: FakeProviders, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.Storing"]
    settings.SOCIAL_AUTH_STORING_KEY = settings.SOCIAL_AUTH_STORING_SECRET = "value"

    response = sign_in(social_provider("storing"), frontend, "storing")

    assert response.status_code == 201
    assert Nonce.objects.filter(server_url="https://openid.example.com").count() == 1
    assert not Association.objects.exists()
