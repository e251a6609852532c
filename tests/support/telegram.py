"""What Telegram signs, and the state that is a part of its redirect URI."""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.frontend import authorization_params

BOT_TOKEN = "12345:the-secret-of-the-bot"


def signed(**changes: Any) -> dict[str, Any]:
    """Return the fields of a user, signed with the bot's token."""
    fields = {"id": 7, "first_name": "Ada", "username": "ada", "auth_date": int(time.time())}
    fields |= changes
    lines = "\n".join(sorted(f"{name}={value}" for name, value in fields.items()))
    key = hashlib.sha256(BOT_TOKEN.encode()).digest()
    return {**fields, "hash": hmac.new(key, lines.encode(), "sha256").hexdigest()}


def state_of(begun: Any) -> str:
    return_to = authorization_params(begun)["return_to"]
    (state,) = parse_qs(urlsplit(return_to).query)["state"]
    return state
