"""The files about the project agree with each other and with the code."""

from __future__ import annotations

import re
import tomllib
from configparser import ConfigParser
from itertools import product
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
REPOSITORY = "https://github.com/django-social-endpoints/django-social-endpoints"


def levels() -> list[list[str]]:
    """Return the levels of the import contract, from top to bottom."""
    (contract,) = (
        contract
        for contract in PYPROJECT["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers"
    )
    return [level.split(" | ") for level in contract["layers"]]


def tox() -> ConfigParser:
    parser = ConfigParser(interpolation=None, strict=False)
    parser.read(ROOT / "tox.ini")
    return parser


def expanded(names: str) -> set[str]:
    """Return tox's names of environments without braces."""
    environments = set()
    for pattern in names.split():
        parts = [part.split(",") for part in re.split(r"[{}]", pattern)]
        environments |= {"".join(choice) for choice in product(*parts)}
    return environments


def test_layout_page_has_each_level_in_its_order() -> None:
    text = (DOCS / "contributing/layout.rst").read_text()
    section = text.partition("\nLevels\n")[2].partition("\nOther directories\n")[0]
    rows = re.findall(r"^(``.*``)$", section, re.MULTILINE)

    assert [re.findall(r"``([\w.]+)``", row) for row in rows] == levels()


def test_import_contract_has_each_package_and_module_of_internal() -> None:
    internal = ROOT / "social_endpoints" / "internal"
    paths = [path.parent for path in internal.glob("*/__init__.py")] + [*internal.glob("[!_]*.py")]
    names = {f"internal.{path.stem}" for path in paths}

    assert names == {name for level in levels() for name in level if name.startswith("internal.")}


def test_changelog_has_the_version() -> None:
    version = PYPROJECT["project"]["version"]

    assert re.search(rf"^{re.escape(version)} ", (ROOT / "CHANGELOG.rst").read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", ["README.rst", "CONTRIBUTING.rst"])
def test_links_lead_to_files(name: str) -> None:
    text = (ROOT / name).read_text()
    targets = re.findall(r"`[^`]+\s<([^>:]+)>`__", text)
    targets += re.findall(rf"{REPOSITORY}/blob/main/([^>`\s]+)", text)
    pages = re.findall(r"readthedocs\.io/en/latest/([\w/]+)\.html", text)
    targets += [f"docs/{each}.rst" for each in pages]

    assert targets
    assert [target for target in targets if not (ROOT / target).is_file()] == []


def test_one_address_of_the_repository() -> None:
    names = ["SECURITY.md", "CONTRIBUTING.rst", "pyproject.toml", "README.rst"]
    files = [ROOT / name for name in names] + sorted((ROOT / ".github").rglob("*.yml"))
    pattern = r"https://github\.com/[\w-]+/django-social-endpoints"

    found = {address for path in files for address in re.findall(pattern, path.read_text())}
    assert found == {REPOSITORY}


def test_ci_runs_each_tox_environment() -> None:
    workflow = ROOT / ".github" / "workflows" / "ci.yml"
    if not workflow.exists():
        pytest.skip("The sdist has no workflows.")
    environments = expanded(tox()["tox"]["env_list"])

    in_matrix = re.findall(r"\{ env: ([\w-]+),", workflow.read_text())
    assert sorted(in_matrix) == sorted(environments - {"coverage"})


def test_lowest_versions_are_the_lower_bounds() -> None:
    bounds = {
        requirement.partition(",")[0].replace(">=", "==")
        for requirement in PYPROJECT["project"]["dependencies"]
    }

    assert set(PYPROJECT["dependency-groups"]["lowest"]) == bounds


def test_tox_names_only_groups_that_exist_and_repeats_no_dependency() -> None:
    groups = PYPROJECT["dependency-groups"]
    packages = {
        re.split(r"[<>=\[]", entry)[0]
        for name, group in groups.items()
        for entry in group
        if isinstance(entry, str) and name != "lowest"
    }
    for section in tox().values():
        named = section.get("dependency_groups", "").split("\n")
        assert {line.split(":")[-1].strip() for line in named} <= {*groups, ""}
        lines = [line.split(": ")[-1] for line in section.get("deps", "").split("\n")]
        assert not {re.split(r"[<>=\[ ]", line)[0] for line in lines} & packages
