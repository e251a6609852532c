"""Each link within the documentation has a target, and so do links from other files to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.support.pages import ROOT

SITE = "https://django-social-endpoints.readthedocs.io"
REPOSITORY = "https://github.com/django-social-endpoints/django-social-endpoints"
# The files from which a link may lead to the documentation or to a file.
LINKING = (
    "*.rst", "*.md", "*.toml", "*.ini", ".github/**/*", "docs/**/*.rst", "docs/**/*.yaml",
    "docs/recipes/**/*", "example_project/**/*.py", "example_project/**/*.html", "frontend/*",
    "social_endpoints/**/*.py",
)  # fmt: skip
BINARY = (".ico", ".png", ".pyc")
# GitHub has these below the address of the repository.
PARTS_OF_GITHUB = ("issues", "security/advisories", "releases", "pulls", "discussions")


@dataclass
class Document(HTMLParser):
    """The links and the anchors of a page."""

    text: str
    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.anchors |= {value for name in ("id", "name") if (value := values.get(name))}
        name = {"a": "href", "link": "href", "img": "src", "script": "src"}.get(tag)
        if name and (link := values.get(name)):
            self.links.append(link)


@cache
def document(path: Path) -> Document:
    return Document(path.read_text())


def broken(link: str, *, base: Path) -> str | None:
    """Return why a link has no target, or None.

    :param base: the file that has the link.
    """
    parts = urlsplit(link)
    path = (base.parent / unquote(parts.path)).resolve() if parts.path else base
    if path.is_dir():
        path /= "index.html"
    if not path.is_file():
        return f"{link}: no page"
    anchor = unquote(parts.fragment)
    is_page = path.suffix == ".html"
    has_anchor = not anchor or not is_page or anchor in document(path).anchors
    return None if has_anchor else f"{link}: no anchor"


def pages(html: Path) -> list[Path]:
    return sorted(path for path in html.rglob("*.html") if "_static" not in path.parts)


def test_no_page_has_the_directive_contents(html: Path) -> None:
    # Furo shows an error in red above it, because each page has its contents at the side.
    assert [page.name for page in pages(html) if 'class="contents' in page.read_text()] == []


def test_links_between_pages_have_targets(html: Path) -> None:
    count, faults = 0, []
    for page in pages(html):
        for link in document(page).links:
            if not urlsplit(link).scheme and not link.startswith("//"):
                count += 1
                if fault := broken(link, base=page):
                    faults.append(f"{page.relative_to(html)}: {fault}")

    assert faults == []
    assert count > 1000


def absolute_links() -> Iterator[tuple[str, str]]:
    """Yield the links to the documentation and to the repository, with the names of the files."""
    pattern = rf"(?:{re.escape(SITE)}|{re.escape(REPOSITORY)})[^\s\"'`<>()\]\\]*"
    for path in sorted({path for glob in LINKING for path in ROOT.glob(glob)}):
        if path.is_file() and "node_modules" not in path.parts and path.suffix not in BINARY:
            for link in re.findall(pattern, path.read_text()):
                yield path.relative_to(ROOT).as_posix(), link.rstrip(".,;:")


def fault_of_absolute(link: str, html: Path) -> str | None:
    """Return why an absolute link has no target, or None."""
    if link.startswith(SITE):
        path = link.removeprefix(SITE).lstrip("/")
        path = re.sub(r"^(?:en/(?:latest|stable)|page)(?:/|$)", "", path)
        return broken(path or "index.html", base=html / "index.html")
    path = link.removeprefix(REPOSITORY).removeprefix(".git").strip("/")
    # A pattern for links to files ends with "blob/main/".
    if path in ("", "blob/main") or path.startswith(PARTS_OF_GITHUB):
        return None
    match = re.match(r"(?:blob|tree|raw|edit)/main/([^#?]+)", path)
    return None if match and (ROOT / match[1]).exists() else f"{link}: no file"


def test_absolute_links_have_targets(html: Path) -> None:
    found = list(absolute_links())
    faults = [(name, fault_of_absolute(link, html)) for name, link in found]

    assert [(name, fault) for name, fault in faults if fault] == []
    assert "pyproject.toml" in {name for name, _ in found}


@pytest.mark.parametrize(
    "link",
    [
        f"{SITE}/en/latest/no-page.html",
        f"{SITE}/en/latest/reference/settings.html#no-anchor",
        f"{REPOSITORY}/blob/main/no-file.rst",
    ],
)
def test_broken_absolute_link_is_found(link: str, html: Path) -> None:
    assert fault_of_absolute(link, html)


def test_broken_link_between_pages_is_found(html: Path) -> None:
    assert broken("no-page.html", base=html / "index.html")
    assert broken("reference/settings.html#no-anchor", base=html / "index.html")
    assert broken("#no-anchor", base=html / "index.html")
    assert broken("reference/settings.html", base=html / "index.html") is None
