"""The examples of the page "Provider tokens"."""

from __future__ import annotations

from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
import responses
from django.contrib.auth import get_user_model
from rest_framework.test import APIRequestFactory, force_authenticate

from tests.support.pages import DOCS, code_blocks
from tests.support.stored_tokens import connect

pytestmark = pytest.mark.django_db

TOKEN = "https://accounts.google.com/o/oauth2/token"
EVENTS = "https://www.googleapis.com/calendar/v3/calendars/primary/events"


@pytest.fixture
def ada(wire: responses.RequestsMock, settings: Any) -> Any:
    """Return a user whose access token of Google has expired."""
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.google.GoogleOAuth2"]
    settings.SOCIAL_AUTH_GOOGLE_OAUTH2_KEY = settings.SOCIAL_AUTH_GOOGLE_OAUTH2_SECRET = "ours"
    user = get_user_model().objects.create_user("ada")
    connect(user, "google-oauth2")
    wire.post(TOKEN, json={"access_token": "access-1", "expires_in": 3600, "token_type": "Bearer"})
    return user


def run_block(text: str, **names: Any) -> dict[str, Any]:
    """Run the code block that contains a text; return its names."""
    blocks = code_blocks(DOCS / "backend/provider_tokens.rst", "python")
    (block,) = (each for each in blocks if text in each)
    project: dict[str, Any] = dict(names)
    exec(block, project)
    return project


def test_view_requests_the_events_of_the_user(ada: Any, wire: responses.RequestsMock) -> None:
    wire.get(EVENTS, json={"items": [{"id": "a"}]})
    view = run_block("class Events")["Events"]
    request = APIRequestFactory().get("/")
    force_authenticate(request, ada)

    response = view.as_view()(request)

    assert response.data == {"events": [{"id": "a"}]}
    assert wire.calls[-1].request.headers["Authorization"] == "Bearer access-1"


@pytest.mark.parametrize(
    ("status", "content", "expected"),
    [(400, {"error": "invalid_grant"}, 403), (503, {}, 503)],
)
def test_view_responds_with_the_error(
    status: int, content: Any, expected: int, ada: Any, wire: responses.RequestsMock
) -> None:
    wire.replace("POST", TOKEN, json=content, status=status)
    request = APIRequestFactory().get("/")
    force_authenticate(request, ada)

    response = run_block("class Events")["Events"].as_view()(request)

    assert response.status_code == expected
    assert response.data["error_id"]


def test_token_for_another_client(ada: Any) -> None:
    authorization = run_block("def authorization")["authorization"]

    assert authorization(ada) == {"Authorization": "Bearer access-1"}


@pytest.mark.parametrize(
    ("status", "content", "expected"),
    [
        (200, {"access_token": "access-1"}, [{"id": "a"}]),
        (503, {}, ["retry 10"]),
        (400, {"error": "invalid_grant"}, ["asked"]),
    ],
)
def test_task(
    status: int, content: Any, expected: list[Any], ada: Any, wire: responses.RequestsMock
) -> None:
    done: list[Any] = []
    wire.replace("POST", TOKEN, json=content, status=status)
    wire.get(EVENTS, json={"items": [{"id": "a"}]})

    class Retry(Exception):
        pass

    def retry(countdown: int) -> Exception:
        done.append(f"retry {countdown}")
        return Retry()

    names: dict[str, Any] = {"User": get_user_model()}
    names["app"] = SimpleNamespace(task=lambda bind: lambda function: function)
    names["ask_to_connect_again"] = lambda _: done.append("asked")
    names["save_events"] = lambda _, events: done.extend(events)
    task = run_block("def import_events", **names)

    with suppress(Retry):
        task["import_events"](SimpleNamespace(retry=retry), ada.pk)

    assert done == expected
