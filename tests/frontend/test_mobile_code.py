"""The code in Dart, Kotlin, Swift and XML in all pages has no syntax error."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from tree_sitter import Language, Node, Parser

from tests.support.pages import DOCS, PAGES, code_blocks, page_id

SUFFIXES = {".dart": "dart", ".kt": "kotlin", ".swift": "swift"}
RECIPES = [path for path in sorted(DOCS.rglob("*")) if path.suffix in SUFFIXES]
BLOCKS = [
    pytest.param(language, block, id=f"{page_id(path)}-{language}-{number}")
    for path in PAGES
    for language in SUFFIXES.values()
    for number, block in enumerate(code_blocks(path, language))
]


def mistakes(language: str, code: str) -> list[str]:
    """Return the places that the grammar of a language does not accept."""
    grammar = Language(import_module(f"tree_sitter_{language}").language())
    return _mistakes(Parser(grammar).parse(code.encode()).root_node)


def _mistakes(node: Node) -> list[str]:
    if node.type == "ERROR" or node.is_missing:
        return [f"line {node.start_point[0] + 1}: {node.text!r}"]
    return [each for child in node.children for each in _mistakes(child)]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_recipe_can_be_parsed(path: Path) -> None:
    assert mistakes(SUFFIXES[path.suffix], path.read_text()) == []


@pytest.mark.parametrize(("language", "code"), BLOCKS)
def test_block_can_be_parsed(language: str, code: str) -> None:
    assert mistakes(language, code) == []


def test_xml_can_be_parsed() -> None:
    blocks = [block for path in PAGES for block in code_blocks(path, "xml")]

    assert len(blocks) > 3
    for block in blocks:
        ET.fromstring(block)


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("dart", "Future<void> f() async { await ; }"),
        ("kotlin", "fun f() { val = 1 }"),
        ("swift", "func f( { }"),
    ],
)
def test_mistake_is_found(language: str, code: str) -> None:
    assert mistakes(language, code)
