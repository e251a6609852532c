"""Parameters and bodies that a completion rejects, with no account created."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO
from itertools import product
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from tests.support.frontend import Frontend, details, error
from tests.support.openid_provider import OpenIDProvider

pytestmark = pytest.mark.django_db
User = get_user_model()
PATH = "/auth/o/oidc/"
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"
NESTED = 20_000
PARAMETERS = ["code", "state", "flow", "partial_token"]


@pytest.fixture(autouse=True)
def nothing_is_written() -> Iterator[None]:
    yield
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *product(PARAMETERS, [["text"], {"a": "text"}, 5, 5.5, None, True]),
        # No database stores these texts.
        *product([*PARAMETERS, "anything"], ["a\0b", "\ud800"]),
    ],
)
def test_value_of_the_wrong_type_is_a_field_error(
    name: str, value: Any, frontend: Frontend
) -> None:
    body = json.dumps({"code": "c", "state": "s", name: value})

    response = frontend.post(body, content_type=JSON, format=None)

    assert (response.status_code, list(details(response))) == (400, [name])
    assert response.content


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_name_that_no_response_can_contain_is_rejected(name: str, frontend: Frontend) -> None:
    body = json.dumps({"code": "c", "state": "s", name: "text"})

    response = frontend.post(body, content_type=JSON, format=None)

    assert (response.status_code, list(details(response))) == (400, ["non_field_errors"])


@pytest.mark.parametrize("missing", ["code", "state"])
@pytest.mark.parametrize("blank", [True, False])
def test_missing_or_blank_parameter_is_a_field_error(
    missing: str, blank: bool, frontend: Frontend, openid: OpenIDProvider
) -> None:
    begun, callback = frontend.authorize(openid)
    del callback[missing]

    response = frontend.complete(begun, callback | ({missing: ""} if blank else {}))

    assert (response.status_code, details(response)) == (
        400,
        {missing: ["This field is required."]},
    )
    assert openid.paths == ["/.well-known/openid-configuration"]


@pytest.mark.parametrize("flow", ["text", "gAAAAA", "ä", "\u2028", "=" * 500, "a" * 100_000])
@pytest.mark.parametrize("transport", ["body", "cookie"])
def test_flow_that_cannot_be_opened_is_rejected(flow: str, transport: str) -> None:
    frontend = Frontend(transport)
    frontend.client.cookies["__Host-auth_flow_x"] = "text"

    response = frontend.post({"code": "c", "state": "s", "flow": flow})

    assert error(response) == (400, "session_context_missing")
    assert "contains no flow" not in response.data["non_field_errors"][0]


# --- Bodies that are rejected ---------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"5",
        b"\xff\xfe",
        b'{"code": "\xff"}',
        b'{"code": NaN,}',
        b"[" * NESTED + b"]" * NESTED,
        b'{"code": ' + b"[" * NESTED + b"]" * NESTED + b"}",
        b'{"code": ' + b"9" * 5_000 + b"}",
        b'{"anything": ' + b"9" * 5_000 + b"}",
        b"",
        b"{}",
    ],
    ids=lambda body: str(body[:20]),
)
def test_json_without_usable_parameters_is_rejected(body: bytes, frontend: Frontend) -> None:
    response = frontend.post(body, content_type=JSON, format=None)

    assert response.status_code == 400
    assert response.data


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"--", "multipart/form-data"),
        (b"--", MULTIPART),
        ("&".join(f"a{n}=1" for n in range(2_000)).encode(), FORM),
        (b"code=%ff&state=%ff", f"{FORM}; charset=utf-8"),
        (b"code=c&state=s", f"{FORM}; charset=unknown"),
        (b"code=c&state=s", "text/plain"),
    ],
)
def test_malformed_form_is_rejected(body: bytes, content_type: str, frontend: Frontend) -> None:
    response = frontend.post(body, content_type=content_type, format=None)

    assert 400 <= response.status_code < 500
    assert response.data


def test_file_in_place_of_a_text_is_a_field_error(frontend: Frontend) -> None:
    header = b'--b\r\nContent-Disposition: form-data; name="code"; filename="f"\r\n\r\n'

    response = frontend.post(header + b"content\r\n--b--\r\n", content_type=MULTIPART, format=None)

    assert response.status_code == 400
    assert "code" in response.data


@pytest.mark.parametrize("length", [1_000_001, 5_000_000])
@pytest.mark.parametrize("content_type", [JSON, FORM, MULTIPART])
def test_large_body_is_a_413(length: int, content_type: str, frontend: Frontend) -> None:
    before, after = {
        JSON: (b'{"code": "', b'"}'),
        FORM: (b"code=", b""),
        MULTIPART: (
            b'--b\r\nContent-Disposition: form-data; name="code"\r\n\r\n',
            b"\r\n--b--\r\n",
        ),
    }[content_type]

    response = frontend.post(before + b"a" * length + after, content_type=content_type, format=None)

    assert response.status_code == 413


class Disconnected(BytesIO):
    """The body of a client that disconnects while it sends."""

    def read(self, *args: Any) -> bytes:
        raise OSError


@pytest.mark.parametrize("content_type", [JSON, FORM, MULTIPART])
@pytest.mark.parametrize(
    ("body", "length"), [(Disconnected, "100"), (partial(BytesIO, b"{"), "99999999999999999999")]
)
def test_incomplete_body_is_rejected(
    body: Callable[[], BytesIO], length: str, content_type: str, frontend: Frontend
) -> None:
    response = frontend.client.post(
        PATH,
        secure=True,
        **{"wsgi.input": body(), "CONTENT_LENGTH": length, "CONTENT_TYPE": content_type},
    )

    assert response.status_code == 400


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("charset", ["idna", "utf-7", "utf-16"])
def test_charset_of_the_body_does_not_apply_to_the_query(
    method: str, charset: str, frontend: Frontend
) -> None:
    response = getattr(frontend.client, method)(
        "/auth/o/github/?code=a&redirect_uri=b",
        content_type=f"{JSON}; charset={charset}",
        secure=True,
    )

    assert response.status_code == 400
