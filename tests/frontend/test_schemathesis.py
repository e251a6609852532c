"""The document describes each response of the running example, also to wrong requests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.example import Example

CHECKS = (
    "content_type_conformance",
    "ignored_auth",
    "not_a_server_error",
    "response_headers_conformance",
    "response_schema_conformance",
    "status_code_conformance",
    "unsupported_method",
)
# Names of unknown providers would only lead to 404.
CONFIGURATION = """
[parameters]
"path.provider" = "demo"
"""


def sign_in(token: str) -> list[str]:
    """Return the arguments of a run for a user. A logout would end it."""
    return [f"--header=Authorization: Token {token}", "--exclude-path=/auth/logout/"]


@pytest.mark.parametrize("signed_in", [False, True], ids=["signed out", "signed in"])
def test_each_response_of_the_example_is_described(
    signed_in: bool, example: Example, token: str, tmp_path: Path
) -> None:
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text(CONFIGURATION)
    result = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "--config-file", configuration,
         "run", f"{example.site}/api/schema/", "--include-path-regex=^/auth/",
         f"--checks={','.join(CHECKS)}", "--phases=examples,coverage,fuzzing",
         "--seed=1", "--max-examples=5", "--no-shrink", "--continue-on-failure",
         "--suppress-health-check=all", "--warnings=off", "--no-color",
         # Django's server delays each later response on a connection by 40 ms.
         "--header=Connection: close", *(sign_in(token) if signed_in else [])],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
    )  # fmt: skip

    assert result.returncode == 0, result.stdout + result.stderr
