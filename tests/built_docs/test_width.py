"""All pages fit the screen of a phone: neither a page nor a table scrolls sideways."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.support.chromium import launcher

PHONE = {"width": 390, "height": 844}
# The page with the table of all backends, and the section of the table.
WIDE_TABLE = ("providers/backends.html", "#the-table ")
# Code is shown as it is written.
FAULTS = """() => {
    const width = document.documentElement.clientWidth;
    const place = (element) => {
        const section = element.closest("section[id]")?.id ?? "";
        return `#${section} ${element.tagName.toLowerCase()}.${element.className}`;
    };
    const faults = [];
    if (document.documentElement.scrollWidth > width) faults.push("the page scrolls sideways");
    const main = document.querySelector(".main") ?? document.body;
    for (const element of main.querySelectorAll("*")) {
        if (element.closest("pre, .highlight, .toc-drawer, .visually-hidden, svg")) continue;
        if (element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0
            && /auto|scroll|hidden/.test(getComputedStyle(element).overflowX)
            && getComputedStyle(element).display !== "inline") {
            faults.push(`${place(element)} scrolls: ${element.scrollWidth} px`);
        }
    }
    for (const table of document.querySelectorAll("article table")) {
        const { left, right } = table.getBoundingClientRect();
        if (right > width + 1 || left < -1) {
            faults.push(`${place(table)} is ${Math.round(right - left)} px wide`);
        }
    }
    return faults;
}"""


@pytest.fixture(scope="module")
def phone() -> Iterator[Page]:
    """Return a tab with the size of a phone. It loads no scripts, which makes it fast."""
    with sync_playwright() as playwright:
        browser = launcher(playwright)()
        context = browser.new_context(viewport=PHONE)
        page = context.new_page()
        page.route(re.compile(r"\.(?:js|png|woff2?)(?:\?|$)"), lambda route: route.abort())
        yield page
        browser.close()


def faults(phone: Page, path: Path) -> list[str]:
    phone.goto(path.as_uri(), wait_until="domcontentloaded")
    return list(phone.evaluate(FAULTS))


def test_no_page_scrolls_sideways_on_a_phone(phone: Page, html: Path) -> None:
    found = {}
    for path in sorted(html.rglob("*.html")):
        name = path.relative_to(html).as_posix()
        if "_static" not in path.parts:
            found[name] = faults(phone, path)
    page, section = WIDE_TABLE
    found[page] = [fault for fault in found[page] if not fault.startswith(section)]

    assert {name: texts for name, texts in found.items() if texts} == {}
    assert len(found) > 80


@pytest.mark.parametrize(
    "content",
    [
        "<table><tr><td>" + "long_identifier_" * 8 + "</td></tr></table>",
        '<div class="table-wrapper"><table><tr>' + "<td>A column</td>" * 12 + "</tr></table></div>",
        '<p style="width: 500px">A paragraph</p>',
    ],
)
def test_wide_content_is_found(content: str, phone: Page, html: Path, tmp_path: Path) -> None:
    text = (html / "reference" / "glossary.html").read_text().replace("../_static", "_static")
    (tmp_path / "_static").symlink_to(html / "_static")
    page = tmp_path / "wide.html"
    page.write_text(text)
    assert faults(phone, page) == []

    page.write_text(text.replace("</h1>", f"</h1>{content}"))

    assert faults(phone, page)
