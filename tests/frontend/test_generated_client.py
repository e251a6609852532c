"""A client in TypeScript that is generated from the OpenAPI document."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support import npm
from tests.support.example import Example
from tests.support.servers.frontend import User

ROOT = Path(__file__).parents[2]
RECIPE = (ROOT / "docs" / "recipes" / "openapi_client.ts").read_text()
LINES = RECIPE.splitlines()
PROGRAM = ROOT / "tests" / "support" / "sign_in.mjs"
PACKAGES = {"openapi-typescript": "7.13.0", "openapi-fetch": "0.17.0", "typescript": "5.9.3"}
OPTIONS = ("--strict", "--noEmit", "--target", "es2022", "--module", "esnext",
           "--moduleResolution", "bundler", "--noUncheckedIndexedAccess")  # fmt: skip

# What a developer may write by mistake instead.
MISTAKES = {
    "code_of_a_field_error": ('"redirect_uri_not_allowed"', '"redirect_uri_not_alowed"'),
    "code_in_a_switch": ('"authorization_declined"', '"authorisation_declined"'),
    "field_of_the_token": ("data.token", "data.access"),
    "type_of_an_id": ("path: { id }", "path: { id: String(id) }"),
    "path": ('"/auth/logout/"', '"/auth/logout"'),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of a project with the types that are generated from the document."""
    project = tmp_path_factory.mktemp("project")
    (project / "node_modules").symlink_to(npm.installed(PACKAGES) / "node_modules")
    document = ROOT / "docs" / "openapi.yaml"
    result = run(project, "openapi-typescript/bin/cli.js", str(document), "-o", "schema.d.ts")
    assert result.returncode == 0, result.stdout + result.stderr
    return project


def run(project: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [npm.find("node"), project / "node_modules" / script, *arguments]
    return subprocess.run(
        command, cwd=project, capture_output=True, check=False, text=True, timeout=120
    )


@pytest.fixture(scope="module")
def mistakes(project: Path) -> dict[str, set[int]]:
    """Return the lines of the errors that the compiler finds, by the names of the files."""
    (project / "client.ts").write_text(RECIPE)
    for name, (correct, wrong) in MISTAKES.items():
        assert correct in RECIPE
        (project / f"{name}.ts").write_text(RECIPE.replace(correct, wrong))
    files = ("client.ts", *(f"{name}.ts" for name in MISTAKES))
    result = run(project, "typescript/bin/tsc", *OPTIONS, *files)
    errors: dict[str, set[int]] = {name: set() for name in files}
    for name, line in re.findall(r"^(\S+)\((\d+),\d+\): error", result.stdout, re.MULTILINE):
        errors[name].add(int(line))
    assert result.stderr == ""
    return errors


def test_recipe_compiles(mistakes: dict[str, set[int]]) -> None:
    assert mistakes["client.ts"] == set()


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_does_not_compile(name: str, mistakes: dict[str, set[int]]) -> None:
    correct, _ = MISTAKES[name]
    (line,) = (number for number, line in enumerate(LINES, start=1) if correct in line)

    # A wrong code also leads to errors in the lines for this code.
    assert min(mistakes[f"{name}.ts"]) == line


def test_recipe_signs_in(project: Path, example: Example) -> None:
    (project / "client.ts").write_text(RECIPE.replace("https://api.example.com", example.site))
    (project / PROGRAM.name).write_bytes(PROGRAM.read_bytes())
    redirect_uri = f"{example.other_origin}/login/callback/"
    command = [npm.find("node"), PROGRAM.name, "demo", redirect_uri]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=project, stdin=pipe, stdout=pipe, text=True) as page:
        refused, begun = json.loads(page.stdout.readline()), json.loads(page.stdout.readline())
        callback = User().follow(begun[1], until=redirect_uri).query
        output, _ = page.communicate(json.dumps(callback), timeout=60)
    steps: dict[str, Any] = dict([refused, *map(json.loads, output.splitlines())])

    assert steps.pop("second")["text"]
    assert steps == {
        "refused": "https://other.example/: This redirect URI is not allowed.",
        "connected": "demo",
        "disconnected": False,
        "after": [],
    }
