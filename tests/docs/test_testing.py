"""The tests on the page "Testing your project" pass in a small project."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from django.core.management import call_command

from tests.support.interpreter import LOADS_PLUGIN, python
from tests.support.keys import elliptic_key, private_pem
from tests.support.pages import DOCS, ROOT, code_blocks

PAGE = DOCS / "backend" / "testing.rst"

SETTINGS = """
AUTHENTICATION_BACKENDS += ["social_core.backends.apple.AppleIdAuth"]
SOCIAL_AUTH_APPLE_ID_CLIENT = "com.example.web"
SOCIAL_AUTH_APPLE_ID_TEAM = SOCIAL_AUTH_APPLE_ID_KEY = "any value"
SOCIAL_AUTH_APPLE_ID_SCOPE = ["name", "email"]
SOCIAL_AUTH_APPLE_ID_SECRET = """

OWN_TESTS = """
import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.test import AsyncClient, Client

@pytest.mark.django_db
def test_apple_sends_the_name_once(social_login, django_user_model):
    social_login(Client(), "apple-id", name="Ada Lovelace", email="ada@example.com")
    social_login(Client(), "apple-id", name="Another Name", email="ada@example.com")
    assert django_user_model.objects.get().get_full_name() == "Ada Lovelace"

@pytest.mark.django_db(transaction=True)
def test_async_client(social_login):
    async def sign_in():
        client = AsyncClient()
        await sync_to_async(social_login)(client, "github")
        return await client.get("/auth/connections/")

    assert async_to_sync(sign_in)().status_code == 200

def test_live_server(live_server, social_provider, social_begin):
    # The server runs in another thread.
    import json, urllib.parse, urllib.request
    fake = social_provider("github")
    uri = urllib.parse.quote("https://app.example.com/login/callback", safe="")
    url = f"{live_server.url}/auth/o/github/"
    begun = json.load(urllib.request.urlopen(f"{url}?redirect_uri={uri}"))
    query = urllib.parse.urlsplit(begun["authorization_url"]).query
    callback = fake.authorize(dict(urllib.parse.parse_qsl(query))).callback_params
    body = json.dumps({**callback, "flow": begun["flow"]}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    assert urllib.request.urlopen(request).status == 201
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project as in README.rst, with the tests of the page."""
    folder = tmp_path_factory.mktemp("project")
    call_command("startproject", "myproject", str(folder))
    for block in code_blocks(ROOT / "README.rst", "python"):
        name = block.split("\n")[0].removeprefix("# ")
        with (folder / "myproject" / name).open("a") as file:
            file.write(block)
    with (folder / "myproject" / "settings.py").open("a") as file:
        file.write(SETTINGS + repr(private_pem(elliptic_key())))
    shutil.copy(DOCS / "recipes" / "sign_up.py", folder / "myproject")
    (folder / "tests").mkdir()
    (folder / "tests" / "__init__.py").touch()
    (folder / "tests" / "test_own.py").write_text(OWN_TESTS)
    for block in code_blocks(PAGE, "python"):
        name = block.split("\n")[0].removeprefix("# ")
        path = folder / "myproject" / name if name == "settings.py" else folder / name
        with path.open("a") as file:
            file.write(block)
    (configuration,) = code_blocks(PAGE, "ini")
    (folder / "pytest.ini").write_text(configuration)
    return folder


def run(project: Path, *arguments: str, **variables: str) -> str:
    outcome = python(
        *arguments, path=project, folder=project, settings="myproject.settings", **variables
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return outcome.stdout + outcome.stderr


def test_tests_of_page_pass_with_pytest(project: Path) -> None:
    output = run(project, "-m", "pytest", "-q", "-p", "no:randomly", *LOADS_PLUGIN, "tests")

    assert "12 passed" in output


def test_mixin_passes_with_test_runner_of_django(project: Path) -> None:
    unset = {"PYTEST_VERSION": "", "PYTEST_CURRENT_TEST": ""}

    assert "\nOK" in run(project, "manage.py", "test", "tests.test_mixin", **unset)
