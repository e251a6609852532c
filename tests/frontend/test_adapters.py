"""The recipes for frameworks compile with strict types, and sign in at a real server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import responses
from django.core.cache import cache
from django.test import override_settings

from social_endpoints.testing import ProviderRequest, ProviderResponse
from tests.support import access_token_providers, id_token_providers, npm
from tests.support.configuration import Configure
from tests.support.http_provider import served
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import AFTER_SOCIAL_USER, pipeline_with

ROOT = Path(__file__).parents[2]
RECIPES = ROOT / "docs" / "recipes"
PROGRAMS = Path(__file__).with_name("adapters")
PACKAGES = {
    "react": "19.3.1",
    "@angular/core": "22.2.6",
    "@angular/common": "22.2.6",
    "@angular/compiler": "22.2.6",
    "@angular/platform-browser": "22.2.6",
    "@angular/router": "22.2.6",
    "@react-native-google-signin/google-signin": "16.1.5",
    "@types/react": "19.3.3",
    "@types/react-dom": "19.3.0",
    "expo-apple-authentication": "57.0.2",
    "expo-crypto": "57.0.3",
    "expo-linking": "58.0.5",
    "expo-secure-store": "57.0.4",
    "expo-web-browser": "57.0.3",
    "happy-dom": "21.0.4",
    "next": "16.4.6",
    "react-dom": "19.3.1",
    "react-router": "8.5.3",
    "rxjs": "7.8.2",
    "typescript": "6.0.3",
    "vue": "3.5.45",
    "vue-router": "5.5.1",
    "vue-tsc": "3.3.14",
}
# The files of each project, and the directories below docs/recipes from which they are copied.
PROJECTS = {
    "react": {".": ["react", "web"]},
    "vue": {".": ["vue", "web"]},
    "angular": {".": ["angular", "web"]},
    "nextjs": {".": ["nextjs"], "lib": ["web", "react"]},
    "expo": {".": ["expo"]},
}
OPTIONS = {
    "strict": True,
    "noUncheckedIndexedAccess": True,
    "target": "ES2024",
    "lib": ["ES2024", "DOM", "DOM.Iterable"],
    "module": "ESNext",
    "moduleResolution": "bundler",
    "jsx": "react-jsx",
    "experimentalDecorators": True,
    "paths": {"@/*": ["./nextjs/*"]},
    "types": [],
    "skipLibCheck": True,
    "rootDir": ".",
    "outDir": "out",
}
ASK_TERMS = "docs.recipes.sign_up.ask_terms"


@dataclass
class Adapters:
    """A directory with a project for each framework, which has been compiled.

    :param messages: what the compiler has written.
    """

    directory: Path
    messages: str
    api: str

    def run(self, program: str, **variables: str) -> None:
        """Run a program of the tests in Node.js."""
        result = subprocess.run(
            [npm.find("node"), "--test-force-exit", f"out/{program}.mjs"],
            check=False,
            cwd=self.directory,
            env={**os.environ, "API": self.api, **variables},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture(scope="session")
def api(request: pytest.FixtureRequest, django_db_setup: None) -> str:
    """Start the API, after the database exists. Its server requires the setting when it starts."""
    with override_settings(STATIC_URL="static/"):
        return str(request.getfixturevalue("live_server").url)


@pytest.fixture(scope="session")
def adapters(tmp_path_factory: pytest.TempPathFactory, api: str) -> Adapters:
    directory = tmp_path_factory.mktemp("adapters")
    # Peers are React Native and Expo, which take longer to install than everything else.
    packages = npm.installed(PACKAGES, "--legacy-peer-deps") / "node_modules"
    (directory / "node_modules").symlink_to(packages)
    project = directory / "project"
    for framework, parts in PROJECTS.items():
        for part, recipes in parts.items():
            for recipe in recipes:
                copy_recipe(RECIPES / recipe, project / framework / part, api)
    # The package of the client is not published yet.
    (project / "node_modules").mkdir()
    (project / "node_modules" / "django-social-endpoints").symlink_to(ROOT / "frontend")
    configuration = {
        "compilerOptions": OPTIONS,
        "vueCompilerOptions": {"strictTemplates": True},
        "include": [*PROJECTS, "vue/*.vue"],
    }
    (project / "tsconfig.json").write_text(json.dumps(configuration))
    messages = run_node(packages / "vue-tsc" / "bin" / "vue-tsc.js", cwd=project)
    shutil.copytree(PROGRAMS, project / "out", dirs_exist_ok=True)
    messages += run_node(project / "out" / "compile_vue.mjs", "vue", "out/vue", cwd=project)
    return Adapters(project, messages, api)


def copy_recipe(source: Path, target: Path, api: str) -> None:
    """Copy a directory of the documentation, and insert the URL of the API."""
    for path in source.rglob("*.*"):
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text().replace("https://api.example.com", api))


def run_node(program: Path, *arguments: str, cwd: Path) -> str:
    """Run a program in Node.js and return what it writes."""
    command = [npm.find("node"), "--no-warnings", str(program), *arguments]
    return subprocess.run(
        command, check=False, cwd=cwd, stdout=subprocess.PIPE, text=True, timeout=120
    ).stdout


@pytest.fixture
def provider(transactional_db: None, settings: Any) -> Iterator[OpenIDProvider]:
    """Run the provider at which the adapters sign in. New users accept the terms first."""
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((AFTER_SOCIAL_USER, ASK_TERMS))
    with served() as (url, provider):
        settings.SOCIAL_AUTH_OIDC_OIDC_ENDPOINT = url
        yield provider


def test_adapters_compile_with_strict_types(adapters: Adapters) -> None:
    assert adapters.messages == ""


def test_nextjs_pages_load_data_inside_suspense() -> None:
    """With cacheComponents, `next build` refuses a page that waits outside of Suspense."""
    texts = [path.read_text() for path in (RECIPES / "nextjs").rglob("page.tsx")]
    texts.append((ROOT / "docs" / "frontend" / "nextjs.rst").read_text())

    assert len(texts) == 3
    assert all("export default async" not in text for text in texts)
    assert all("<Suspense" in text for text in texts)


@pytest.mark.parametrize("framework", ["react", "vue", "angular"])
def test_adapter_in_browser_signs_in(
    framework: str, adapters: Adapters, provider: OpenIDProvider
) -> None:
    adapters.run(framework)


def test_form_without_framework_returns_what_the_user_has_entered(adapters: Adapters) -> None:
    shutil.copy(RECIPES / "form.js", adapters.directory / "out")

    adapters.run("form")


def test_plain_modules_ask_and_return(adapters: Adapters, provider: OpenIDProvider) -> None:
    for name in ("form.js", "ask.js", "local_path.js"):
        shutil.copy(RECIPES / name, adapters.directory / "out")

    adapters.run("plain")


def test_nextjs_routes_complete_on_the_server(
    adapters: Adapters, provider: OpenIDProvider, settings: Any, configure: Configure
) -> None:
    cache.clear()
    configure(THROTTLE_RATES={"anon": "12/min"})
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}

    adapters.run("nextjs", LIMIT="12")


def test_expo_app_signs_in_with_the_browser_and_with_sdks(
    adapters: Adapters,
    provider: OpenIDProvider,
    wire: responses.RequestsMock,
    settings: Any,
    configure: Configure,
) -> None:
    wire.add_passthru(provider.url)
    apple = id_token_providers.apple(wire)
    google = access_token_providers.PROVIDERS["google-oauth2"]()
    google.install(OpenIDProvider(wire))
    for name, value in (apple.settings | google.settings).items():
        setattr(settings, name, value)
    wire.add("GET", apple.jwks, json={"keys": apple.keys})
    settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, apple.path, google.path]
    configure(
        ALLOWED_REDIRECT_URIS=["com.example.app://login/callback"],
        NATIVE_PROVIDERS=[apple.name, google.name],
    )

    def apple_dialog(request: ProviderRequest) -> ProviderResponse:
        return ProviderResponse(content=apple.token(nonce=request.params["nonce"]))

    provider.replace(f"{provider.url}/apple", apple_dialog)

    adapters.run("expo", PROVIDER=provider.url, GOOGLE_TOKEN=access_token_providers.TOKEN)
