"""Provider tokens for the project's own calls."""

from __future__ import annotations

import gc
import json
from typing import Any

import pytest
import requests
from django.core.management import call_command
from django.db import connection
from social_django.models import UserSocialAuth

from social_endpoints.internal.connections.encryption import to_plain
from social_endpoints.provider_tokens import ReauthenticationRequired, get_access_token
from tests.support.servers.addresses import CLIENT_ID, CLIENT_SECRET
from tests.support.servers.assertions import assert_signed_in
from tests.support.servers.frontend import TIMEOUT, Frontend, new_name

SECRETS = ("access_token", "id_token", "refresh_token")
LONG = 7200
"""Seconds. No token of the providers lives so long, so each call refreshes it."""


def end_access(discovery: dict[str, Any], refresh_token: str) -> None:
    """Revoke the grant, as a user does in the account settings of the provider."""
    response = requests.post(
        discovery["revocation_endpoint"],
        data={"token": refresh_token, "token_type_hint": "refresh_token"},
        auth=(CLIENT_ID, CLIENT_SECRET),
        timeout=TIMEOUT,
    )
    assert response.status_code == 200, response.text


def stored() -> dict[str, Any]:
    """Return the column of the only connection as the database contains it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT extra_data FROM social_auth_usersocialauth")
        ((column,),) = cursor.fetchall()
    return dict(json.loads(column) if isinstance(column, str) else column)


def test_second_login_reaches_account_of_first(
    account: Frontend, frontend: Frontend, provider: str, name: str
) -> None:
    assert assert_signed_in(frontend.fresh().sign_in(provider, name)) == account.token


def test_tokens_are_encrypted_in_database_after_login_and_refresh(user: Any, provider: str) -> None:
    before = stored()
    token = get_access_token(user, provider)
    after = stored()
    for column in (before, after):
        assert all(column[name].startswith("encrypted:") for name in SECRETS)
    assert token.token not in str(after)
    assert {*token.scopes} >= {"openid", "files:read", "offline_access"}


def test_rotated_refresh_tokens_are_stored(user: Any, provider: str, ask: Any) -> None:
    """The second use of a refresh token would end the access."""
    tokens = {get_access_token(user, provider, min_lifetime=LONG).token for _ in range(3)}
    assert len(tokens) == 3
    assert ask().status_code == 200


def test_token_that_provider_rejects_is_refreshed(user: Any, ask: Any) -> None:
    """Other code, such as a view of social_django, may have stored an old token."""
    row = UserSocialAuth.objects.get()
    row.extra_data["access_token"] = "expired"
    row.save()
    response = ask()
    assert response.status_code == 200, response.text
    assert [earlier.status_code for earlier in response.history] == [401]
    assert stored()["access_token"].startswith("encrypted:")


def test_rejected_token_of_ended_access_leaves_no_connection_open(
    user: Any, discovery: dict[str, Any], ask: Any
) -> None:
    row = UserSocialAuth.objects.get()
    end_access(discovery, to_plain(row.extra_data)["refresh_token"])
    row.extra_data["access_token"] = "expired"
    row.save()
    with pytest.raises(ReauthenticationRequired):
        ask()
    gc.collect()  # An open socket is a warning, and a warning fails the test.


def test_access_that_user_ends_at_provider_needs_reconnect_until_login(
    account: Frontend,
    frontend: Frontend,
    user: Any,
    provider: str,
    name: str,
    ask: Any,
    discovery: dict[str, Any],
) -> None:
    end_access(discovery, to_plain(stored())["refresh_token"])

    for _ in range(2):
        with pytest.raises(ReauthenticationRequired) as error:
            ask()
    assert error.value.detail["error_code"] == "provider_reauthentication_required"
    (connected,) = account.connections()
    assert connected["needs_reconnect"] is True

    assert assert_signed_in(frontend.fresh().sign_in(provider, name)) == account.token
    assert ask().status_code == 200
    (connected,) = account.connections()
    assert connected["needs_reconnect"] is False


@pytest.mark.parametrize(
    ("provider", "prefix", "is_granted"),
    [("openid-connect", "ada", True), ("openid-connect", "frugal", False),
     ("better-auth", "ada", True)],
    indirect=["provider"],
)  # fmt: skip
def test_more_access_shows_scopes_that_user_has_granted(
    frontend: Frontend, provider: str, prefix: str, is_granted: bool, settings: Any
) -> None:
    settings.SOCIAL_ENDPOINTS |= {"CONNECT_SCOPES": {provider: ["files:write"]}}
    name = f"{prefix}-{new_name()}"
    account = frontend.fresh(token=assert_signed_in(frontend.sign_in(provider, name)))
    (before,) = account.connections()
    assert {"openid", "files:read"} <= {*before["scopes"]}
    assert "files:write" not in before["scopes"]

    response = account.sign_in(provider, name, scope="files:write")

    assert response.status_code == 201, response.text
    (after,) = account.connections()
    for connected in (response.json(), after):
        assert ("files:write" in connected["scopes"]) is is_granted
        assert {*before["scopes"]} <= {*connected["scopes"]}
    user = UserSocialAuth.objects.get().user
    token = get_access_token(user, provider, min_lifetime=LONG)
    assert ("files:write" in token.scopes) is is_granted


def test_lost_key_needs_reconnect_and_loses_nothing(
    account: Frontend, user: Any, provider: str, ask: Any, settings: Any
) -> None:
    key, before = settings.SECRET_KEY, stored()
    settings.SECRET_KEY = "another key, under which nothing can be decrypted"
    with pytest.raises(ReauthenticationRequired):
        get_access_token(user, provider)
    (connected,) = account.connections()
    assert connected["needs_reconnect"] is True
    assert stored() == before

    settings.SECRET_KEY_FALLBACKS = [key]
    call_command("encrypt_provider_tokens", verbosity=0)
    settings.SECRET_KEY_FALLBACKS = []
    assert stored() != before
    assert ask().status_code == 200


def test_connection_under_lost_key_is_disconnected_and_connected_again(
    account: Frontend, user: Any, provider: str, name: str, ask: Any, settings: Any
) -> None:
    user.set_password("another way to sign in")
    user.save()
    settings.SECRET_KEY = "another key, under which nothing can be decrypted"
    (connected,) = account.connections()
    assert account.disconnect(connected).status_code == 204
    with pytest.raises(ReauthenticationRequired):
        get_access_token(user, provider)
    assert account.sign_in(provider, name).status_code == 201
    assert ask().status_code == 200
