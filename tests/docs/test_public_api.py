"""The page "Public API", __all__ and the typing tests name the same things."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from pathlib import Path
from types import ModuleType

from tests.support.pages import ROOT, page

PACKAGE = ROOT / "social_endpoints"
WITHOUT_NAMES = {"admin", "apps", "checks", "internal", "locale", "management", "schema", "urls"}
"""What the top level contains beside modules with public names."""


def public_modules() -> dict[str, ModuleType]:
    """Return the modules of the top level that a project imports names from."""
    children = {
        path.stem
        for path in PACKAGE.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    names = sorted(children - WITHOUT_NAMES - {"__init__"})
    return {f"social_endpoints.{name}": import_module(f"social_endpoints.{name}") for name in names}


def imported_names(folder: Path) -> dict[str, set[str]]:
    """Return the names that modules import from each module of this package."""
    names: dict[str, set[str]] = {}
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE.name):
                names.setdefault(node.module or "", set()).update(name.name for name in node.names)
    return names


def test_page_has_each_public_module() -> None:
    documented = re.findall(
        r"^\.\. automodule:: (\S+)$", page("reference/python.rst"), re.MULTILINE
    )

    assert sorted(documented) == sorted(public_modules())


def test_public_names_exist() -> None:
    for module in public_modules().values():
        assert set(module.__all__) <= set(dir(module)), module.__name__


def test_typing_tests_import_each_public_name() -> None:
    imported = imported_names(ROOT / "tests" / "typing")
    del imported["social_endpoints.urls"]

    assert imported == {name: set(module.__all__) for name, module in public_modules().items()}
