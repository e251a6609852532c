"""Unlinking has the provider's token revoked, and no transaction waits for the provider."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests
import responses
from django.contrib.auth import get_user_model
from django.db import connection
from social_core.backends.github import GithubOAuth2
from social_core.backends.utils import load_backends
from social_django.models import UserSocialAuth

from social_endpoints import signals
from tests.support.accounts import (
    DISCONNECT_PIPELINE,
    SECRET,
    disconnect,
    logged_in,
    uids,
    user_with,
)
from tests.support.openid_provider import ISSUER, OpenIDProvider

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
    # Core remembers for as long as the process lives which backends there are.
    load_backends(settings.AUTHENTICATION_BACKENDS, force_load=True)
    yield
    load_backends([], force_load=True)


@pytest.fixture
def openid(openid: OpenIDProvider) -> OpenIDProvider:
    """Return an OpenID provider that revokes tokens."""
    openid.endpoints["revocation_endpoint"] = ENDPOINT
    return openid


@pytest.fixture
def ada() -> Any:
    """Return a user with two identities."""
    return user_with(("oidc", "1"), ("google-oauth2", "2"))


@pytest.fixture
def heard() -> Iterator[list[str]]:
    """Return which identities are told of as unlinked."""
    told: list[str] = []

    def hear(uid: str, **kwargs: Any) -> None:
        told.append(uid)

    signals.disconnected.connect(hear)
    yield told
    signals.disconnected.disconnect(hear)


def write(user: Any, **kwargs: Any) -> None:
    user.first_name += "written"
    user.save()


def refuse(**kwargs: Any) -> None:
    raise ZeroDivisionError


def send_away(strategy: Any, **kwargs: Any) -> Any:
    return strategy.redirect("https://app.example.com/sure")


def answer_with(
    wire: responses.RequestsMock, call: Callable[[], Any], url: str = ENDPOINT
) -> list[Any]:
    """Call this when a token is to be revoked; return the requests."""
    asked: list[Any] = []

    def answer(request: Any) -> Any:
        asked.append(request)
        return call() or (200, {}, "")

    wire.add_callback("POST" if url == ENDPOINT else "GET", url, callback=answer)
    return asked


@pytest.mark.parametrize("method", ["client_secret_post", "client_secret_basic"])
def test_token_is_posted_with_the_client(
    method: str, ada: Any, openid: OpenIDProvider, settings: Any, heard: list[str]
) -> None:
    """RFC 7009 section 2.1, by a backend that says nothing of its own."""
    settings.SOCIAL_AUTH_OIDC_TOKEN_ENDPOINT_AUTH_METHOD = method
    asked = answer_with(openid.wire, lambda: None)

    assert disconnect(logged_in(ada), ada.social_auth.get(uid="1")).status_code == 204

    (request,) = asked
    assert request.url == ENDPOINT
    client = base64.b64encode(b"our-client-id:our-client-secret").decode()
    posted = parse_qs(request.body)
    if method == "client_secret_basic":
        assert posted == {"token": [SECRET]}
        assert request.headers["Authorization"] == f"Basic {client}"
    else:
        assert "Authorization" not in request.headers
        credentials = {"client_id": ["our-client-id"], "client_secret": ["our-client-secret"]}
        assert posted == {"token": [SECRET], **credentials}
    assert uids() == ["2"]
    assert heard == ["1"]


def test_backend_that_knows_how(ada: Any, wire: responses.RequestsMock) -> None:
    asked = answer_with(wire, lambda: None, GOOGLE)

    assert disconnect(logged_in(ada), ada.social_auth.get(uid="2")).status_code == 204
    assert [request.params for request in asked] == [{"token": SECRET}]
    assert uids() == ["1"]


class ByAddress(GithubOAuth2):
    """A backend of the project's, which says by its address what it wants revoked."""

    REVOKE_TOKEN_METHOD = "DELETE"

    def revoke_token_url(self, token: str, uid: str) -> str:
        return f"https://api.example.com/grants/{uid}"


def test_backend_of_the_project_that_knows_how(
    ada: Any, wire: responses.RequestsMock, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["tests.api.connections.test_revocation.ByAddress"]
    load_backends(settings.AUTHENTICATION_BACKENDS, force_load=True)
    ada.social_auth.update(provider="github")
    asked = wire.delete("https://api.example.com/grants/1")

    assert disconnect(logged_in(ada), ada.social_auth.get(uid="1")).status_code == 204
    assert asked.call_count == 1


@pytest.mark.usefixtures("wire")
@pytest.mark.parametrize(
    ("provider", "token"),
    [
        ("github", SECRET),  # Core knows no address.
        ("twitter", {"oauth_token": SECRET, "oauth_token_secret": SECRET}),
        ("steam", SECRET),
    ],
)
def test_provider_that_revokes_nothing(provider: str, token: Any) -> None:
    ada = user_with((provider, "1"), ("oidc", "2"))
    ada.social_auth.filter(uid="1").update(extra_data={"access_token": token})

    assert disconnect(logged_in(ada), ada.social_auth.get(uid="1")).status_code == 204
    assert uids() == ["2"]


@pytest.mark.usefixtures("wire")
def test_identity_without_a_token(ada: Any) -> None:
    ada.social_auth.update(extra_data={})

    assert disconnect(logged_in(ada), ada.social_auth.get(uid="1")).status_code == 204


@pytest.mark.usefixtures("wire")
@pytest.mark.parametrize(
    "name", ["REVOKE_TOKENS_ON_DISCONNECT", "OIDC_REVOKE_TOKENS_ON_DISCONNECT"]
)
def test_off_for_all_or_for_one(name: str, ada: Any, settings: Any) -> None:
    setattr(settings, f"SOCIAL_AUTH_{name}", False)

    assert disconnect(logged_in(ada), ada.social_auth.get(uid="1")).status_code == 204


def test_on_for_one(ada: Any, openid: OpenIDProvider, settings: Any) -> None:
    settings.SOCIAL_AUTH_REVOKE_TOKENS_ON_DISCONNECT = False
    settings.SOCIAL_AUTH_OIDC_REVOKE_TOKENS_ON_DISCONNECT = True
    asked = answer_with(openid.wire, lambda: None)

    assert disconnect(logged_in(ada), ada.social_auth.get(uid="1")).status_code == 204
    assert len(asked) == 1


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_the_provider_is_asked(
    ada: Any, openid: OpenIDProvider
) -> None:
    seen: list[Any] = []
    answer_with(openid.wire, lambda: seen.append((connection.in_atomic_block, uids())))

    assert disconnect(logged_in(ada), ada.social_auth.get(uid="1")).status_code == 204
    assert seen == [(False, ["1", "2"])]


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
def test_provider_that_fails(
    status: Any,
    body: Any,
    code: str,
    recovery: str,
    ada: Any,
    openid: OpenIDProvider,
    settings: Any,
    heard: list[str],
    caplog: Any,
) -> None:
    settings.SOCIAL_AUTH_DISCONNECT_PIPELINE = [
        "tests.api.connections.test_revocation.write",
        *DISCONNECT_PIPELINE,
    ]
    if isinstance(status, Exception):
        openid.wire.post(ENDPOINT, body=status)
    else:
        openid.wire.post(ENDPOINT, json=body, status=status, headers={"Retry-After": "7"})

    answer = disconnect(logged_in(ada), ada.social_auth.get(uid="1"))

    assert answer.status_code == 400
    assert answer.data["error_code"] == code
    assert answer.data["error_stage"] == "disconnect"
    assert answer.data["error_recovery"] == recovery
    assert answer.get("Retry-After") == ("7" if isinstance(status, int) else None)
    assert (uids(), heard) == (["1", "2"], [])
    assert User.objects.get().first_name == ""
    assert SECRET not in caplog.text + answer.content.decode()


@pytest.mark.parametrize(("provider", "url"), [("oidc", ENDPOINT), ("google-oauth2", GOOGLE)])
def test_token_that_is_good_for_nothing_any_more(
    provider: str, url: str, ada: Any, openid: OpenIDProvider
) -> None:
    """RFC 7009 section 2.2: it need not be revoked."""
    refused = (400, {}, json.dumps({"error": "invalid_token"}))
    answer_with(openid.wire, lambda: refused, url)

    social = ada.social_auth.get(provider=provider)
    assert disconnect(logged_in(ada), social).status_code == 204


def test_last_way_to_log_in_keeps_its_token(ada: Any, openid: OpenIDProvider) -> None:
    asked = answer_with(openid.wire, lambda: None)
    ada.social_auth.get(uid="2").delete()

    answer = disconnect(logged_in(ada), ada.social_auth.get())

    assert answer.data["error_code"] == "disconnect_disallowed"
    assert asked == []


@pytest.mark.parametrize(("step", "status"), [(refuse, 400), (send_away, 202)])
def test_no_token_is_revoked_before_all_steps_have_agreed(
    step: Any, status: int, ada: Any, openid: OpenIDProvider, settings: Any
) -> None:
    asked = answer_with(openid.wire, lambda: None)
    name = f"tests.api.connections.test_revocation.{step.__name__}"
    settings.SOCIAL_AUTH_DISCONNECT_PIPELINE = [*DISCONNECT_PIPELINE, name]

    answer = disconnect(logged_in(ada), ada.social_auth.get(uid="1"))

    assert answer.status_code == status
    assert asked == []
    assert uids() == ["1", "2"]


def test_steps_write_once(ada: Any, openid: OpenIDProvider, settings: Any) -> None:
    answer_with(openid.wire, lambda: None)
    settings.SOCIAL_AUTH_DISCONNECT_PIPELINE = [
        "tests.api.connections.test_revocation.write",
        *DISCONNECT_PIPELINE,
    ]

    assert disconnect(logged_in(ada), ada.social_auth.get(uid="1")).status_code == 204
    assert User.objects.get().first_name == "written"


@pytest.mark.django_db(transaction=True)
def test_last_way_to_log_in_while_the_provider_is_asked(ada: Any, openid: OpenIDProvider) -> None:
    """The other identity is unlinked meanwhile: this one stays, and can log in anew."""
    answer_with(openid.wire, lambda: UserSocialAuth.objects.filter(uid="2").delete() and None)

    answer = disconnect(logged_in(ada), ada.social_auth.get(uid="1"))

    assert answer.data["error_code"] == "disconnect_disallowed"
    assert uids() == ["1"]


@pytest.mark.django_db(transaction=True)
def test_token_that_is_new_while_the_provider_is_asked(ada: Any, openid: OpenIDProvider) -> None:
    """Somebody logs in meanwhile: that token is revoked, too."""
    newer = {"access_token": "a newer token"}
    social = ada.social_auth.get(uid="1")

    def log_in() -> None:
        UserSocialAuth.objects.filter(uid="1").update(extra_data=newer)

    asked = answer_with(openid.wire, log_in)

    assert disconnect(logged_in(ada), social).status_code == 204
    tokens = [parse_qs(request.body)["token"] for request in asked]
    assert tokens == [[SECRET], ["a newer token"]]


def revoke(backend: Any, **kwargs: Any) -> None:
    backend.revoke_token("a token of no use", "1")


def test_step_of_a_login_revokes_at_once(
    openid: OpenIDProvider, frontend: Any, settings: Any
) -> None:
    from tests.support.pipeline import DEFAULT_PIPELINE

    asked = answer_with(openid.wire, lambda: None)
    settings.SOCIAL_AUTH_PIPELINE = [
        *DEFAULT_PIPELINE,
        "tests.api.connections.test_revocation.revoke",
    ]

    assert frontend.log_in(openid).status_code == 201
    assert len(asked) == 1


def test_a_provider_whose_discovery_has_no_address(ada: Any, openid: OpenIDProvider) -> None:
    del openid.endpoints["revocation_endpoint"]

    answer = disconnect(logged_in(ada), ada.social_auth.get(provider="oidc"))

    assert answer.status_code == 204, answer.data
    assert uids() == ["2"]


def test_a_discovery_that_is_none(ada: Any, openid: OpenIDProvider) -> None:
    openid.wire.replace("GET", f"{ISSUER}/.well-known/openid-configuration", json=[])

    answer = disconnect(logged_in(ada), ada.social_auth.get(provider="oidc"))

    assert (answer.status_code, answer.data["error_code"]) == (400, "malformed_response")
    assert uids() == ["1", "2"]
