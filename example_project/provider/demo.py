"""The one person whom the provider knows, and the one client: our site."""

from __future__ import annotations

from secrets import token_urlsafe

from example_project.data import kept

USERNAME = "demo"
PASSWORD = "open-sesame"
FIRST_NAME = "Dana"
LAST_NAME = "Demo"
EMAIL = "dana@example.com"

CLIENT_ID = "example-site"


def client_secret() -> str:
    return kept("client-secret", token_urlsafe)
