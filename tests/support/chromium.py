"""Start the Chromium of this machine, or that of Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
NO_CHROMIUM = """These tests need Chromium. Install it with one of
  apt-get install chromium        (Debian, Ubuntu)
  python -m playwright install --with-deps chromium"""
ARGUMENTS = [
    "--no-sandbox",  # Chromium's sandbox does not start for root, the user of most CI containers.
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def launcher(playwright: Playwright) -> Callable[..., Browser]:
    """Return a function that starts Chromium with more options. Fail if there is none."""
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if path is None and not Path(playwright.chromium.executable_path).exists():
        pytest.fail(NO_CHROMIUM, pytrace=False)
    return partial(playwright.chromium.launch, executable_path=path, args=ARGUMENTS)
