"""Asking a provider for whom it has issued an access token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from social_core.backends.base import BaseAuth
from social_core.exceptions import (
    AuthConfigurationError,
    AuthCredentialError,
    AuthResponseError,
    SocialAuthBaseException,
)

from social_endpoints.internal.native.audiences import own_client_ids
from social_endpoints.internal.native.verifiers.answer import Answer


@dataclass(frozen=True, slots=True)
class Issued:
    """What a provider says of an access token that is good.

    ``clients`` are the client ids that it was issued to: all of them must be the
    project's own, and there must be one. ``subject`` is whose token it is, and
    ``lifetime`` the seconds that it has left; either is None where the provider does
    not say.
    """

    clients: frozenset[str]
    subject: str | None = None
    lifetime: int | None = None


class Verifier:
    """Asks a provider for whom it has issued an access token.

    A subclass says how one provider is asked, in :meth:`verify`. Name yours in the
    setting ``NATIVE_VERIFIERS``, under the provider it is for. :meth:`ask` sends a request
    as python-social-auth does (time limit, proxy, errors), and hands you an
    ``Answer``, whose readers refuse values of the wrong type.

    What you return is compared: a token of a client that is not the project's own signs
    nobody in, nor does one whose profile, which the backend fetches next, is of somebody
    else. So return what the provider says, and never what the client has sent.

    :param backend: the provider's backend, which has the settings (``setting()``).
    """

    subject_key: ClassVar[str] = "sub"
    """Where the profile that the backend fetches says whose it is."""

    token_refused: ClassVar[frozenset[int]] = frozenset()
    """The HTTP statuses by which the provider says that the token is no good."""

    client_refused: ClassVar[frozenset[int]] = frozenset()
    """Those by which it says that the project's own client id and secret are none."""

    def __init__(self, backend: BaseAuth[Any]) -> None:
        self.backend = backend

    @classmethod
    def is_available(cls, backend: BaseAuth[Any]) -> bool:
        """Say, without asking the network, whether this provider can be asked."""
        return True

    def verify(self, access_token: str) -> Issued:
        """Return for whom the provider has issued a token, if it is good now.

        :param access_token: visible ASCII characters; nothing else is known of it.
        :raises SocialAuthBaseException: it is not (:meth:`rejected`, :meth:`expired`), or
            the provider could not be asked.
        """
        raise NotImplementedError

    def own_clients(self) -> frozenset[str]:
        """Return the client ids whose tokens sign in."""
        return own_client_ids(self.backend)

    def subject_of(self, profile: Mapping[str, Any]) -> Any:
        """Return whose profile this is, to be compared with :attr:`Issued.subject`."""
        return profile.get(self.subject_key)

    def client(self) -> tuple[str, str]:
        """Return the client id and the client secret to ask with.

        :raises AuthConfigurationError: one of them is missing.
        """
        key, secret = self.backend.get_key_and_secret()
        for name, value in (("KEY", key), ("SECRET", secret)):
            if not value:
                raise AuthConfigurationError(
                    self.backend, code="missing_setting", parameter=name, stage="token_validation"
                )
        return key, secret

    def ask(self, url: str, **request: Any) -> Answer:
        """Send a request to the provider, and return its answer.

        :param request: ``method``, ``headers``, ``params``, ``data``, ``json``, ``auth``, as
            python-social-auth's ``BaseAuth.request()`` takes them.
        :raises SocialAuthBaseException: there is none, or it is no JSON object.
        """
        try:
            content = self.backend.get_json(url, stage="token_validation", **request)
        except RecursionError as error:
            code = "malformed_response"
            raise AuthResponseError(self.backend, code=code, stage="token_validation") from error
        except SocialAuthBaseException as error:
            raise self.explained(error) from error
        return Answer(self.backend, content)

    def explained(self, error: SocialAuthBaseException) -> SocialAuthBaseException:
        """Return what an error that the provider has answered with means here."""
        if error.status_code in self.token_refused:
            return self.rejected()
        if error.status_code in self.client_refused:
            return self.misconfigured()
        return error

    def rejected(self) -> AuthCredentialError:
        """Return the error for a token that the provider does not know, or no longer."""
        return AuthCredentialError(
            self.backend, source="provider_response", stage="token_validation"
        )

    def expired(self) -> AuthResponseError:
        """Return the error for a token whose time is over."""
        code = "response_expired"
        return AuthResponseError(self.backend, code=code, stage="token_validation")

    def misconfigured(self) -> AuthConfigurationError:
        """Return the error for a client id and secret that the provider does not know.

        In words of RFC 6749 section 5.2, whatever the provider's own are. As in a login by
        redirect it is the provider's word, so it is logged as an error, and no 500.
        """
        return AuthConfigurationError(
            self.backend,
            parameter="SECRET",
            stage="token_validation",
            provider_code="invalid_client",
        )
