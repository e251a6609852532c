"""The installation that README.rst describes, pasted into a new project."""

from __future__ import annotations

from pathlib import Path

from django.core.management import call_command

from tests.support.interpreter import python
from tests.support.pages import ROOT, code_blocks

BEGIN = """
import django; django.setup()
from django.test import Client
client = Client(SERVER_NAME="localhost")
response = client.get(
    "/auth/o/google-oauth2/", {"redirect_uri": "https://app.example.com/login/callback"}
)
assert response.json()["authorization_url"].startswith("https://accounts.google.com/"), response
assert client.get("/auth/connections/").status_code == 401
from django.contrib.auth import get_user_model
from rest_framework.authtoken.models import Token
token = Token.objects.create(user=get_user_model().objects.create_user("ada"))
headers = {"Authorization": f"Token {token.key}"}
assert client.get("/auth/connections/", headers=headers).status_code == 200
"""


def test_installation_works_when_pasted(tmp_path: Path) -> None:
    call_command("startproject", "pasted_project", str(tmp_path))
    for block in code_blocks(ROOT / "README.rst", "python"):
        name = block.split("\n")[0].removeprefix("# ")
        with (tmp_path / "pasted_project" / name).open("a") as file:
            file.write(block)

    for command in (
        ("-m", "django", "migrate", "--verbosity=0"),
        ("-m", "django", "check", "--fail-level=WARNING"),
        ("-m", "django", "social_providers"),
        ("-c", BEGIN),
    ):
        outcome = python(*command, path=tmp_path, settings="pasted_project.settings")
        assert outcome.returncode == 0, outcome.stderr
