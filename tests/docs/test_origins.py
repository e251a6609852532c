"""The settings for each place of a frontend work as a browser at that place uses them."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import global_settings
from django.core.checks import run_checks

from social_endpoints.views import CurrentUserView, LogoutView
from tests.support.browser_page import BlockedByCORS, Page
from tests.support.frontend import browser
from tests.support.logins import route_account
from tests.support.openid_provider import OpenIDProvider
from tests.support.pages import DOCS, code_blocks, page

pytestmark = [pytest.mark.django_db, pytest.mark.needs("corsheaders")]
PAGE = DOCS / "frontend/origins.rst"
JWT = {
    "TOKEN_SERIALIZER": "social_endpoints.tokens.JWTCookieSerializer",
    "authentication": "social_endpoints.tokens.JWTCookieAuthentication",
}
# The pages of the sections whose frontend is a page.
PAGES = {
    "The same origin": Page("https://example.com", "https://example.com"),
    "The token in the body": Page("https://app.example.com", "https://api.example.com"),
    "The login in a cookie": Page(
        "https://app.example.com", "https://api.example.com", credentials=True
    ),
    "Another site": Page("https://example.org", "https://api.example.com"),
    "Vite with a proxy": Page(
        "http://localhost:5173", "http://localhost:5173", server="http://localhost:8000"
    ),
    "Vite without a proxy": Page(
        "http://localhost:5173", "http://localhost:8000", credentials=True
    ),
}
WITH_COOKIES = [
    "The same origin",
    "The login in a cookie",
    "Vite with a proxy",
    "Vite without a proxy",
]
SERVERS = ["A native app", "A server in front of the API"]


def sections() -> dict[str, str]:
    """Return the text of each section with settings."""
    parts = re.split(r"^(.+)\n(?:=+|-+)\n", page("frontend/origins.rst"), flags=re.MULTILINE)
    texts = dict(zip(parts[1::2], parts[2::2], strict=True))
    return {name: text for name, text in texts.items() if "SOCIAL_ENDPOINTS = {" in text}


def test_table_agrees_with_the_sections() -> None:
    text = page("frontend/origins.rst")
    bodies = re.split(r"^(.+)\n=+\n", text, flags=re.MULTILINE)
    section_of = dict(zip(bodies[1::2], bodies[2::2], strict=True))
    rows = re.findall(r"\* - `([^`]+)`_.*\n     - (.+)\n     - (.+)\n     - (.+)\n", text)

    assert {name for name, *_ in rows} >= {*SERVERS, "Another subdomain", "Another site"}
    for name, places, cors, csrf in rows:
        section = section_of[name]
        assert ("CORS_ALLOWED_ORIGINS = " in section) is (cors == "yes"), name
        assert ("SessionSerializer" in section) is (places == "cookie or body"), name
        assert (csrf == "cookie") is ("cookie" in places), name


def settings_of(section: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    (block,) = re.findall(
        r"code-block:: python\n\n((?:   .*\n|\n)+)", sections()[section], re.MULTILINE
    )
    exec(re.sub(r"^   ", "", block, flags=re.MULTILINE), names)
    return {name: value for name, value in names.items() if name.isupper()}


def apply(settings: Any, section: str, **entries: Any) -> None:
    """Configure the test project as the section says, with the middleware of a project."""
    (cors,) = (each for each in code_blocks(PAGE, "python") if "corsheaders" in each)
    names: dict[str, Any] = {}
    exec(cors, names)
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, *names["INSTALLED_APPS"]]
    settings.MIDDLEWARE = [
        *names["MIDDLEWARE"],
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ]
    settings.ALLOWED_HOSTS = ["example.com", "api.example.com", "localhost"]
    values = settings_of(section)
    classes = values.pop("REST_FRAMEWORK", {}).get("DEFAULT_AUTHENTICATION_CLASSES", ["token"])
    if authentication := entries.pop("authentication", None):
        classes = [authentication]
    values["SOCIAL_ENDPOINTS"] |= entries
    for name, value in values.items():
        setattr(settings, name, value)
    route_account(settings, *classes, me=CurrentUserView, logout=LogoutView)


def log_in(page: Page, openid: OpenIDProvider, redirect_uri: str) -> Any:
    """Begin and complete as the client does: post the flow if the page has received one."""
    query = urlencode({"redirect_uri": redirect_uri})
    begun = page.fetch("GET", f"/auth/o/oidc/?{query}")
    assert begun.status_code == 200, begun.data
    callback = openid.authorize(begun.json()["authorization_url"])
    flow = begun.json().get("flow")
    body = {**callback, "flow": flow} if flow else callback
    return page.fetch("POST", "/auth/o/oidc/", body)


def redirect_uri_of(settings: Any) -> str:
    (redirect_uri,) = settings.SOCIAL_ENDPOINTS["ALLOWED_REDIRECT_URIS"]
    return str(redirect_uri)


@pytest.fixture
def frontend_page(request: pytest.FixtureRequest) -> Page:
    shown = PAGES[request.param]
    return Page(shown.origin, shown.api, shown.server, shown.credentials)


def authorization(response: Any, page: Page) -> dict[str, str]:
    """Return the headers of requests of the signed-in user."""
    if "token" in response.json():
        return {"Authorization": f"Token {response.json()['token']}"}
    token = page.csrf_token()
    return {"X-CSRFToken": token} if token else {}


def test_each_section_with_settings_is_tested() -> None:
    assert set(sections()) == {*PAGES, *SERVERS}


def case(section: str, **entries: Any) -> Any:
    names = [section, *("jwt" for _ in entries)][:2]
    marks = [pytest.mark.needs("rest_framework_simplejwt")] if entries else []
    return pytest.param(section, section, entries, id="-".join(names), marks=marks)


@pytest.mark.parametrize(
    ("frontend_page", "section", "entries"),
    [*map(case, PAGES), *(case(name, **JWT) for name in WITH_COOKIES)],
    indirect=["frontend_page"],
)
def test_page_signs_in_and_out(
    frontend_page: Page,
    section: str,
    entries: dict[str, Any],
    openid: OpenIDProvider,
    settings: Any,
) -> None:
    apply(settings, section, **entries)
    assert [each for each in run_checks() if each.id != "social_endpoints.W014"] == []

    response = log_in(frontend_page, openid, redirect_uri_of(settings))

    assert response.status_code == 201, response.data
    headers = authorization(response, frontend_page)
    assert headers
    assert frontend_page.fetch("GET", "/auth/me/", headers=headers).json()["username"] == "ada"
    if "X-CSRFToken" in headers:
        assert frontend_page.fetch("POST", "/auth/logout/", {}).status_code == 403
    assert frontend_page.fetch("POST", "/auth/logout/", {}, headers=headers).status_code == 204
    assert frontend_page.fetch("GET", "/auth/me/", headers=headers).status_code == 401
    assert frontend_page.has_sent_cookies is (section in WITH_COOKIES)


@pytest.mark.parametrize(
    ("frontend_page", "section"),
    [(name, name) for name in ("The token in the body", "Another site", "Vite without a proxy")],
    indirect=["frontend_page"],
)
def test_page_of_an_origin_without_entry_is_blocked(
    frontend_page: Page, section: str, openid: OpenIDProvider, settings: Any
) -> None:
    apply(settings, section)
    frontend_page.origin = "https://attacker.example"

    with pytest.raises(BlockedByCORS):
        log_in(frontend_page, openid, redirect_uri_of(settings))


@pytest.mark.parametrize("section", SERVERS)
def test_client_without_cookies_and_origin_signs_in(
    section: str, openid: OpenIDProvider, settings: Any
) -> None:
    apply(settings, section)
    query = {"redirect_uri": redirect_uri_of(settings)}

    begun = browser().get("/auth/o/oidc/", query, secure=True, SERVER_NAME="api.example.com")
    body = {**openid.authorize(begun.data["authorization_url"]), "flow": begun.data["flow"]}
    response = browser().post(
        "/auth/o/oidc/", body, format="json", secure=True, SERVER_NAME="api.example.com"
    )

    assert response.status_code == 201, response.data
    assert response.json().keys() == {"token"}


# --- Every setting is necessary -----------------------------------------------------------


@pytest.mark.parametrize(
    ("frontend_page", "section", "name"),
    [
        ("The login in a cookie", "The login in a cookie", "CORS_ALLOW_CREDENTIALS"),
        ("Vite without a proxy", "Vite without a proxy", "CORS_ALLOW_CREDENTIALS"),
        ("Another site", "Another site", "CORS_ALLOWED_ORIGINS"),
    ],
    indirect=["frontend_page"],
)
def test_request_is_blocked_without_setting(
    frontend_page: Page, section: str, name: str, openid: OpenIDProvider, settings: Any
) -> None:
    apply(settings, section)
    delattr(settings, name)

    with pytest.raises(BlockedByCORS):
        log_in(frontend_page, openid, redirect_uri_of(settings))


@pytest.mark.parametrize(
    ("frontend_page", "section", "name"),
    [
        ("The login in a cookie", "The login in a cookie", "CSRF_TRUSTED_ORIGINS"),
        ("The login in a cookie", "The login in a cookie", "CSRF_COOKIE_DOMAIN"),
        ("Vite with a proxy", "Vite with a proxy", "CSRF_TRUSTED_ORIGINS"),
        ("Vite without a proxy", "Vite without a proxy", "CSRF_TRUSTED_ORIGINS"),
    ],
    indirect=["frontend_page"],
)
def test_user_cannot_sign_out_without_setting(
    frontend_page: Page, section: str, name: str, openid: OpenIDProvider, settings: Any
) -> None:
    apply(settings, section)
    setattr(settings, name, getattr(global_settings, name))
    response = log_in(frontend_page, openid, redirect_uri_of(settings))
    headers = authorization(response, frontend_page)

    assert frontend_page.fetch("POST", "/auth/logout/", {}, headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("frontend_page", "section"), [("Another site",) * 2], indirect=["frontend_page"]
)
def test_page_of_another_site_cannot_use_cookies(
    frontend_page: Page, section: str, openid: OpenIDProvider, settings: Any
) -> None:
    apply(settings, section, FLOW_TRANSPORT="cookie")
    settings.CORS_ALLOW_CREDENTIALS = True
    frontend_page.credentials = True

    response = log_in(frontend_page, openid, redirect_uri_of(settings))

    assert response.status_code == 400
    assert response.json()["error_code"] == "session_context_missing"


@pytest.mark.parametrize(
    ("frontend_page", "section"), [("Vite without a proxy",) * 2], indirect=["frontend_page"]
)
def test_ip_address_and_localhost_are_two_sites(
    frontend_page: Page, section: str, openid: OpenIDProvider, settings: Any
) -> None:
    apply(settings, section)
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    frontend_page.api = "http://127.0.0.1:8000"

    response = log_in(frontend_page, openid, redirect_uri_of(settings))

    assert response.json()["error_code"] == "session_context_missing"


@pytest.mark.parametrize(
    ("frontend_page", "section"), [("Vite without a proxy",) * 2], indirect=["frontend_page"]
)
def test_secure_cookies_need_https(
    frontend_page: Page, section: str, openid: OpenIDProvider, settings: Any
) -> None:
    apply(settings, section)
    settings.SESSION_COOKIE_SECURE = True

    response = log_in(frontend_page, openid, redirect_uri_of(settings))

    assert response.json()["error_code"] == "session_context_missing"
