"""The names in all pages are those of the code: settings, checks, codes, paths, signals."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth import signals as signals_of_accounts
from django.core import signals as signals_of_django
from django.db.models import signals as signals_of_models
from django.dispatch import Signal

from social_endpoints import signals, urls
from social_endpoints.conf import Settings
from social_endpoints.exceptions import ERROR_CODES, ERROR_RECOVERIES
from social_endpoints.internal.actions.refusals import PROVIDER_ERRORS
from tests.support.imports import exists
from tests.support.pages import PAGES, ROOT, code_blocks, literals, page_id

SETTINGS = set(Settings.__dataclass_fields__)
# Simple JWT has codes of its own, which the package does not define.
OTHER_CODES = {"token_not_valid", "bad_authorization_header"}
URL_NAMES = {str(pattern.name) for pattern in urls.urlpatterns}
SIGNALS = {
    name
    for module in (signals, signals_of_accounts, signals_of_django, signals_of_models)
    for name, value in vars(module).items()
    if isinstance(value, Signal)
}
PATHS = {re.sub(r"<\w+:", "<", str(pattern.pattern)) for pattern in urls.urlpatterns}
each_page = pytest.mark.parametrize("path", PAGES, ids=page_id)


def assigned_settings(tree: ast.AST) -> Iterator[str]:
    """Yield the names of the settings that a block assigns to SOCIAL_ENDPOINTS."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "SOCIAL_ENDPOINTS":
            if isinstance(node.value, ast.Dict):
                yield from (ast.literal_eval(name) for name in node.value.keys if name)
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value) == "SOCIAL_ENDPOINTS":
            yield ast.literal_eval(node.slice)


@each_page
def test_settings_exist(path: Path) -> None:
    named = r"SOCIAL_ENDPOINTS\[\"(\w+)\"\]|:confval:`(\w+)`"
    found = {name for match in re.findall(named, path.read_text()) for name in match if name}
    for block in code_blocks(path, "python"):
        found |= set(assigned_settings(ast.parse(block.rstrip().removesuffix(","))))

    assert found - SETTINGS == set()


def check_ids() -> set[str]:
    modules = (ROOT / "social_endpoints" / "checks").glob("*.py")
    return set(re.findall(r"social_endpoints\.[CDEIW]\d{3}", "".join(map(Path.read_text, modules))))


@each_page
def test_ids_of_checks_exist(path: Path) -> None:
    found = set(re.findall(r"social_endpoints\.[A-Z]\d{3}", path.read_text()))

    assert found - check_ids() == set()


@each_page
def test_dotted_paths_can_be_imported(path: Path) -> None:
    text = re.sub(r"social_endpoints\.[A-Z]\d{3}", "", path.read_text())
    found = set(re.findall(r"(?<![\w/.-])social_endpoints(?:\.[a-zA-Z_]\w*)+(?![\w/])", text))

    assert [name for name in sorted(found) if not exists(name)] == []


@each_page
def test_error_codes_and_recoveries_exist(path: Path) -> None:
    text = path.read_text()
    codes = set(re.findall(r"\b[45]\d\d(?: an?)?(?: with)?\s+``([a-z_]+)``", text))
    for pattern in (
        r"``error_code``:?\s+``([a-z_]+)``",
        r"\"?error_code\"?(?:: | === | == )\"(\w+)\"",
        r"\bcode=(\w+)\b",
        r":errorcode:`(\w+)`",
    ):
        codes |= set(re.findall(pattern, text))
    recoveries = set(re.findall(r"\"?(?:error_)?recovery\"?(?:: |=| === | == )\"?([a-z_]+)", text))

    assert codes - ERROR_CODES - OTHER_CODES == set()
    assert recoveries - set(ERROR_RECOVERIES) == set()


@each_page
def test_provider_errors_are_logged(path: Path) -> None:
    found = set(re.findall(r"provider_error=([\w-]+)", path.read_text()))

    assert found - PROVIDER_ERRORS == set()


@each_page
def test_paths_in_the_text_exist(path: Path) -> None:
    root = r"(?:(?:GET|POST|DELETE) )?(?:/auth/)?"
    endpoint = r"(?:o|connections|logout|me|refresh)/(?:[^\s?…]*/)?"
    found = {
        match[1]
        for literal in literals(path)
        if (match := re.fullmatch(rf"{root}({endpoint})(?:\?\S*)?", literal))
    }
    found = {re.sub(r"^o/(?!<)[\w-]+/", "o/<provider>/", each) for each in found}
    found = {re.sub(r"^connections/(?!<)\w+/", "connections/<id>/", each) for each in found}

    assert found - PATHS == set()


@each_page
def test_names_of_urls_exist(path: Path) -> None:
    text = path.read_text()
    found = set(re.findall(r"\breverse(?:_lazy)?\(\s*\"((?:provider|connection)[\w-]*)\"", text))
    found |= {
        literal
        for literal in literals(path)
        if re.fullmatch(r"(?:provider|connection)-[a-z]+(?:-[a-z]+)*", literal)
    }

    assert found - URL_NAMES == set()


@each_page
def test_signals_exist(path: Path) -> None:
    text = path.read_text()
    found = set(re.findall(r"\bsignals? ``(\w+)``|@receiver\(\[?(\w+)", text))
    found |= set(re.findall(r"(``)(\w+)`` signals?\b", text))

    assert {name for match in found for name in match if name.strip("`")} - SIGNALS == set()


def test_pages_that_changelog_and_messages_name_exist() -> None:
    sources = [ROOT / "CHANGELOG.rst", *(ROOT / "social_endpoints").rglob("*.py")]
    texts = (path.read_text() for path in PAGES)
    titles = {title for text in texts for title in re.findall(r"^(.+)\n=+$", text, re.MULTILINE)}
    lines = (re.sub(r"['\"]\s*\n\s*['\"]|\n +", " ", path.read_text()) for path in sources)

    found = {title for text in lines for title in re.findall(r'\bpages? "([^"]+)"', text)}
    assert {" ".join(title.split()) for title in found} - titles == set()
