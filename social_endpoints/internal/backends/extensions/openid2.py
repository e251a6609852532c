"""OpenID 2.0 with a flow and with bounded discovery."""

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

    Two methods are private in social-core:

    - ``_add_return_to_parameters()`` is overridden because social-core encodes the redirect URI
      again. Remove when ``OpenIdAuth`` does not change the URI.
    - ``_expected_openid_endpoint()`` is called because the endpoint that the login began with
      has no public accessor. Remove the call when it has one.
    """

    _fetching: Fetching | None = None

    def auth_url(self) -> str:
        """Return the provider's URL.

        :raises AuthInputError: the identifier that the user typed has no OpenID provider.
        :raises AuthProviderError: the provider's discovery failed.
        """
        with fetching_for(self) as self._fetching:
            try:
                url: str = super().auth_url()  # type: ignore[no-untyped-call]  # core's
            except AuthProviderError as error:
                raise self._begin_error(error) from error
        # Without the discovered services, which are stored for a retry, the flow is shorter.
        self.strategy.session_get(SESSION_NAME).pop(OpenIdSessionWrapper.manager_key, None)
        return url

    def auth_complete(self, *args: Any, **kwargs: Any) -> Any:
        """Complete a login.

        :raises AuthResponseError: the callback is malformed, or the provider cannot assert the
            identity in it.
        """
        self._validate_message()
        if self.requires_openid_provider_binding():
            self._validate_identity()
        with fetching_for(self) as self._fetching:
            return super().auth_complete(*args, **kwargs)  # type: ignore[no-untyped-call]  # core's

    def process_error(self, data: Any, *, stage: ErrorStage = "callback") -> None:
        """Raise the error of a response that is not a positive assertion.

        social-core reports a failed request and a required interaction as an invalid signature.
        Remove when it distinguishes them.

        :raises AuthCredentialError: the provider must interact with the user.
        :raises AuthProviderError: the verification request failed.
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
        """Return None, because a begin does not write rows.

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
        """Reject a message that python3-openid cannot parse, or of another OpenID version.

        python3-openid raises its parser's exceptions. Remove when it reports an invalid message.
        """
        try:
            message = Message.fromPostArgs(dict(self.data))
        except (KeyError, ValueError) as error:
            raise self._malformed_response() from error
        is_openid2 = self._expected_openid_endpoint().preferredNamespace() == OPENID2_NS
        if self.data.get("openid.mode") == "id_res" and message.isOpenID2() != is_openid2:
            raise self._malformed_response()

    def _validate_identity(self) -> None:
        """Reject an identity at a host that may be inside the project's network.

        python3-openid fetches the URL of the identity, which the browser sends, before it
        verifies the signature. Remove when python3-openid verifies first.
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
        """Return the error for a failed discovery. social-core has one error for all causes."""
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
    """Return whether a URL uses HTTPS on the default port of a fully qualified host name."""
    name = re.compile(r"https://([a-z0-9-]+\.)+[a-z][a-z0-9-]*(/.*)?", re.IGNORECASE | re.DOTALL)
    return name.fullmatch(url) is not None


def _error_code(failure: Exception | None) -> str:
    if isinstance(failure, requests.exceptions.SSLError):
        return "tls_error"
    return "timeout" if isinstance(failure, requests.Timeout) else "connection_failed"
