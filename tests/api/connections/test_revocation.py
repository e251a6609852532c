"""Token revocation when a connection is disconnected."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests
import responses
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import connection
from social_core.backends.github import GithubOAuth2
from social_core.backends.utils import load_backends
from social_django.models import UserSocialAuth

from tests.support.accounts import (
    DISCONNECT_PIPELINE,
    SECRET,
    disconnect,
    logged_in,
    uids,
    user_with,
)
from tests.support.frontend import Frontend, error
from tests.support.openid_provider import ISSUER, OpenIDProvider
from tests.support.pipeline import DEFAULT_PIPELINE

User = get_user_model()
pytestmark = pytest.mark.django_db

GOOGLE = "https://accounts.google.com/o/oauth2/revoke"
ENDPOINT = f"{ISSUER}/revoke"


@pytest.fixture(autouse=True)
def _project(settings: Any) -> Iterator[None]:
    settings.REST_FRAMEWORK = {
        "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.TokenAuthentication"]
    }
    settings.SOCIAL_AUTH_REVOKE_TOKENS_ON_DISCONNECT = True
    settings.AUTHENTICATION_BACKENDS = [
        "social_core.backends.open_id_connect.OpenIdConnectAuth",
        "social_core.backends.google.GoogleOAuth2",
        "social_core.backends.github.GithubOAuth2",
        "social_core.backends.twitter.TwitterOAuth",
        "social_core.backends.steam.SteamOpenId",
    ]
    # social-core caches the list of backends for the lifetime of the process.
    load_backends(settings.AUTHENTICATION_BACKENDS, force_load=True)
    yield
    load_backends([], force_load=True)


@pytest.fixture
def openid(openid: OpenIDProvider) -> OpenIDProvider:
    """Return an OpenID provider with a revocation endpoint."""
    openid.endpoints["revocation_endpoint"] = ENDPOINT
    return openid


@pytest.fixture
def ada() -> Any:
    """Return a user with two connections."""
    return user_with(("oidc", "1"), ("google-oauth2", "2"))


def write(user: Any, **kwargs: Any) -> None:
    user.first_name += "written"
    user.save()


def fail(**kwargs: Any) -> None:
    raise ZeroDivisionError


def pause(strategy: Any, **kwargs: Any) -> Any:
    return strategy.redirect("https://app.example.com/sure")


def revoke(backend: Any, **kwargs: Any) -> None:
    backend.revoke_token("an unused token", "1")


def on_revocation(
    wire: responses.RequestsMock, call: Callable[[], Any] = lambda: None, url: str = ENDPOINT
) -> list[Any]:
    """Answer revocation requests.

    :param call: is called for each request and may return the response.
    :return: the requests, which are appended as they arrive.
    """
    received: list[Any] = []

    def answer(request: Any) -> Any:
        received.append(request)
        return call() or (200, {}, "")

    wire.add_callback("POST" if url == ENDPOINT else "GET", url, callback=answer)
    return received


def revoke_another(backend: Any, **kwargs: Any) -> None:
    backend.revoke_token(secrets.token_hex(), "1")


def disconnect_uid(user: Any, uid: str = "1") -> Any:
    return disconnect(logged_in(user), user.social_auth.get(uid=uid))


# --- The request ------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["client_secret_post", "client_secret_basic"])
def test_token_is_posted_with_client_authentication(
    method: str, ada: Any, openid: OpenIDProvider, settings: Any, sent: list[Any]
) -> None:
    settings.SOCIAL_AUTH_OIDC_TOKEN_ENDPOINT_AUTH_METHOD = method
    settings.SOCIAL_AUTH_DISCONNECT_PIPELINE = [f"{__name__}.write", *DISCONNECT_PIPELINE]
    received = on_revocation(openid.wire)

    assert disconnect_uid(ada).status_code == 204

    (request,) = received
    body = parse_qs(request.body)
    if method == "client_secret_basic":
        client = base64.b64encode(b"our-client-id:our-client-secret").decode()
        assert body == {"token": [SECRET]}
        assert request.headers["Authorization"] == f"Basic {client}"
    else:
        assert "Authorization" not in request.headers
        credentials = {"client_id": ["our-client-id"], "client_secret": ["our-client-secret"]}
        assert body == {"token": [SECRET], **credentials}
    assert uids() == ["2"]
    assert [call["uid"] for call in sent] == ["1"]
    assert User.objects.get().first_name == "written"  # Each step ran once.


def test_backend_with_revocation_parameters_is_respected(
    ada: Any, wire: responses.RequestsMock
) -> None:
    received = on_revocation(wire, url=GOOGLE)

    assert disconnect_uid(ada, "2").status_code == 204
    assert [request.params for request in received] == [{"token": SECRET}]
    assert uids() == ["1"]


class DeletedGrant(GithubOAuth2):
    REVOKE_TOKEN_METHOD = "DELETE"

    def revoke_token_url(self, token: str, uid: str) -> str:
        return f"https://api.example.com/grants/{uid}"


def test_backend_with_revocation_url_is_respected(
    ada: Any, wire: responses.RequestsMock, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.DeletedGrant"]
    load_backends(settings.AUTHENTICATION_BACKENDS, force_load=True)
    ada.social_auth.update(provider="github")
    revocation = wire.delete("https://api.example.com/grants/1")

    assert disconnect_uid(ada).status_code == 204
    assert revocation.call_count == 1


@pytest.mark.usefixtures("wire")
@pytest.mark.parametrize(
    ("provider", "token"),
    [
        ("github", SECRET),  # social-core has no revocation URL for it.
        ("twitter", {"oauth_token": SECRET, "oauth_token_secret": SECRET}),
        ("steam", SECRET),
        ("oidc", None),
        ("oidc", ""),
    ],
)
def test_nothing_to_revoke_sends_no_request(provider: str, token: Any) -> None:
    ada = user_with((provider, "1"), ("google-oauth2", "2"))
    extra_data = {} if token is None else {"access_token": token}
    ada.social_auth.filter(uid="1").update(extra_data=extra_data)

    assert disconnect_uid(ada).status_code == 204
    assert uids() == ["2"]


@pytest.mark.parametrize(
    ("extra_data", "tokens"),
    [
        (json.dumps({"access_token": SECRET}), [SECRET]),
        ("access_token", []),
        (["access_token"], []),
        (7, []),
    ],
)
def test_token_in_an_old_row_without_a_dictionary_is_revoked(
    extra_data: Any, tokens: list[str], ada: Any, openid: OpenIDProvider
) -> None:
    ada.social_auth.filter(uid="1").update(extra_data=extra_data)
    received = on_revocation(openid.wire)

    assert disconnect_uid(ada).status_code == 204

    assert [parse_qs(request.body)["token"] for request in received] == [[each] for each in tokens]
    assert uids() == ["2"]


def test_discovery_without_revocation_endpoint_disconnects_and_invalid_discovery_does_not(
    ada: Any, openid: OpenIDProvider
) -> None:
    endpoint = openid.endpoints.pop("revocation_endpoint")
    extra_data = {"access_token": SECRET}
    ada.social_auth.create(provider="oidc", uid="3", extra_data=extra_data)
    assert disconnect_uid(ada, "3").status_code == 204

    openid.endpoints["revocation_endpoint"] = endpoint
    cache.clear()
    openid.wire.replace("GET", f"{ISSUER}/.well-known/openid-configuration", json=[])

    assert error(disconnect_uid(ada)) == (400, "malformed_response")
    assert uids() == ["1", "2"]


# --- The setting ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("general", "for_provider", "revokes"),
    [(False, None, False), (True, False, False), (False, True, True)],
)
def test_setting_of_provider_replaces_the_general_one(
    general: bool,
    for_provider: bool | None,
    revokes: bool,
    ada: Any,
    openid: OpenIDProvider,
    settings: Any,
) -> None:
    settings.SOCIAL_AUTH_REVOKE_TOKENS_ON_DISCONNECT = general
    if for_provider is not None:
        settings.SOCIAL_AUTH_OIDC_REVOKE_TOKENS_ON_DISCONNECT = for_provider
    received = on_revocation(openid.wire)

    assert disconnect_uid(ada).status_code == 204
    assert len(received) == revokes
    assert bool(openid.paths) is revokes


# --- Failures ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "code", "recovery"),
    [
        (503, {}, "unavailable", "retry_later"),
        (429, {}, "rate_limited", "retry_later"),
        (400, {"error": "invalid_client"}, "invalid_setting", "contact_administrator"),
        (400, {"error": "invalid_grant"}, "authorization_code_rejected", "restart_login"),
        (404, {}, "http_error", "contact_administrator"),
        (requests.ConnectionError(), {}, "connection_failed", "retry_later"),
        (requests.Timeout(), {}, "timeout", "retry_later"),
    ],
)
def test_failed_revocation_keeps_connection(
    status: Any,
    body: Any,
    code: str,
    recovery: str,
    ada: Any,
    openid: OpenIDProvider,
    settings: Any,
    sent: list[Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.SOCIAL_AUTH_DISCONNECT_PIPELINE = [f"{__name__}.write", *DISCONNECT_PIPELINE]
    if isinstance(status, Exception):
        openid.wire.post(ENDPOINT, body=status)
    else:
        openid.wire.post(ENDPOINT, json=body, status=status, headers={"Retry-After": "7"})

    response = disconnect_uid(ada)

    assert error(response) == (400, code)
    assert response.data["error_stage"] == "disconnect"
    assert response.data["error_recovery"] == recovery
    assert response.get("Retry-After") == ("7" if isinstance(status, int) else None)
    assert (uids(), sent) == (["1", "2"], [])
    assert User.objects.get().first_name == ""
    assert SECRET not in caplog.text + response.content.decode()


@pytest.mark.parametrize(("uid", "url"), [("1", ENDPOINT), ("2", GOOGLE)])
def test_token_that_is_invalid_already_counts_as_revoked(
    uid: str, url: str, ada: Any, openid: OpenIDProvider
) -> None:
    """RFC 7009 section 2.2."""
    invalid = (400, {}, json.dumps({"error": "invalid_token"}))
    on_revocation(openid.wire, lambda: invalid, url)

    assert disconnect_uid(ada, uid).status_code == 204


# --- The transaction --------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_during_revocation(ada: Any, openid: OpenIDProvider) -> None:
    states: list[Any] = []
    on_revocation(openid.wire, lambda: states.append((connection.in_atomic_block, uids())))

    assert disconnect_uid(ada).status_code == 204
    assert states == [(False, ["1", "2"])]


@pytest.mark.parametrize(("step", "status"), [("fail", 500), ("pause", 202)])
def test_stopped_pipeline_revokes_nothing(
    step: str, status: int, ada: Any, openid: OpenIDProvider, settings: Any
) -> None:
    received = on_revocation(openid.wire)
    settings.SOCIAL_AUTH_DISCONNECT_PIPELINE = [*DISCONNECT_PIPELINE, f"{__name__}.{step}"]

    assert disconnect_uid(ada).status_code == status
    assert received == []
    assert uids() == ["1", "2"]


def test_pipeline_that_revokes_without_end_is_a_500(
    ada: Any, openid: OpenIDProvider, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SOCIAL_AUTH_DISCONNECT_PIPELINE = [f"{__name__}.revoke_another", *DISCONNECT_PIPELINE]
    received = on_revocation(openid.wire)

    assert error(disconnect_uid(ada)) == (500, "invalid_setting")
    assert len(received) <= 20
    assert uids() == ["1", "2"]
    assert "revocations" in caplog.text


def test_last_way_to_sign_in_keeps_its_token(ada: Any, openid: OpenIDProvider) -> None:
    received = on_revocation(openid.wire)
    ada.social_auth.get(uid="2").delete()

    assert error(disconnect_uid(ada)) == (400, "disconnect_disallowed")
    assert received == []


@pytest.mark.django_db(transaction=True)
def test_connection_that_becomes_the_last_one_during_revocation_is_kept(
    ada: Any, openid: OpenIDProvider
) -> None:
    on_revocation(openid.wire, lambda: UserSocialAuth.objects.filter(uid="2").delete() and None)

    assert error(disconnect_uid(ada)) == (400, "disconnect_disallowed")
    assert uids() == ["1"]


@pytest.mark.django_db(transaction=True)
def test_token_stored_during_revocation_is_revoked(ada: Any, openid: OpenIDProvider) -> None:
    newer = {"access_token": "a newer token"}

    def log_in() -> None:
        UserSocialAuth.objects.filter(uid="1").update(extra_data=newer)

    received = on_revocation(openid.wire, log_in)

    assert disconnect_uid(ada).status_code == 204
    tokens = [parse_qs(request.body)["token"] for request in received]
    assert tokens == [[SECRET], ["a newer token"]]


def test_revocation_by_a_step_of_a_login_is_immediate(
    openid: OpenIDProvider, frontend: Frontend, settings: Any
) -> None:
    received = on_revocation(openid.wire)
    settings.SOCIAL_AUTH_PIPELINE = [*DEFAULT_PIPELINE, f"{__name__}.revoke"]

    assert frontend.log_in(openid).status_code == 201
    assert len(received) == 1
