"""Log in to the example over HTTP, without a browser."""

from __future__ import annotations

import requests

from tests.support.example import Example
from tests.support.servers.frontend import TIMEOUT, User


def log_in(example: Example, provider: str = "demo") -> str:
    """Return the token of a login. The user is the person whom the fake provider suggests."""
    page = requests.Session()
    url = f"{example.site}/auth/o/{provider}/"
    redirect_uri = f"{example.site}/login/callback/"
    begun = page.get(url, params={"redirect_uri": redirect_uri}, timeout=TIMEOUT)
    callback = User().follow(begun.json()["authorization_url"], until=redirect_uri)
    response = page.post(url, json=callback.query, timeout=TIMEOUT)
    assert response.status_code == 201, response.text
    token: str = response.json()["token"]
    return token
