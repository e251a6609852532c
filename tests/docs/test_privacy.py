"""The recipe of the page "Privacy" exports and deletes everything that is stored about a user."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from rest_framework.authtoken.models import Token
from social_django.models import Code, UserSocialAuth

from docs.recipes import privacy
from social_endpoints.internal.connections.encryption import PREFIX, encrypt
from social_endpoints.provider_tokens import ReauthenticationRequired, get_access_token
from tests.support.accounts import user_with
from tests.support.configuration import Configure
from tests.support.frontend import Frontend
from tests.support.openid_provider import ISSUER, OpenIDProvider
from tests.support.pipeline import AFTER_ASSOCIATE_USER, ASK_NAME, pipeline_with

pytestmark = pytest.mark.django_db

User = get_user_model()
REVOKE = f"{ISSUER}/revoke"
PERSON = ("ada@example.com", "Lovelace", "user-1")


def all_rows() -> str:
    """Return all rows of all tables as text."""
    rows = [
        [model._meta.label, row]
        for model in apps.get_models()
        for row in model._base_manager.values()
    ]
    return json.dumps(rows, default=str)


@pytest.fixture(params=[False, True])
def ada(
    request: pytest.FixtureRequest,
    openid: OpenIDProvider,
    configure: Configure,
    settings: Any,
    frontend: Frontend,
) -> Any:
    """Return a user with a connection, a paused login and a code of a confirmation."""
    configure(ENCRYPT_PROVIDER_TOKENS=request.param)
    openid.token_params = {"refresh_token": "the-refresh-token", "expires_in": 3600}
    frontend.log_in(openid)
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((AFTER_ASSOCIATE_USER, ASK_NAME))
    assert frontend.log_in(openid).status_code == 202
    Code.make_code("ada@example.com")
    return User.objects.get()


def test_export_has_the_data_without_tokens(ada: Any, openid: OpenIDProvider) -> None:
    exported = privacy.export(ada)

    (connection,) = exported["connections"]
    assert (connection["provider"], connection["uid"]) == ("oidc", "user-1")
    assert "auth_time" in connection["data"]
    assert len(exported["paused_logins"]) == len(exported["confirmations"]) == 1
    text = json.dumps(exported)
    assert [secret for secret in openid.secrets if secret in text] == []
    assert "the-refresh-token" not in text
    assert "sealed" not in text


@pytest.mark.parametrize("is_text", [False, True])
def test_tokens_of_other_names_are_neither_exported_nor_kept(is_text: bool) -> None:
    """An old row of social_django can contain JSON as text. "rt" is an alias in EXTRA_DATA."""
    data = {"id": "7", "access_token": "a", "session_key": "s", "apiKey": "k"}
    stored = json.dumps(data) if is_text else {**data, "rt": encrypt("r")}
    user = user_with(("oidc", "1"))
    user.social_auth.update(extra_data=stored)

    (connection,) = privacy.export(user)["connections"]
    assert connection["data"] == {"id": "7"}
    assert privacy.forget_tokens("oidc") == 1
    assert user.social_auth.get().extra_data == connection["data"]


def test_export_of_another_user_is_empty(ada: Any) -> None:
    exported = privacy.export(user_with(username="grace"))

    assert exported == {"connections": [], "paused_logins": [], "confirmations": []}


def test_deleted_user_leaves_no_personal_data(ada: Any, openid: OpenIDProvider) -> None:
    grace = user_with(("oidc", "user-2"), username="grace")
    revoke = openid.wire.post(REVOKE)
    assert [each for each in PERSON if each not in all_rows()] == []

    assert privacy.delete(ada) == []

    assert [each for each in PERSON if each in all_rows()] == []
    assert revoke.call_count == 1
    assert "token=the-refresh-token" in str(revoke.calls[0].request.body)
    assert "client_id=our-client-id" in str(revoke.calls[0].request.body)
    assert grace.social_auth.exists()
    assert not Token.objects.exists()


def test_provider_that_does_not_revoke_is_returned(ada: Any, openid: OpenIDProvider) -> None:
    openid.wire.post(REVOKE, status=503)

    assert privacy.delete(ada) == ["oidc"]

    assert not User.objects.exists()


def test_provider_whose_token_is_lost_is_returned() -> None:
    user = user_with(("oidc", "1"))
    user.social_auth.update(extra_data={"access_token": f"{PREFIX}lost"})

    assert privacy.revoke_tokens(user) == ["oidc"]


def test_provider_without_a_revocation_endpoint_is_returned() -> None:
    assert privacy.revoke_tokens(user_with(("github", "1"))) == ["github"]


def test_provider_that_is_not_configured_any_more_is_returned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(privacy.REVOCATION_ENDPOINTS, "myspace", REVOKE)
    user = user_with(("myspace", "1"))
    user.social_auth.update(extra_data={"access_token": "the-token"})

    assert privacy.delete(user) == ["myspace"]


def test_forgotten_tokens_are_stored_again_by_the_next_login(
    ada: Any, openid: OpenIDProvider, frontend: Frontend, settings: Any
) -> None:
    del settings.SOCIAL_AUTH_PIPELINE
    assert privacy.forget_tokens("oidc") == 1
    social = UserSocialAuth.objects.get()
    assert not any("token" in name for name in social.extra_data)
    with pytest.raises(ReauthenticationRequired, match="cause=no_token"):
        get_access_token(ada, "oidc")

    assert frontend.log_in(openid).status_code == 201
    social.refresh_from_db()
    assert "access_token" in social.extra_data
