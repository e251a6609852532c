"""Discourse: a signed payload, with a nonce in place of a state."""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
from django.contrib.auth import get_user_model
from social_django.models import Nonce

from tests.support.frontend import Frontend, authorization_params, details

pytestmark = pytest.mark.django_db
User = get_user_model()


@pytest.fixture(autouse=True)
def discourse(settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.discourse.DiscourseAuth"]
    settings.SOCIAL_AUTH_DISCOURSE_SECRET = "secret"
    settings.SOCIAL_AUTH_DISCOURSE_SERVER_URL = "https://discourse.example.com"


def authorize(begun: Any) -> dict[str, str]:
    """Sign in at the forum; return the parameters of the callback."""
    payload = parse_qs(b64decode(authorization_params(begun)["sso"]).decode())
    fields = {"nonce": payload["nonce"][0], "external_id": "7", "username": "ada"}
    sso = b64encode(urlencode(fields).encode()).decode()
    return {"sso": sso, "sig": hmac.new(b"secret", sso.encode(), "sha256").hexdigest()}


def test_begin_writes_no_rows_and_the_login_completes(
    frontend: Frontend, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        begun = frontend.begin("discourse")

    assert frontend.complete(begun, authorize(begun), "discourse").status_code == 201
    assert Nonce.objects.count() == 1  # It makes the flow single use.


def test_logins_in_two_tabs_complete(frontend: Frontend) -> None:
    begun = [frontend.begin("discourse") for _ in range(2)]

    responses = [frontend.complete(each, authorize(each), "discourse") for each in begun]

    assert [response.status_code for response in responses] == [201, 201]


def test_callback_of_another_login_is_rejected_and_the_login_stays_open(
    frontend: Frontend,
) -> None:
    first, second = frontend.begin("discourse"), frontend.begin("discourse")
    frontend.client.cookies.pop(next(iter(second.cookies), ""), None)

    response = frontend.complete(first, authorize(second), "discourse")

    assert response.status_code == 400
    assert frontend.complete(first, authorize(first), "discourse").status_code == 201


@pytest.mark.parametrize(
    "change",
    [{"sso": "no base64"}, {"sso": "é"}, {"sig": "0"}, {"sso": b64encode(b"\xff").decode()}],
)
def test_payload_without_a_valid_signature_is_rejected(
    change: dict[str, str], frontend: Frontend
) -> None:
    begun = frontend.begin("discourse")

    response = frontend.complete(begun, authorize(begun) | change, "discourse")

    assert response.status_code == 400
    assert not User.objects.exists()


def test_missing_fields_are_field_errors(frontend: Frontend) -> None:
    response = frontend.complete(frontend.begin("discourse"), {}, "discourse")

    assert details(response) == {name: ["This field is required."] for name in ("sso", "sig")}
