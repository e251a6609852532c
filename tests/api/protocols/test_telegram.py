"""Telegram: fields signed with the bot's token, and a state in the redirect URI."""

from __future__ import annotations

import json
import time
from base64 import b64encode, urlsafe_b64encode
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from social_django.models import Nonce, UserSocialAuth

from tests.support.configuration import Configure
from tests.support.frontend import REDIRECT_URI, Frontend, authorization_params, details, error
from tests.support.telegram import BOT_TOKEN, signed, state_of

pytestmark = pytest.mark.django_db
User = get_user_model()


@pytest.fixture(autouse=True)
def telegram(settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.telegram.TelegramAuth"]
    settings.SOCIAL_AUTH_TELEGRAM_BOT_TOKEN = BOT_TOKEN


def in_fragment(fields: Any) -> dict[str, str]:
    """Return fields as Telegram appends them to the redirect URI as a fragment."""
    encoded = urlsafe_b64encode(json.dumps(fields).encode()).decode()
    return {"tgAuthResult": encoded.rstrip("=")}


def complete(frontend: Frontend, begun: Any, fields: dict[str, Any]) -> Any:
    """Post the query and the fragment of the callback page."""
    return frontend.complete(begun, {"state": state_of(begun), **fields}, "telegram")


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

    response = complete(frontend, begun, encode(signed(last_name="Lovelace é")))

    assert begun.data["authorization_url"].startswith("https://oauth.telegram.org/auth?")
    assert authorization_params(begun) == {
        "bot_id": "12345",
        "origin": "https://app.example.com",
        "return_to": f"{REDIRECT_URI}?state={state_of(begun)}",
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

    assert authorization_params(begun)["return_to"] == f"{uri}&state={state_of(begun)}"
    assert complete(frontend, begun, callback).status_code == 201


def test_extra_arguments_of_the_project_reach_telegram(frontend: Frontend, settings: Any) -> None:
    settings.SOCIAL_AUTH_TELEGRAM_AUTH_EXTRA_ARGUMENTS = {"request_access": "write"}

    assert authorization_params(frontend.begin("telegram"))["request_access"] == "write"


def test_logins_in_two_tabs_complete(frontend: Frontend) -> None:
    begun = [frontend.begin("telegram") for _ in range(2)]
    now = int(time.time())

    responses = [
        complete(frontend, each, signed(auth_date=now - tab)) for tab, each in enumerate(begun)
    ]

    assert [response.status_code for response in responses] == [201, 201]


# --- Assertions of another login --------------------------------------------------------


@pytest.mark.parametrize("encode", [dict, in_fragment], ids=["fields", "fragment"])
@pytest.mark.parametrize("state", [None, "", "foreign"])
@pytest.mark.parametrize("below", ["", "connect/"])
def test_assertion_without_state_of_the_flow_is_rejected(
    encode: Any, state: str | None, below: str, frontend: Frontend
) -> None:
    if below:
        frontend = connecting(frontend)
    begun = frontend.begin("telegram")
    callback = encode(signed()) if state is None else {**encode(signed()), "state": state}

    response = frontend.complete(begun, callback, "telegram")

    assert response.status_code == 400
    assert response.data["error_code"] in {"state_mismatch", "session_context_missing"}
    assert not UserSocialAuth.objects.exists()
    assert complete(frontend, begun, signed()).status_code == 201


def test_assertion_with_state_of_another_login_is_rejected(frontend: Frontend) -> None:
    attacker = Frontend(frontend.transport)
    callback = {**signed(), "state": state_of(attacker.begin("telegram"))}

    response = frontend.complete(frontend.begin("telegram"), callback, "telegram")

    assert response.status_code == 400
    assert not User.objects.exists()


@pytest.mark.parametrize("encode", [dict, in_fragment], ids=["fields", "fragment"])
@pytest.mark.parametrize("below", ["", "connect/"])
def test_assertion_is_accepted_once(encode: Any, below: str, frontend: Frontend) -> None:
    fields = signed()
    first = complete(frontend, frontend.begin("telegram"), fields)
    if below:
        frontend = connecting(frontend)

    second = complete(frontend, frontend.begin("telegram"), encode(fields))

    assert first.status_code == 201, first.data
    assert error(second) == (400, "credential_rejected")
    assert second.data["error_recovery"] == "restart_login"
    assert UserSocialAuth.objects.get().user.username == "ada"


@pytest.mark.parametrize("auth_date", [10**12, 2**40])
def test_assertion_from_the_future_is_accepted_once(auth_date: int, frontend: Frontend) -> None:
    fields = signed(auth_date=auth_date)
    codes = [complete(frontend, frontend.begin("telegram"), fields).status_code for _ in "ab"]

    assert codes == [201, 400]


def test_forged_assertion_is_not_claimed(frontend: Frontend) -> None:
    fields = signed()
    forged = {**fields, "id": "8"}

    assert complete(frontend, frontend.begin("telegram"), forged).status_code == 400
    assert complete(frontend, frontend.begin("telegram"), fields).status_code == 201


def test_claim_is_kept_while_the_signature_is_valid(frontend: Frontend) -> None:
    fields = signed()
    complete(frontend, frontend.begin("telegram"), fields)

    claim = Nonce.objects.get(server_url="social_endpoints.assertion")

    assert claim.timestamp == fields["auth_date"] + 86_400


def connecting(frontend: Frontend) -> Frontend:
    """Return a frontend in which another user is signed in."""
    connecting = Frontend(frontend.transport, below="connect/")
    connecting.client.force_authenticate(User.objects.create_user("victim"))
    return connecting


# --- Invalid assertions -----------------------------------------------------------------


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
    response = complete(frontend, frontend.begin("telegram"), callback)

    assert response.status_code == 400
    assert "error_code" in response.data
    assert not User.objects.exists()


def test_declined_login_is_rejected(frontend: Frontend) -> None:
    response = complete(frontend, frontend.begin("telegram"), in_fragment(False))

    assert error(response) == (400, "authorization_declined")


def test_completion_without_a_flow_is_rejected() -> None:
    response = Frontend("body").post(signed(), "telegram")

    assert error(response) == (400, "session_context_missing")


def test_missing_fields_are_field_errors(frontend: Frontend) -> None:
    response = complete(frontend, frontend.begin("telegram"), {"id": "7"})

    assert details(response) == {
        name: ["This field is required."] for name in ("auth_date", "hash")
    }


@pytest.mark.parametrize("token", [None, "", "no token", "a:b"])
def test_invalid_bot_token_is_a_500(token: str | None, frontend: Frontend, settings: Any) -> None:
    settings.SOCIAL_AUTH_TELEGRAM_BOT_TOKEN = token

    response = frontend.begin("telegram")

    assert (response.status_code, response.data["error_source"]) == (500, "configuration")
