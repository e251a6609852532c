"""The documentation as HTML."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.pages import DOCS, ROOT


@pytest.fixture(scope="session")
def html(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of the HTML: that in ``DOCS_HTML``, or a new one."""
    if "DOCS_HTML" in os.environ:
        return Path(os.environ["DOCS_HTML"])
    directory = tmp_path_factory.mktemp("html")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", DOCS, directory]
    # Python's development mode shows warnings of Sphinx itself.
    environment = {**os.environ, "PYTHONDEVMODE": ""}
    built = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert built.returncode == 0, built.stderr
    return directory
