"""How a provider is asked without its secrets going to anyone else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from requests import PreparedRequest, RequestException, Response
from requests.auth import AuthBase, HTTPBasicAuth
from requests.exceptions import ChunkedEncodingError
from social_core.backends.base import BaseAuth
from social_core.exceptions import AuthProviderError

# The backends of social-core 7 are generic, those of 6 are not.
if TYPE_CHECKING:
    _BaseAuth = BaseAuth[Any]
else:
    _BaseAuth = BaseAuth


class KeptSecrets(_BaseAuth):
    """A mixin above the backend's class: a posted secret follows no redirect elsewhere."""

    def request(self, url: str, *args: Any, **kwargs: Any) -> Response:
        """Send a request as the backend does.

        :raises AuthProviderError: as core does, and where the answer breaks off too.
        """
        kwargs["auth"] = SameOrigin(kwargs.get("auth"))
        try:
            return super().request(url, *args, **kwargs)
        except AuthProviderError as error:
            if isinstance(error.__cause__, ChunkedEncodingError):
                code, stage = "connection_failed", error.stage
                raise AuthProviderError(self, code=code, stage=stage) from error
            raise


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
