"""Encrypted provider tokens, where this package, social-core and social_django read them."""

from __future__ import annotations

import copy
import logging
import pickle
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, quote

import pytest
import responses
from django.contrib.auth import get_user_model
from django.urls import include, path
from social_core.backends.oauth import BaseOAuth1, BaseOAuth2
from social_core.backends.utils import load_backends
from social_core.exceptions import AuthCredentialError
from social_core.pipeline.partial import partial
from social_django.models import DjangoStorage, Partial, UserSocialAuth
from social_django.utils import load_strategy

from social_endpoints.internal.backends.loading import load
from social_endpoints.internal.backends.registry import find
from social_endpoints.internal.connections.encryption import (
    PREFIX,
    STATE,
    is_encrypted,
    to_plain,
    to_stored,
)
from social_endpoints.internal.connections.token_state import TokenState, describe, read_state
from social_endpoints.internal.flows.flow import CONNECT, Flow
from social_endpoints.provider_tokens import (
    ProviderError,
    ReauthenticationRequired,
    decrypt_extra_data,
    get_access_token,
)
from tests.support.accounts import DISCONNECT_PIPELINE, disconnect, logged_in, uids
from tests.support.configuration import Configure
from tests.support.frontend import Frontend, error
from tests.support.log import logged
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import ASK_NAME, BEFORE_CREATE_USER, LAST, pipeline_with
from tests.support.raw_rows import raw_column
from tests.urls import urlpatterns as own_urlpatterns

User = get_user_model()
pytestmark = pytest.mark.django_db

OPENID = "social_core.backends.open_id_connect.OpenIdConnectAuth"
HOST = "https://provider.example.com"
ACCESS, REFRESH = "the-access-token", "the-refresh-token"
LOST = f"{PREFIX}gAAAAABlost-token-of-another-key"

urlpatterns = [*own_urlpatterns, path("social/", include("social_django.urls", namespace="social"))]


class Provider(BaseOAuth2):
    """A provider of the project, whose refresh token has another name in ``extra_data``."""

    name = "example"
    ACCESS_TOKEN_URL = f"{HOST}/token"
    REVOKE_TOKEN_URL = f"{HOST}/revoke"
    REVOKE_TOKEN_METHOD = "POST"
    EXTRA_DATA = [("expires_in", "expires_in")]

    def get_refresh_token(self, extra_data: dict[str, Any]) -> str | None:
        return extra_data.get("rt")


class OAuth1Provider(BaseOAuth1):
    name = "example1"
    REVOKE_TOKEN_URL = f"{HOST}/revoke"
    REVOKE_TOKEN_METHOD = "POST"

    def revoke_token_params(self, token: dict[str, str], uid: str) -> dict[str, str]:
        return token


ASK_AGAIN = f"{__name__}.ask_again"


@partial
def ask_again(strategy: Any, details: Any, user: Any, **kwargs: Any) -> Any:
    """Pause once more, and then store the name that the user has typed before."""
    if "again" not in strategy.request_data():
        return strategy.redirect("https://app.example.com/again")
    user.last_name = details["first_name"][:150]
    user.save()
    return None


def quote_tokens(strategy: Any, entries: Any, **kwargs: Any) -> None:
    stored = entries[0].extra_data
    raise RuntimeError(f"{stored} and {to_plain(stored)}")


def quote_connection(social: Any, **kwargs: Any) -> None:
    raise RuntimeError(f"a readable note {social.extra_data} {quote(social.access_token)}")


@pytest.fixture(autouse=True)
def _project(configure: Configure, settings: Any) -> Iterator[None]:
    configure(ENCRYPT_PROVIDER_TOKENS=True)
    settings.SOCIAL_AUTH_REVOKE_TOKENS_ON_DISCONNECT = True
    settings.SOCIAL_AUTH_EXAMPLE_EXTRA_DATA = [("refresh_token", "rt")]
    settings.AUTHENTICATION_BACKENDS = [
        "django.contrib.auth.backends.ModelBackend",
        f"{__name__}.Provider",
        f"{__name__}.OAuth1Provider",
    ]
    load_backends(settings.AUTHENTICATION_BACKENDS, force_load=True)
    yield
    load_backends([], force_load=True)


@pytest.fixture
def ada() -> Any:
    return User.objects.create_user("ada", password="a password")


def stored(user: Any, provider: str = "example", *, age: int = 0, **extra_data: Any) -> Any:
    """Store a connection and return it as a query reads it."""
    tokens = {"access_token": ACCESS, "rt": REFRESH, **extra_data}
    expiry = {"auth_time": int(time.time()) - age, "expires_in": 3_600}
    extra_data = to_stored({**tokens, **expiry}, {"rt"})
    social = user.social_auth.create(provider=provider, uid="1", extra_data=extra_data)
    return UserSocialAuth.objects.get(pk=social.pk)


def answer(wire: responses.RequestsMock, path: str, **content: Any) -> Any:
    """Answer requests to the provider; return the calls."""
    return wire.post(f"{HOST}/{path}", json=content).calls


def posted(calls: Any) -> list[dict[str, str]]:
    bodies = [parse_qs(call.request.body) for call in calls]
    return [{name: values[0] for name, values in body.items()} for body in bodies]


def own_strategy() -> Any:
    provider = find("example")
    return load(provider, request=None, data={}, flow=Flow(provider.name, CONNECT, ""))[0]


# --- Logging in ---------------------------------------------------------------------------


@pytest.mark.parametrize("is_on", [True, False])
def test_login_stores_no_token_in_clear(
    is_on: bool, openid: OpenIDProvider, frontend: Frontend, settings: Any, configure: Configure
) -> None:
    configure(ENCRYPT_PROVIDER_TOKENS=is_on)
    settings.AUTHENTICATION_BACKENDS = [OPENID]

    for _ in range(2):  # The second login updates the row.
        assert frontend.log_in(openid).status_code == 201

        plain = to_plain(UserSocialAuth.objects.get().extra_data)
        tokens = [plain["access_token"], plain["id_token"]]
        assert tokens == openid.secrets[-2:]
        assert [token in raw_column() for token in tokens] == [not is_on] * 2


def test_exception_during_a_login_is_reported_without_encrypted_tokens(
    openid: OpenIDProvider, frontend: Frontend, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.AUTHENTICATION_BACKENDS = [OPENID]
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((LAST, f"{__name__}.quote_connection"))

    assert frontend.log_in(openid).status_code == 500

    assert "a readable note" in caplog.text
    assert PREFIX not in caplog.text


@pytest.mark.parametrize("is_on", [True, False])
def test_paused_login_stores_no_token_in_clear_and_resumes(
    is_on: bool, openid: OpenIDProvider, frontend: Frontend, settings: Any, configure: Configure
) -> None:
    configure(ENCRYPT_PROVIDER_TOKENS=is_on)
    settings.AUTHENTICATION_BACKENDS = [OPENID]
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((BEFORE_CREATE_USER, ASK_NAME))

    paused = frontend.log_in(openid)

    tokens = openid.secrets[-2:]
    assert [token in raw_column(Partial, "data") for token in tokens] == [not is_on] * 2
    assert "ada@example.com" in raw_column(Partial, "data")
    assert frontend.resume(paused, name="Ada").status_code == 201
    plain = to_plain(UserSocialAuth.objects.get().extra_data)
    assert [plain["access_token"], plain["id_token"]] == tokens


@pytest.mark.parametrize("name", ["access_token", "refresh_token", "family_name"])
def test_login_with_an_encrypted_token_of_another_row_is_refused(
    name: str, ada: Any, openid: OpenIDProvider, frontend: Frontend, settings: Any
) -> None:
    """A copy from the database or a backup would be decrypted and sent to this provider."""
    settings.AUTHENTICATION_BACKENDS = [OPENID]
    settings.SOCIAL_AUTH_OIDC_EXTRA_DATA = ["family_name", "groups"]
    openid.userinfo["groups"] = ["a-group"] * 1_500  # must not hide what comes before
    stolen = stored(ada).extra_data["access_token"]
    if name == "family_name":
        openid.userinfo[name] = stolen
    else:
        openid.token_params[name] = stolen

    assert error(frontend.log_in(openid)) == (400, "malformed_response")
    assert UserSocialAuth.objects.count() == 1


def test_login_with_a_token_that_only_looks_encrypted_succeeds(
    openid: OpenIDProvider, frontend: Frontend, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [OPENID]
    openid.token_params["refresh_token"] = LOST

    assert frontend.log_in(openid).status_code == 201
    assert UserSocialAuth.objects.get().extra_data["refresh_token"] == LOST


def test_refresh_with_an_encrypted_token_of_another_row_is_refused(
    ada: Any, wire: responses.RequestsMock
) -> None:
    social = stored(ada, age=7_200)
    social.extra_data |= {STATE: describe(ACCESS, TokenState(expires_at=1))}
    social.save()
    answer(wire, "token", access_token=social.extra_data["rt"])

    with pytest.raises(ProviderError):
        get_access_token(ada, "example")


def test_paused_login_does_not_decrypt_what_a_user_types(
    ada: Any, openid: OpenIDProvider, frontend: Frontend, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [OPENID]
    stolen = stored(ada).extra_data["access_token"]
    pauses = ((BEFORE_CREATE_USER, ASK_NAME), (LAST, ASK_AGAIN))
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with(*pauses)

    paused = frontend.resume(frontend.log_in(openid), name=stolen)
    assert frontend.resume(paused, again="yes").status_code == 201

    assert User.objects.exclude(pk=ada.pk).get().last_name == stolen[:150]


def test_paused_login_with_a_name_that_looks_like_an_encrypted_token_resumes(
    openid: OpenIDProvider, frontend: Frontend, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [OPENID]
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((BEFORE_CREATE_USER, ASK_NAME))
    openid.claims["family_name"] = LOST

    assert frontend.resume(frontend.log_in(openid), name="Ada").status_code == 201
    assert User.objects.count() == 1


def test_paused_login_with_a_lost_token_has_to_begin_again(
    openid: OpenIDProvider, frontend: Frontend, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [OPENID]
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((BEFORE_CREATE_USER, ASK_NAME))
    paused = frontend.log_in(openid)
    row = Partial.objects.get()
    changed = {**row.data, "kwargs": {**row.data["kwargs"], "response": {"access_token": LOST}}}
    Partial.objects.update(data=changed)

    assert error(frontend.resume(paused, name="Ada")) == (400, "session_context_missing")
    assert Partial.objects.get().data == changed
    assert not User.objects.exists()


# --- Disconnecting ------------------------------------------------------------------------


def test_disconnect_revokes_the_decrypted_token(ada: Any, wire: responses.RequestsMock) -> None:
    connection, calls = stored(ada), answer(wire, "revoke")
    assert ACCESS not in raw_column()

    assert disconnect(logged_in(ada), connection).status_code == 204
    assert [body["token"] for body in posted(calls)] == [ACCESS]


def test_disconnect_revokes_both_parts_of_an_oauth1_token(
    ada: Any, wire: responses.RequestsMock
) -> None:
    token = {"oauth_token": ACCESS, "oauth_token_secret": "the-oauth-secret", "user_id": "7"}
    connection, calls = stored(ada, "example1", access_token=token), answer(wire, "revoke")
    assert connection.extra_data["access_token"]["user_id"] == "7"
    assert "the-oauth-secret" not in raw_column()

    assert disconnect(logged_in(ada), connection).status_code == 204
    assert posted(calls) == [token]


@pytest.mark.parametrize(
    ("provider", "lost"),
    [("example", LOST), ("example1", {"oauth_token": "t", "oauth_token_secret": LOST})],
)
def test_disconnect_of_a_lost_token_skips_the_revocation(
    provider: str,
    lost: Any,
    ada: Any,
    wire: responses.RequestsMock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    connection, calls = stored(ada, provider, access_token=lost), answer(wire, "revoke")

    assert disconnect(logged_in(ada), connection).status_code == 204

    assert list(calls) == []
    assert uids() == []
    skipped, completed = logged(caplog)
    assert (skipped["event"], skipped["level"]) == ("revocation skipped", "WARNING")
    assert (skipped["provider"], skipped["cause"]) == (provider, "lost_token")
    assert completed["event"] == "disconnect completed"


def test_exception_during_disconnect_is_reported_without_tokens(
    ada: Any, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    steps = [*DISCONNECT_PIPELINE[:2], f"{__name__}.quote_tokens"]
    settings.SOCIAL_AUTH_DISCONNECT_PIPELINE = steps
    connection = stored(ada, note="a readable note")

    assert disconnect(logged_in(ada), connection).status_code == 500

    assert "a readable note" in caplog.text
    encrypted = [each for each in connection.extra_data.values() if is_encrypted(each)]
    assert len(encrypted) == 2
    assert [text for text in (ACCESS, REFRESH, *encrypted) if text in caplog.text] == []


@pytest.mark.parametrize(("token", "sent"), [(ACCESS, [ACCESS]), (LOST, [])])
def test_view_of_social_django_sends_no_encrypted_token(
    token: str, sent: list[str], ada: Any, wire: responses.RequestsMock, settings: Any, client: Any
) -> None:
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ]
    settings.SOCIAL_AUTH_LOGIN_REDIRECT_URL = "/"
    stored(ada, access_token=token)
    calls = answer(wire, "revoke")
    assert client.login(username="ada", password="a password")

    assert client.post("/social/disconnect/example/").status_code == 302
    assert [body["token"] for body in posted(calls)] == sent
    assert uids() == []


# --- social-core's own refresh ------------------------------------------------------------


@pytest.mark.parametrize("strategy", [load_strategy, own_strategy])
@pytest.mark.parametrize("rotated", [{}, {"refresh_token": "a-rotated-refresh-token"}])
def test_refresh_by_social_core_sends_plain_and_stores_encrypted_tokens(
    rotated: dict[str, str], strategy: Any, ada: Any, wire: responses.RequestsMock
) -> None:
    connection = stored(ada, age=4_000)
    calls = answer(wire, "token", access_token="a-new-token", expires_in=60, **rotated)

    assert connection.get_access_token(strategy()) == "a-new-token"

    assert [body["refresh_token"] for body in posted(calls)] == [REFRESH]
    again = UserSocialAuth.objects.get()
    assert read_state(again.extra_data).expires_at == pytest.approx(time.time() + 60, abs=10)
    expected = {"access_token": "a-new-token", "rt": rotated.get("refresh_token", REFRESH)}
    assert expected.items() <= to_plain(again.extra_data).items()
    assert [text for text in ("a-new-token", *expected.values()) if text in raw_column()] == []
    assert again.get_access_token(strategy()) == "a-new-token"
    assert len(calls) == 1
    again.refresh_token(strategy())
    assert posted(calls)[1]["refresh_token"] == expected["rt"]


def test_lost_tokens_reach_neither_the_provider_nor_the_project(
    ada: Any, wire: responses.RequestsMock
) -> None:
    connection = stored(ada, access_token=LOST, rt=LOST)
    calls = answer(wire, "token", access_token="a-new-token")

    assert connection.get_access_token(load_strategy()) is None
    connection.extra_data["auth_time"] = 1
    with pytest.raises(AuthCredentialError) as caught:
        connection.get_access_token(load_strategy())

    assert caught.value.code == "reauthentication_required"
    assert list(calls) == []
    assert UserSocialAuth.objects.get().extra_data["rt"] == LOST


def test_connection_of_a_removed_provider_returns_its_token(ada: Any, settings: Any) -> None:
    connection = stored(ada, provider="removed")

    assert connection.get_backend_instance(load_strategy()) is None
    assert connection.get_access_token(load_strategy()) == ACCESS


@pytest.mark.parametrize(
    "prepare",
    [
        lambda rows: rows.only("pk").get(),
        lambda rows: rows.defer("extra_data").get(),
        lambda rows: copy.copy(rows.get()),
        lambda rows: copy.deepcopy(rows.get()),
        lambda rows: pickle.loads(pickle.dumps(rows.get())),
        lambda rows: rows.select_related("user").get().user.social_auth.get(),
    ],
)
def test_every_instance_returns_the_decrypted_token(prepare: Any, ada: Any) -> None:
    stored(ada)

    assert prepare(UserSocialAuth.objects.all()).get_access_token(load_strategy()) == ACCESS


def test_instance_that_a_pipeline_has_created_returns_the_decrypted_token(ada: Any) -> None:
    connection = DjangoStorage.user.create_social_auth(ada, "1", "example")
    connection.set_extra_data(to_stored({"access_token": ACCESS}))

    assert connection.get_access_token(load_strategy()) == ACCESS


def test_plain_rows_are_left_alone_while_the_setting_is_off(ada: Any, configure: Configure) -> None:
    configure(ENCRYPT_PROVIDER_TOKENS=False)
    connection = stored(ada)

    assert connection.get_access_token(load_strategy()) == ACCESS
    assert "get_access_token" not in vars(connection)


def test_encrypted_rows_are_read_and_refreshed_while_the_setting_is_off(
    ada: Any, configure: Configure, wire: responses.RequestsMock
) -> None:
    stored(ada, age=4_000)
    configure(ENCRYPT_PROVIDER_TOKENS=False)
    calls = answer(wire, "token", access_token="a-new-token")
    connection = UserSocialAuth.objects.get()

    assert connection.get_access_token(load_strategy()) == "a-new-token"
    assert posted(calls)[0]["refresh_token"] == REFRESH
    assert "a-new-token" in raw_column()


def test_tokens_that_other_code_saves_are_encrypted(ada: Any, configure: Configure) -> None:
    given = {"access_token": ACCESS, "id": "1"}
    connection = ada.social_auth.create(provider="example", uid="1", extra_data=given)
    connection.set_extra_data({"refresh_token": REFRESH})

    assert [text for text in (ACCESS, REFRESH) if text in raw_column()] == []
    assert given == {"access_token": ACCESS, "id": "1"}
    assert to_plain(connection.extra_data) == {**given, "refresh_token": REFRESH}
    configure(ENCRYPT_PROVIDER_TOKENS=False)
    connection.set_extra_data({"access_token": "a-newer-token"})
    assert "a-newer-token" in raw_column()
    connection.extra_data = "a text of an old row"
    connection.save()
    ada.social_auth.defer("extra_data").get().save()
    assert "a text" in raw_column()


# --- Other readers ------------------------------------------------------------------------


def test_other_tokens_are_read_with_the_public_function(ada: Any) -> None:
    slack = {"authed_user": {"id": "U1", "access_token": ACCESS}, "bot_token": LOST}
    connection = stored(ada, **slack)

    plain = decrypt_extra_data(connection.extra_data)

    assert plain["authed_user"] == slack["authed_user"]
    assert plain["rt"] == REFRESH
    assert "bot_token" not in plain


def test_wrong_key_breaks_no_list_and_no_disconnect(
    ada: Any, settings: Any, wire: responses.RequestsMock
) -> None:
    connection, calls = stored(ada), answer(wire, "revoke")
    client = logged_in(ada)
    settings.SECRET_KEY = "another key, which is long enough for every algorithm"

    (listed,) = client.get("/auth/connections/", secure=True).json()
    assert listed["needs_reconnect"] is True
    with pytest.raises(ReauthenticationRequired):
        get_access_token(ada, "example")
    assert disconnect(client, connection).status_code == 204
    assert list(calls) == []


def test_failed_revocation_keeps_the_connection_and_its_tokens(
    ada: Any, wire: responses.RequestsMock
) -> None:
    connection, before = stored(ada), raw_column()
    wire.post(f"{HOST}/revoke", status=503)

    assert error(disconnect(logged_in(ada), connection)) == (400, "unavailable")
    assert raw_column() == before
