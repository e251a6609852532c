"""OpenID 2.0 without a session, and for a page on another origin than the API's."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import requests
from openid.consumer.consumer import FAILURE, SETUP_NEEDED
from openid.consumer.discover import DiscoveryFailure
from openid.fetchers import HTTPFetchingError
from openid.message import OPENID2_NS, Message
from social_core.backends.open_id import OPENID_ID_FIELD, SESSION_NAME
from social_core.exceptions import (
    AuthCredentialError,
    AuthInputError,
    AuthProviderError,
    AuthResponseError,
    ErrorStage,
    SocialAuthBaseException,
)
from social_core.store import OpenIdSessionWrapper

from social_endpoints.internal.backends.extensions.bases import OpenId
from social_endpoints.internal.flows.redirect_uris import with_parameters
from social_endpoints.internal.network.openid_fetcher import Fetching, fetching_for


class OpenID(OpenId):
    """A mixin above the backend's class."""

    _fetching: Fetching | None = None

    def auth_url(self) -> str:
        """Return the provider's URL, and leave in the flow what the completion needs.

        :raises AuthInputError: what the user has named is no OpenID provider.
        :raises AuthProviderError: the provider cannot be asked what it is.
        """
        with fetching_for(self) as self._fetching:
            try:
                url: str = super().auth_url()  # type: ignore[no-untyped-call]  # core's
            except AuthProviderError as error:
                raise self._at_begin(error) from error
        # All the services that the discovery has found, for another attempt.
        self.strategy.session_get(SESSION_NAME).pop(OpenIdSessionWrapper.manager_key, None)
        return url

    def auth_complete(self, *args: Any, **kwargs: Any) -> Any:
        """Complete as the backend does.

        :raises AuthResponseError: the callback is no message of OpenID, or is about an
            identity that is not the provider's to vouch for.
        """
        self._look_at_message()
        if self.requires_openid_provider_binding():
            self._look_at_identity()
        with fetching_for(self) as self._fetching:
            return super().auth_complete(*args, **kwargs)  # type: ignore[no-untyped-call]  # core's

    def process_error(self, data: Any, *, stage: ErrorStage = "callback") -> None:
        """Refuse what is no assertion.

        :raises AuthCredentialError: the provider wants to see the user first.
        :raises AuthProviderError: it cannot be asked whether it has said so.
        """
        status = getattr(data, "status", None)
        if status == SETUP_NEEDED:
            code = "reauthentication_required"
            raise AuthCredentialError(self, code=code, source="provider_response", stage=stage)
        failure = self._fetching.failure if self._fetching else None
        if status == FAILURE and failure:
            raise AuthProviderError(self, code=_code(failure), stage=stage) from failure
        super().process_error(data, stage=stage)

    def get_consumer_store(self) -> None:
        """Return no store: a begin writes nothing.

        The provider is asked whether it has signed an assertion (OpenID Authentication
        2.0 section 11.4.2). That it is for this login, and counts once, the flow knows.
        """

    def trust_root(self) -> str:
        """Return the realm: the origin of the redirect URI, which has to lie in it.

        OpenID Authentication 2.0 section 9.2. Core's realm is the origin of the API.
        """
        page = urlsplit(str(self.redirect_uri))
        return str(self.setting("OPENID_TRUST_ROOT") or f"{page.scheme}://{page.netloc}/")

    @staticmethod
    def _add_return_to_parameters(url: str, params: dict[str, str]) -> str:
        """Append parameters to the redirect URI, which stays as it is byte for byte."""
        return with_parameters(url, params)

    def _look_at_message(self) -> None:
        # What the library would stumble over, or take for the protocol of 2006.
        try:
            message = Message.fromPostArgs(dict(self.data))
        except (KeyError, ValueError) as error:
            raise self._malformed() from error
        is_current = self._expected_openid_endpoint().preferredNamespace() == OPENID2_NS
        if self.data.get("openid.mode") == "id_res" and message.isOpenID2() != is_current:
            raise self._malformed()

    def _look_at_identity(self) -> None:
        """Refuse an identity at an address that no provider on the web would vouch for.

        The library fetches from there, and it is the browser that says where: a host inside
        of the project's network, for example.
        """
        endpoint = self._expected_openid_endpoint()
        known = {_host(url) for url in (self.URL, endpoint.server_url, endpoint.claimed_id) if url}
        for name in ("openid.claimed_id", "openid.identity"):
            identity = self.data.get(name, "")
            host = _host(identity)
            is_known = any(host == each or host.endswith(f".{each}") for each in known)
            if host and not is_known and not _is_public_https(identity):
                raise AuthResponseError(
                    self, code="invalid_claim", claim="claimed_id", stage="callback"
                )

    def _malformed(self) -> AuthResponseError:
        return AuthResponseError(self, code="malformed_response", stage="callback")

    def _at_begin(self, error: AuthProviderError) -> SocialAuthBaseException:
        reason = error.__cause__
        if not isinstance(reason, DiscoveryFailure):
            return error
        failure = self._fetching.failure if self._fetching else None
        if failure or isinstance(reason.__context__, HTTPFetchingError):
            return AuthProviderError(self, code=_code(failure), stage="begin")
        status = getattr(reason.http_response, "status", None) or 200
        if status >= 500 or status == 429:
            code = "rate_limited" if status == 429 else "unavailable"
            return AuthProviderError(self, code=code, status_code=status, stage="begin")
        if self.URL or OPENID_ID_FIELD not in self.data:
            return error
        return AuthInputError(self, parameter=OPENID_ID_FIELD, stage="begin")


def _host(url: str) -> str:
    """Return the host of a URL, with its port where there is one; empty where there is no host."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower()
    except ValueError:
        return "["  # It is nobody's.


def _is_public_https(url: str) -> bool:
    """Say whether a URL is HTTPS, at a name that a certificate can be for, on its own port."""
    name = re.compile(r"https://([a-z0-9-]+\.)+[a-z][a-z0-9-]*(/.*)?", re.IGNORECASE | re.DOTALL)
    return name.fullmatch(url) is not None


def _code(failure: Exception | None) -> str:
    if isinstance(failure, requests.exceptions.SSLError):
        return "tls_error"
    return "timeout" if isinstance(failure, requests.Timeout) else "connection_failed"
