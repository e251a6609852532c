"""How a provider is asked over the network, and what counts as its own fault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from requests import PreparedRequest, RequestException, Response
from requests.auth import AuthBase, HTTPBasicAuth
from requests.exceptions import ChunkedEncodingError
from social_core.backends.azuread import AzureADOAuth2
from social_core.backends.base import BaseAuth
from social_core.backends.utils import OIDCDiscoveryMixin
from social_core.exceptions import AuthConfigurationError, AuthProviderError, AuthResponseError

# The backends of social-core 7 are generic, those of 6 are not.
if TYPE_CHECKING:
    _BaseAuth = BaseAuth[Any]
else:
    _BaseAuth = BaseAuth


class Transport(_BaseAuth):
    """A mixin above the backend's class, around core's ``request()``."""

    def request(self, url: str, *args: Any, **kwargs: Any) -> Response:
        """Send a request as the backend does; a posted secret goes to its origin alone.

        :raises AuthProviderError: as core does, and where the answer breaks off too.
        :raises AuthResponseError: the provider has named a URL that is none.
        """
        kwargs["auth"] = guard = SameOrigin(kwargs.get("auth"))
        try:
            return super().request(url, *args, **kwargs)
        except AuthConfigurationError as error:
            # Core takes a URL that is none for the project's mistake, whoever named it.
            by_provider = guard.redirected or self._was_discovered(url, error.stage)
            if error.parameter != "url" or not by_provider:
                raise
            code, stage = "malformed_response", error.stage
            raise AuthResponseError(self, code=code, stage=stage) from error
        except AuthProviderError as error:
            if isinstance(error.__cause__, ChunkedEncodingError):
                code, stage = "connection_failed", error.stage
                raise AuthProviderError(self, code=code, stage=stage) from error
            raise

    def _was_discovered(self, url: str, stage: str) -> bool:
        if isinstance(self, AzureADOAuth2):  # It has the URL of the keys alone from there.
            of_project = {self.openid_configuration_url(), self.setting("JWKS_URI")}
            return stage == "token_validation" and url not in of_project
        return isinstance(self, OIDCDiscoveryMixin) and url != self.oidc_config_url()


class SameOrigin(AuthBase):
    """Authenticates a request as it would be, and refuses to repeat its body elsewhere.

    After a 307 or 308, requests posts the same body to wherever the answer says
    (RFC 9110 sections 15.4.8 and 15.4.9): code, verifier and client secret in it.
    """

    def __init__(self, auth: Any) -> None:
        self._auth = HTTPBasicAuth(*auth) if isinstance(auth, tuple) else auth
        self.redirected = False

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.register_hook("response", self._look)  # type: ignore[no-untyped-call]  # theirs
        return self._auth(request) if self._auth is not None else request

    def _look(self, response: Response, **kwargs: Any) -> None:
        self.redirected = self.redirected or response.is_redirect
        if response.status_code not in {307, 308} or not response.request.body:
            return
        target = urljoin(response.url, response.headers.get("Location", ""))
        if urlsplit(target)[:2] != urlsplit(response.url)[:2]:
            response.close()
            raise RequestException("A request with a secret was redirected to another origin.")
