"""Disconnect: a connection is removed, unless it is the last way to sign in."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from rest_framework.exceptions import ValidationError
from rest_framework.test import APIClient
from social_core.backends.utils import load_backends

from social_endpoints import signals
from tests.support.account_views import route_account_views
from tests.support.accounts import (
    DISCONNECT_PIPELINE,
    SECRET,
    disconnect,
    list_connections,
    logged_in,
    uids,
    user_with,
)
from tests.support.authentication import CSRF_HEADERS, STATELESS
from tests.support.frontend import details, error
from tests.support.signals import connected

pytestmark = pytest.mark.django_db
User = get_user_model()


def test_disconnect_removes_the_connection_once_and_sends_the_signal(
    ada: Any, sent: list[dict[str, Any]]
) -> None:
    client, social = logged_in(ada), ada.social_auth.get(uid="1")

    response = disconnect(client, social)

    assert disconnect(client, social).status_code == 404
    assert (response.status_code, response.content) == (204, b"")
    assert "no-store" in response.headers["Cache-Control"]
    assert uids() == ["2"]
    assert [one["uid"] for one in list_connections(client).data] == ["2"]
    (call,) = sent
    assert (call["user"], call["provider"], call["uid"]) == (ada, "oidc", "1")
    assert call["sender"] is User
    assert call["request"].method == "DELETE"


def test_connection_of_another_user_is_a_404(ada: Any) -> None:
    alan = user_with(("github", "3"), ("oidc", "4"), username="alan")

    assert disconnect(logged_in(ada), alan.social_auth.first()).status_code == 404
    assert uids() == ["1", "2", "3", "4"]


@pytest.mark.parametrize(
    "name", ["0", "-1", "x", "1.5", "%00", "9" * 30, "%F0%9F%92%A9", "1e3", "None", " "]
)
def test_invalid_id_is_a_404(name: str, ada: Any) -> None:
    assert disconnect(logged_in(ada), name).status_code == 404
    assert uids() == ["1", "2"]


@pytest.mark.parametrize("method", ["get", "post", "put", "patch"])
def test_other_methods_are_a_405(method: str, ada: Any) -> None:
    url = f"/auth/connections/{ada.social_auth.first().pk}/"

    assert getattr(logged_in(ada), method)(url, secure=True).status_code == 405


# --- The last way to sign in ----------------------------------------------------------


def test_other_way_to_sign_in_is_found_without_the_cache_of_social_core() -> None:
    # As while another thread fills it.
    load_backends(["social_core.backends.open_id_connect.OpenIdConnectAuth"], force_load=True)
    alan = user_with(("github", "3"), ("oidc", "4"), username="alan")

    response = disconnect(logged_in(alan), alan.social_auth.get(provider="oidc"))

    assert response.status_code == 204


@pytest.mark.parametrize("others", [[], [("myspace", "2")]], ids=["none", "not configured"])
def test_last_connection_that_can_sign_in_is_kept(
    others: list[tuple[str, str]], sent: list[dict[str, Any]]
) -> None:
    user = user_with(("oidc", "1"), *others)

    response = disconnect(logged_in(user), user.social_auth.get(uid="1"))

    assert error(response) == (400, "disconnect_disallowed")
    assert response.data["error_stage"] == "disconnect"
    assert response.data["non_field_errors"]
    assert "1" in uids()
    assert sent == []


def test_user_with_a_password_may_disconnect_the_last_connection() -> None:
    user = user_with(("oidc", "1"))
    user.set_password("open sesame")
    user.save()

    assert disconnect(logged_in(user), user.social_auth.get()).status_code == 204
    assert uids() == []


@pytest.mark.usefixtures("wire")
@pytest.mark.parametrize("revokes", [True, False])
def test_provider_that_is_not_configured_any_more_can_be_disconnected(
    revokes: bool, settings: Any
) -> None:
    settings.SOCIAL_AUTH_REVOKE_TOKENS_ON_DISCONNECT = revokes
    user = user_with(("oidc", "1"), ("myspace", "2"))

    assert disconnect(logged_in(user), user.social_auth.get(uid="2")).status_code == 204
    assert uids() == ["1"]


# --- Authentication -------------------------------------------------------------------


def test_session_authentication_enforces_csrf(ada: Any, session_client: APIClient) -> None:
    session_client.force_login(ada)
    social = ada.social_auth.first()

    responses = [
        list_connections(session_client),
        disconnect(session_client, social),
        disconnect(session_client, social, headers=CSRF_HEADERS),
    ]

    assert [response.status_code for response in responses] == [200, 403, 204]


@pytest.mark.parametrize("active", [True, False])
def test_stateless_user_has_a_list_and_disconnects_only_while_active(
    active: bool, ada: Any, settings: Any
) -> None:
    client = logged_in(ada)
    route_account_views(settings, authentication=STATELESS)
    assert len(list_connections(client).data) == 2
    User.objects.update(is_active=active)

    response = disconnect(client, ada.social_auth.get(uid="1"))

    if active:
        assert response.status_code == 204
    else:
        assert error(response) == (400, "authentication_disallowed")
    assert uids() == (["2"] if active else ["1", "2"])


# --- The disconnect pipeline ----------------------------------------------------------


def refuse(**kwargs: Any) -> None:
    raise ValidationError({"password": ["Enter your password."]})


def fail(**kwargs: Any) -> None:
    raise KeyError(SECRET)


def redirect(strategy: Any, **kwargs: Any) -> Any:
    return strategy.redirect("https://app.example.com/sure")


def return_a_page(strategy: Any, **kwargs: Any) -> Any:
    return strategy.html("<form>")


def require_password(strategy: Any, **kwargs: Any) -> None:
    if strategy.request_data().get("password") != "sesame":
        raise ValidationError({"password": ["Wrong."]})


@pytest.mark.parametrize("position", [0, len(DISCONNECT_PIPELINE)])
@pytest.mark.parametrize(
    ("step", "status", "body"),
    [
        (refuse, 400, {"password": ["Enter your password."]}),
        (fail, 500, {"error_code": "unknown_error", "error_stage": "disconnect"}),
        (
            redirect,
            202,
            {
                "redirect_to": "https://app.example.com/sure",
                "partial_token": None,
                "fields": None,
                "provider": "oidc",
            },
        ),
        (return_a_page, 400, {"error_code": "authentication_disallowed"}),
    ],
)
def test_step_that_stops_the_pipeline_keeps_the_connection(
    position: int,
    step: Any,
    status: int,
    body: dict[str, Any],
    ada: Any,
    sent: list[dict[str, Any]],
    settings: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    pipeline = list(DISCONNECT_PIPELINE)
    pipeline.insert(position, f"{__name__}.{step.__name__}")
    settings.SOCIAL_AUTH_DISCONNECT_PIPELINE = pipeline

    response = disconnect(logged_in(ada), ada.social_auth.get(uid="1"))

    assert response.status_code == status
    assert body.items() <= response.data.items()
    assert uids() == ["1", "2"]
    assert sent == []
    assert SECRET not in caplog.text


@pytest.mark.parametrize("part", ["pipeline", "receiver"])
def test_pipeline_or_receiver_that_fails_keeps_the_connection(
    part: str, ada: Any, settings: Any
) -> None:
    if part == "pipeline":
        settings.SOCIAL_AUTH_DISCONNECT_PIPELINE = ["no.such.step"]

    with connected(fail, *([signals.disconnected] if part == "receiver" else [])):
        response = disconnect(logged_in(ada), ada.social_auth.get(uid="1"))

    assert error(response) == (500, "unknown_error")
    assert uids() == ["1", "2"]


def test_step_reads_the_request(ada: Any, settings: Any) -> None:
    settings.SOCIAL_AUTH_DISCONNECT_PIPELINE = [
        f"{__name__}.require_password",
        *DISCONNECT_PIPELINE,
    ]
    client, social = logged_in(ada), ada.social_auth.first()

    without = disconnect(client, social)
    wrong = disconnect(client, social, data={"password": "x"}, format="json")

    assert (without.status_code, wrong.status_code) == (400, 400)
    assert details(without) == {"password": ["Wrong."]}
    assert uids() == ["1", "2"]
    assert disconnect(client, social, data={"password": "sesame"}, format="json").status_code == 204
