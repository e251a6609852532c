"""The pages of the providers agree with the code, and their settings and examples work."""

from __future__ import annotations

import io
import json
import re
import tomllib
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import responses
import social_core
from django.contrib.auth import get_user_model
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from social_core.backends.github import GithubOAuth2
from social_core.backends.oauth import BaseOAuth2
from social_core.pipeline import DEFAULT_AUTH_PIPELINE
from social_core.utils import setting_name
from social_django.models import UserSocialAuth

from social_endpoints.internal.backends.documentation import PROVIDER_PAGES
from social_endpoints.internal.backends.extensions.pkce import PKCE_PROVIDERS
from tests.support.accounts import logged_in
from tests.support.configuration import configure_endpoints
from tests.support.frontend import REDIRECT_URI, authorization_params
from tests.support.pages import ROOT, page
from tests.support.provider_pages import (
    ACCOUNT_FIELDS,
    FIELDS,
    FOLDER,
    HOST,
    SECTIONS,
    Backend,
    ExampleProvider,
    ProviderPage,
    apply_settings,
    asked_scopes,
    configured_names,
    literals,
    provider_pages,
    run,
)
from tests.support.social_core import BACKENDS as OAUTH2_BACKENDS

PAGES = provider_pages()
# Their logins are no exchange of JSON; the tests of the protocols log in.
OTHER_LOGINS = {"saml", "steam", "telegram"}
OTHER_BACKENDS = {"google-onetap", "twitter"}
PROTOCOLS = {
    "OAuth 2.0": "oauth2",
    "OpenID Connect": "openid_connect",
    "OAuth 1.0a": "oauth1",
    "OpenID 2.0": "openid2",
    "SAML 2.0": "saml",
    "its own": "other",
}
PKCE = {"yes": True, "no": False, "depends on discovery": None}
NATIVE = {
    "no": [],
    "ID token": ["id_token"],
    "access token": ["access_token"],
    "ID token and access token": ["id_token", "access_token"],
}
ASSOCIATION = "social_endpoints.pipeline.associate_by_verified_email"

User = get_user_model()


def marks(page: ProviderPage) -> list[pytest.MarkDecorator]:
    return [pytest.mark.needs("onelogin")] if page.path.stem == "saml" else []


each_page = pytest.mark.parametrize(
    "page", [pytest.param(page, marks=marks(page), id=page.path.stem) for page in PAGES]
)
each_backend = pytest.mark.parametrize(
    ("page", "backend"),
    [
        pytest.param(page, backend, marks=marks(page), id=backend.name)
        for page in PAGES
        for backend in page.backends
    ],
)


def agree(user: Any, **known: Any) -> bool:
    """A policy for EMAIL_ASSOCIATION_POLICY."""
    return True


@pytest.fixture
def apply(settings: Any, tmp_path: Path) -> Any:
    """Return a function that applies the block of settings for a backend."""

    return lambda page, name: apply_settings(settings, page, name, tmp_path)


def report(name: str) -> dict[str, Any]:
    """Return the entry of a provider in the JSON of ``social_providers``."""
    output = io.StringIO()
    call_command("social_providers", name, "--json", stdout=output)
    (entry,) = json.loads(output.getvalue())["providers"]
    assert isinstance(entry, dict)
    return entry


def test_backends_page_has_each_source_of_pkce() -> None:
    row = r"^``([\w-]+)``\n   https://\S+$"

    assert set(re.findall(row, page("providers/backends.rst"), re.MULTILINE)) == PKCE_PROVIDERS


def url_of(name: str) -> str:
    """Return the URL of a page in the published documentation."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return f"{project['urls']['Documentation']}en/latest/providers/{name}.html"


def test_command_knows_each_page() -> None:
    files = {path.stem for path in FOLDER.glob("*.rst")} - {"index", "backends"}

    assert set(PROVIDER_PAGES) == files


class OurGithub(GithubOAuth2):  # type: ignore[type-arg]  # generic since social-core 7
    name = "our-github"


class OurProvider(BaseOAuth2):  # type: ignore[type-arg]  # as above
    name = "our-provider"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("tests.docs.test_providers.OurGithub", "github"),
        ("tests.docs.test_providers.OurProvider", "backends"),
        ("social_core.backends.vault.VaultOpenIdConnect", "openid_connect"),
        pytest.param(
            "social_core.backends.saml.SAMLAuth", "saml", marks=pytest.mark.needs("onelogin")
        ),
        ("social_core.backends.dropbox.DropboxOAuth2V2", "backends"),
        ("myproject.backends.Misspelled", "backends"),
    ],
)
def test_command_names_the_page_of_each_provider(path: str, name: str, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [path]
    output = io.StringIO()

    with suppress(CommandError):  # Some settings are missing.
        call_command("social_providers", stdout=output, no_color=True)

    assert f"  documentation {url_of(name)}\n" in output.getvalue()


@each_page
def test_page_has_the_sections_of_the_template(page: ProviderPage) -> None:
    assert page.section_titles == SECTIONS
    assert page.backends
    for backend in page.backends:
        assert list(backend.fields) == FIELDS
    assert f"\n   {page.path.stem}\n" in index()


def index() -> str:
    return page("providers/index.rst")


@each_page
def test_page_checks_its_first_backend(page: ProviderPage) -> None:
    command = f"manage.py social_providers {page.backends[0].name} --check"

    assert command in page.sections["Check it"]


@each_page
def test_settings_of_page_pass_the_system_checks(
    page: ProviderPage, settings: Any, tmp_path: Path, wire: responses.RequestsMock
) -> None:
    settings.ALLOWED_HOSTS = [HOST]
    documented = {backend.name for backend in page.backends}
    names = []
    for block in page.settings_blocks:
        values = run(block, tmp_path)
        for setting, value in values.items():
            setattr(settings, setting, value)

        found = {str(message.id).rpartition(".")[2] for message in run_checks()}
        assert [check for check in found if check not in page.text] == []
        for name in configured_names(values):
            entry = report(name)
            assert entry["ok"]
            if entry["begin"]:
                assert ExampleProvider(wire, name).begin().status_code == 200
            names.append(name)

    assert documented <= set(names)
    assert len(set(names)) == len(names)


@each_backend
def test_fields_of_page_agree_with_the_command(
    page: ProviderPage, backend: Backend, apply: Any, settings: Any
) -> None:
    apply(page, backend.name)
    configure_endpoints(settings, NATIVE_PROVIDERS=[backend.name])

    entry = report(backend.name)

    assert entry["ok"], entry["problems"]
    assert entry["backend"] == backend.path
    is_generic = entry["documentation"] == url_of("openid_connect")
    assert is_generic or entry["documentation"] == url_of(page.path.stem)
    assert not is_generic or backend["Protocol"] == "OpenID Connect"
    assert entry["protocol"] == PROTOCOLS[backend["Protocol"]]
    assert bool(entry["handoff_urls"]) is (backend["Handoff"] == "yes")
    assert entry["native"] == NATIVE[backend["Native sign-in"]]
    if entry["begin"]:
        assert entry["pkce"]["enabled"] is PKCE[backend["PKCE"]]


@each_backend
def test_begin_sends_what_page_says(
    page: ProviderPage, backend: Backend, apply: Any, wire: responses.RequestsMock
) -> None:
    apply(page, backend.name)
    provider = ExampleProvider(wire, backend.name)
    if not report(backend.name)["begin"]:
        assert (backend["PKCE"], backend.scopes) == ("no", [])
        return

    params = authorization_params(provider.begin())

    uri = REDIRECT_URI
    if backend["Handoff"] == "yes":
        uri = f"https://{HOST}/auth/o/{backend.name}/callback/"
    assert uri in page.sections["Redirect URI"]
    assert params.get("redirect_uri", uri) == uri
    assert asked_scopes(provider.backend, params) == backend.scopes
    assert ("code_challenge" in params) is (backend["PKCE"] != "no")
    assert params.get("code_challenge_method", "S256").upper() == "S256"
    if "response_mode" in params:
        assert f"``response_mode={params['response_mode']}``" in page.text


@each_page
@pytest.mark.django_db
def test_login_with_examples_creates_the_account_of_page(
    page: ProviderPage, apply: Any, wire: responses.RequestsMock
) -> None:
    if page.path.stem in OTHER_LOGINS:
        assert not page.examples
        return
    backend = page.backends[0]
    apply(page, backend.name)

    response = ExampleProvider(wire, backend.name, page.examples).log_in()

    assert response.status_code == 201, response.data
    social = UserSocialAuth.objects.get()
    user = social.user
    found = [social.uid, user.username, user.email, user.get_full_name()]
    assert list(page.account) == ACCOUNT_FIELDS
    first = {name: (literals(value) or [""])[0] for name, value in page.account.items()}
    first |= {name: "" for name, value in page.account.items() if value.startswith("none")}
    assert dict(zip(ACCOUNT_FIELDS, found, strict=True)) == first


@each_page
@pytest.mark.django_db
def test_address_is_verified_as_page_says(
    page: ProviderPage, apply: Any, settings: Any, wire: responses.RequestsMock
) -> None:
    backend = page.backends[0]
    if page.path.stem in OTHER_LOGINS or backend["E-mail"] == "none":
        return
    apply(page, backend.name)
    pipeline = list(DEFAULT_AUTH_PIPELINE)
    pipeline.insert(pipeline.index("social_core.pipeline.user.get_username"), ASSOCIATION)
    settings.SOCIAL_AUTH_PIPELINE = pipeline
    configure_endpoints(settings, EMAIL_ASSOCIATION_POLICY="tests.docs.test_providers.agree")
    (address,) = literals(page.account["E-mail"])[:1]
    account = User.objects.create_user("existing", address)

    response = ExampleProvider(wire, backend.name, page.examples).log_in()

    assert response.status_code == 201, response.data
    is_verified = backend["E-mail"] == "verified"
    assert backend["E-mail"] in {"verified", "not verified"}
    assert (UserSocialAuth.objects.get().user == account) is is_verified
    assert ("not verified" in page.account["E-mail"].partition(". ")[0]) is not is_verified


@each_page
@pytest.mark.django_db
def test_disconnect_revokes_the_token_if_page_says_so(
    page: ProviderPage, apply: Any, settings: Any, wire: responses.RequestsMock
) -> None:
    backend = page.backends[0]
    is_revoked = backend["Revocation"] == "yes"
    assert backend["Revocation"] in {"yes", "no"}
    if page.path.stem in OTHER_LOGINS:
        assert not is_revoked
        return
    apply(page, backend.name)
    settings.SOCIAL_AUTH_REVOKE_TOKENS_ON_DISCONNECT = True
    provider = ExampleProvider(wire, backend.name, page.examples, has_revocation=is_revoked)
    assert provider.log_in().status_code == 201
    connection = UserSocialAuth.objects.get()
    connection.user.set_password("secret")
    connection.user.save()
    wire.add_callback(responses.POST, re.compile("https://.*"), callback=lambda _: (200, {}, "{}"))
    wire.add_callback(responses.GET, re.compile("https://.*"), callback=lambda _: (200, {}, "{}"))
    wire.delete(re.compile("https://.*"), json=True)
    count = len(wire.calls)

    response = logged_in(connection.user).delete(f"/auth/connections/{connection.pk}/", secure=True)

    assert response.status_code == 204, response.data
    assert not UserSocialAuth.objects.exists()
    urls = [url for url in provider.sent_after(count) if "/.well-known/" not in url]
    assert bool(urls) is is_revoked, urls


@each_backend
def test_logout_at_the_provider_is_possible_if_page_says_so(
    page: ProviderPage, backend: Backend, apply: Any, settings: Any
) -> None:
    apply(page, backend.name)
    configure_endpoints(settings, ALLOWED_LOGOUT_REDIRECT_URIS=["https://app.example.com/bye"])

    uris = report(backend.name)["post_logout_redirect_uris"]

    assert backend["Logout"] in {"yes", "no"}
    # Whether a discovery document contains the endpoint is a fact of the provider.
    assert uris or backend["Logout"] == "no"


@cache
def sources() -> str:
    """Return the code that reads settings."""
    folders = [Path(social_core.__file__).parent, ROOT / "social_endpoints"]
    return "".join(path.read_text() for folder in folders for path in folder.rglob("*.py"))


@each_page
def test_page_names_only_settings_that_are_read(page: ProviderPage, tmp_path: Path) -> None:
    names = set(re.findall(r"\bSOCIAL_AUTH_[A-Z0-9_]+\b", page.text))
    backends = {*OAUTH2_BACKENDS, *(backend.name for backend in page.backends), *OTHER_BACKENDS}
    for block in page.settings_blocks:
        backends.update(configured_names(run(block, tmp_path)))
    prefixes = sorted((f"{setting_name(name)}_" for name in backends), key=len)

    assert names
    for name in names:
        prefix = next((each for each in reversed(prefixes) if name.startswith(each)), "")
        own = name.removeprefix(prefix or "SOCIAL_AUTH_")
        assert re.search(rf"[\"']{own}[\"']", sources()), name
