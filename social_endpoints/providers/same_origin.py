"""How a provider is asked without its secrets going to anyone else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from requests import PreparedRequest, RequestException, Response
from requests.auth import AuthBase, HTTPBasicAuth
from social_core.backends.base import BaseAuth

# The backends of social-core 7 are generic, those of 6 are not.
if TYPE_CHECKING:
    _BaseAuth = BaseAuth[Any]
else:
    _BaseAuth = BaseAuth


class KeptSecrets(_BaseAuth):
    """A mixin above the backend's class: a posted secret follows no redirect elsewhere."""

    def request(self, url: str, **kwargs: Any) -> Response:
        """Send a request as the backend does."""
        kwargs["auth"] = SameOrigin(kwargs.get("auth"))
        return super().request(url, **kwargs)


class SameOrigin(AuthBase):
    """Authenticates a request as it would be, and refuses to repeat its body elsewhere.

    After a 307 or 308, requests posts the same body to wherever the answer says
    (RFC 9110 sections 15.4.8 and 15.4.9): code, verifier and client secret in it.
    """

    def __init__(self, auth: Any) -> None:
        self._auth = HTTPBasicAuth(*auth) if isinstance(auth, tuple) else auth

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.register_hook("response", _refuse_other_origins)  # type: ignore[no-untyped-call]  # theirs
        return self._auth(request) if self._auth is not None else request


def _refuse_other_origins(response: Response, **kwargs: Any) -> None:
    if response.status_code not in {307, 308} or not response.request.body:
        return
    target = urljoin(response.url, response.headers.get("Location", ""))
    if urlsplit(target)[:2] != urlsplit(response.url)[:2]:
        raise RequestException("A request with a secret was redirected to another origin.")
