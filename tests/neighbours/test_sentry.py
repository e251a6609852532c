"""Sentry receives the errors of a login, and no secret of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest
import requests

from docs.recipes.sentry import remove_secrets
from tests.support.frontend import Frontend
from tests.support.neighbours.native import id_token_with_nonce
from tests.support.neighbours.sentry import StoredEvents, reported_client, reporting
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import LAST, pipeline_with

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:The send_default_pii option:DeprecationWarning"),
]

Mistake: TypeAlias = Callable[[OpenIDProvider, Any], None]


def fail(**kwargs: Any) -> None:
    """Fail as a step with a mistake does."""
    raise KeyError("plan")


def quote_tokens(response: Any, **kwargs: Any) -> None:
    """Fail with a message that quotes what the provider has sent."""
    raise RuntimeError(f"{response['access_token']} {response['id_token']}")


def request_and_fail(backend: Any, response: Any, **kwargs: Any) -> None:
    """Send a token in a URL, as some backends do, and fail."""
    query = {"access_token": response["access_token"]}
    requests.get(f"{backend.oidc_endpoint()}/userinfo", query, timeout=5)
    raise KeyError("plan")


def no_mistake(*arguments: Any) -> None:
    """Let the login complete."""


def failing_step(openid: OpenIDProvider, settings: Any) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((LAST, f"{__name__}.fail"))


def quoting_step(openid: OpenIDProvider, settings: Any) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((LAST, f"{__name__}.quote_tokens"))


def missing_serializer(openid: OpenIDProvider, settings: Any) -> None:
    missing = "tests.support.missing.Serializer"
    settings.SOCIAL_ENDPOINTS = {**settings.SOCIAL_ENDPOINTS, "TOKEN_SERIALIZER": missing}


def refused_client(openid: OpenIDProvider, settings: Any) -> None:
    openid.fail("token", 401, "invalid_client")


def other_audience(openid: OpenIDProvider, settings: Any) -> None:
    openid.claims["aud"] = "client-of-another-project"


@pytest.fixture(params=["default", "personal data"])
def events(request: pytest.FixtureRequest) -> Iterator[StoredEvents]:
    """Report with Sentry's defaults, or with personal data and the filter of the documentation."""
    options: dict[str, Any] = {}
    if request.param == "personal data":
        options = {
            "send_default_pii": True,
            "max_request_body_size": "always",
            "before_send": remove_secrets,
            "before_send_transaction": remove_secrets,
        }
    with reporting(**options) as events:
        yield events


@pytest.mark.parametrize(
    ("mistake", "status", "errors"),
    [
        (no_mistake, 201, 0),
        (other_audience, 400, 0),
        (refused_client, 400, 0),
        (failing_step, 500, 1),
        (quoting_step, 500, 1),
        (missing_serializer, 500, 1),
    ],
)
@pytest.mark.parametrize("body", ["json", "multipart"])
def test_event_of_a_login_contains_no_secret(
    body: str,
    mistake: Mistake,
    status: int,
    errors: int,
    events: StoredEvents,
    frontend: Frontend,
    openid: OpenIDProvider,
    settings: Any,
) -> None:
    frontend.client = reported_client()
    frontend.format = body
    begun, callback = frontend.authorize(openid)
    cookies = [cookie.value for cookie in frontend.client.cookies.values()]
    mistake(openid, settings)

    response = frontend.complete(begun, callback)

    secrets = {*openid.secrets, *cookies, begun.data.get("flow", callback["code"])}
    assert events.find(secrets) == []
    assert response.status_code == status
    assert len(events.errors) >= errors


@pytest.mark.parametrize("mistake", [no_mistake, failing_step])
def test_event_of_a_native_sign_in_contains_no_secret(
    mistake: Mistake, events: StoredEvents, openid: OpenIDProvider, settings: Any
) -> None:
    mistake(openid, settings)
    id_token, nonce = id_token_with_nonce(openid)
    client = reported_client()

    response = client.post(
        "/auth/o/oidc/token/", {"id_token": id_token, "nonce": nonce}, format="json", secure=True
    )

    assert events.find({id_token, nonce}) == []
    assert (response.status_code, bool(events.errors)) in {(201, False), (500, True)}


def test_event_contains_no_secret_of_a_request_to_a_provider(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    """The filter of the documentation removes the query of URLs that the server requested."""
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((LAST, f"{__name__}.request_and_fail"))
    frontend.client = reported_client()
    filters = {"before_send": remove_secrets, "before_send_transaction": remove_secrets}

    with reporting(**filters) as events:
        response = frontend.log_in(openid)

    assert response.status_code == 500
    assert any("/userinfo" in text for _, text in events.texts())
    assert events.find({*openid.secrets}) == []
