"""OpenID 2.0 with a flow, and with verification before discovery."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from typing import Any, Final
from urllib.parse import urldefrag, urlsplit

import requests
from openid.association import Association
from openid.consumer.consumer import Consumer, GenericConsumer
from openid.consumer.discover import OPENID_2_0_TYPE, OpenIDServiceEndpoint
from openid.message import OPENID_NS, Message
from openid.store.interface import OpenIDStore
from openid.urinorm import urinorm
from social_core.backends.open_id import OPENID_ID_FIELD, SESSION_NAME
from social_core.exceptions import (
    AuthInputError,
    AuthProviderError,
    AuthResponseError,
    AuthSessionError,
    ErrorStage,
    SocialAuthBaseException,
)
from social_core.store import OpenIdSessionWrapper

from social_endpoints.exceptions import AuthProviderUnavailable
from social_endpoints.internal.backends.extensions.bases import OpenId
from social_endpoints.internal.flows.redirect_uris import with_parameters
from social_endpoints.internal.network import sessions
from social_endpoints.internal.network.openid_discovery import discover
from social_endpoints.internal.network.options import request_options
from social_endpoints.internal.network.public_hosts import PublicHosts
from social_endpoints.internal.network.transport import translate_request_error

MAX_MESSAGE = 32_768
"""Characters of a callback. python3-openid compares each parameter with all of ``return_to``."""

_ENDPOINT = OpenIdSessionWrapper.endpoint_key

# The fields that must be signed: OpenID Authentication 1.1 section 4.4, and 2.0 section 10.1.
_SIGNED_IN_1 = ("return_to", "identity")
_SIGNED_IN_2 = (*_SIGNED_IN_1, "op_endpoint", "response_nonce", "assoc_handle", "claimed_id")

# The fields that describe the message and its signature.
_UNSIGNED = frozenset({"ns", "mode", "sig", "signed", "assoc_handle"})

_LINE_BREAK = re.compile("[\r\n]")

_is_completing: ContextVar[bool] = ContextVar("is_completing", default=False)


def _is_loggable(record: logging.LogRecord) -> bool:
    return not _is_completing.get()


# python3-openid logs the messages that it rejects, with signature and profile. Remove when it
# does not.
logging.getLogger("openid.consumer.consumer").addFilter(_is_loggable)


class OpenID2(OpenId):
    """Run OpenID 2.0 with the flow as its only store, and with verification before discovery.

    python3-openid fetches and parses the identifier in a callback, which anyone can send, before
    it verifies the signature. Here the provider that the login has begun with verifies the
    message first (OpenID Authentication 2.0 section 11.4.2). Only then is the identifier
    discovered, where the provider has selected it (section 11.2). python3-openid finds the
    result of both, and sends no request. Remove when it verifies first.

    ``_add_return_to_parameters()`` is private in social-core. It is overridden because
    social-core encodes the redirect URI again. Remove when ``OpenIdAuth`` does not change it.
    """

    _store: VerifiedMessages | None = None

    def create_consumer(self, store: Any = None) -> Consumer:
        session = self.strategy.openid_session_dict(SESSION_NAME)
        discover_at_begin = partial(self._discover, stage="begin", hosts=self._provider_hosts())
        return DiscoveringConsumer(discover_at_begin, session, store)

    def auth_complete(self, *args: Any, **kwargs: Any) -> Any:
        """Complete a login with a positive assertion.

        :raises AuthResponseError: the callback is malformed, or the provider has not signed it
            or cannot assert the identity in it.
        """
        self._store = VerifiedMessages()
        self._verify(self._parse())
        token = _is_completing.set(True)
        try:
            return super().auth_complete(*args, **kwargs)  # type: ignore[no-untyped-call]  # core's
        finally:
            _is_completing.reset(token)

    def get_consumer_store(self) -> Any:
        """Return None at begin, because a begin does not write rows.

        Without an association, the provider verifies its own signature. The flow binds the
        assertion to this login and to one use. At completion, return the verified message.
        """
        return self._store

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

    # --- Verification -------------------------------------------------------------------

    def _parse(self) -> Message:
        """Return the message in a callback.

        python3-openid raises its parser's exceptions. Remove when it reports an invalid message.

        :raises AuthResponseError: it is too long, cannot be parsed, or contains a line break.
            A line break would make the signed text ambiguous, in which each field is a line
            (OpenID Authentication 2.0 section 4.1.1).
        """
        prefixes = [text for name, text in self.data.items() if name.startswith("openid.ns.")]
        texts = [*self.data, *self.data.values()]
        # python3-openid warns about a prefix that does not stand for a URI.
        if (
            sum(map(len, texts)) > MAX_MESSAGE
            or any(map(_LINE_BREAK.search, texts))
            or not all(":" in uri for uri in prefixes)
        ):
            raise self._malformed_response()
        try:
            # python3-openid parses it in the same way later.
            urlsplit(urinorm(self.data.get("openid.return_to", "")))
            return Message.fromPostArgs(dict(self.data))
        except (AssertionError, KeyError, ValueError) as error:
            raise self._malformed_response() from error

    def _verify(self, message: Message) -> None:
        """Verify a positive assertion, and discover the identifier in it.

        :raises AuthResponseError: the provider that the login has begun with has not signed it,
            or is not authorized to assert the identifier.
        """
        try:
            session = self.strategy.openid_session_dict(SESSION_NAME)
            endpoint = session[_ENDPOINT]  # Stored at begin.
        except (KeyError, ValueError) as error:  # Another version of social-core has stored it.
            code: Final = "session_context_missing"
            raise AuthSessionError(self, code=code, stage="callback") from error
        if message.getOpenIDNamespace() != endpoint.preferredNamespace():
            raise self._malformed_response()
        signed = self._signed_fields(message)
        if message.isOpenID2() and _get(message, "op_endpoint") != endpoint.server_url:
            raise self._invalid_claim("op_endpoint")
        self._require_verification(message, endpoint)
        # The browser can add fields, for example an e-mail address. An extension is ignored if
        # the declaration of its prefix is not signed.
        usable = signed | _UNSIGNED
        self.data = {
            name: text
            for name, text in self.data.items()
            if not name.startswith("openid.") or name.removeprefix("openid.") in usable
        }
        endpoint = self._authorized_endpoint(message, endpoint)
        # The claimed identifier can have a fragment (section 11.5.1), the local one has none.
        # social-core compares the local one, which is the claimed one by default.
        endpoint.local_id = endpoint.getLocalID()
        session[_ENDPOINT] = endpoint
        self._store = VerifiedMessages(self._parse())

    def _signed_fields(self, message: Message) -> set[str]:
        """Return the names of the signed fields.

        :raises AuthResponseError: a field that must be signed is missing or not signed.
        """
        signed = set(_get(message, "signed").split(","))
        for name in _SIGNED_IN_2 if message.isOpenID2() else _SIGNED_IN_1:
            if name not in signed or not _get(message, name):
                code = "missing_claim"
                raise AuthResponseError(self, code=code, claim=name, stage="callback")
        return signed

    def _require_verification(self, message: Message, endpoint: OpenIDServiceEndpoint) -> None:
        """Ask the provider whether it has signed a message.

        :raises AuthResponseError: the provider has not signed it.
        :raises AuthProviderError: the provider cannot be reached.
        """
        request = message.copy()
        request.setArg(OPENID_NS, "mode", "check_authentication")
        url, hosts = endpoint.server_url, self._provider_hosts()
        try:
            response = self._send(
                "POST", url, hosts, data=request.toPostArgs(), allow_redirects=False
            )
        except requests.RequestException as error:
            if isinstance(error, ValueError):  # It is not a URL of a public host.
                raise self._invalid_claim("op_endpoint") from error
            raise translate_request_error(self, error, url=url, stage="callback") from error
        if not _confirms(response):
            raise AuthResponseError(self, code="invalid_signature", stage="callback")

    def _authorized_endpoint(
        self, message: Message, begin_endpoint: OpenIDServiceEndpoint
    ) -> OpenIDServiceEndpoint:
        """Return the service that asserts the identifier in a verified message.

        :raises AuthResponseError: the identifier does not name this provider.
        """
        claimed_id = _get(message, "claimed_id")
        if not message.isOpenID2():
            # python3-openid adds it to return_to, because a message of version 1 has no such
            # field. It would discover another value here without any limit.
            name = GenericConsumer.openid1_return_to_identifier_name
            claimed_id = self.data.get(name, str(begin_endpoint.claimed_id))
        claimed_id = urldefrag(claimed_id).url
        expected = claimed_id, begin_endpoint.server_url, _get(message, "identity")
        if not begin_endpoint.isOPIdentifier() and _identity(begin_endpoint) == expected:
            return begin_endpoint
        if begin_endpoint.isOPIdentifier() or (
            self.requires_openid_provider_binding() and message.isOpenID2()
        ):
            # A provider that the user has typed must not choose further trusted hosts.
            trusted = (self.URL, begin_endpoint.server_url) if self.URL else ()
            hosts = self._public_hosts(*trusted)
            for service in self._discover(claimed_id, stage="callback", hosts=hosts):
                if service.usesExtension(OPENID_2_0_TYPE) and _identity(service) == expected:
                    return service
        raise self._invalid_claim("claimed_id")

    # --- Discovery ----------------------------------------------------------------------

    def _discover(
        self, identifier: str, *, stage: ErrorStage, hosts: PublicHosts | None
    ) -> list[OpenIDServiceEndpoint]:
        """Return the services of an identifier.

        :raises AuthInputError: the user has typed an identifier without an OpenID provider.
        :raises AuthProviderError: the discovery failed.
        """
        fetch = partial(self._send, "GET", hosts=hosts)
        try:
            services = discover(lambda url, headers: fetch(url, headers=headers), identifier)
        except AuthProviderUnavailable:
            raise
        except requests.RequestException as error:
            status = getattr(error.response, "status_code", 500)
            if isinstance(error, ValueError) or (status < 500 and status != 429):
                raise self._undiscoverable(stage) from error
            raise translate_request_error(self, error, url=identifier, stage=stage) from error
        except ValueError as error:  # It is not a URL.
            raise self._undiscoverable(stage) from error
        if not services:
            raise self._undiscoverable(stage)
        return services

    def _send(
        self, method: str, url: str, hosts: PublicHosts | None, **options: Any
    ) -> requests.Response:
        """Send a request.

        :param hosts: the hosts that may be contacted; None if the project has chosen the URL.
        """
        response = sessions.send(
            self.name,
            method,
            url,
            hosts=hosts,
            repeats_get=True,
            **request_options(self),
            **options,
        )
        # A provider reports an error to a POST with a 400 (OpenID 2.0 section 5.1.2.2).
        if method == "GET" or response.status_code != 400:
            response.raise_for_status()
        return response

    def _provider_hosts(self) -> PublicHosts | None:
        """Return the hosts at which a provider may be; None if the project has chosen it."""
        return None if self.URL else self._public_hosts()

    def _public_hosts(self, *urls: str | None) -> PublicHosts:
        """Return the public hosts, those of URLs, and those that the project trusts."""
        trusted = self.setting("INTERNAL_HOSTS") or ()
        return PublicHosts(frozenset({*trusted, *(urlsplit(url).netloc for url in urls if url)}))

    # --- Errors -------------------------------------------------------------------------

    def _malformed_response(self) -> AuthResponseError:
        return AuthResponseError(self, code="malformed_response", stage="callback")

    def _invalid_claim(self, name: str) -> AuthResponseError:
        return AuthResponseError(self, code="invalid_claim", claim=name, stage="callback")

    def _undiscoverable(self, stage: ErrorStage) -> SocialAuthBaseException:
        """Return the error for an identifier without an OpenID provider.

        The error is the same for an unknown host and a forbidden one.
        """
        if stage == "callback":
            return self._invalid_claim("claimed_id")
        for name in (OPENID_ID_FIELD, "openid_lj_user"):
            if name in self.data and not self.URL:
                return AuthInputError(self, parameter=name, stage=stage)
        return AuthProviderError(self, code="http_error", stage=stage)


class DiscoveringConsumer(Consumer):  # type: ignore[misc]  # openid is untyped: Any to mypy
    """python3-openid's consumer, with another discovery.

    :param discover: returns the services of an identifier, the preferred one first.
    """

    def __init__(
        self, discover: Callable[[str], list[OpenIDServiceEndpoint]], session: Any, store: Any
    ) -> None:
        super().__init__(session, store)
        self._discover_services = discover

    def begin(self, user_url: str, anonymous: bool = False) -> Any:
        return self.beginWithoutDiscovery(self._discover_services(user_url)[0], anonymous)


class VerifiedMessages(OpenIDStore):  # type: ignore[misc]  # the same
    """A store for python3-openid that accepts the signature of one message.

    It returns an association for every handle, so python3-openid does not contact a provider.

    :param message: the message that the provider has verified; None to accept no signature.
    """

    def __init__(self, message: Message | None = None) -> None:
        self._message = message

    def getAssociation(self, server_url: str, handle: str | None = None) -> Association:  # noqa: N802 - openid's name
        association = VerifiedSignature.fromExpiresIn(60, handle, b"", "HMAC-SHA256")
        association.message = self._message
        return association

    def useNonce(self, server_url: str, timestamp: int, salt: str) -> bool:  # noqa: N802 - the same
        return True  # The signed return_to contains the state of a flow, which is used once.


class VerifiedSignature(Association):  # type: ignore[misc]  # the same
    """An association that accepts the signature of one message."""

    message: Message | None = None

    def checkMessageSignature(self, message: Message) -> bool:  # noqa: N802 - the same
        return self.message is not None and bool(message.toPostArgs() == self.message.toPostArgs())


def _get(message: Message, name: str) -> str:
    return str(message.getArg(OPENID_NS, name) or "")


def _confirms(response: requests.Response) -> bool:
    """Return whether a provider has confirmed a signature (section 11.4.2.2).

    An error page can contain a line of the callback. So the whole response must have the
    key-value form (section 4.1.1), and contain one result.
    """
    lines = [line.partition(b":") for line in response.content.splitlines() if line.strip()]
    results = [value.strip() for name, _, value in lines if name.strip() == b"is_valid"]
    has_form = response.status_code == 200 and all(colon for _, colon, _ in lines)
    return has_form and results == [b"true"]


def _identity(service: OpenIDServiceEndpoint) -> tuple[Any, ...]:
    return service.claimed_id, service.server_url, service.getLocalID()
