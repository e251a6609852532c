"""The guides for the backend work when they are pasted into a new project."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import connection
from django.urls import set_script_prefix
from rest_framework.test import APIClient
from social_core.pipeline import DEFAULT_AUTH_PIPELINE
from social_django.models import UserSocialAuth

from social_endpoints.views import ProviderAuthView
from tests.support.accounts import logged_in
from tests.support.configuration import Configure
from tests.support.frontend import Frontend, authorization_params, browser, error
from tests.support.handoff import handoff_params, post_to_callback
from tests.support.openid_provider import OpenIDProvider
from tests.support.pages import DOCS, ROOT, find_block, page, run_block
from tests.support.pasted_project import PastedProject
from tests.support.social_core import BACKENDS, configure_backend
from tests.support.urlconf import urlconf

User = get_user_model()
UNSET = {"PYTEST_VERSION": "", "PYTEST_CURRENT_TEST": ""}


@pytest.fixture
def project(tmp_path: Path) -> PastedProject:
    return PastedProject(tmp_path)


# --- Installation ---------------------------------------------------------------------


def test_installation_works_when_pasted(project: PastedProject) -> None:
    project.paste("backend/installation.rst", "INSTALLED_APPS += [\n", "urlpatterns += ")
    project.paste("backend/installation.rst", "class SocialLoginTest")

    project.run("manage.py", "migrate", "--verbosity=0")
    project.run("manage.py", "check", "--fail-level=WARNING")
    listing = project.run("manage.py", "social_providers")

    assert "https://app.example.com/login/callback" in listing
    assert "\nOK" in project.run("manage.py", "test", **UNSET)


@pytest.mark.needs("corsheaders")
def test_installation_allows_the_origin_of_the_frontend(project: PastedProject) -> None:
    project.paste("backend/installation.rst", "INSTALLED_APPS += [\n", "urlpatterns += ")
    project.paste("backend/installation.rst", "CORS_ALLOWED_ORIGINS")

    allowed = project.run(
        "-c",
        "import django; django.setup()\n"
        "from django.test import Client\n"
        "headers = {'origin': 'https://app.example.com'}\n"
        "response = Client(SERVER_NAME='localhost').get('/auth/o/', headers=headers)\n"
        "print(response.headers['Access-Control-Allow-Origin'])",
    )

    assert allowed.strip() == "https://app.example.com"


@pytest.mark.needs("drf_spectacular")
def test_installation_describes_the_endpoints(project: PastedProject) -> None:
    project.paste("backend/installation.rst", "INSTALLED_APPS += [\n", "urlpatterns += ")
    project.paste("backend/installation.rst", "DEFAULT_SCHEMA_CLASS")

    assert "operationId: socialBegin" in project.run("manage.py", "spectacular")


@pytest.mark.needs("rest_framework_simplejwt")
@pytest.mark.django_db
@pytest.mark.parametrize(("headers", "key"), [({}, "token"), ({"X-App": "1"}, "access")])
def test_own_view_returns_jwts_to_the_app(
    headers: dict[str, str], key: str, openid: OpenIDProvider, settings: Any
) -> None:
    view: Any = run_block("backend/installation.rst", "class AppAuthView")["AppAuthView"]
    assert issubclass(view, ProviderAuthView)
    block = find_block("backend/installation.rst", "AppAuthView.as_view")
    names: dict[str, Any] = {"AppAuthView": view}
    exec(block.replace("from myproject.views import AppAuthView\n", ""), names)
    settings.ROOT_URLCONF = urlconf(*names["urlpatterns"])

    response = Frontend(client=APIClient(headers=headers)).log_in(openid)

    assert response.status_code == 201
    assert key in response.data


# --- Accounts -------------------------------------------------------------------------


@pytest.fixture
def project_with_users(project: PastedProject) -> PastedProject:
    project.paste("README.rst")
    project.add(
        "settings.py", 'INSTALLED_APPS.append("myproject")\nAUTH_USER_MODEL = "myproject.User"'
    )
    return project


def test_tests_of_the_guides_pass_when_pasted(project_with_users: PastedProject) -> None:
    project = project_with_users
    project.paste("backend/linking.rst", "SOCIAL_AUTH_PIPELINE = ", "class User(", "def test_")
    project.paste("backend/native.rst", "NATIVE_PROVIDERS")
    for name in ("connections", "native", "provider_tokens"):
        project.paste(f"backend/{name}.rst", "def test_")
    project.copy_recipe("accounts.py")
    project.run("manage.py", "makemigrations", "myproject")

    assert "4 passed" in project.run_tests("tests")


def test_constraint_and_index_of_unique_addresses(project_with_users: PastedProject) -> None:
    project = project_with_users
    project.paste("backend/unique_emails.rst", "class User(", "UNIQUE_EMAIL")
    models = project.folder / "myproject" / "models.py"
    text = models.read_text()
    text = text.replace('Upper("email")', 'Collate("email", "NOCASE")')
    models.write_text(text.replace("import Upper", "import Collate"))
    project.run("manage.py", "makemigrations", "myproject")
    project.run("manage.py", "migrate", "--verbosity=0")

    project.run("manage.py", "check", "--database", "default", "--fail-level=WARNING")
    outcome = project.run(
        "-c",
        "import django; django.setup()\n"
        "from django.contrib.auth import get_user_model as model\n"
        "from django.db import IntegrityError\n"
        "model().objects.create_user('ada', 'ada@example.com')\n"
        "try: model().objects.create_user('eve', 'ADA@example.com')\n"
        "except IntegrityError: print('refused')",
    )
    assert outcome.strip() == "refused"


@pytest.mark.parametrize("guide", ["linking", "missing_data", "multi_factor"])
def test_pipeline_of_a_guide_contains_the_default_steps(guide: str) -> None:
    pipeline = run_block(f"backend/{guide}.rst", "SOCIAL_AUTH_PIPELINE")["SOCIAL_AUTH_PIPELINE"]

    assert [step for step in pipeline if step in DEFAULT_AUTH_PIPELINE] == [*DEFAULT_AUTH_PIPELINE]


# --- Disconnecting --------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(("has_open_order", "status"), [(True, 400), (False, 204)])
def test_step_of_the_disconnect_pipeline(
    has_open_order: bool,
    status: int,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    block = find_block("backend/connections.rst", "def keep_for_open_orders")
    (tmp_path / "disconnect_of_the_page.py").write_text(block)
    monkeypatch.syspath_prepend(tmp_path)
    settings.SOCIAL_AUTH_DISCONNECT_PIPELINE = [
        step.replace("docs.recipes.disconnect", "disconnect_of_the_page")
        for step in run_block("backend/connections.rst", "DISCONNECT_PIPELINE = ")[
            "SOCIAL_AUTH_DISCONNECT_PIPELINE"
        ]
    ]
    orders = SimpleNamespace(exists=lambda: has_open_order)
    order_set = SimpleNamespace(filter=lambda is_open: orders)
    monkeypatch.setattr(User, "order_set", order_set, raising=False)
    user = User.objects.create_user("ada", password="secret")
    social = user.social_auth.create(provider="oidc", uid="1")

    response = logged_in(user).delete(f"/auth/connections/{social.pk}/")

    assert response.status_code == status
    assert user.social_auth.exists() is has_open_order


# --- Deployment -----------------------------------------------------------------------


@pytest.mark.needs("redis")
def test_settings_of_the_deployment_pass_the_checks(project: PastedProject) -> None:
    project.paste("README.rst")
    project.paste("backend/deployment.rst", "SECURE_PROXY_SSL_HEADER", "CACHES = ")
    database = '{"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}'
    project.add("settings.py", f"DATABASES = {database}")
    variables = {"SECRET_KEY": "abcdefghij" * 6, "POSTGRES_PASSWORD": "any"}

    output = project.run("manage.py", "check", "--deploy", **variables)

    assert not re.search(r"social_endpoints\.[EW]", output), output


def test_time_outs_of_the_deployment_are_in_order() -> None:
    """nginx waits for gunicorn, which waits for a login."""
    recipes = DOCS / "recipes" / "deployment"
    nginx = (recipes / "nginx.conf").read_text()
    docker = (recipes / "api.Dockerfile").read_text()
    block = find_block("backend/deployment.rst", "LOGIN_TIMEOUT")
    numbers = [
        int(text.split(name)[1].split(end)[0])
        for text, name, end in (
            (block, '"LOGIN_TIMEOUT": ', ","),
            (docker, '"--timeout", "', '"'),
            (nginx, "proxy_read_timeout ", "s"),
        )
    ]

    assert numbers == sorted(set(numbers))


def test_compose_file_has_the_services_that_the_settings_name() -> None:
    yaml: Any = pytest.importorskip("yaml")
    services = yaml.safe_load((DOCS / "recipes/deployment/compose.yaml").read_text())["services"]

    text = page("backend/deployment.rst")
    assert services.keys() == {"api", "database", "redis", "nginx"}
    assert '"HOST": "database"' in text
    assert "redis://redis:6379" in text
    assert {*services["api"]["depends_on"]} == {"database", "redis"}


@pytest.fixture
def below_a_subpath(settings: Any) -> Iterator[dict[str, Any]]:
    """Use the settings of the page. nginx removes the prefix before Django sees the path."""
    values = run_block("backend/deployment.rst", "FORCE_SCRIPT_NAME")
    for name, value in values.items():
        if name.isupper():
            setattr(settings, name, value)
    set_script_prefix("/shop/")  # As Django's handler does; the test client does not.
    yield values
    set_script_prefix("/")


@pytest.mark.django_db
@pytest.mark.needs("rest_framework_simplejwt")
def test_login_below_a_subpath(
    below_a_subpath: dict[str, Any], openid: OpenIDProvider, configure: Configure, settings: Any
) -> None:
    configure(TOKEN_SERIALIZER="social_endpoints.tokens.JWTCookieSerializer")
    settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS = {"response_mode": "form_post"}
    (uri,) = below_a_subpath["SOCIAL_ENDPOINTS"]["ALLOWED_REDIRECT_URIS"]
    frontend = Frontend()

    begun = frontend.begin(redirect_uri=uri)
    url = begun.data["authorization_url"]
    redirected = post_to_callback(openid.authorize(url))
    response = frontend.complete(begun, handoff_params(redirected))

    callback = parse_qs(urlsplit(url).query)["redirect_uri"]
    assert callback == ["https://testserver/shop/auth/o/oidc/callback/"]
    assert redirected.headers["Location"].startswith(f"{uri}?")
    assert response.status_code == 201
    (flow,) = begun.cookies.values()
    assert (flow.key[:7], flow["path"]) == ("__Host-", "/")
    assert response.cookies["access_token"]["path"] == "/shop/"
    listed = {each["name"]: each for each in frontend.client.get("/auth/o/", secure=True).data}
    assert listed["oidc"]["begin_url"] == "https://testserver/shop/auth/o/oidc/"


@pytest.mark.django_db
def test_endpoints_outside_of_i18n_patterns(openid: OpenIDProvider, settings: Any) -> None:
    patterns = run_block("backend/deployment.rst", "i18n_patterns")["urlpatterns"]
    settings.ROOT_URLCONF = urlconf(*patterns)
    settings.MIDDLEWARE = ["django.middleware.locale.LocaleMiddleware"]
    settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS = {"response_mode": "form_post"}
    frontend = Frontend(client=browser(headers={"Accept-Language": "de"}))

    begun = frontend.begin()
    url = authorization_params(begun)["redirect_uri"]
    refused = frontend.begin(redirect_uri="https://evil.example")

    assert url == "https://testserver/auth/o/oidc/callback/"
    assert refused.headers["Content-Language"] == "de"
    redirected = post_to_callback(openid.authorize(begun.data["authorization_url"]))
    assert frontend.complete(begun, handoff_params(redirected)).status_code == 201


@pytest.mark.django_db
def test_endpoints_inside_of_i18n_patterns(openid: OpenIDProvider, settings: Any) -> None:
    from django.conf.urls.i18n import i18n_patterns
    from django.urls import include, path

    settings.ROOT_URLCONF = urlconf(*i18n_patterns(path("auth/", include("social_endpoints.urls"))))
    settings.MIDDLEWARE = ["django.middleware.locale.LocaleMiddleware"]
    settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS = {"response_mode": "form_post"}
    client = browser()
    uri = {"redirect_uri": "https://app.example.com/login/callback"}

    begun = client.get("/de/auth/o/oidc/", uri, secure=True)
    url = authorization_params(begun)["redirect_uri"]
    callback = openid.authorize(begun.data["authorization_url"])
    params = handoff_params(post_to_callback(callback, "/de/auth/o/oidc/callback/"))
    redirected = client.post("/auth/o/oidc/", params, format="json", secure=True)
    as_get = client.get(redirected.headers["Location"], params, secure=True)
    completed = client.post("/en/auth/o/oidc/", params, format="json", secure=True)

    assert url == "https://testserver/de/auth/o/oidc/callback/"
    assert redirected.status_code == 302
    assert error(as_get) == (400, "use_post")
    assert completed.status_code == 201


# --- Upgrading ------------------------------------------------------------------------


@pytest.mark.django_db
def test_identifiers_are_those_of_the_last_logins(openid: OpenIDProvider) -> None:
    Frontend().log_in(openid)

    identifiers = run_block("backend/upgrading.rst", "def identifiers")["identifiers"]

    assert identifiers("oidc") == ["user-1"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("stored", "expected"),
    [({"sub": "user-1"}, (201, None)), ({}, (400, "identifier_migration_conflict"))],
)
def test_changed_id_key_needs_a_proof(
    stored: dict[str, str],
    expected: tuple[int, str | None],
    openid: OpenIDProvider,
    settings: Any,
) -> None:
    for name, value in run_block("backend/upgrading.rst", "OIDC_LEGACY_ID_KEYS").items():
        if name.startswith("SOCIAL_AUTH_"):
            setattr(settings, name, value)
    user = User.objects.create_user("ada")
    social = user.social_auth.create(
        provider="oidc", uid="ada@example.com", id_key="email", extra_data=stored
    )

    assert error(Frontend().log_in(openid)) == expected
    social.refresh_from_db()
    assert (social.uid, social.id_key) == (
        ("user-1", "sub") if expected[0] == 201 else ("ada@example.com", "email")
    )


@pytest.mark.django_db
def test_migration_reads_the_old_id_keys(settings: Any) -> None:
    settings.SOCIAL_AUTH_OLD_ID_KEYS = run_block("backend/upgrading.rst", "OLD_ID_KEYS")[
        "SOCIAL_AUTH_OLD_ID_KEYS"
    ]
    user = User.objects.create_user("ada")
    for provider in ("google-oauth2", "github"):
        UserSocialAuth.objects.create(user=user, provider=provider, uid="1", id_key="")
    migration = import_module("social_django.migrations.0020_backfill_id_keys")

    migration.backfill_id_keys(apps, SimpleNamespace(connection=connection))

    keys = dict(UserSocialAuth.objects.values_list("provider", "id_key"))
    assert keys == {"google-oauth2": "sub", "github": "id"}


def test_upgrading_page_has_the_changed_identifiers_of_social_core() -> None:
    from social_core.identifiers import UNVERIFIED_LEGACY_TRANSITIONS

    text = page("backend/upgrading.rst")
    section = text.split("If an identifier changes\n")[1].split("A login looks for")[0]
    entries = {
        name: change
        for names, change in re.findall(r"^(``\S+``.*)\n   (From .+)$", section, re.MULTILINE)
        for name in re.findall(r"``(\S+?)``", names)
    }
    old_words = {"email": "the address"}

    assert entries == {
        name: f"From {old_words.get(old, f'``{old}``')} to ``{new}``."
        for name, (_, old, new) in UNVERIFIED_LEGACY_TRANSITIONS.items()
    }


def test_upgrading_page_has_the_other_changed_identifiers() -> None:
    from social_core.identifiers import UNVERIFIED_LEGACY_TRANSITIONS

    text = page("backend/upgrading.rst")
    section = text.split("Backends whose change needs a proof\n")[1].split("..")[0]
    migration = import_module("social_django.migrations.0020_backfill_id_keys")
    changed = {
        name
        for name, backend in BACKENDS.items()
        if name not in UNVERIFIED_LEGACY_TRANSITIONS
        and migration.OLD_ID_KEYS.get(name, backend.ID_KEY) in backend.LEGACY_ID_KEYS
    }

    assert changed == {"cas", "dailymotion", "fence", "qiita", "scistarter"}
    for name in changed:
        assert f"``{name}``" in section
        assert f"``{BACKENDS[name].ID_KEY}``" in section


@pytest.mark.django_db
@pytest.mark.parametrize("follows_the_page", [True, False])
def test_account_of_dropbox_after_an_upgrade(
    follows_the_page: bool, settings: Any, social_begin: Any, social_complete: Any
) -> None:
    configure_backend(settings, "dropbox-oauth2")
    if follows_the_page:
        for name, value in run_block("backend/upgrading.rst", "DROPBOX").items():
            if name.startswith("SOCIAL_AUTH_"):
                setattr(settings, name, value)
    ada = User.objects.create_user("ada")
    social = ada.social_auth.create(provider="dropbox-oauth2", uid="4711", id_key="uid")
    client = browser()

    begun = social_begin(client, "dropbox-oauth2")
    response = social_complete(client, begun, sub="4711", account_id="dbid:AAH4", name="Ada")

    social.refresh_from_db()
    assert response.status_code == 201
    assert User.objects.count() == (1 if follows_the_page else 2)
    assert (social.uid == "dbid:AAH4") is follows_the_page


def test_supported_versions_are_those_of_the_package() -> None:
    text = page("backend/upgrading.rst")
    required = (ROOT / "pyproject.toml").read_text()

    assert "social-auth-core 6.2 and 7, with social-auth-app-django 7.2 and 8" in text
    assert '"social-auth-app-django>=7.2,<9"' in required
    assert '"social-auth-core>=6.2,<8"' in required
