"""Conventions of the tests themselves."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from configparser import RawConfigParser
from pathlib import Path

ROOT = Path(__file__).parents[2]


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


TREES = {
    dotted(path): ast.parse(path.read_text()) for path in sorted((ROOT / "tests").rglob("*.py"))
}
TEST_MODULES = {name for name in TREES if name.rpartition(".")[2].startswith("test_")}


def references(module: str) -> Iterator[str]:
    """Return the names that a module imports, and the dotted paths of modules in its texts."""
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from re.findall(r"tests(?:\.\w+)+", node.value)


def test_module_uses_no_other_test_module() -> None:
    found = {
        (module, reference)
        for module in TREES
        for reference in references(module)
        for other in TEST_MODULES - {module}
        if reference == other or reference.startswith(f"{other}.")
    }

    assert found == set()


def test_module_uses_no_mocks() -> None:
    mocks = ("unittest.mock", "mock.")

    assert [name for name in TREES if any(ref.startswith(mocks) for ref in references(name))] == []


def test_names_of_tests_are_lower_case_words_in_test_modules() -> None:
    tests = {
        (module, node.name)
        for module, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test")
    }

    words = re.compile(r"test(_[a-z0-9]+)+")
    assert {test for test in tests if not words.fullmatch(test[1])} == set()
    assert {test for test in tests if test[0] not in TEST_MODULES} == set()


def collected(command: str) -> set[Path]:
    """Return the test modules that a command of pytest in tox.ini runs."""
    words = re.sub(r"\{posargs:?|\}", " ", command).split()
    ignored = [word.partition("=")[2] for word in words if word.startswith("--ignore")]
    named = [word.partition("::")[0] for word in words if word.startswith("tests")]
    files = {path for name in named or ["tests"] for path in matching(name)}
    return files - {path for name in ignored for path in matching(name)}


def matching(pattern: str) -> list[Path]:
    return [file for path in ROOT.glob(pattern) for file in [path, *path.rglob("test_*.py")]]


def test_each_test_runs_in_continuous_integration() -> None:
    """Python 3.14 may be missing there, so its environment does not count."""
    tox = RawConfigParser()
    tox.read(ROOT / "tox.ini")
    environments = ["testenv", *(f"testenv:{name}" for name in tox["tox"]["env_list"].split())]
    commands = "\n".join(tox[each]["commands"] for each in environments if each in tox)
    while base := re.search(r"\{\[base\](\w+)\}", commands):
        commands = commands.replace(base[0], tox["base"][base[1]].replace("\n", " "))
    lines = commands.replace("\\\n", " ").splitlines()

    found = {
        path
        for line in lines
        if "pytest " in line and not line.startswith("py314")
        for path in collected(line)
    }
    files = set(matching("tests")) - set(matching("tests/user_models"))
    assert {path for path in files - found if path.is_file()} == set()
