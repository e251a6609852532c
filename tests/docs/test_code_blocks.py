"""The code blocks of all pages are valid: Python, JSON, HTTP requests and commands.

The blocks in JavaScript and TypeScript are compiled in tests/frontend/test_pages.py.
"""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class
from django.urls import Resolver404, resolve

from tests.support.imports import exists, imports
from tests.support.pages import DOCS, PAGES, ROOT, code_blocks, page_id

RECIPES = DOCS / "recipes"
CONSOLE = ("console", "sh", "bash", "shell")
# What is in the paths of the pages instead of a value.
VALUES = {"<provider>": "github", "<id>": "1", "<str:version>": "v1"}
COMMANDS_OF_OTHERS = {
    "flushexpiredtokens": "rest_framework_simplejwt.token_blacklist",
    "from_allauth": "docs.recipes",
}


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_python_and_json_can_be_parsed(path: Path) -> None:
    for block in code_blocks(path, "python"):
        tree = ast.parse(block.rstrip().removesuffix(","), path.name)
        assert [name for name in imports(tree) if not exists(name)] == []
    for block in code_blocks(path, "json"):
        json.loads(block)


@pytest.mark.parametrize("path", sorted(RECIPES.rglob("*.py")), ids=page_id)
def test_recipes_import_existing_names(path: Path) -> None:
    assert [name for name in imports(ast.parse(path.read_text())) if not exists(name)] == []


def test_each_recipe_is_in_a_page() -> None:
    included = {
        name
        for path in PAGES
        for name in re.findall(r"literalinclude:: /recipes/(\S+)", path.read_text())
    }

    assert included == {
        path.relative_to(RECIPES).as_posix()
        for path in RECIPES.rglob("*.*")
        if path.parent.name != "__pycache__"
    }


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_requests_go_to_existing_endpoints(path: Path) -> None:
    requests = [
        *re.findall(r"^[A-Z]+ (/auth/\S*)", "".join(code_blocks(path, "http")), re.MULTILINE),
        *re.findall(r"https?://[^/\s\"']+(/auth/[^\s\"'`]*)", "".join(code_blocks(path, *CONSOLE))),
    ]

    for request in requests:
        endpoint = request.partition("?")[0]
        for placeholder, value in VALUES.items():
            endpoint = endpoint.replace(placeholder, value)
        try:
            resolve(endpoint)
        except Resolver404:
            pytest.fail(f"{request} is not an endpoint.")


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_commands_and_their_options_exist(path: Path) -> None:
    known = get_commands()
    text = re.sub(r"\\\n\s*", " ", "".join(code_blocks(path, *CONSOLE)) + path.read_text())
    called = re.findall(r"(?:manage\.py|django-admin|-m django) ([a-z]\w*)((?: +[^\s`]+)*)", text)

    for name, arguments in called:
        if name in COMMANDS_OF_OTHERS:
            continue
        assert name in known, f"manage.py {name}"
        if known[name] != "social_endpoints":
            continue
        parser = load_command_class("social_endpoints", name).create_parser("manage.py", name)
        options = set(re.findall(r" (--[\w-]+)", arguments))
        assert options <= {option for action in parser._actions for option in action.option_strings}


def test_pages_have_blocks_of_each_language() -> None:
    """The pattern that finds the blocks finds them."""
    for language in ("python", "json", "http", "console", "javascript"):
        assert sum(len(code_blocks(path, language)) for path in PAGES) > 3, language
    assert code_blocks(ROOT / "frontend/README.md", "js")
