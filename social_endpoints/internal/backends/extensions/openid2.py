"""OpenID 2.0 for frontends on another origin, without server-side state."""

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
from social_endpoints.internal.network.adapter import MalformedResponse
from social_endpoints.internal.network.openid_fetcher import Fetching, fetching_for


class OpenID2(OpenId):
    """Run OpenID 2.0 with the flow as its only store, and with bounded discovery.

    Two methods have private names of social-core:

    - ``_add_return_to_parameters()`` is overridden because social-core encodes the redirect URI
      again. Remove when ``OpenIdAuth`` keeps it unchanged.
    - ``_expected_openid_endpoint()`` is called because the endpoint that the login began with
      has no public accessor. Remove the call when it has one.
    """

    _fetching: Fetching | None = None

    def auth_url(self) -> str:
        """Return the provider's URL.

        :raises AuthInputError: the identifier that the user entered has no OpenID provider.
        :raises AuthProviderError: the provider's discovery failed.
        """
        with fetching_for(self) as self._fetching:
            try:
                url: str = super().auth_url()  # type: ignore[no-untyped-call]  # core's
            except AuthProviderError as error:
                raise self._begin_error(error) from error
        # The discovered services, stored for further attempts. They would enlarge the flow.
        self.strategy.session_get(SESSION_NAME).pop(OpenIdSessionWrapper.manager_key, None)
        return url

    def auth_complete(self, *args: Any, **kwargs: Any) -> Any:
        """Complete a login.

        :raises AuthResponseError: the callback is not an OpenID 2.0 message, or its identity is
            one that this provider cannot assert.
        """
        self._validate_message()
        if self.requires_openid_provider_binding():
            self._validate_identity()
        with fetching_for(self) as self._fetching:
            return super().auth_complete(*args, **kwargs)  # type: ignore[no-untyped-call]  # core's

    def process_error(self, data: Any, *, stage: ErrorStage = "callback") -> None:
        """Raise the error of a response that is not a positive assertion.

        social-core reports a failed network request and a required interaction like an invalid
        signature. Remove when it distinguishes them.

        :raises AuthCredentialError: the provider must ask the user.
        :raises AuthProviderError: the provider did not answer the verification request.
        """
        status = getattr(data, "status", None)
        if status == SETUP_NEEDED:
            code = "reauthentication_required"
            raise AuthCredentialError(self, code=code, source="provider_response", stage=stage)
        failure = self._fetching.failure if self._fetching else None
        if status == FAILURE and failure:
            raise self._request_error(failure, stage) from failure
        super().process_error(data, stage=stage)

    def get_consumer_store(self) -> None:
        """Return no store, because a begin writes no rows.

        Without an association, the provider verifies its own signature (OpenID Authentication
        2.0 section 11.4.2). The flow binds the assertion to this login and to one use.
        """

    def trust_root(self) -> str:
        """Return the realm: the origin of the redirect URI.

        The redirect URI must be inside the realm (OpenID Authentication 2.0 section 9.2).
        social-core returns the origin of the API.
        """
        page = urlsplit(str(self.redirect_uri))
        return str(self.setting("OPENID_TRUST_ROOT") or f"{page.scheme}://{page.netloc}/")

    @staticmethod
    def _add_return_to_parameters(url: str, params: dict[str, str]) -> str:
        return with_parameters(url, params)

    def _validate_message(self) -> None:
        """Reject messages that python3-openid cannot parse, or treats as OpenID 1."""
        try:
            message = Message.fromPostArgs(dict(self.data))
        except (KeyError, ValueError) as error:
            raise self._malformed_response() from error
        is_openid2 = self._expected_openid_endpoint().preferredNamespace() == OPENID2_NS
        if self.data.get("openid.mode") == "id_res" and message.isOpenID2() != is_openid2:
            raise self._malformed_response()

    def _validate_identity(self) -> None:
        """Reject an identity at a host that cannot belong to a provider on the web.

        python3-openid fetches the URL of the identity before it verifies the signature. The
        browser chooses the URL, which could be inside the project's network. Remove when
        python3-openid verifies first.
        """
        endpoint = self._expected_openid_endpoint()
        urls = (self.URL, endpoint.server_url, endpoint.claimed_id)
        trusted_hosts = {_host(url) for url in urls if url}
        for name in ("openid.claimed_id", "openid.identity"):
            identity = self.data.get(name, "")
            host = _host(identity)
            is_trusted = any(host == each or host.endswith(f".{each}") for each in trusted_hosts)
            if host and not is_trusted and not _is_public_https(identity):
                code, claim = "invalid_claim", "claimed_id"
                raise AuthResponseError(self, code=code, claim=claim, stage="callback")

    def _malformed_response(self) -> AuthResponseError:
        return AuthResponseError(self, code="malformed_response", stage="callback")

    def _request_error(self, failure: Any, stage: ErrorStage) -> SocialAuthBaseException:
        if isinstance(failure, MalformedResponse):
            return AuthResponseError(self, code="malformed_response", stage=stage)
        return AuthProviderError(self, code=_error_code(failure), stage=stage)

    def _begin_error(self, error: AuthProviderError) -> SocialAuthBaseException:
        """Return the error for a failed discovery: social-core has one for all causes."""
        reason = error.__cause__
        if not isinstance(reason, DiscoveryFailure):
            return error
        failure = self._fetching.failure if self._fetching else None
        if failure or isinstance(reason.__context__, HTTPFetchingError):
            return self._request_error(failure, "begin")
        status = getattr(reason.http_response, "status", None) or 200
        if status >= 500 or status == 429:
            code = "rate_limited" if status == 429 else "unavailable"
            return AuthProviderError(self, code=code, status_code=status, stage="begin")
        if self.URL or OPENID_ID_FIELD not in self.data:
            return error
        return AuthInputError(self, parameter=OPENID_ID_FIELD, stage="begin")


def _host(url: str) -> str:
    """Return the host of a URL with its port, or an empty string if the URL has no host."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower()
    except ValueError:
        return "["  # Not a host, so it matches none.


def _is_public_https(url: str) -> bool:
    """Return whether a URL uses HTTPS on its default port, at a name with a top-level domain."""
    name = re.compile(r"https://([a-z0-9-]+\.)+[a-z][a-z0-9-]*(/.*)?", re.IGNORECASE | re.DOTALL)
    return name.fullmatch(url) is not None


def _error_code(failure: Exception | None) -> str:
    if isinstance(failure, requests.exceptions.SSLError):
        return "tls_error"
    return "timeout" if isinstance(failure, requests.Timeout) else "connection_failed"
