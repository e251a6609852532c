"""Errors of the callback endpoint, which a person sees: small HTML pages."""

from __future__ import annotations

import re

import pytest
from rest_framework.test import APIClient

from tests.support.frontend import Frontend
from tests.support.handoff import CALLBACK, FORM, post_to_callback
from tests.support.openid_provider import OpenIDProvider

pytestmark = pytest.mark.django_db
MAX_LENGTH = 250_000


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    ("path", "params", "status"),
    [
        (CALLBACK, {"code": "code", "state": "of no login"}, 400),
        (CALLBACK, {"code": "code"}, 400),
        (CALLBACK, {}, 400),
        (CALLBACK, {"code": "code", "state": "\0"}, 400),
        ("/auth/o/github/callback/", {"code": "code", "state": "state"}, 400),
        ("/auth/o/unknown/callback/", {"code": "code", "state": "state"}, 404),
        ("/auth/o/email/callback/", {"email": "ada@example.com"}, 404),
        ("/auth/o/%3Cb%3E/callback/", {"code": "code", "state": "state"}, 404),
    ],
)
def test_callback_without_a_login_is_a_readable_page(
    method: str, path: str, params: dict[str, str], status: int
) -> None:
    page = post_to_callback(params, path, method=method)

    assert page.status_code == status
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    text = page.content.decode()
    assert re.search(r"<p>[A-Z][^<]+\.", text) or "not supported" in text
    assert "<b>" not in text
    assert "code" not in text.replace("charset", "")


@pytest.mark.parametrize("size", [MAX_LENGTH + 1, 10_000_000])
def test_response_that_is_too_large_or_for_another_provider_is_rejected(
    size: int, frontend: Frontend, openid: OpenIDProvider
) -> None:
    _, posted = frontend.authorize(openid)

    page = post_to_callback({**posted, "code": "x" * size})

    assert post_to_callback(posted, "/auth/o/github/callback/").status_code == 400
    assert page.status_code == 413
    assert "is too large.</p>" in page.content.decode()


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"<xml/>", "text/xml", 415),
        (b"\xff" * 10, FORM, 400),
        (b'{"partial_token": "x", "state": "s", "foo": 5}', "application/json", 400),
        (b'{"partial_token": "x", "state": null}', "application/json", 400),
        (b'{"partial_token": "x", "state": ["s"], "code": {}}', "application/json", 400),
        (b'{"%s": "", "state": "s"}' % (b"x" * (MAX_LENGTH + 1)), "application/json", 413),
    ],
    ids=lambda value: str(value)[:40],
)
def test_malformed_body_is_a_page(body: bytes, content_type: str, status: int) -> None:
    page = APIClient().post(CALLBACK, body, content_type=content_type, secure=True)

    assert page.status_code == status
    assert page.content.startswith(b"<!doctype html>")


def test_other_methods_are_a_405() -> None:
    assert APIClient().put(CALLBACK, secure=True).status_code == 405
