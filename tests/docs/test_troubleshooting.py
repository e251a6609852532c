"""The entries of the page "It does not work" describe what happens."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.checks import run_checks
from django.test import Client
from social_django.models import UserSocialAuth

from tests.support.account_views import route_account_views
from tests.support.accounts import logged_in, user_with
from tests.support.authentication import SESSION
from tests.support.configuration import configure_endpoints
from tests.support.frontend import REDIRECT_URI, Frontend, browser, error
from tests.support.log import logged
from tests.support.openid_provider import OpenIDProvider
from tests.support.pages import named_tests, page

pytestmark = pytest.mark.django_db

PAGE = page("troubleshooting/index.rst")
HERE = "tests/docs/test_troubleshooting.py::"
ERRORS = "tests/docs/test_provoked_errors.py::test_error_has_the_documented_status_and_recovery"
OTHER_ORIGIN = {"Origin": "https://www.example.com", "Sec-Fetch-Site": "same-site"}
POPUP = "tests/e2e/client/test_popup.py::"
REDIRECT = "tests/e2e/client/test_redirect.py::"

TESTS = {
    "The page has lost the login": [f"{REDIRECT}test_callback_of_another_browser_is_not_sent"],
    "The flow was not sent": [f"{HERE}test_flow_that_does_not_arrive"],
    "The flow has expired": [
        "tests/api/test_log.py::test_late_completion_is_logged_with_its_cause"
    ],
    "The flow does not belong to this login": [
        f"{HERE}test_flow_that_does_not_arrive",
        "tests/api/test_log.py::test_paused_login_that_is_gone_is_logged_with_its_cause",
        "tests/api/login/test_key_rotation.py::test_login_fails_on_a_server_without_the_key_of_its_begin",
    ],
    "The provider shows an error": [
        "tests/api/providers/test_social_providers.py::test_redirect_uris_to_register",
        ERRORS,
    ],
    "The callback page is blank or not found": [
        "tests/unit/checks/test_redirect_uris.py::test_uri_that_cannot_work"
    ],
    "The console shows a CORS error": [
        "tests/neighbours/test_project.py::test_frontend_of_another_origin_may_send_credentials"
    ],
    "The page asks for ``http`` URLs (mixed content)": [
        f"{HERE}test_urls_are_those_that_django_knows_behind_a_proxy"
    ],
    "Cookies are not set": [
        "tests/api/tokens/test_jwt_cookies.py::test_secure_attribute",
        "tests/unit/checks/test_tokens.py::test_defaults_of_drf_do_not_accept_the_token",
    ],
    "The popup is blocked or closes": [
        f"{POPUP}test_blocked_popup_becomes_redirect",
        f"{POPUP}test_closed_popup_is_reported",
    ],
    "In-app browsers": [f"{REDIRECT}test_callback_of_another_browser_is_not_sent"],
    "The back button or a reload shows an error": [
        f"{REDIRECT}test_callback_url_is_cleaned_and_reload_is_already_completed",
        f"{REDIRECT}test_back_to_callback_page_sends_no_request",
        f"{HERE}test_second_completion",
    ],
    "The wrong account is chosen without a question": [
        f"{HERE}test_provider_can_be_asked_for_a_choice"
    ],
    "404: the provider is not supported": [f"{HERE}test_response_if_the_path_is_wrong", ERRORS],
    "400: the redirect URI is not allowed": [
        "tests/api/login/test_redirect_uris.py::test_uri_that_differs_from_a_listed_one_is_rejected"
    ],
    "400 or 500: the slash at the end is missing": [
        "tests/api/login/test_error_body.py::test_post_that_a_redirect_turned_into_a_get_is_explained",
        "tests/api/login/test_error_body.py::test_redirected_post_without_a_flow_cookie_is_read_as_a_begin",
        f"{HERE}test_missing_slash_under_debug",
    ],
    "The flow is completed twice": [
        f"{HERE}test_second_completion",
        f"{REDIRECT}test_two_calls_of_complete_send_one_request",
    ],
    "A request after the login is a 401": [f"{HERE}test_token_needs_its_authentication_class"],
    "403: CSRF": [ERRORS, f"{HERE}test_csrf_failure_names_its_cause"],
    "400 or 500: a setting is wrong": [ERRORS],
    "Native sign-in: the nonce is refused": [
        "tests/api/native/id_token/test_nonce.py::test_value_that_the_token_shows_proves_nothing",
        "tests/api/native/id_token/test_nonce.py::test_posted_nonce_without_a_matching_claim_is_refused",
        "tests/api/native/id_token/test_nonce.py::test_value_behind_the_nonce_must_be_posted",
    ],
    "Native sign-in: the token is for another client": [
        "tests/api/native/id_token/test_claims.py::test_every_audience_and_azp_must_be_own_clients"
    ],
    "500: the project's code or settings": [
        "tests/api/login/test_project_failures.py::test_exception_of_the_project_is_a_500_that_monitoring_sees"
    ],
    "503: the database or the cache": [
        "tests/api/test_outages.py::test_login_without_a_server_is_a_503"
    ],
    "The provider is slow or down": [
        "tests/api/network/test_circuit.py::test_provider_is_not_asked_after_time_outs_in_a_row"
    ],
    "One person has two accounts": [f"{HERE}test_two_accounts_become_one"],
    "The account exists already": [
        "tests/api/accounts/test_unique_email.py::test_taken_address_is_rejected"
    ],
    "The e-mail address is missing": [
        "tests/api/accounts/test_unique_constraints.py::test_missing_address_is_not_reported_as_taken"
    ],
    "The name is empty": [
        "tests/api/handoff/test_apple.py::test_first_sign_in_stores_the_name_that_apple_posts"
    ],
    "The account is inactive": ["tests/api/test_log.py::test_inactive_user_is_logged_as_a_warning"],
    "The refresh token is missing": [
        "tests/api/provider_tokens/test_access_token.py::test_token_without_a_refresh_token_is_returned_until_it_expires"
    ],
    "A token cannot be decrypted": [
        "tests/api/provider_tokens/test_access_token.py::test_token_that_cannot_be_decrypted_is_not_sent"
    ],
    "Users stay signed in after a logout at the provider": [
        "tests/api/signing_out/test_backchannel_logout.py::test_claim_that_is_not_valid_is_refused",
        "tests/api/signing_out/test_backchannel_logout.py::test_unknown_subject_is_not_an_error",
    ],
    "The user is signed in again at once": [
        "tests/api/signing_out/test_provider_logout.py::test_logout_url_has_the_id_token_and_a_state"
    ],
}
"""The entries, with the tests that provoke the symptom or show its remedy."""


def test_each_entry_has_tests() -> None:
    titles = re.findall(r"^(.+)\n-{3,}$", PAGE, re.MULTILINE)

    assert titles == list(TESTS)
    assert {name for names in TESTS.values() for name in names} <= named_tests()


# --- The lost flow --------------------------------------------------------------------


def complete_without_credentials(openid: OpenIDProvider, settings: Any) -> Any:
    begun, callback = Frontend().authorize(openid)
    return Frontend().complete(begun, callback)


def lose_the_posted_flow(openid: OpenIDProvider, settings: Any) -> Any:
    configure_endpoints(settings, FLOW_TRANSPORT="body")
    frontend = Frontend("body")
    _, callback = frontend.authorize(openid)
    return frontend.post(callback)


def put_the_flow_into_the_query(openid: OpenIDProvider, settings: Any) -> Any:
    begun, callback = Frontend("body").authorize(openid)
    query = f"?flow={begun.data['flow']}"
    return browser().post(f"/auth/o/oidc/{query}", callback, format="json", secure=True)


def send_only_cookies(openid: OpenIDProvider, settings: Any) -> Any:
    configure_endpoints(settings, FLOW_TRANSPORT="body")
    frontend = Frontend("cookie")
    begun, callback = frontend.authorize(openid)
    assert not begun.cookies
    return frontend.complete(begun, callback)


def complete_with_http(openid: OpenIDProvider, settings: Any) -> Any:
    frontend = Frontend()
    _, callback = frontend.authorize(openid)
    return frontend.client.post("/auth/o/oidc/", callback, format="json")


def begin_on_another_origin(openid: OpenIDProvider, settings: Any) -> Any:
    frontend = Frontend()
    query = {"redirect_uri": REDIRECT_URI}
    begun = frontend.client.get("/auth/o/oidc/", query, secure=True, headers=OTHER_ORIGIN)
    assert not begun.cookies
    return frontend.complete(begun, openid.authorize(begun.data["authorization_url"]))


def complete_on_another_origin(openid: OpenIDProvider, settings: Any) -> Any:
    frontend = Frontend()
    _, callback = frontend.authorize(openid)
    return frontend.post(callback, headers=OTHER_ORIGIN)


def change_the_key(openid: OpenIDProvider, settings: Any) -> Any:
    frontend = Frontend()
    begun, callback = frontend.authorize(openid)
    settings.SECRET_KEY = "another key of the tests, long enough for every algorithm"
    return frontend.complete(begun, callback)


def complete_at_another_provider(openid: OpenIDProvider, settings: Any) -> Any:
    frontend = Frontend()
    begun, callback = frontend.authorize(openid)
    return frontend.complete(begun, callback, "github")


def complete_a_connect(openid: OpenIDProvider, settings: Any) -> Any:
    login = Frontend("body")
    begun, callback = login.authorize(openid)
    connect = Frontend("body", logged_in(user_with()), below="connect/")
    return connect.complete(begun, callback)


def post_the_flow_where_only_cookies_count(openid: OpenIDProvider, settings: Any) -> Any:
    begun, callback = Frontend("body").authorize(openid)
    configure_endpoints(settings, FLOW_TRANSPORT="cookie")
    return Frontend("body").complete(begun, callback)


def begin_six_logins(openid: OpenIDProvider, settings: Any) -> Any:
    frontend = Frontend()
    begun, callback = frontend.authorize(openid)
    for _ in range(5):
        frontend.begin()
    return frontend.complete(begun, callback)


def complete_twice(openid: OpenIDProvider, settings: Any) -> Any:
    frontend = Frontend()
    begun, callback = frontend.authorize(openid)
    assert frontend.complete(begun, callback).status_code == 201
    return frontend.complete(begun, callback)


NOT_SENT = "flow_not_sent", "This request contains no flow."
UNKNOWN = "flow_unknown", "The authentication session is unavailable."


@pytest.mark.parametrize(
    ("lose_flow", "expected"),
    [
        (complete_without_credentials, NOT_SENT),
        (lose_the_posted_flow, NOT_SENT),
        (put_the_flow_into_the_query, NOT_SENT),
        (send_only_cookies, NOT_SENT),
        (complete_with_http, NOT_SENT),
        (begin_on_another_origin, NOT_SENT),
        (complete_on_another_origin, UNKNOWN),
        (change_the_key, UNKNOWN),
        (complete_at_another_provider, UNKNOWN),
        (complete_a_connect, UNKNOWN),
        (post_the_flow_where_only_cookies_count, UNKNOWN),
        (begin_six_logins, UNKNOWN),
        (complete_twice, UNKNOWN),
    ],
)
def test_flow_that_does_not_arrive(
    lose_flow: Callable[[OpenIDProvider, Any], Any],
    expected: tuple[str, str],
    openid: OpenIDProvider,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The cause in the log and the beginning of the text show which part of the entry applies."""
    caplog.set_level("INFO", "social_endpoints")
    cause, text = expected

    response = lose_flow(openid, settings)

    assert error(response) == (400, "session_context_missing")
    assert response.data["non_field_errors"][0].startswith(text)
    assert f'"{text}" (``{cause}``' in PAGE
    *before, line = logged(caplog)
    assert line["cause"] == cause
    assert ("origin" in line) is (lose_flow is complete_on_another_origin)
    refused = [each["event"] for each in before if each["event"] == "flow cookie refused"]
    assert bool(refused) is (lose_flow is begin_on_another_origin)


def test_flow_of_another_tab(openid: OpenIDProvider) -> None:
    frontend = Frontend("body")
    _, callback = frontend.authorize(openid)
    second, _ = frontend.authorize(openid)
    frontend.client.cookies.clear()

    assert error(frontend.complete(second, callback)) == (400, "state_mismatch")


# --- Other symptoms -------------------------------------------------------------------


@pytest.mark.parametrize("knows_proxy", [True, False])
def test_urls_are_those_that_django_knows_behind_a_proxy(knows_proxy: bool, settings: Any) -> None:
    if knows_proxy:
        settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

    (first, *_) = browser().get("/auth/o/", headers={"X-Forwarded-Proto": "https"}).json()

    assert first["begin_url"].startswith("https:" if knows_proxy else "http:")


def test_provider_can_be_asked_for_a_choice(openid: OpenIDProvider, settings: Any) -> None:
    settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS = {"prompt": "select_account"}

    assert "prompt=select_account" in Frontend().begin().data["authorization_url"]


def test_response_if_the_path_is_wrong() -> None:
    assert "text/html" in browser().get("/api/auth/o/oidc/", secure=True)["Content-Type"]
    assert error(browser().get("/auth/o/google/", secure=True)) == (404, "provider_not_supported")


def test_missing_slash_under_debug(settings: Any) -> None:
    settings.DEBUG = True

    response = browser().post("/auth/o/oidc", {"code": "c"}, format="json", secure=True)

    assert response.status_code == 500
    assert b"APPEND_SLASH" in response.content


@pytest.mark.parametrize(
    ("transport", "expected"),
    [("body", "state_mismatch"), ("cookie", "session_context_missing")],
)
def test_second_completion(transport: str, expected: str, openid: OpenIDProvider) -> None:
    frontend = Frontend(transport)
    begun, callback = frontend.authorize(openid)
    if transport == "body":
        frontend.client.cookies.clear()

    first, second = (frontend.complete(begun, callback) for _ in range(2))

    assert first.status_code == 201
    assert error(second) == (400, expected)


def test_token_needs_its_authentication_class(openid: OpenIDProvider, settings: Any) -> None:
    token = Frontend().log_in(openid).data["token"]
    right, wrong = (
        browser().get("/auth/connections/", secure=True, headers={"Authorization": header})
        for header in (f"Token {token}", f"Bearer {token}")
    )
    settings.REST_FRAMEWORK = {}

    assert right.status_code == 200
    assert error(wrong) == (401, "not_authenticated")
    assert "social_endpoints.W014" in [each.id for each in run_checks()]


def test_two_accounts_become_one(openid: OpenIDProvider) -> None:
    """A person disconnects in one account, and connects in the account that remains."""
    remaining = logged_in(user_with(("github", "1"), username="grace"))
    assert Frontend().log_in(openid).status_code == 201
    social = UserSocialAuth.objects.get(provider="oidc")
    social.user.set_password("secret")
    social.user.save()
    connect = Frontend(client=remaining, below="connect/")
    assert error(connect.log_in(openid)) == (400, "identity_in_use")

    other = logged_in(social.user)
    assert other.delete(f"/auth/connections/{social.pk}/", secure=True).status_code == 204

    assert connect.log_in(openid).status_code == 201


@pytest.mark.parametrize(
    ("headers", "cookie", "text"),
    [
        ({}, None, "CSRF cookie not set"),
        ({}, "a" * 32, "CSRF token missing"),
        ({"X-CSRFToken": "b" * 32}, "a" * 32, "incorrect"),
        ({"Origin": "http://localhost:5173"}, "a" * 32, "Origin checking failed"),
    ],
)
def test_csrf_failure_names_its_cause(
    headers: dict[str, str], cookie: str | None, text: str, settings: Any
) -> None:
    settings.MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ]
    route_account_views(settings, authentication=SESSION)
    client = Client(enforce_csrf_checks=True)
    client.force_login(user_with(), backend="django.contrib.auth.backends.ModelBackend")
    if cookie:
        client.cookies["csrftoken"] = cookie

    response = client.delete("/auth/connections/1/", headers=headers)

    assert response.status_code == 403
    assert text in response.json()["detail"]
    entry = PAGE.partition("403: CSRF\n")[2].partition(".. _client-secret-refused:")[0]
    assert text in entry
