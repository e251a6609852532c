"""The tutorial, from an empty directory to a page that signs in with Google."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page

from tests.support.browser_steps import Screenshot
from tests.support.servers.processes import free_ports
from tests.support.tutorial import Reader
from tests.support.tutorial_browser import look
from tests.support.tutorial_steps import Picture, steps_of_tutorial

GOOGLE = "https://accounts.google.com/"


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """Return a reader who has Python without packages, and nothing else."""
    programs, directory = tmp_path / "bin", tmp_path / "empty"
    programs.mkdir()
    directory.mkdir()
    # In a virtual environment this is the interpreter that created it.
    (programs / "python3").symlink_to(os.path.realpath(sys.executable))
    first_port = free_ports(2)
    reader = Reader(directory, programs, (first_port, first_port + 1))
    yield reader
    reader.close()


def test_tutorial_leads_to_page_that_signs_in_with_google(
    reader: Reader, page: Page, screenshot: Screenshot
) -> None:
    page.route(f"{GOOGLE}**", lambda route: route.fulfill(body="Google's page"))

    for step in steps_of_tutorial():
        reader.follow(step)
        look(reader, step, page)
        if isinstance(step, Picture):
            screenshot(page, Path(step.path).stem)

    page.wait_for_url(f"{GOOGLE}**")
    query = parse_qs(urlsplit(page.url).query)
    assert query["client_id"] == ["the client ID from the console"]
    assert query["redirect_uri"] == [reader.localized("http://127.0.0.1:8000/login/callback/")]
