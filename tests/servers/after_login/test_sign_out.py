"""Signing out at the provider: RP-Initiated Logout 1.0 and Back-Channel Logout 1.0."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import RefreshToken

from tests.support.servers.addresses import CLIENT_ID, FOREIGN_APP, NATIVE_APP
from tests.support.servers.assertions import assert_signed_in
from tests.support.servers.frontend import TIMEOUT, Frontend, User, new_name
from tests.support.servers.native_app import obtain_tokens


def sign_out(account: Frontend, provider: str, browser: User) -> None:
    """Follow the logout URL until the provider sends the browser back with our state."""
    uri = account.addresses.logout_redirect_uris[0]
    path = f"auth/o/{provider}/logout/"
    response = account.call("GET", path, params={"post_logout_redirect_uri": uri})
    assert response.status_code == 200, response.text
    body = response.json()
    step = browser.follow(body["logout_url"], until=uri)
    assert step.query == {"state": body["state"]}


def test_provider_ends_its_session_and_returns_our_state(
    account: Frontend, frontend: Frontend, provider: str, browser: User
) -> None:
    other = new_name()  # The provider asks for a name only where it has no session.
    assert assert_signed_in(frontend.sign_in(provider, other, browser)) == account.token
    sign_out(account, provider, browser)
    assert assert_signed_in(frontend.sign_in(provider, other, browser)) != account.token


def sign_out_at_provider(
    frontend: Frontend, discovery: dict[str, Any], browser: User, client_id: str = CLIENT_ID
) -> None:
    """Sign out without the site, as in another app of the provider."""
    uri = frontend.addresses.logout_redirect_uris[0]
    query = urlencode({"client_id": client_id, "post_logout_redirect_uri": uri})
    browser.follow(f"{discovery['end_session_endpoint']}?{query}", until=uri)


def has_token(frontend: Frontend, response: requests.Response, view: str) -> bool:
    headers = {"Authorization": f"Token {response.json()['token']}"}
    return reaches(frontend, view, headers=headers)


def has_session(frontend: Frontend, response: requests.Response, view: str) -> bool:
    return reaches(frontend, view)


def reaches(frontend: Frontend, view: str, **options: Any) -> bool:
    url = f"{frontend.addresses.site}/protected/{view}/"
    status = frontend.client.get(url, timeout=TIMEOUT, **options).status_code
    assert status in {200, 401, 403}
    return status == 200


def has_refresh_token(frontend: Frontend, response: requests.Response, name: str) -> bool:
    token = response.json().get(name) or frontend.client.cookies[name]
    try:
        RefreshToken(token)
    except TokenError:
        return False
    return True


@pytest.mark.parametrize(
    ("serializer", "is_signed_in", "name"),
    [
        ("TokenSerializer", has_token, "token"),
        ("KnoxTokenSerializer", has_token, "knox"),
        ("SessionSerializer", has_session, "session"),
        ("JWTSerializer", has_refresh_token, "refresh"),
        ("JWTCookieSerializer", has_refresh_token, "refresh_token"),
    ],
)
def test_logout_at_provider_ends_logins_of_user(
    frontend: Frontend,
    provider: str,
    browser: User,
    discovery: dict[str, Any],
    settings: Any,
    serializer: str,
    is_signed_in: Callable[..., bool],
    name: str,
) -> None:
    settings.SOCIAL_ENDPOINTS |= {"TOKEN_SERIALIZER": f"social_endpoints.tokens.{serializer}"}
    subject, other = new_name(), frontend.fresh()
    browsers = [frontend, frontend.fresh()]
    responses = [each.sign_in(provider, subject, browser) for each in browsers]
    other_response = other.sign_in(provider, new_name())
    logins = [*zip(browsers, responses, strict=True)]
    assert all(is_signed_in(*login, name) for login in logins)

    sign_out_at_provider(frontend, discovery, browser)

    assert not any(is_signed_in(*login, name) for login in logins)
    assert is_signed_in(other, other_response, name)


@pytest.mark.parametrize("provider", ["openid-connect"], indirect=True)
@pytest.mark.parametrize(("client_id", "is_own"), [(NATIVE_APP, True), (FOREIGN_APP, False)])
def test_logout_from_an_app_ends_logins_if_the_app_is_our_own(
    account: Frontend,
    name: str,
    discovery: dict[str, Any],
    settings: Any,
    client_id: str,
    is_own: bool,
) -> None:
    settings.SOCIAL_AUTH_OPENID_CONNECT_AUDIENCE = [NATIVE_APP]
    phone = User()
    obtain_tokens(account.addresses, name, client_id=client_id, browser=phone)
    sign_out_at_provider(account, discovery, phone, client_id)
    assert reaches(account, "token", headers=account.headers) is not is_own
