"""The pages in docs/ agree with the code, and their recipes work."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from django.core.checks import run_checks
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient
from social_core.exceptions import REASONS
from social_core.pipeline import DEFAULT_AUTH_PIPELINE
from social_django.models import UserSocialAuth

from docs.recipes import signing_out
from social_endpoints import urls
from social_endpoints.checks.deployment import check_cache_time_out
from social_endpoints.conf import Settings
from social_endpoints.exceptions import RECOVERIES
from social_endpoints.internal.actions.outcome import REJECTED_CREDENTIAL_CODES
from social_endpoints.internal.backends.extensions.pkce import PKCE_PROVIDERS
from social_endpoints.internal.cache import CacheUnavailable, cache
from social_endpoints.pipeline import FIELD_TYPES
from social_endpoints.signals import connected, logged_out_by_provider
from tests.support.accounts import logged_in
from tests.support.caches import CacheServer
from tests.support.configuration import Configure
from tests.support.frontend import REDIRECT_URI, Frontend
from tests.support.log import DOCUMENTED, LOGGING, parsed
from tests.support.logout_tokens import post as post_logout_token
from tests.support.openid_provider import OpenIDProvider
from tests.support.pages import DOCS, PAGES, ROOT, code_blocks, named_tests, page

RECIPES = DOCS / "recipes"
PREVIEW = "https://preview-42.example.com/login/callback"

User = get_user_model()
needs_jwt = pytest.mark.needs("rest_framework_simplejwt")


# --- What the pages list --------------------------------------------------------------


def test_settings_page_has_each_setting_with_its_default() -> None:
    entry = r"^\.\. confval:: (\w+)\n   :type: .+\n   :default: ``(.+)``$"
    listed = re.findall(entry, page("settings.rst"), re.MULTILINE)

    defaults = {name: ast.literal_eval(default) for name, default in listed}
    assert defaults == {name: getattr(Settings, name) for name in Settings.__dataclass_fields__}
    assert len(listed) == page("settings.rst").count(".. confval::")


def test_pages_name_and_set_only_existing_settings() -> None:
    named = r"SOCIAL_ENDPOINTS\[\"(\w+)\"\]|:confval:`(\w+)`"
    for path in PAGES:
        found = {name for match in re.findall(named, path.read_text()) for name in match if name}
        for block in code_blocks(path, "python"):
            for node in ast.walk(ast.parse(block)):
                if isinstance(node, ast.Assign) and ast.unparse(node).startswith(
                    "SOCIAL_ENDPOINTS ="
                ):
                    found |= set(ast.literal_eval(node.value))
        assert found <= set(Settings.__dataclass_fields__), path.name


def test_checks_page_has_each_id_once() -> None:
    pattern = r"social_endpoints\.[CDEIW]\d{3}"
    modules = sorted((ROOT / "social_endpoints" / "checks").glob("*.py"))
    in_code = Counter(re.findall(pattern, "".join(path.read_text() for path in modules)))
    in_docs = Counter(re.findall(pattern, page("checks.rst")))

    assert in_docs == in_code
    assert set(in_code.values()) == {1}


def test_providers_page_has_each_source_of_pkce() -> None:
    row = r"\* - ``([\w-]+)``\n +- https://\S+$"

    assert set(re.findall(row, page("providers.rst"), re.MULTILINE)) == PKCE_PROVIDERS


def test_endpoints_page_has_each_path() -> None:
    paths = {re.sub(r"<\w+:", "<", str(pattern.pattern)) for pattern in urls.urlpatterns}
    listed = re.findall(
        r"^``((?:o|conn|logout)\S*?/)(?:\?\S*)?``", page("endpoints.rst"), re.MULTILINE
    )

    assert set(listed) == paths


def test_error_codes_are_those_of_social_core_and_ours() -> None:
    row = r"\* - ``((?!error_code)\w+)``\n +- ``(\w+)``"
    listed = re.findall(row, page("endpoints.rst"))
    known = {code: recovery for code, (_, _, recovery) in REASONS.items()} | RECOVERIES

    assert dict(listed) == known
    assert len(dict(listed)) == len(listed)


def test_operations_page_has_each_code_of_a_failed_login() -> None:
    section = page("operations.rst").partition("Failed logins\n---")[2].partition("Logging\n===")[0]
    listed = re.findall(r"^``(\w+)``  +[A-Z]", section, re.MULTILINE)

    assert listed == sorted(REJECTED_CREDENTIAL_CODES)


def test_examples_of_the_log_have_its_format() -> None:
    lines = re.findall(r"^   (\w+ (?:completed|refused) .+)$", LOGGING, re.MULTILINE)

    assert len(lines) > 1
    for line in lines:
        parsed(line)


def test_operations_page_has_only_existing_events_and_keys_of_the_log() -> None:
    modules = (ROOT / "social_endpoints").rglob("*.py")
    code = "".join(path.read_text() for path in modules)
    written = set(re.findall(r"\b(\w+)=|\"([\w ]+)\"", code))
    names = {name for pair in written for name in pair}
    actions = re.findall(r'(?i:log_action)(?:: .*)? = "([\w ]+)"', code)
    actions += re.findall(r'log_(?:completed|refusal)\("([\w ]+)"', code)
    names |= {f"{action} {end}" for action in actions for end in ("completed", "refused")}

    assert DOCUMENTED - names == set()
    assert {f"{action} refused" for action in actions} <= DOCUMENTED


def test_incidents_page_has_only_codes_and_values_of_other_pages() -> None:
    incidents, operations = page("incidents.rst"), page("operations.rst")
    values = re.findall(r"``(\w+)=(\w+)``", incidents)

    assert {name for name, _ in values} <= DOCUMENTED
    assert {value for name, value in values if name == "code"} <= {*REASONS, *RECOVERIES}
    causes = {value for name, value in values if name == "cause"}
    assert [cause for cause in causes if f"``{cause}``" not in operations] == []


def test_endpoints_page_has_each_recovery() -> None:
    listed = re.findall(r"^``((?!error_)\w+)``  +[A-Z]", page("endpoints.rst"), re.MULTILINE)

    of_social_core = {recovery for _, _, recovery in REASONS.values()}
    assert set(listed) == of_social_core | set(RECOVERIES.values())


def test_security_page_names_existing_tests_for_each_property() -> None:
    properties = page("security.rst").split("\n:Violated if:")[1:]

    for text in properties:
        listed = re.findall(r"^   - ``(tests/\S+)``$", text.partition("\n:The project")[0], re.M)
        assert listed, text
        assert set(listed) <= named_tests()


# --- The code in the pages ------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_blocks_parse(path: Path) -> None:
    for block in code_blocks(path, "python"):
        compile(block.rstrip().removesuffix(","), path.name, "exec")
    for block in code_blocks(path, "json"):
        json.loads(block)


def test_each_recipe_is_in_a_page() -> None:
    included = {
        name
        for path in PAGES
        for name in re.findall(r"literalinclude:: recipes/(\S+)", path.read_text())
    }

    assert included == {
        path.relative_to(RECIPES).as_posix()
        for path in RECIPES.rglob("*.*")
        if path.parent.name != "__pycache__"
    }


# --- The recipes ----------------------------------------------------------------------


def run_block(name: str, text: str) -> dict[str, Any]:
    """Run the first code block of a page that contains a text; return its names."""
    blocks = code_blocks(DOCS / name, "python")
    project: dict[str, Any] = {}
    exec(
        next(each for each in blocks if text in each).replace("myproject.", "docs.recipes."),
        project,
    )
    return project


@pytest.mark.django_db
def test_profile_recipe(openid: OpenIDProvider, configure: Configure, frontend: Frontend) -> None:
    configure(TOKEN_SERIALIZER="docs.recipes.profile.TokenWithProfile")

    first, second = frontend.log_in(openid), frontend.log_in(openid)

    user = User.objects.get()
    profile = {"id": user.pk, "username": "ada", "email": "ada@example.com"}
    token = first.json()["token"]
    assert first.json() == {"token": token, "user": profile, "is_new_user": True}
    assert second.json() == {"token": token, "user": profile, "is_new_user": False}
    assert run_checks() == []


@pytest.mark.django_db
def test_tenants_recipe(
    openid: OpenIDProvider, settings: Any, configure: Configure, frontend: Frontend
) -> None:
    settings.ALLOWED_HOSTS = ["testserver", "tenant.example.com"]
    settings.TENANTS = {
        "tenant.example.com": {
            "SOCIAL_AUTH_OIDC_KEY": "key-of-the-tenant",
            "SOCIAL_AUTH_OIDC_SECRET": "secret-of-the-tenant",
        }
    }
    configure(STRATEGY="docs.recipes.tenants.TenantStrategy")

    client_ids = {}
    for host in settings.ALLOWED_HOSTS:
        frontend.client.defaults["HTTP_HOST"] = host
        begun = frontend.begin()
        url = begun.data["authorization_url"]
        client_ids[host] = parse_qs(urlsplit(url).query)["client_id"]
        assert frontend.complete(begun, openid.authorize(url)).status_code == 201

    assert client_ids == {
        "testserver": ["our-client-id"],
        "tenant.example.com": ["key-of-the-tenant"],
    }
    assert run_checks() == []


@pytest.mark.parametrize(
    ("uri", "status"),
    [
        (REDIRECT_URI, 200),
        (PREVIEW, 200),
        ("https://testserver/login/callback", 200),
        ("https://other.example.com/login/callback", 400),
        (f"{PREVIEW}.evil.example", 400),
        (f"{PREVIEW}\n", 400),
        ("https://preview-42xexample.com/login/callback", 400),
        ("https://[", 400),
        ("javascript:alert(1)", 400),
    ],
)
def test_redirects_recipe(uri: str, status: int, openid: OpenIDProvider, settings: Any) -> None:
    settings.TENANTS = {"testserver": {}}
    settings.SOCIAL_ENDPOINTS = {"ALLOWED_REDIRECT_URIS": "docs.recipes.redirects.is_allowed"}

    response = Frontend().begin(redirect_uri=uri)

    assert response.status_code == status
    if status == 200:
        query = urlsplit(response.data["authorization_url"]).query
        assert parse_qs(query)["redirect_uri"] == [uri]


@pytest.mark.django_db
def test_pipeline_recipe(
    openid: OpenIDProvider,
    settings: Any,
    frontend: Frontend,
    django_capture_on_commit_callbacks: Any,
) -> None:
    del openid.userinfo["email"]
    steps = list(DEFAULT_AUTH_PIPELINE)
    before = steps.index("social_core.pipeline.user.create_user")
    steps.insert(before, "docs.recipes.pipeline.require_email")
    settings.SOCIAL_AUTH_PIPELINE = [*steps, "docs.recipes.pipeline.welcome"]

    paused = frontend.log_in(openid)
    assert paused.status_code == 202
    assert not User.objects.exists()
    assert (paused.data["redirect_to"], paused.data["fields"]) == ("/login/email", None)

    body = {"partial_token": paused.data["partial_token"], "email": "ada@example.com"}
    with django_capture_on_commit_callbacks(execute=True):
        response = frontend.complete(paused, body)

    assert response.status_code == 201
    assert User.objects.get().email == "ada@example.com"
    assert [message.to for message in mail.outbox] == [["ada@example.com"]]


@pytest.mark.needs("redis")
@pytest.mark.parametrize("page", ["operations.rst", "handoff.rst"])
def test_example_of_a_cache_has_a_time_out(page: str, settings: Any) -> None:
    example = run_block(page, "CACHES")["CACHES"]
    server = CacheServer(is_silent=True)
    address = f"redis://127.0.0.1:{server.port}"
    settings.CACHES = {"default": {**example["default"], "LOCATION": address}}

    assert list(check_cache_time_out()) == []
    with pytest.raises(CacheUnavailable, match="TimeoutError"):
        cache.get("name")
    server.stop()


@pytest.mark.django_db
def test_signals_example(
    openid: OpenIDProvider,
    settings: Any,
    frontend: Frontend,
    django_capture_on_commit_callbacks: Any,
) -> None:
    owner = User.objects.create_user("grace", "grace@example.com")
    browser = replace(frontend, client=logged_in(owner), below="connect/")
    project = run_block("operations.rst", "@receiver")
    try:
        with django_capture_on_commit_callbacks(execute=True):
            responses = browser.log_in(openid), browser.log_in(openid)
    finally:
        connected.disconnect(project["notify_user"])

    assert [response.status_code for response in responses] == [201, 201]
    assert [message.to for message in mail.outbox] == [["grace@example.com"]]


@pytest.mark.django_db
def test_sign_up_recipe(
    openid: OpenIDProvider,
    settings: Any,
    frontend: Frontend,
    django_capture_on_commit_callbacks: Any,
) -> None:
    project = run_block("pipelines.rst", "SOCIAL_AUTH_PIPELINE")
    for name, value in project.items():
        if name.startswith("SOCIAL_AUTH_"):
            setattr(settings, name, value)
    del openid.userinfo["email"]

    def resume(paused: Any, **answers: Any) -> Any:
        body = {"partial_token": paused.data["partial_token"], **answers}
        with django_capture_on_commit_callbacks(execute=True):
            return frontend.complete(paused, body)

    email = frontend.log_in(openid)
    sent = resume(email, email="ada@example.com")
    assert sent.data["redirect_to"] == settings.SOCIAL_AUTH_EMAIL_VALIDATION_URL
    (message,) = mail.outbox
    assert message.to == ["ada@example.com"]
    link = dict(parse_qsl(urlsplit(str(message.body)).query))
    assert link.pop("provider") == "oidc"
    assert link.pop("partial_token") == sent.data["partial_token"]
    terms = resume(resume(sent, **link), partial_pipeline_confirm=True)
    documented = json.loads(code_blocks(DOCS / "pipelines.rst", "json")[0])
    assert terms.json()["fields"] == documented["fields"]
    refused = resume(terms, terms=False, plan="team")
    assert refused.json()["terms"] == ["Without them there is no account."]
    response = resume(terms, terms=True, plan="team")

    assert response.status_code == 201
    assert User.objects.get().email == "ada@example.com"
    assert frontend.log_in(openid).status_code == 201


def add_verified_field(monkeypatch: pytest.MonkeyPatch) -> None:
    field = property(
        lambda user: user.is_staff, lambda user, value: setattr(user, "is_staff", value)
    )
    monkeypatch.setattr(User, "email_verified", field, raising=False)


def type_address(**known: Any) -> dict[str, Any]:
    """Set the address of the new account to one that the user typed."""
    return {"email": "victim@example.com"}


@pytest.mark.django_db
def test_accounts_recipe_does_not_verify_an_address_that_the_user_typed(
    openid: OpenIDProvider, settings: Any, frontend: Frontend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An attacker could otherwise register a victim's address and wait for the victim."""
    pipeline = list(DEFAULT_AUTH_PIPELINE)
    place = pipeline.index("social_core.pipeline.user.create_user")
    pipeline.insert(place + 1, "docs.recipes.accounts.mark_verified")
    pipeline.insert(place, "tests.docs.test_docs.type_address")
    settings.SOCIAL_AUTH_PIPELINE = pipeline
    add_verified_field(monkeypatch)
    openid.userinfo["email_verified"] = True

    assert frontend.log_in(openid).status_code == 201

    user = User.objects.get()
    assert (user.email, user.email_verified) == ("victim@example.com", False)


@pytest.mark.django_db
@pytest.mark.parametrize("verified", [True, False])
def test_accounts_recipe(
    verified: bool,
    openid: OpenIDProvider,
    settings: Any,
    frontend: Frontend,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The account of a first login can be linked to an identity at another provider."""
    project = run_block("accounts.rst", "SOCIAL_AUTH_PIPELINE = ")
    settings.SOCIAL_AUTH_PIPELINE = project["SOCIAL_AUTH_PIPELINE"]
    add_verified_field(monkeypatch)
    openid.userinfo["email_verified"] = verified
    assert frontend.log_in(openid).status_code == 201
    assert User.objects.get().email_verified is verified

    for part in (openid.userinfo, openid.claims):
        part["sub"] = "another-identity"

    assert frontend.log_in(openid).status_code == 201
    assert User.objects.count() == (1 if verified else 2)


def test_pipelines_page_has_each_type() -> None:
    listed = re.search(r"^   One of (.+?)\.$", page("pipelines.rst"), re.MULTILINE | re.DOTALL)

    assert listed
    assert re.findall(r"``([a-z ]+)``", listed[1]) == FIELD_TYPES


@pytest.fixture
def jwt_browser(openid: OpenIDProvider, settings: Any, configure: Configure) -> APIClient:
    """Return a browser that is logged in by JWT in cookies, in the project of the recipe."""
    settings.ROOT_URLCONF = "docs.recipes.jwt_urls"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.csrf.CsrfViewMiddleware"]
    configure(TOKEN_SERIALIZER="social_endpoints.tokens.JWTCookieSerializer")
    frontend = Frontend("cookie", APIClient(enforce_csrf_checks=True))
    assert frontend.log_in(openid).json() == {"user": "ada"}
    return frontend.client


def post_with_csrf(browser: APIClient, path: str) -> Any:
    """Post as a page does that reads Django's CSRF cookie."""
    token = browser.cookies["csrftoken"].value
    headers = {"X-CSRFToken": token, "Referer": "https://testserver/"}
    return browser.post(path, secure=True, headers=headers)


@needs_jwt
@pytest.mark.django_db
@pytest.mark.parametrize("rotates", [False, True])
def test_refresh_recipe(
    jwt_browser: APIClient, rotates: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Simple JWT binds its settings at import, where override_settings does not reach them.
    simple_jwt = "rest_framework_simplejwt.serializers.api_settings"
    monkeypatch.setattr(f"{simple_jwt}.ROTATE_REFRESH_TOKENS", rotates)
    old = {name: jwt_browser.cookies.pop(name).value for name in ("access_token", "refresh_token")}
    jwt_browser.cookies["refresh_token"] = old["refresh_token"]

    response = post_with_csrf(jwt_browser, "/auth/refresh/")

    assert (response.status_code, response.content) == (204, b"")
    assert set(response.cookies) == (
        {"access_token", "refresh_token"} if rotates else {"access_token"}
    )
    for name, cookie in response.cookies.items():
        assert cookie["httponly"]
        assert cookie["secure"]
        assert cookie.value not in ("", old[name])


@needs_jwt
@pytest.mark.django_db
def test_refresh_recipe_enforces_csrf(jwt_browser: APIClient) -> None:
    response = jwt_browser.post("/auth/refresh/", secure=True)

    assert response.status_code == 403
    assert not response.cookies


@needs_jwt
@pytest.mark.django_db
@pytest.mark.parametrize("refresh", ["", "no token", "of a deleted user"])
def test_refresh_recipe_refuses(jwt_browser: APIClient, refresh: str) -> None:
    if refresh == "of a deleted user":
        User.objects.all().delete()
    else:
        jwt_browser.cookies["refresh_token"] = refresh

    response = post_with_csrf(jwt_browser, "/auth/refresh/")

    assert response.status_code == 401
    assert not response.cookies


@pytest.mark.django_db
def test_sign_out_everywhere_recipe(openid: OpenIDProvider) -> None:
    token = Frontend("cookie").log_in(openid).data["token"]

    signing_out.sign_out_everywhere(User.objects.get())

    headers = {"Authorization": f"Token {token}"}
    assert APIClient().get("/auth/connections/", headers=headers).status_code == 401


@pytest.mark.django_db
@pytest.mark.parametrize("engine", ["db", "cache", "file", "signed_cookies"])
@pytest.mark.parametrize("has_password", [False, True])
def test_sessions_in_cache_recipe(
    has_password: bool, engine: str, openid: OpenIDProvider, configure: Configure, settings: Any
) -> None:
    """Each engine ends the sessions of users without a password."""
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    settings.ROOT_URLCONF = "tests.support.token_urls"
    settings.MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ]
    configure(TOKEN_SERIALIZER="docs.recipes.signing_out.SessionsInCache")
    frontend = Frontend("cookie")
    frontend.log_in(openid)
    if has_password:
        user = User.objects.get()
        user.set_password("secret")
        user.save()
        frontend.log_in(openid)
    assert frontend.client.get("/protected/session/", secure=True).json() == "ada"

    signing_out.SessionsInCache().revoke(User.objects.get())

    is_alive = has_password and engine != "db"
    assert (frontend.client.get("/protected/session/", secure=True).status_code == 200) is is_alive
    assert User.objects.get().check_password("secret") is has_password
    assert frontend.log_in(openid).status_code == 201
    assert frontend.client.get("/protected/session/", secure=True).json() == "ada"


@pytest.mark.django_db
def test_settings_and_receiver_of_the_guide_for_signing_out(
    openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_ENDPOINTS = {
        name: value
        for text in ("ALLOWED_LOGOUT_REDIRECT_URIS", "BACKCHANNEL_LOGOUT_PROVIDERS")
        for name, value in run_block("signing_out.rst", text)["SOCIAL_ENDPOINTS"].items()
    }
    assert run_checks() == []
    openid.endpoints["end_session_endpoint"] = "https://id.example.com/logout"
    headers = {"Authorization": f"Token {Frontend().log_in(openid).data['token']}"}
    query = {"post_logout_redirect_uri": "https://app.example.com/signed-out"}
    client = APIClient()

    begun = client.get("/auth/o/oidc/logout/", query, headers=headers)
    ended = client.post("/auth/logout/", headers=headers)
    assert Frontend().log_in(openid).status_code == 201
    project = run_block("signing_out.rst", "@receiver")
    try:
        reported = post_logout_token()
    finally:
        logged_out_by_provider.disconnect(project["forget_provider_tokens"])

    assert begun.data["logout_url"].startswith("https://id.example.com/logout?id_token_hint=")
    assert (ended.status_code, reported.status_code) == (204, 200)
    assert not Token.objects.exists()
    assert "access_token" not in UserSocialAuth.objects.get().extra_data
