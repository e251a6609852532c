"""Telegram: fields signed with the bot's token, and no state."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from base64 import b64encode, urlsafe_b64encode
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from social_django.models import UserSocialAuth

from tests.support.configuration import Configure
from tests.support.frontend import REDIRECT_URI, Frontend, authorization_params, details, error

pytestmark = pytest.mark.django_db
User = get_user_model()
BOT_TOKEN = "12345:the-secret-of-the-bot"


@pytest.fixture(autouse=True)
def telegram(settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.telegram.TelegramAuth"]
    settings.SOCIAL_AUTH_TELEGRAM_BOT_TOKEN = BOT_TOKEN


def signed(**changes: Any) -> dict[str, Any]:
    """Return the fields of a user, signed with the bot's token."""
    fields = {"id": 7, "first_name": "Ada", "username": "ada", "auth_date": int(time.time())}
    fields |= changes
    lines = "\n".join(sorted(f"{name}={value}" for name, value in fields.items()))
    key = hashlib.sha256(BOT_TOKEN.encode()).digest()
    return {**fields, "hash": hmac.new(key, lines.encode(), "sha256").hexdigest()}


def in_fragment(fields: Any) -> dict[str, str]:
    """Return fields as Telegram appends them to the redirect URI as a fragment."""
    encoded = urlsafe_b64encode(json.dumps(fields).encode()).decode()
    return {"tgAuthResult": encoded.rstrip("=")}


@pytest.mark.parametrize(
    "encode",
    [
        lambda fields: {name: str(value) for name, value in fields.items()},
        lambda fields: fields,
        in_fragment,
        lambda fields: {"tgAuthResult": b64encode(json.dumps(fields).encode()).decode()},
    ],
    ids=["in the query", "by the widget's callback", "in the fragment", "in plain base64"],
)
@pytest.mark.parametrize("encoding", ["json", "multipart"])
def test_login_with_signed_fields(encode: Any, encoding: str, frontend: Frontend) -> None:
    frontend.format = encoding
    begun = frontend.begin("telegram")

    response = frontend.complete(begun, encode(signed(last_name="Lovelace é")), "telegram")

    assert begun.data["authorization_url"].startswith("https://oauth.telegram.org/auth?")
    assert authorization_params(begun) == {
        "bot_id": "12345",
        "origin": "https://app.example.com",
        "return_to": REDIRECT_URI,
    }
    assert response.status_code == 201, response.data
    assert UserSocialAuth.objects.get().uid == "7"


def test_query_of_the_redirect_uri_is_not_part_of_the_signature(
    frontend: Frontend, configure: Configure
) -> None:
    uri = f"{REDIRECT_URI}?provider=telegram&next=%2F"
    configure(ALLOWED_REDIRECT_URIS=[uri])
    begun = frontend.begin("telegram", redirect_uri=uri)
    callback = {"provider": "telegram", "next": "/", **signed()}

    assert frontend.complete(begun, callback, "telegram").status_code == 201


def test_extra_arguments_of_the_project_reach_telegram(frontend: Frontend, settings: Any) -> None:
    settings.SOCIAL_AUTH_TELEGRAM_AUTH_EXTRA_ARGUMENTS = {"request_access": "write"}

    assert authorization_params(frontend.begin("telegram"))["request_access"] == "write"


def test_logins_in_two_tabs_complete(frontend: Frontend) -> None:
    begun = [frontend.begin("telegram") for _ in range(2)]

    responses = [frontend.complete(each, signed(), "telegram") for each in begun]

    assert [response.status_code for response in responses] == [201, 201]


@pytest.mark.parametrize(
    "callback",
    [
        {**signed(), "id": "8"},
        {**signed(), "hash": "0"},
        {**signed(), "extra": "field"},
        signed(auth_date=int(time.time()) - 100_000),
        signed(first_name="Ada\nid=8"),
        in_fragment({}),
        in_fragment([]),
        in_fragment({"id": 7}),
        # Half a surrogate pair, which JSON can contain and no response can.
        in_fragment({**signed(), "\ud800\n": "x"}),
        in_fragment({**signed(), "first_name": "\ud800"}),
        in_fragment({**signed(), "first_name": ["\ud800"]}),
        {"tgAuthResult": "no base64"},
        {"tgAuthResult": "é"},
    ],
    ids=[
        "another id",
        "wrong hash",
        "unsigned field",
        "old",
        "line break",
        "empty object",
        "list",
        "unsigned object",
        "surrogate in a name",
        "surrogate in a value",
        "surrogate in a list",
        "no base64",
        "no ASCII",
    ],
)
def test_fields_without_a_valid_signature_are_rejected(
    callback: dict[str, Any], frontend: Frontend
) -> None:
    response = frontend.complete(frontend.begin("telegram"), callback, "telegram")

    assert response.status_code == 400
    assert "error_code" in response.data
    assert not User.objects.exists()


def test_declined_login_is_rejected(frontend: Frontend) -> None:
    response = frontend.complete(frontend.begin("telegram"), in_fragment(False), "telegram")

    assert error(response) == (400, "authorization_declined")


def test_completion_without_a_flow_is_rejected() -> None:
    response = Frontend("body").post(signed(), "telegram")

    assert error(response) == (400, "session_context_missing")


def test_missing_fields_are_field_errors(frontend: Frontend) -> None:
    response = frontend.complete(frontend.begin("telegram"), {"id": "7"}, "telegram")

    assert details(response) == {
        name: ["This field is required."] for name in ("auth_date", "hash")
    }


@pytest.mark.parametrize("token", [None, "", "no token", "a:b"])
def test_invalid_bot_token_is_a_500(token: str | None, frontend: Frontend, settings: Any) -> None:
    settings.SOCIAL_AUTH_TELEGRAM_BOT_TOKEN = token

    response = frontend.begin("telegram")

    assert (response.status_code, response.data["error_source"]) == (500, "configuration")
