"""Each statement of a request fails once, or the database fails from then on.

The request stores everything or nothing, says in JSON whether a retry helps, and works again
afterwards.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.sessions.backends.cached_db import SessionStore
from django.contrib.sessions.models import Session
from django.db import connection
from rest_framework.authtoken.models import Token
from social_django.models import Partial, UserSocialAuth

from social_endpoints.signals import signed_in
from tests.support.accounts import disconnect, list_connections, logged_in, user_with
from tests.support.configuration import Configure
from tests.support.failing_statements import FAULTS, WRITES, Fault, Statements, end_connection
from tests.support.frontend import REDIRECT_URI, Frontend
from tests.support.id_token_providers import hexadecimal, signed
from tests.support.logout_tokens import logout_token
from tests.support.logout_tokens import post as post_logout_token
from tests.support.native import post_tokens
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import ASK_NAME, BEFORE_CREATE_USER, pipeline_with
from tests.support.signals import connected
from tests.support.token_serializers import DJOSER, SHIPPED

pytestmark = pytest.mark.django_db(transaction=True)
User = get_user_model()

Act = Callable[[], Any]
Prepare = Callable[[OpenIDProvider], Act]


def first_login(openid: OpenIDProvider) -> Act:
    User.objects.all().delete()
    return next_login(openid)


def next_login(openid: OpenIDProvider) -> Act:
    frontend = Frontend()
    begun, callback = frontend.authorize(openid)
    return lambda: frontend.complete(begun, callback)


def returning_login(openid: OpenIDProvider) -> Act:
    if not UserSocialAuth.objects.exists():
        assert next_login(openid)().status_code == 201
    return next_login(openid)


def with_session(user: Any) -> Any:
    """Return a client that sends the user's token, and the cookie of a session."""
    client = logged_in(user)
    session = client.session
    session["basket"] = [1]
    session.save()
    return client


def connect(openid: OpenIDProvider) -> Act:
    User.objects.all().delete()
    user = User.objects.create(username="grace")
    frontend = Frontend(client=with_session(user), below="connect/")
    begun, callback = frontend.authorize(openid)
    return lambda: frontend.complete(begun, callback)


def delete_connection(openid: OpenIDProvider) -> Act:
    User.objects.all().delete()
    user = user_with(("oidc", "user-1"), ("github", "2"))
    client, social = with_session(user), user.social_auth.get(provider="oidc")
    return lambda: disconnect(client, social)


def connection_list(openid: OpenIDProvider) -> Act:
    User.objects.all().delete()
    client = with_session(user_with(("oidc", "user-1"), ("github", "2")))
    return lambda: list_connections(client)


def native(openid: OpenIDProvider) -> Act:
    User.objects.all().delete()
    return next_native(openid)


def next_native(openid: OpenIDProvider) -> Act:
    now = int(time.time())
    claims = {"iss": openid.url, "aud": "our-client-id", "iat": now, "exp": now + 300}
    nonce = secrets.token_hex()
    content = json.dumps({**claims, **openid.userinfo, "nonce": hexadecimal(nonce)})
    id_token = signed(content.encode(), kid="1")
    openid.secrets += [id_token, nonce]
    return lambda: post_tokens("oidc", id_token=id_token, nonce=nonce)


def pause(openid: OpenIDProvider) -> Act:
    User.objects.all().delete()
    return next_login(openid)


def resume(openid: OpenIDProvider) -> Act:
    User.objects.all().delete()
    frontend = Frontend("body")
    paused = frontend.log_in(openid)
    assert paused.status_code == 202
    return lambda: frontend.resume(paused, name="Ada")


def backchannel_logout(openid: OpenIDProvider) -> Act:
    User.objects.all().delete()
    Token.objects.create(user=user_with(("oidc", "user-1")))
    token = logout_token()
    openid.secrets += [token]
    return lambda: post_logout_token(token)


def provider_logout(openid: OpenIDProvider) -> Act:
    User.objects.all().delete()
    openid.endpoints["end_session_endpoint"] = f"{openid.url}/logout"
    client = with_session(user_with(("oidc", "user-1")))
    query = {"post_logout_redirect_uri": REDIRECT_URI}
    return lambda: client.get("/auth/o/oidc/logout/", query, secure=True)


KINDS: dict[str, tuple[Prepare, Prepare | None]] = {
    "first login": (first_login, next_login),
    "returning login": (returning_login, next_login),
    "connect": (connect, connect),
    "disconnect": (delete_connection, delete_connection),
    "list": (connection_list, connection_list),
    "native": (native, next_native),
    "back-channel logout": (backchannel_logout, backchannel_logout),
    "logout at the provider": (provider_logout, provider_logout),
    "pause": (pause, next_login),
    "resume": (resume, None),
}
"""What prepares a request, and a request that must succeed after a failure: None for the same."""


def stored() -> list[Any]:
    """Return what a login writes, except for claims."""
    sessions = [row.get_decoded() for row in Session.objects.order_by("pk")]
    return [
        [*User.objects.order_by("username").values("username", "first_name", "last_login")],
        [*UserSocialAuth.objects.order_by("pk").values("provider", "uid", "user", "extra_data")],
        [*Token.objects.order_by("pk").values_list("pk", flat=True)],
        [session[SESSION_KEY] for session in sessions if SESSION_KEY in session],
        Partial.objects.count(),
        *_knox_tokens(),
    ]


def _knox_tokens() -> Iterator[Any]:
    try:
        from knox.models import AuthToken
    except ImportError:
        return
    yield sorted(AuthToken.objects.values_list("digest", flat=True))


def added(before: list[Any], after: list[Any]) -> list[int]:
    """Return how many rows of each kind were added."""
    counts = [
        [len(rows) if isinstance(rows, list) else rows for rows in state]
        for state in (before, after)
    ]
    return [count - earlier for earlier, count in zip(*counts, strict=True)]


LOGOUT_SETTINGS = {
    "BACKCHANNEL_LOGOUT_PROVIDERS": ["oidc"],
    "ALLOWED_LOGOUT_REDIRECT_URIS": [REDIRECT_URI],
}

UNAVAILABLE = (503, "storage_unavailable", "retry_later")
# A claim collides if a flow or a token was used. Other collisions that remain are a mistake.
OUTCOMES = {
    "collision": [
        (400, "state_mismatch", "restart_login"),
        (400, "credential_rejected", "restart_login"),
        (400, "credential_rejected", "correct_input"),
        (500, "unknown_error", "contact_administrator"),
    ]
}


def outcome(response: Any) -> tuple[int, str, str]:
    """Return status, code and recovery of an error, which is JSON and contains no session."""
    assert response.headers["Content-Type"] == "application/json"
    assert "sessionid" not in response.cookies
    return response.status_code, response.data["error_code"], response.data["error_recovery"]


SIGN_INS = {"first login", "returning login", "native"}


def choose_fault(sql: str, number: int) -> Fault:
    """Return a fault that a statement can have. The statements take turns."""
    faults = [each for each in FAULTS if sql.startswith(WRITES) or not each.only_writes]
    return faults[number % len(faults)]


def count_shared(first: list[str], seen: list[str]) -> int:
    """Return how many statements precede the first one that another serializer does not make."""
    savepoint = re.compile(r"\d+")
    pairs = ([savepoint.sub("", sql) for sql in pair] for pair in zip(first, seen, strict=False))
    return len([*takewhile(lambda pair: pair[0] == pair[1], pairs)])


@pytest.mark.parametrize("kind", KINDS)
def test_request_whose_nth_statement_fails_stores_everything_or_nothing(
    kind: str,
    openid: OpenIDProvider,
    configure: Configure,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.DJOSER = DJOSER
    settings.MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]
    settings.SESSION_SAVE_EVERY_REQUEST = True
    if kind in {"pause", "resume"}:
        settings.SOCIAL_AUTH_PIPELINE = pipeline_with((BEFORE_CREATE_USER, ASK_NAME))
    prepare, repeat = KINDS[kind]
    first: list[str] = []
    for turn, serializer in enumerate(SHIPPED if kind in SIGN_INS else ["TokenSerializer"]):
        path = f"social_endpoints.tokens.{serializer}"
        configure(TOKEN_SERIALIZER=path, NATIVE_PROVIDERS=["oidc"], **LOGOUT_SETTINGS)
        prepare(openid)
        act, before = prepare(openid), stored()
        with connection.execute_wrapper(statements := Statements()):
            succeeded = act().status_code
        assert succeeded < 300
        expected = added(before, stored())
        first = first or statements.seen
        shared = count_shared(first, statements.seen) if turn else 0

        for number, sql in enumerate(statements.seen, start=1):
            if number <= shared and (number - turn) % (len(SHIPPED) - 1):
                continue  # Each statement before the token fails for two of the serializers.
            fault = choose_fault(sql, number + turn)
            place = f"{serializer}: {fault.name} at {number}: {sql}"
            act, before = prepare(openid), stored()
            with connection.execute_wrapper(failing := Statements(fault, number)):
                response = act()
            connection.close_if_unusable_or_obsolete()  # As Django does after a request.
            assert failing.has_failed, place
            if response.status_code == succeeded:
                assert added(before, stored()) == expected, place
                continue
            assert outcome(response) in OUTCOMES.get(fault.name, [UNAVAILABLE]), place
            assert stored() == before, place
            again, before = (act if repeat is None else repeat(openid)), stored()
            assert again().status_code == succeeded, place
            assert added(before, stored()) == expected, place
    for secret in openid.secrets:
        assert secret not in caplog.text


@pytest.mark.row_locks  # These databases have a server, which can end a connection.
@pytest.mark.parametrize("serializer", ["TokenSerializer", "SessionSerializer"])
def test_commit_on_a_lost_connection_stores_nothing(
    serializer: str, openid: OpenIDProvider, configure: Configure, settings: Any
) -> None:
    settings.MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
    configure(TOKEN_SERIALIZER=f"social_endpoints.tokens.{serializer}")
    session_keys: list[str] = []

    def cut(request: Any, **kwargs: Any) -> None:
        session_keys.append(request.session.session_key or "")
        end_connection()

    with connected(cut, signed_in):
        response = next_login(openid)()

    connection.close_if_unusable_or_obsolete()
    assert outcome(response) == UNAVAILABLE
    assert not any(stored())
    assert not any(SESSION_KEY in SessionStore(key) for key in session_keys)
    assert next_login(openid)().status_code == 201
