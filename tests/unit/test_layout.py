"""Limits for the size of the package and for its use of other libraries.

The numbers are limits of this version. A new feature may raise one in its own commit, with
the reason in the commit message.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import social_endpoints

PACKAGE = Path(social_endpoints.__file__).parent
SOURCES = {path.relative_to(PACKAGE).as_posix(): path.read_text() for path in PACKAGE.rglob("*.py")}
TREES = {name: ast.parse(source) for name, source in SOURCES.items()}
WORKAROUNDS = "internal/backends/extensions/"

MAX_MODULES = 186
MAX_LINES = 20_300
"""Lines that are not blank, comments and docstrings included."""
MAX_TESTING_MODULES = 26
MAX_TESTING_LINES = 3_200
"""The same for the package ``testing``, which is not imported in production."""
MAX_FUNCTION_LINES = 50
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

FORBIDDEN = (
    "FunctionType(",
    "__code__",
    ".__func__(",
    "__module__ ==",
    '.startswith("social_core',
    "MSG_PEEK",
    "TIOCOUTQ",
)
"""Traces of code that depends on the internals of another library."""

DOCUMENTED = {"_", "_base_manager", "_default_manager", "_meta", "_state"}
"""Names that Django documents in spite of their underscore."""


def is_private(identifier: str) -> bool:
    is_dunder = identifier.startswith("__") and identifier.endswith("__")
    return identifier.startswith("_") and not is_dunder and identifier not in DOCUMENTED


def own_names(tree: ast.AST) -> set[str]:
    """Return the names that a module defines: functions, classes, attributes, variables."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(node.attr)
    return names


def private_names_of_others(tree: ast.AST, own: set[str]) -> Iterator[str]:
    """Yield private names that a module imports, or reads from an object.

    An attribute is accepted if this package defines the name. Other accesses cannot be
    recognised without running the code.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not (node.module or "").startswith(
            "social_endpoints"
        ):
            parts = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            yield from (part for part in parts if is_private(part))
        elif isinstance(node, ast.Import):
            yield from (
                part for alias in node.names for part in alias.name.split(".") if is_private(part)
            )
        elif isinstance(node, ast.Attribute) and is_private(node.attr) and node.attr not in own:
            yield node.attr


@pytest.mark.parametrize(
    ("is_testing", "max_modules", "max_lines"),
    [(False, MAX_MODULES, MAX_LINES), (True, MAX_TESTING_MODULES, MAX_TESTING_LINES)],
)
def test_package_has_limited_size(is_testing: bool, max_modules: int, max_lines: int) -> None:
    sources = [
        source for name, source in SOURCES.items() if name.startswith("testing/") == is_testing
    ]
    lines = sum(1 for source in sources for line in source.splitlines() if line.strip())

    assert len(sources) <= max_modules
    assert lines <= max_lines


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_module_has_short_functions_and_does_not_depend_on_internals(name: str) -> None:
    functions = [node for node in ast.walk(TREES[name]) if isinstance(node, FUNCTIONS)]

    lengths = {each.name: (each.end_lineno or 0) - each.lineno + 1 for each in functions}
    assert {each: lines for each, lines in lengths.items() if lines > MAX_FUNCTION_LINES} == {}
    assert [text for text in FORBIDDEN if text in SOURCES[name]] == []


def test_private_names_of_libraries_are_only_in_workarounds_that_will_be_removed() -> None:
    own = set[str]().union(*map(own_names, TREES.values()))

    found = {name: set(private_names_of_others(tree, own)) for name, tree in TREES.items()}
    assert {name for name, names in found.items() if names and not may_be_private(name)} == set()


def may_be_private(name: str) -> bool:
    return name.startswith(WORKAROUNDS) and "remove when" in SOURCES[name].lower()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from django.utils._os import safe_join", {"_os"}),
        ("from requests.models import _encode_files", {"_encode_files"}),
        ("import requests._internal_utils", {"_internal_utils"}),
        ("session._store(1)", {"_store"}),
        ("model._meta.fields; self._own; from django.utils.translation import gettext as _", set()),
        ("from social_endpoints.conf import _dictionary", set()),
        ("value.__class__", set()),
    ],
)
def test_private_names_are_recognised(source: str, expected: set[str]) -> None:
    assert set(private_names_of_others(ast.parse(source), {"_own"})) == expected
