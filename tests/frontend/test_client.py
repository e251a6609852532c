"""The JavaScript client: its tests, its types, its size and its packages."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from django.contrib.staticfiles.finders import AppDirectoriesFinder

from tests.support import npm
from tests.support.pages import ROOT

FRONTEND = ROOT / "frontend"
CLIENT = FRONTEND / "client.js"
MAX_BYTES = 4096


def run(program: str, *arguments: str | Path, directory: Path = FRONTEND) -> str:
    """Run a program in the directory of the client; return its output."""
    completed = subprocess.run(
        [npm.find(program), *arguments],
        check=False,
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert completed.returncode == 0, completed.stdout + completed.stderr
    return completed.stdout


@pytest.fixture(scope="module")
def tools() -> Path:
    """Return the directory with the compiler and the minifier."""
    return npm.installed(npm.CLIENT_TOOLS) / "node_modules"


def test_node_tests_pass() -> None:
    output = run("node", "--test", "--test-reporter=tap", "test/*.test.js")

    (passed,) = re.findall(r"^# pass (\d+)$", output, re.MULTILINE)
    assert int(passed) > 100


def test_client_is_below_four_kilobytes(tools: Path) -> None:
    terser = tools / "terser" / "bin" / "terser"

    minified = run("node", terser, CLIENT, "--module", "--compress", "--mangle")

    assert "createClient" in minified
    assert len(gzip.compress(minified.encode())) < MAX_BYTES


def test_declarations_are_current(tools: Path, tmp_path: Path) -> None:
    run("node", tools / "typescript" / "bin" / "tsc", "--outDir", tmp_path)

    expected = (tmp_path / "client.d.ts").read_text()
    assert (FRONTEND / "client.d.ts").read_text() == expected, "Run: npm run build"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Return a directory in which programs can import the package."""
    packages = tmp_path / "node_modules"
    packages.mkdir()
    (packages / "django-social-endpoints").symlink_to(FRONTEND)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    return tmp_path


def compile_strictly(tools: Path, program: Path, *arguments: str) -> None:
    run(
        "node",
        tools / "typescript" / "bin" / "tsc",
        "--strict", "--noEmit", "--target", "es2023", "--lib", "es2023,dom", "--module", "nodenext",
        *arguments,
        directory=program,
    )  # fmt: skip


def test_types_accept_each_method_and_refuse_misuse(tools: Path, program: Path) -> None:
    shutil.copy(FRONTEND / "test" / "types.ts", program)

    compile_strictly(tools, program, "--exactOptionalPropertyTypes", "types.ts")


def test_static_file_and_license_are_copies() -> None:
    static = AppDirectoriesFinder(["social_endpoints"]).find("social_endpoints/client.js")

    assert Path(str(static)).read_bytes() == CLIENT.read_bytes(), "Run: npm run build"
    assert (FRONTEND / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_package_contains_client_and_declarations() -> None:
    (package,) = json.loads(run("npm", "pack", "--dry-run", "--json"))

    assert {file["path"] for file in package["files"]} == {
        "LICENSE",
        "README.md",
        "client.d.ts",
        "client.js",
        "package.json",
    }


def test_package_has_version_and_license_of_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    package = json.loads((FRONTEND / "package.json").read_text())

    for name in ("name", "version", "license"):
        assert package[name] == project[name]
    assert package["devDependencies"].keys() == npm.CLIENT_TOOLS.keys()
    assert "dependencies" not in package
