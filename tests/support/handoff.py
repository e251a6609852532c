"""The provider's POST to the callback endpoint, and the redirect that answers it."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.support.frontend import browser

CALLBACK = "/auth/o/oidc/callback/"
FORM = "application/x-www-form-urlencoded"


def post_to_callback(params: Any, path: str = CALLBACK, *, method: str = "post") -> Any:
    """Send a provider's parameters as the browser does: from another site, without cookies."""
    if method == "get":
        return browser().get(path, params, secure=True)
    return browser().post(path, urlencode(params), content_type=FORM, secure=True)


def handoff_params(response: Any) -> dict[str, str]:
    """Return the parameters that the frontend finds in the query of its redirect URI."""
    assert response.status_code == 303, response.content
    return dict(parse_qsl(urlsplit(response.headers["Location"]).query))
