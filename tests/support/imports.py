"""Dotted names in documentation: whether they can be imported."""

from __future__ import annotations

import ast
from importlib.util import find_spec

from django.utils.module_loading import import_string


def imports(tree: ast.AST) -> list[str]:
    """Return the dotted names that a program imports."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return names


def exists(name: str) -> bool:
    """Return whether a dotted name is a module, or a name in a module or in a class.

    What cannot be imported because a package is not installed is assumed to exist.
    """
    try:
        return _can_be_imported(name)
    except RuntimeError:  # Models of a package that is not in INSTALLED_APPS.
        return True


def _can_be_imported(name: str) -> bool:
    package, *rest = name.split(".")
    if not rest or find_spec(package) is None:
        return True
    try:
        if find_spec(name):
            return True
    except ModuleNotFoundError:  # The parent is not a package.
        pass
    except ImportError:
        return False
    parent, _, attribute = name.rpartition(".")
    try:
        import_string(name)
    except ModuleNotFoundError as error:
        if not name.startswith(str(error.name)):
            return True
    except ImportError:
        return False
    else:
        return True
    try:
        return hasattr(import_string(parent), attribute)
    except ImportError:
        return False
