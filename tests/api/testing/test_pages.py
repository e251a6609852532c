"""The pages of the fake provider: what a browser sees, and what is refused."""

from __future__ import annotations

import json
import random
import re
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.core.checks import run_checks
from django.test import Client
from django.urls import include, path

from social_endpoints.testing.views import served
from tests.support.configuration import Configure
from tests.support.fake_server import PERSON, hidden_fields
from tests.support.fakes import CLIENT_ID, CLIENT_SECRET, Backends
from tests.support.frontend import REDIRECT_URI, Frontend
from tests.support.keys import elliptic_key, private_pem
from tests.support.urlconf import ENDPOINTS, urlconf

APPLE = "social_core.backends.apple.AppleIdAuth"
GITHUB = "social_core.backends.github.GithubOAuth2"
OIDC = "social_core.backends.open_id_connect.OpenIdConnectAuth"
TWITTER = "social_core.backends.twitter.TwitterOAuth"
HANDOFF = "https://testserver/auth/o/oidc/callback/"
AFTER_LOGOUT = "https://app.example.com/"

REQUEST = {
    "client_id": CLIENT_ID,
    "redirect_uri": REDIRECT_URI,
    "response_type": "code",
    "scope": "openid email",
    "state": "the-state",
}


@pytest.fixture(autouse=True)
def project(backends: Backends, configure: Configure, settings: Any) -> None:
    """Mount the fake provider beside the endpoints."""
    served.revoke_everything()
    backends(OIDC)
    settings.SOCIAL_AUTH_OIDC_OIDC_ENDPOINT = "http://testserver/fake"
    fake = path("fake/", include("social_endpoints.testing.urls"))
    settings.ROOT_URLCONF = urlconf(ENDPOINTS, fake)
    configure(ALLOWED_LOGOUT_REDIRECT_URIS=[AFTER_LOGOUT])


def url(endpoint: str = "authorize", base: str = "/fake", **changes: str | None) -> str:
    query = {name: each for name, each in {**REQUEST, **changes}.items() if each is not None}
    return f"{base}/{endpoint}?{urlencode(query)}"


def approve(client: Client, address: str, **fields: str) -> Any:
    return client.post(address, {**PERSON, "decision": "approve", **fields})


def query_of(response: Any) -> dict[str, str]:
    assert response.status_code == 303, response.content.decode()
    assert response["Location"].startswith(f"{REDIRECT_URI}?")
    return {name: each for name, (each,) in parse_qs(urlsplit(response["Location"]).query).items()}


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


# --- The person -------------------------------------------------------------------------


def test_approved_request_returns_code_and_state(client: Client) -> None:
    page = client.get(url())
    assert page.status_code == 200
    for expected in ("Who signs in?", CLIENT_ID, REDIRECT_URI, "openid email"):
        assert expected in text(page)

    assert query_of(approve(client, url())).keys() == {"code", "state"}


def test_declined_request_returns_error(client: Client) -> None:
    response = client.post(url(), {"decision": "decline"})

    assert query_of(response) == {"error": "access_denied", "state": "the-state"}


@pytest.mark.parametrize(
    "fields",
    [
        {"sub": ""},
        {"email": "grace"},
        {"claims": "{"},
        {"claims": "[1]"},
        {"delay": "-1"},
        {"delay": "3600"},
        {"failure": "unknown"},
    ],
)
def test_wrong_values_are_marked(fields: dict[str, str], client: Client) -> None:
    response = approve(client, url(), **fields)

    assert response.status_code == 422
    assert response.content.decode().count('aria-invalid="true"') == 1


@pytest.mark.parametrize(
    "claims",
    ['{"a":' * 9_000 + "1" + "}" * 9_000, '{"a": ' + "9" * 5_000 + "}", '{"a": 1e999}'],
    ids=["deep", "long number", "infinite number"],
)
def test_claims_beyond_limits_are_marked(claims: str, client: Client) -> None:
    response = approve(client, url(), claims=claims)

    assert response.status_code == 422
    assert "Enter a smaller JSON object." in text(response)


def test_deep_token_request_is_refused(client: Client) -> None:
    body = '{"a":' * 9_000 + "1" + "}" * 9_000

    assert client.post("/fake/token", body, content_type="application/json").status_code == 401


def test_page_remembers_last_person(client: Client) -> None:
    approve(client, url(), claims='{"locale": "de"}', failure="code")

    page = client.get(url()).content.decode()

    for value in ("4711", "Grace Hopper", "grace@example.com", "&quot;locale&quot;"):
        assert value in page
    assert not re.search(r"<option[^>]*selected[^>]*>The provider", page)


def test_claims_of_white_space_are_none(client: Client) -> None:
    assert "code" in query_of(approve(client, url(), claims="\r\n  "))


def test_person_without_name_and_with_many_claims_signs_in(client: Client) -> None:
    claims = json.dumps({f"claim{number}": "x" * 999 for number in range(99)} | {"y": secrets()})

    response = approve(client, url(), name="", claims=claims)

    assert "code" in query_of(response)
    assert "social_endpoints_fake_person" not in response.cookies


def secrets() -> list[float]:
    return [random.random() for _ in range(999)]


def test_person_without_sub_signs_in_at_apple(client: Client, backends: Backends) -> None:
    key = private_pem(elliptic_key())
    backends(APPLE, CLIENT=CLIENT_ID, TEAM="t", KEY="k", SECRET=key)
    address = url(base="/fake/apple-id", scope="name", redirect_uri=REDIRECT_URI)

    assert "code" in query_of(approve(client, address, claims='{"sub": null}'))


def test_forged_cookie_is_ignored(client: Client) -> None:
    client.cookies["social_endpoints_fake_person"] = "forged"

    assert "Ada Lovelace" in client.get(url()).content.decode()


def test_client_without_scope_gets_no_address(client: Client) -> None:
    address = url(scope="openid")
    page, code = client.get(address), query_of(approve(client, address))["code"]

    assert "has not asked for the scope email, so it gets no e-mail address" in text(page)
    values = {"code": code, "redirect_uri": REDIRECT_URI, "grant_type": "authorization_code"}
    form = urlencode({**values, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET})
    form_type = "application/x-www-form-urlencoded"
    tokens = client.post("/fake/token", form, content_type=form_type).json()
    profile = client.get("/fake/userinfo", {"access_token": tokens["access_token"]}).json()
    assert profile["sub"] == PERSON["sub"]
    assert "email" not in profile


def test_prompt_none_needs_person(client: Client) -> None:
    silent = url(prompt="none")
    assert query_of(client.get(silent))["error"] == "login_required"

    approve(client, url())
    assert "code" in query_of(client.get(silent))

    client.post("/fake/logout")
    assert query_of(client.get(silent))["error"] == "login_required"
    assert "You have signed out here." in text(client.get(url()))


# --- Requests that cannot be answered ---------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"client_id": None}, "client_id is missing"),
        ({"client_id": "unknown"}, "client_id is unknown"),
        ({"redirect_uri": None}, "redirect_uri is missing"),
        ({"redirect_uri": "https://evil.example.com/"}, "redirect_uri is not allowed"),
        ({"redirect_uri": f"{REDIRECT_URI}/"}, "redirect_uri is not allowed"),
        ({"redirect_uri": f"{REDIRECT_URI}?next=x"}, "redirect_uri is not allowed"),
        ({"redirect_uri": "javascript:alert(1)"}, "redirect_uri is not allowed"),
        ({"redirect_uri": "https://evil.example.com/auth/o/oidc/callback/"}, "not allowed"),
        ({"redirect_uri": f"{HANDOFF}?x=1"}, "redirect_uri is not allowed"),
        (
            {"redirect_uri": "https://testserver@evil.example.com/auth/o/oidc/callback/"},
            "not allow",
        ),
        ({"redirect_uri": "https://testserver/auth/o/github/callback/"}, "not allowed"),
        ({"redirect_uri": "https://testserver/auth/o/oidc/"}, "not allowed"),
        ({"request_uri": "urn:unknown", "client_id": None}, "client_id is missing"),
    ],
)
def test_page_says_what_is_wrong(
    changes: dict[str, str | None], expected: str, client: Client
) -> None:
    for response in (client.get(url(**changes)), approve(client, url(**changes))):
        assert response.status_code == 400
        assert "Location" not in response
        assert "<form" not in response.content.decode()
        assert expected in text(response)


@pytest.mark.parametrize(
    ("changes", "error", "expected"),
    [
        ({"response_type": None}, "invalid_request", "response_type is missing"),
        ({"response_type": "token"}, "unsupported_response_type", "response_type is wrong"),
        ({"response_mode": "fragment"}, "invalid_request", "response_mode is wrong"),
        (
            {"code_challenge": "x", "code_challenge_method": "S512"},
            "invalid_request",
            "method is wrong",
        ),
        ({"code_challenge_method": "S256"}, "invalid_request", "code_challenge is missing"),
        ({"prompt": "none login"}, "invalid_request", "prompt must not contain none"),
    ],
)
def test_wrong_request_is_error_of_client(
    changes: dict[str, str | None], error: str, expected: str, client: Client
) -> None:
    for response in (client.get(url(**changes)), approve(client, url(**changes))):
        query = query_of(response)
        assert query["error"] == error
        assert expected in query["error_description"]
        assert query["state"] == REQUEST["state"]


@pytest.mark.parametrize("provider", ["unknown", "twitter", "github"])
def test_page_of_provider_without_fake_explains_it(
    provider: str, client: Client, backends: Backends
) -> None:
    backends(TWITTER, OIDC)

    response = client.get(url(f"{provider}/authorize"))

    assert response.status_code == 400
    assert provider in text(response)


def test_request_for_provider_without_fake_is_refused(client: Client) -> None:
    response = client.post("/fake/unknown/forwarded/https/api.example.com/token")

    assert response.status_code == 404
    assert response.json()["error"] == "invalid_request"


def test_provider_without_client_id_is_explained(
    client: Client, backends: Backends, settings: Any
) -> None:
    backends(GITHUB)
    settings.SOCIAL_AUTH_GITHUB_KEY = None

    assert "SOCIAL_AUTH_GITHUB_KEY is not set" in text(client.get(url("github/authorize")))


def test_request_of_weixin_has_another_name_for_client(client: Client, backends: Backends) -> None:
    backends("social_core.backends.weixin.WeixinOAuth2")
    address = url("weixin/authorize", client_id=None, appid=CLIENT_ID)

    assert "code" in query_of(approve(client, address))


@pytest.mark.parametrize(
    ("uri", "status"),
    [
        ("https://api.example.com/auth/o/oidc/callback/", 200),
        ("https://example.com/auth/o/oidc/callback/", 200),
        ("https://example.org/auth/o/oidc/callback/", 400),
        ("https://[::1/auth/o/oidc/callback/", 400),
    ],
)
def test_handoff_is_at_host_of_project(
    uri: str, status: int, client: Client, settings: Any
) -> None:
    settings.ALLOWED_HOSTS = ["testserver", ".example.com"]

    assert client.get(url(redirect_uri=uri)).status_code == status


def test_client_of_another_provider_is_unknown(
    client: Client, backends: Backends, settings: Any
) -> None:
    backends(OIDC, GITHUB)
    settings.SOCIAL_AUTH_GITHUB_KEY = "client-of-github"

    assert client.get(url("github/authorize")).status_code == 400
    assert client.get(url("github/authorize", client_id="client-of-github")).status_code == 200


def test_values_of_request_are_escaped(client: Client) -> None:
    evil = '"><script>alert(1)</script>'
    for changes in ({"client_id": evil}, {"redirect_uri": evil}, {"scope": evil}, {"state": evil}):
        assert "<script" not in client.get(url(**changes)).content.decode()
    posted = approve(client, url(response_mode="form_post", redirect_uri=HANDOFF, state=evil))
    assert hidden_fields(posted.content.decode())["state"] == evil


# --- What protects the page -------------------------------------------------------------


@pytest.mark.parametrize("address", [url(), "/fake/", "/fake/logout"])
def test_form_of_another_site_is_refused(address: str) -> None:
    client = Client(enforce_csrf_checks=True)

    assert client.post(address, {**PERSON, "action": "revoke"}).status_code == 403

    token = hidden_fields(client.get(address).content.decode())["csrfmiddlewaretoken"]
    fields = {**PERSON, "csrfmiddlewaretoken": token}
    assert client.post(address, fields).status_code in {200, 303}


@pytest.mark.parametrize(
    "address", [url(), url(client_id=None), "/fake/", "/fake/logout", "/fake/unknown"]
)
def test_pages_have_strict_policy(address: str, client: Client) -> None:
    response = client.get(address)
    page = response.content.decode()

    assert response["X-Frame-Options"] == "DENY"
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "no-store" in response["Cache-Control"]
    assert not re.search(r"<script(?![^>]* src=)|\son\w+=|\sstyle=|<style", page)
    sources = re.findall(r'(?:src|<link[^>]* href)="([^"]*)"', page)
    assert sources
    for source in sources:
        assert client.get(source).status_code == 200


def test_answer_with_form_post_needs_no_inline_script(client: Client) -> None:
    page = approve(client, url(response_mode="form_post", redirect_uri=HANDOFF)).content.decode()

    assert f'action="{HANDOFF}"' in page
    assert hidden_fields(page).keys() == {"code", "state"}
    assert '<script defer src="/fake/submit.js"></script>' in page
    assert "<button" in page


def test_pushed_request_needs_client_secret(client: Client) -> None:
    form = {"content_type": "application/x-www-form-urlencoded"}

    assert client.post("/fake/par", urlencode(REQUEST), **form).json() == {
        "error": "invalid_client"
    }


def test_unknown_path_is_explained(client: Client) -> None:
    response = client.get("/fake/unknown/page")

    assert response.status_code == 404
    assert "There is nothing at this address" in text(response)


# --- Other pages ------------------------------------------------------------------------


def test_start_page_lists_clients(client: Client, backends: Backends) -> None:
    backends(OIDC, TWITTER)
    page = text(client.get("/fake/"))

    assert "http://testserver/fake/.well-known/openid-configuration" in page
    assert CLIENT_ID in page
    assert "OAuth 1.0a" in page
    assert "the-client-secret" not in page


def test_start_page_changes_key_and_revokes_tokens(client: Client) -> None:
    def keys() -> list[str]:
        return [key["kid"] for key in client.get("/fake/jwks").json()["keys"]]

    def redeem() -> Any:
        code = query_of(approve(client, url()))["code"]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI}
        credentials = {"client_id": CLIENT_ID, "client_secret": "the-client-secret"}
        body = urlencode({**form, **credentials})
        return client.post("/fake/token", body, content_type="application/x-www-form-urlencoded")

    before = keys()
    assert "replaced" in text(client.post("/fake/", {"action": "rotate"}))
    assert keys() != before
    token = redeem().json()["access_token"]
    ask = {"HTTP_AUTHORIZATION": f"Bearer {token}"}
    assert client.get("/fake/userinfo", **ask).json()["sub"] == "4711"
    assert "revoked" in text(client.post("/fake/", {"action": "revoke"}))
    assert client.get("/fake/userinfo", **ask).status_code == 401


@pytest.mark.parametrize("mount", ["", "a/<str:version>/b/"])
@pytest.mark.parametrize("namespace", [None, "fake"])
def test_urls_can_be_below_any_path(
    mount: str, namespace: str | None, client: Client, settings: Any
) -> None:
    urls = include(("social_endpoints.testing.urls", "any"), namespace) if namespace else include(
        "social_endpoints.testing.urls"
    )  # fmt: skip
    settings.ROOT_URLCONF = urlconf(ENDPOINTS, path(mount, urls))
    base = f"/{mount}".replace("<str:version>", "v1").rstrip("/")

    document = client.get(f"{base}/.well-known/openid-configuration").json()

    assert document["issuer"] == f"http://testserver{base}"
    assert document["jwks_uri"] == f"http://testserver{base}/jwks"
    assert client.get(url(base=base)).status_code == 200
    assert client.get(f"{base}/style.css")["Content-Type"].startswith("text/css")
    assert client.get(f"{base}/jwks").json()["keys"]


# --- Sign-out ---------------------------------------------------------------------------


def logout(**params: str) -> str:
    return f"/fake/logout?{urlencode(params)}"


def test_logout_without_client_asks_and_stays(client: Client) -> None:
    assert "Sign out?" in text(client.get("/fake/logout"))

    assert "You are signed out" in text(client.post("/fake/logout"))


def test_logout_with_client_id_asks_and_returns(client: Client) -> None:
    address = logout(client_id=CLIENT_ID, post_logout_redirect_uri=AFTER_LOGOUT, state="x y")
    assert "Sign out?" in text(client.get(address))

    response = client.post(address)

    assert (response.status_code, response["Location"]) == (303, f"{AFTER_LOGOUT}?state=x+y")


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"client_id": "unknown"}, "client is unknown"),
        ({"post_logout_redirect_uri": AFTER_LOGOUT}, "client is missing"),
        ({"id_token_hint": "x.y.z", "post_logout_redirect_uri": AFTER_LOGOUT}, "client is missing"),
        (
            {"client_id": CLIENT_ID, "post_logout_redirect_uri": "https://evil.example.com/"},
            "is not allowed",
        ),
    ],
)
def test_wrong_logout_is_explained(params: dict[str, str], expected: str, client: Client) -> None:
    for response in (client.get(logout(**params)), client.post(logout(**params))):
        assert response.status_code == 400
        assert expected in text(response)


# --- Checks -----------------------------------------------------------------------------


def ids(*, deploy: bool = False) -> set[str]:
    messages = run_checks(include_deployment_checks=deploy)
    texts = ("FAKE_PROVIDERS", "testing.urls")
    return {str(each.id) for each in messages if any(text in each.msg for text in texts)}


@pytest.mark.parametrize(
    "addresses",
    [
        {"unknown": "http://localhost:9000"},
        {"twitter": "http://localhost:9000"},
        {"oidc": "localhost:9000"},
        {"oidc": "http://localhost:9000?x"},
    ],
)
def test_check_reports_entry_that_cannot_work(
    addresses: dict[str, str], backends: Backends, configure: Configure
) -> None:
    backends(OIDC, TWITTER)
    configure(FAKE_PROVIDERS=addresses)

    assert "social_endpoints.E033" in ids()


@pytest.mark.parametrize("addresses", [["oidc"], {"oidc": "http://[::1"}, {"oidc": 1}])
def test_malformed_setting_is_error_of_project(addresses: Any, configure: Configure) -> None:
    configure(FAKE_PROVIDERS=addresses)

    assert Frontend().begin("oidc").status_code == 500


def test_provider_without_fake_is_real(configure: Configure, backends: Backends) -> None:
    backends(GITHUB)
    configure(FAKE_PROVIDERS={"oidc": "http://localhost:9000"})

    url = Frontend().begin("github").data["authorization_url"]
    assert url.startswith("https://github.com/")


def test_check_accepts_fake_provider(configure: Configure) -> None:
    configure(FAKE_PROVIDERS={"oidc": "http://localhost:9000/"})

    assert ids() == set()


def test_deployment_check_finds_setting_and_urls(configure: Configure, settings: Any) -> None:
    assert "social_endpoints.W037" in ids(deploy=True)
    settings.ROOT_URLCONF = urlconf(ENDPOINTS)
    assert "social_endpoints.W037" not in ids(deploy=True)
    configure(FAKE_PROVIDERS={"oidc": "http://localhost:9000"})
    assert "social_endpoints.W037" in ids(deploy=True)
