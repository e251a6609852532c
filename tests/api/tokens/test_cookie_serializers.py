"""Behaviour that the serializers share that store the login in a cookie."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.frontend import Frontend, error
from tests.support.openid_provider import OpenIDProvider
from tests.support.token_serializers import SHIPPED

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cookie_middleware")]

SERIALIZERS = [name for name, transports in SHIPPED.items() if "body" not in transports]
AUTHENTICATIONS = {"SessionSerializer": "session", "JWTCookieSerializer": "jwt-cookie"}


@pytest.fixture(params=SERIALIZERS)
def serializer(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=["auto", "cookie"], autouse=True)
def transport(
    request: pytest.FixtureRequest, serializer: str, use_serializer: Callable[..., None]
) -> None:
    use_serializer(serializer, FLOW_TRANSPORT=request.param)


def get_user(browser: Frontend, serializer: str) -> Any:
    return browser.client.get(f"/protected/{AUTHENTICATIONS[serializer]}/", secure=True)


def post(browser: Frontend, serializer: str, csrf_token: str | None = None) -> Any:
    headers = {"Origin": "https://testserver"}
    if csrf_token is not None:
        headers["X-CSRFToken"] = csrf_token
    path = f"/protected/{AUTHENTICATIONS[serializer]}/"
    return browser.client.post(path, headers=headers, secure=True)


def csrf_token(browser: Frontend) -> str:
    return browser.client.cookies["csrftoken"].value


def test_login_signs_the_browser_in(
    browser: Frontend, serializer: str, openid: OpenIDProvider
) -> None:
    assert get_user(browser, serializer).status_code in {401, 403}

    response = browser.log_in(openid)

    assert response.json() == {"user": "ada"}
    assert get_user(browser, serializer).json() == "ada"


def test_unsafe_request_needs_the_csrf_token_of_the_login(
    browser: Frontend, serializer: str, openid: OpenIDProvider
) -> None:
    browser.log_in(openid)
    old_token = csrf_token(browser)
    browser.log_in(openid)

    assert csrf_token(browser) != old_token
    assert post(browser, serializer).status_code == 403
    assert post(browser, serializer, old_token).status_code == 403
    assert post(browser, serializer, csrf_token(browser)).json() == "ada"


def test_begin_sets_only_the_flow_cookie(browser: Frontend, openid: OpenIDProvider) -> None:
    begun = browser.begin()

    assert begun.data.keys() == {"authorization_url"}
    (cookie,) = begun.cookies
    assert "auth_flow_" in cookie


def test_posted_flow_is_rejected(
    browser: Frontend, serializer: str, openid: OpenIDProvider
) -> None:
    begun, callback = browser.authorize(openid)
    (cookie,) = begun.cookies.values()

    victim = Frontend("cookie")
    response = victim.post({**callback, "flow": cookie.value})

    assert error(response) == (400, "session_context_missing")
    assert not response.cookies
    assert get_user(victim, serializer).status_code in {401, 403}
    assert browser.complete(begun, callback).status_code == 201


def test_body_transport_is_a_500(
    serializer: str, use_serializer: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    use_serializer(serializer, FLOW_TRANSPORT="body")
    frontend = Frontend("cookie")

    for response in (frontend.begin(), frontend.post({"code": "c", "state": "s"})):
        assert (response.status_code, response.data["error_source"]) == (500, "configuration")
    assert "FLOW_TRANSPORT" in caplog.text
