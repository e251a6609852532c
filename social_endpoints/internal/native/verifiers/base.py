"""Base class for verifiers of access tokens."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

from social_core.backends.base import BaseAuth
from social_core.exceptions import (
    AuthConfigurationError,
    AuthCredentialError,
    AuthResponseError,
    SocialAuthBaseException,
)

from social_endpoints.internal.backends.id_tokens.issuers import own_client_ids, setting_error
from social_endpoints.internal.connections.token_response import as_scopes

_MAX_NUMBER = 10**12  # In seconds: 30,000 years, which timedelta can represent.
_MAX_IDENTIFIER = 10**64  # Python refuses to write integers of more than 4,300 digits.


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """A provider's information about a valid access token.

    :param clients: the client ids that the token was issued to. At least one is required, and
        all of them must be the project's own.
    :param subject: the user who owns the token; None if the provider does not report it.
    :param lifetime: remaining seconds; None if the provider does not report it.
    :param scopes: the granted scopes; empty if the provider does not report them.
    """

    clients: frozenset[str]
    subject: str | None = None
    lifetime: int | None = None
    scopes: tuple[str, ...] = ()


class VerifierResponse:
    """A provider's response about a token: a JSON object.

    ``content`` is the object. The methods check the type of each value that they return, and
    raise ``AuthResponseError`` if it is missing or wrong.
    """

    def __init__(self, backend: BaseAuth[Any], content: Any) -> None:
        self._backend = backend
        if not isinstance(content, dict):
            raise self._error("malformed_response")
        self.content: dict[str, Any] = content

    def part(self, name: str) -> VerifierResponse:
        """Return a nested object."""
        return VerifierResponse(self._backend, self._required(name))

    def identifier(self, name: str) -> str:
        """Return the id of a user or a client; an integer is converted to a string."""
        value = as_identifier(self._required(name))
        if value is None:
            raise self._error("malformed_response", name)
        return value

    def number(self, name: str) -> float:
        """Return a number, such as a time in seconds; a string of digits is converted."""
        value = self._required(name)
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,12}", value):
            return int(value)
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not abs(value) < _MAX_NUMBER:  # False for NaN.
            raise self._error("malformed_response", name)
        return float(value)

    def scopes(self, name: str) -> tuple[str, ...]:
        """Return scopes: a list, or a text of scopes that are separated by spaces or commas.

        A missing or wrong value is not an error. The result is then empty.
        """
        value = self.content.get(name)
        return as_scopes(value if isinstance(value, (str, list)) else (), " ")

    def has(self, name: str) -> bool:
        """Return whether there is a value other than null."""
        return self.content.get(name) is not None

    def _required(self, name: str) -> Any:
        if not self.has(name):
            raise self._error("missing_claim", name)
        return self.content[name]

    def _error(self, code: str, claim: str | None = None) -> AuthResponseError:
        return AuthResponseError(self._backend, code=code, claim=claim, stage="token_validation")


class TokenVerifier:
    """Asks a provider to whom it has issued an access token.

    Subclass it and implement :meth:`verify`, then name your class in the setting
    ``NATIVE_VERIFIERS`` under the provider's name. In :meth:`verify`, use :meth:`ask`: it sends
    a request with the time limit, proxy and error handling of python-social-auth, and returns a
    :class:`VerifierResponse`.

    Return what the provider reports, never anything that the client has sent. The clients of your
    :class:`TokenInfo` are compared with the project's client ids, and its subject is compared
    with the profile that the backend requests next.

    :param backend: the provider's backend. ``backend.setting()`` reads its settings.
    """

    subject_key: ClassVar[str] = "sub"
    """Key of the user's id in the profile that the backend requests."""

    token_refused: ClassVar[frozenset[int]] = frozenset()
    """HTTP statuses with which the provider reports an invalid token."""

    client_refused: ClassVar[frozenset[int]] = frozenset()
    """HTTP statuses with which the provider reports a wrong client id or client secret."""

    def __init__(self, backend: BaseAuth[Any]) -> None:
        self.backend = backend

    @classmethod
    def is_available(cls, backend: BaseAuth[Any]) -> bool:
        """Return whether this provider can be asked. Must not send a request."""
        return True

    def verify(self, access_token: str) -> TokenInfo:
        """Ask the provider about a token.

        :param access_token: visible ASCII characters, otherwise unchecked.
        :raises SocialAuthBaseException: the token is not valid (raise :meth:`rejected` or
            :meth:`expired`), or the provider failed.
        """
        raise NotImplementedError

    def own_clients(self) -> frozenset[str]:
        """Return the client ids whose tokens may sign in."""
        return own_client_ids(self.backend)

    def subject_of(self, profile: Mapping[str, Any]) -> Any:
        """Return the user's id in a profile, to compare with :attr:`TokenInfo.subject`."""
        return profile.get(self.subject_key)

    def client(self) -> tuple[str, str]:
        """Return the client id and the client secret that authenticate the request."""
        key, secret = self.backend.get_key_and_secret()
        for name, value in (("KEY", key), ("SECRET", secret)):
            if not value:
                raise setting_error(self.backend, name, code="missing_setting")
        return key, secret

    def ask(self, url: str, **request: Any) -> VerifierResponse:
        """Send a request to the provider and return its response.

        :param request: ``method``, ``headers``, ``params``, ``data``, ``json`` and ``auth``, as
            for python-social-auth's ``BaseAuth.request()``.
        :raises SocialAuthBaseException: the request failed, or its response is not an object.
        """
        content: Any = None
        try:
            with suppress(RecursionError):
                content = self.backend.get_json(url, stage="token_validation", **request)
        except SocialAuthBaseException as error:
            raise self.translate_error(error) from error
        return VerifierResponse(self.backend, content)

    def translate_error(self, error: SocialAuthBaseException) -> SocialAuthBaseException:
        """Return the exception to raise for an error response of the provider."""
        if error.status_code in self.token_refused:
            return self.rejected()
        if error.status_code in self.client_refused:
            return self.misconfigured()
        return error

    def rejected(self) -> AuthCredentialError:
        """Return the exception for a token that is unknown or revoked."""
        return AuthCredentialError(
            self.backend, source="provider_response", stage="token_validation"
        )

    def expired(self) -> AuthResponseError:
        """Return the exception for a token that has expired."""
        return AuthResponseError(self.backend, code="response_expired", stage="token_validation")

    def misconfigured(self) -> AuthConfigurationError:
        """Return the exception, a 400, for a client id or secret that the provider refuses."""
        code = "invalid_client"  # RFC 6749 section 5.2.
        return AuthConfigurationError(
            self.backend, parameter="SECRET", stage="token_validation", provider_code=code
        )


def as_identifier(value: Any) -> str | None:
    """Return the id of a user or a client as a string; None for other values."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < _MAX_IDENTIFIER else None
    return value if isinstance(value, str) and value else None
