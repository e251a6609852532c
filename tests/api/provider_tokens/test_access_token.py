"""The access token of a connection, which is refreshed if it is about to expire."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser, Group
from social_core.backends.twitter import TwitterOAuth
from social_core.exceptions import AuthCredentialError

from social_endpoints.exceptions import ProviderNotSupported
from social_endpoints.internal.actions.token_refresh import refresh
from social_endpoints.internal.backends.registry import find
from social_endpoints.internal.connections.encryption import PREFIX, to_stored
from social_endpoints.internal.connections.token_state import read_state
from social_endpoints.provider_tokens import (
    AccessToken,
    ReauthenticationRequired,
    get_access_token,
)
from tests.support.accounts import list_connections, logged_in
from tests.support.configuration import Configure
from tests.support.replica import ReplicaRouter
from tests.support.stored_tokens import LOGIN, connect
from tests.support.token_server import TokenServer, answering

pytestmark = pytest.mark.django_db
User = get_user_model()


def test_living_token_is_returned_with_one_query(
    ada: Any, server: TokenServer, django_assert_num_queries: Any
) -> None:
    social = connect(ada, expires_in=3600)

    with django_assert_num_queries(1):
        token = get_access_token(ada, "token-server")

    expires_at = datetime.fromtimestamp(social.extra_data["social_endpoints"]["expires_at"], UTC)
    assert token == AccessToken("access-0", expires_at, ("read",), "bearer")
    assert "access-0" not in repr(token)
    assert server.posted == []


def test_expired_token_is_refreshed(ada: Any, server: TokenServer) -> None:
    social = connect(ada)

    token = get_access_token(ada, "token-server")

    assert server.access_tokens == {token.token}
    assert token.scopes == ("read",)
    assert abs(token.expires_at.timestamp() - time.time() - 3600) < 60
    social.refresh_from_db()
    assert social.extra_data["refresh_token"] == server.refresh_token == "refresh-1"
    assert social.extra_data["auth_time"] == LOGIN
    assert get_access_token(ada, "token-server") == token
    assert len(server.posted) == 1
    assert not social.access_token_expired()


def test_new_token_without_a_refresh_token_keeps_the_stored_one(
    ada: Any, server: TokenServer
) -> None:
    connect(ada, id="7", expires=1)
    server.fields = {"refresh_token": "", "expires_in": None, "token_type": ""}

    token = get_access_token(ada, "token-server")

    extra_data = ada.social_auth.get().extra_data
    assert extra_data["refresh_token"] == "refresh-0"
    assert extra_data["id"] == "7"
    assert (token.expires_at, token.token_type) == (None, "bearer")
    assert "expires" not in extra_data  # The lifetime of the old token.


@pytest.mark.parametrize(
    ("scope", "expected"),
    [(None, ("read",)), ("read write", ("read", "write")), ("", ())],
)
def test_scopes_of_a_new_token_are_those_of_the_response(
    scope: str | None, expected: tuple[str, ...], ada: Any, server: TokenServer
) -> None:
    """Without ``scope``, they are unchanged (RFC 6749 section 6)."""
    connect(ada)
    server.fields = {"scope": scope}

    assert get_access_token(ada, "token-server").scopes == expected


# --- When a token is refreshed ----------------------------------------------------------


@pytest.mark.parametrize(
    ("expires_in", "min_lifetime", "requests"),
    [
        (90, 60, 0),
        (30, 60, 1),
        (30, 0, 0),
        (30, 10, 0),
        (300, 600, 1),
        (-1, 0, 1),
        (-1, -100, 1),
        (None, 10**9, 0),
    ],
)
def test_token_is_refreshed_if_less_than_the_minimum_lifetime_remains(
    expires_in: int | None, min_lifetime: int, requests: int, ada: Any, server: TokenServer
) -> None:
    connect(ada, expires_in=expires_in)

    token = get_access_token(ada, "token-server", min_lifetime=min_lifetime)

    assert len(server.posted) == requests
    assert (token.token != "access-0") is bool(requests)


def test_new_token_is_returned_although_it_lives_shorter_than_asked(
    ada: Any, server: TokenServer
) -> None:
    connect(ada)

    get_access_token(ada, "token-server", min_lifetime=7200)

    assert len(server.posted) == 1


def test_token_without_a_refresh_token_is_returned_until_it_expires(
    ada: Any, server: TokenServer
) -> None:
    social = connect(ada, expires_in=30, refresh_token=None)
    assert get_access_token(ada, "token-server").token == "access-0"

    social.delete()
    connect(ada, refresh_token=None)
    assert cause_of_refusal(ada) == "expired"
    assert server.posted == []


def test_token_that_another_package_has_stored_is_returned(ada: Any, server: TokenServer) -> None:
    connect(ada, social_endpoints=None, expires_in=None)
    social = ada.social_auth.get()
    social.extra_data.pop("social_endpoints", None)
    social.save()

    assert get_access_token(ada, "token-server") == AccessToken("access-0", None, (), "bearer")


# --- Which connection -------------------------------------------------------------------


def test_connection_that_was_used_last_counts(ada: Any, server: TokenServer) -> None:
    connect(ada, uid="1", token="first", expires_in=3600, auth_time=LOGIN + 2)
    connect(ada, uid="2", token="second", expires_in=3600, auth_time=LOGIN + 1)

    assert get_access_token(ada, "token-server").token == "first"
    assert get_access_token(ada, "token-server", uid="2").token == "second"
    assert cause_of_refusal(ada, uid="3") == "unknown_uid"


def test_later_of_two_logins_in_the_same_second_counts(ada: Any, server: TokenServer) -> None:
    first, _ = (connect(ada, uid=uid, token=uid, expires_in=3600) for uid in "12")
    first.save()

    assert get_access_token(ada, "token-server").token == "1"


def test_refresh_does_not_count_as_a_use(ada: Any, server: TokenServer) -> None:
    connect(ada, uid="1", token="first", expires_in=3600, auth_time=LOGIN + 1)
    connect(ada, uid="2", token="second")

    get_access_token(ada, "token-server", uid="2")

    assert get_access_token(ada, "token-server").token == "first"


def test_connection_of_another_user_or_provider_is_not_used(ada: Any, server: TokenServer) -> None:
    connect(User.objects.create_user("grace"), expires_in=3600)
    connect(ada, "github", expires_in=3600)

    assert cause_of_refusal(ada) == "no_connection"


def test_user_without_a_row_has_no_connection(ada: Any, server: TokenServer) -> None:
    social = connect(ada, expires_in=3600)
    users = [AnonymousUser(), User(), None, SimpleNamespace(pk="nonsense"), Group(pk=ada.pk)]

    assert {cause_of_refusal(each) for each in users} == {"no_connection"}
    assert get_access_token(SimpleNamespace(pk=str(ada.pk)), "token-server").token == "access-0"
    social.delete()
    assert cause_of_refusal(ada) == "no_connection"


def test_connection_without_an_access_token_needs_a_refresh_token(
    ada: Any, server: TokenServer
) -> None:
    """For example after a native sign-in with an ID token."""
    social = connect(ada, token=None, refresh_token=None)
    assert cause_of_refusal(ada) == "no_token"

    social.delete()
    connect(ada, token=None)
    assert get_access_token(ada, "token-server").token in server.access_tokens


@pytest.mark.parametrize("token", ["access\r\nX-Injected: yes", "zugriff-\xfc", "\u4ee4\u724c"])
def test_token_that_cannot_be_sent_counts_as_missing(
    token: str, ada: Any, server: TokenServer
) -> None:
    """Other code has stored it. An error about the header would contain it."""
    social = connect(ada, token=token, expires_in=3600, refresh_token=None)
    assert cause_of_refusal(ada) == "no_token"

    social.delete()
    connect(ada, token=token, expires_in=3600)
    assert get_access_token(ada, "token-server").token in server.access_tokens


def test_token_in_an_object_of_yammer_is_returned(
    ada: Any, settings: Any, configure: Configure
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.yammer.YammerOAuth2"]
    configure(ENCRYPT_PROVIDER_TOKENS=True)
    described = {"token": "access-1", "user_id": 7, "expires_at": None}
    social = connect(ada, "yammer", token=described, token_type=None, expires_in=None)
    expected = AccessToken("access-1", None, ("read",), "Bearer")

    assert get_access_token(ada, "yammer") == expected
    social.extra_data = to_stored(social.extra_data)
    social.save()
    assert "access-1" not in str(social.extra_data)
    assert get_access_token(ada, "yammer") == expected


@pytest.mark.parametrize("provider", ["unknown", "email", "steam"])
def test_provider_without_access_tokens_is_not_supported(
    provider: str, ada: Any, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [
        "social_core.backends.email.EmailAuth",
        "social_core.backends.steam.SteamOpenId",
    ]
    connect(ada, provider, expires_in=3600)

    with pytest.raises(ProviderNotSupported):
        get_access_token(ada, provider)


# --- OAuth 1.0a -------------------------------------------------------------------------


def test_token_of_oauth_1_is_returned(ada: Any, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.twitter.TwitterOAuth"]
    settings.SOCIAL_AUTH_TWITTER_KEY = settings.SOCIAL_AUTH_TWITTER_SECRET = "ours"
    token = {"oauth_token": "token-1", "oauth_token_secret": "secret-1"}
    connect(ada, "twitter", token=token, expires_in=None, refresh_token=None, scopes=())

    assert get_access_token(ada, "twitter") == AccessToken("token-1", None, (), "OAuth")


@pytest.mark.parametrize(
    "token",
    [
        None,
        {"oauth_token": "token-1", "oauth_token_secret": None},
        "oauth_token=token-1&oauth_token_secret=secret-1",
    ],
    ids=["none", "malformed", "text"],
)
def test_connection_of_oauth_1_without_a_token_needs_a_new_connect(
    token: Any, ada: Any, settings: Any
) -> None:
    """Old versions of social-core stored a text, which would be sent with its secret."""
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.twitter.TwitterOAuth"]
    connect(ada, "twitter", token=token, expires_in=None)

    with pytest.raises(ReauthenticationRequired):
        get_access_token(ada, "twitter")


def test_secret_of_oauth_1_that_is_empty_is_not_stored(ada: Any, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.evernote.EvernoteOAuth"]
    settings.SOCIAL_AUTH_EVERNOTE_KEY = settings.SOCIAL_AUTH_EVERNOTE_SECRET = "ours"
    connect(ada, "evernote", token={"oauth_token": "token-1"}, expires_in=None, scopes=())

    assert get_access_token(ada, "evernote") == AccessToken("token-1", None, (), "OAuth")


class OwnOAuth1(TwitterOAuth):
    """A backend of a project with a method that only OAuth 2.0 has in social-core."""

    def refresh_token(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        raise AssertionError


def test_expired_token_of_oauth_1_is_not_refreshed(ada: Any, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.OwnOAuth1"]
    settings.SOCIAL_AUTH_TWITTER_KEY = settings.SOCIAL_AUTH_TWITTER_SECRET = "ours"
    token = {"oauth_token": "token-1", "oauth_token_secret": "secret-1"}
    connect(ada, "twitter", token=token, expires_in=-1)

    assert cause_of_refusal(ada, provider="twitter") == "expired"


def test_refresh_adds_no_time_of_a_login(ada: Any, server: TokenServer) -> None:
    connect(ada, auth_time=None)

    get_access_token(ada, "token-server")

    assert "auth_time" not in ada.social_auth.get().extra_data


# --- Encryption -------------------------------------------------------------------------


def test_encrypted_tokens_are_read_and_stored(
    ada: Any, server: TokenServer, configure: Configure
) -> None:
    configure(ENCRYPT_PROVIDER_TOKENS=True)
    social = connect(ada)
    social.extra_data = to_stored(social.extra_data)
    social.save()

    token = get_access_token(ada, "token-server")

    assert {token.token} == server.access_tokens
    stored = ada.social_auth.get().extra_data
    assert all(secret not in str(stored) for secret in (token.token, "refresh-", "access-0"))
    assert get_access_token(ada, "token-server") == token


def test_token_that_cannot_be_decrypted_is_not_sent(
    ada: Any, server: TokenServer, configure: Configure, settings: Any
) -> None:
    configure(ENCRYPT_PROVIDER_TOKENS=True)
    social = connect(ada)
    social.extra_data = to_stored(social.extra_data)
    social.save()
    settings.SECRET_KEY = "another key of the project, after the old one was lost"

    assert cause_of_refusal(ada) == "undecryptable"
    assert server.posted == []
    assert ada.social_auth.get().extra_data == social.extra_data


def test_lost_refresh_token_matters_when_the_access_token_has_expired(
    ada: Any, server: TokenServer
) -> None:
    social = connect(ada, expires_in=3600, refresh_token=f"{PREFIX}lost")

    assert get_access_token(ada, "token-server").token == "access-0"
    assert not read_state(social.extra_data).needs_reconnect

    social.delete()
    connect(ada, refresh_token=f"{PREFIX}lost")
    assert cause_of_refusal(ada) == "marked"
    (listed,) = list_connections(logged_in(ada)).data
    assert listed["needs_reconnect"]
    assert server.posted == []


@pytest.mark.parametrize("is_rejected", [False, True])
def test_refresh_keeps_the_other_values_of_an_old_row_with_text(
    is_rejected: bool, ada: Any, server: TokenServer
) -> None:
    stored = {"access_token": "access-0", "refresh_token": "refresh-0", "login": "ada"}
    connect(ada)
    ada.social_auth.update(extra_data=json.dumps(stored))
    if is_rejected:
        server.answer = answering({"error": "invalid_grant"}, status=400)

    with suppress(AuthCredentialError):
        refresh(find("token-server"), ada.social_auth.get())

    extra_data = ada.social_auth.get().extra_data
    expected = stored if is_rejected else {"refresh_token": "refresh-1", "login": "ada"}
    assert expected.items() <= extra_data.items()


def test_refresh_reads_no_replica(ada: Any, server: TokenServer, settings: Any) -> None:
    settings.DATABASE_ROUTERS = [ReplicaRouter()]
    connect(ada)

    token = get_access_token(ada, "token-server")

    assert server.access_tokens == {token.token}


def cause_of_refusal(user: Any, provider: str = "token-server", **options: Any) -> str:
    with pytest.raises(ReauthenticationRequired) as raised:
        get_access_token(user, provider, **options)
    return str(raised.value.cause)
