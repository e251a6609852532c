"""The OpenAPI document in docs/ is that of the default configuration."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMMAND = "python -m django spectacular --settings tests.support.openapi_settings"
FILE = "docs/openapi.yaml"


def test_committed_document_is_current(tmp_path: Path) -> None:
    """The environment ``frontend`` pins the libraries whose versions change the document."""
    generated = tmp_path / "openapi.yaml"
    arguments = [*COMMAND.split()[1:], "--validate", "--fail-on-warn", "--file", str(generated)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, check=True)

    message = f"Run this in the environment 'frontend': {COMMAND} --file {FILE}"
    assert (ROOT / FILE).read_text() == generated.read_text(), message
