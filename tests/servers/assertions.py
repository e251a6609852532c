"""What an answer of the site has to be."""

from __future__ import annotations

import requests

ERROR_BODY = {
    "non_field_errors",
    "error_code",
    "error_source",
    "error_stage",
    "error_recovery",
}


def assert_signed_in(answer: requests.Response) -> str:
    """Return the token."""
    assert answer.status_code == 201, answer.text
    assert set(answer.json()) == {"token"}
    return str(answer.json()["token"])


def assert_refused(answer: requests.Response, *codes: str) -> None:
    """It is a 400 with the error body, of one of these codes where any are given."""
    assert answer.status_code == 400, answer.text
    body = answer.json()
    assert set(body) >= ERROR_BODY, body
    assert not codes or body["error_code"] in codes, body


def assert_page(answer: requests.Response, status: int) -> None:
    """It is a page that says what went wrong, because a person looks at it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "no-store" in answer.headers["Cache-Control"]
    assert len(answer.text) < 5_000
