"""Port, origins, data directory and generated secrets of this machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

HOST = "127.0.0.1"
PORT = int(os.environ.get("EXAMPLE_PORT", "8000"))
DATA = Path(os.environ.get("EXAMPLE_DATA", Path(__file__).parent.parent / ".example"))

# One server, two origins. Browsers treat them as different sites, and omit the default port.
_SUFFIX = "" if PORT == 80 else f":{PORT}"
SITE = f"http://{HOST}{_SUFFIX}"
OTHER_ORIGIN = f"http://localhost{_SUFFIX}"
PROVIDER = f"{OTHER_ORIGIN}/provider"

REDIRECT_URIS = [f"{origin}/login/callback/" for origin in (SITE, OTHER_ORIGIN)]
LOGOUT_REDIRECT_URIS = [f"{origin}/" for origin in (SITE, OTHER_ORIGIN)]


def generated(name: str, generate: Callable[[], str]) -> str:
    """Return the text of the file ``name``; the first start generates it.

    A secret in the source would be copied into real projects.
    """
    path = DATA / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # Ctrl-C at this moment must not leave an empty file.
        new = path.with_name(f"{name}.new")
        new.unlink(missing_ok=True)
        new.touch(mode=0o600)
        new.write_text(generate())
        new.replace(path)
    return path.read_text()


def new_apple_key() -> str:
    """Return a private key in PEM, of the type with which a site proves its identity to Apple."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    return (
        ec.generate_private_key(ec.SECP256R1())
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        .decode()
    )
