"""The claims of the people who sign in at a fake provider."""

from __future__ import annotations

import hashlib
from typing import Any

Claims = dict[str, Any]


def complete_claims(claims: Claims) -> Claims:
    """Return claims of OpenID Connect (Core section 5.1) with defaults for missing ones.

    A claim with the value None is left out. Defaults are derived from the given claims, so that
    the same claims are always the same person, and other claims another one.
    """
    given = {name: value for name, value in claims.items() if value is not None}
    defaults = _defaults(given, *_names(claims))
    result = {name: value for name, value in defaults.items() if name not in claims}
    result.update(given)
    if "sub" in result:  # It is a text in OpenID Connect.
        result["sub"] = str(result["sub"])
    if "email" not in result:
        result.pop("email_verified", None)
    return result


def _defaults(given: Claims, first: str, last: str) -> Claims:
    email = str(given.get("email", ""))
    seed = email or str(given.get("preferred_username", "")) or "Ada Lovelace"
    sub = str(given.get("sub", _digits(seed)))
    username = email.partition("@")[0] or f"user{sub}"
    return {
        "sub": sub,
        "email": email or f"{given.get('preferred_username', username)}@example.com",
        "email_verified": True,
        "name": " ".join(filter(None, [first, last])),
        "given_name": first,
        "family_name": last,
        "preferred_username": username,
        "nickname": given.get("preferred_username", username),
        "picture": "https://example.com/picture.png",
        "locale": "en",
    }


def _names(claims: Claims) -> tuple[str, str]:
    """Return the given name and the family name. One that is left out is empty."""
    name = claims.get("name")
    first, _, last = str("Ada Lovelace" if name is None else name).partition(" ")
    names = (claims.get("given_name", first), claims.get("family_name", last))
    return str(names[0] or ""), str(names[1] or "")


def _digits(text: str) -> str:
    """Return a number of nine digits. Some providers identify users by numbers."""
    number = int.from_bytes(hashlib.sha256(text.lower().encode()).digest()[:8], "big")
    return str(10**8 + number % (9 * 10**8))
