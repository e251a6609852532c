"""Assertions about the site's responses."""

from __future__ import annotations

import requests

ERROR_FIELDS = {
    "non_field_errors",
    "error_code",
    "error_source",
    "error_stage",
    "error_recovery",
}


def assert_signed_in(response: requests.Response) -> str:
    """Return the token."""
    assert response.status_code == 201, response.text
    assert set(response.json()) == {"token"}
    return str(response.json()["token"])


def assert_refused(response: requests.Response, *error_codes: str) -> None:
    """Assert a 400 with the error body and, if codes are given, one of these codes."""
    assert response.status_code == 400, response.text
    body = response.json()
    assert set(body) >= ERROR_FIELDS, body
    assert not error_codes or body["error_code"] in error_codes, body


def assert_page(response: requests.Response, status: int) -> None:
    """Assert a small HTML page, because a person sees this response."""
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"].startswith("text/html")
    assert "no-store" in response.headers["Cache-Control"]
    assert len(response.text) < 5_000
