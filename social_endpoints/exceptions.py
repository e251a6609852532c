"""What goes wrong, as the answer that a client gets and the log that an operator reads."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.http import parse_http_date_safe
from django.utils.translation import gettext, gettext_lazy
from rest_framework import status
from rest_framework.exceptions import APIException, NotFound, ValidationError
from social_core.backends.base import BaseAuth
from social_core.exceptions import (
    REASONS,
    AuthCanceled,
    AuthConfigurationError,
    AuthCredentialError,
    AuthInputError,
    AuthPolicyError,
    AuthSessionError,
    AuthUnknownError,
    ErrorStage,
    SocialAuthBaseException,
)

logger = logging.getLogger("social_endpoints")

# What a provider may say (RFC 6749 sections 4.1.2.1 and 5.2). Anything else that stands
# in that place came over the network, perhaps through a browser, and is not logged.
_PROVIDER_CODES = frozenset(
    {
        "access_denied",
        "invalid_client",
        "invalid_grant",
        "invalid_request",
        "invalid_scope",
        "server_error",
        "temporarily_unavailable",
        "unauthorized_client",
        "unsupported_grant_type",
        "unsupported_response_type",
    }
)

# What providers say besides what social-core knows: that the user has something to do
# there (OpenID Connect Core section 3.1.2.6), that the user would not (Apple, LinkedIn,
# OAuth Problem Reporting), and that a token of OAuth 1.0 is no longer good (the same).
_PROMPTS = frozenset(
    {
        "account_selection_required",
        "consent_required",
        "interaction_required",
        "login_required",
    }
)
_DECLINED = frozenset(
    {
        "permission_denied",
        "user_cancelled_authorize",
        "user_cancelled_login",
    }
)
_REJECTED = frozenset({"token_expired", "token_rejected", "token_revoked", "token_used"})

_CLIENT_REFUSED = frozenset({"invalid_client", "unauthorized_client"})


class Refused(APIException):
    """A login that cannot go on, for a reason that the client may know.

    ``detail`` is safe to show to the user and ``code`` is social-core's; ``body``
    is the error body of the contract, and ``retry_after`` what the provider asked
    for in its header of that name.
    """

    status_code: int = status.HTTP_400_BAD_REQUEST

    def __init__(self, error: SocialAuthBaseException) -> None:
        super().__init__(detail=_public_text(error), code=error.code)
        self.body = {"non_field_errors": [self.detail], **error.public_metadata()}
        if isinstance(error, AuthInputError) and isinstance(error.parameter, str):
            self.body.setdefault(error.parameter, [self.detail])
        self.retry_after = _retry_after(error)


class Misconfigured(Refused):
    """A login that cannot go on because of a mistake in the project's settings."""

    status_code = status.HTTP_500_INTERNAL_SERVER_ERROR


class ProviderNotSupported(NotFound):
    """No such provider is configured, or none that one can begin with."""

    def __init__(self, provider: str) -> None:
        super().__init__(
            gettext("Provider '%(provider)s' not supported") % {"provider": provider},
            code="provider_not_supported",
        )


class ConnectionNotFound(NotFound):
    """The user has no such identity."""


REFUSALS = (Refused, ValidationError)
"""What a client is answered with: in our words, or in those of the project's own code."""


class FlowNotSent(AuthSessionError):
    """The request carried neither a flow cookie nor ``flow``."""

    public_text = gettext_lazy(
        "This request carried no flow. Send it with credentials, so that the cookie set"
        " at begin comes along, or post the `flow` that begin answered with."
    )


class InactiveUser(AuthPolicyError):
    """The user whom this identity belongs to may not log in."""

    public_text = gettext_lazy("This account is inactive.")


class AssociationOnly(AuthPolicyError):
    """A provider that can be linked to an account, and proves nobody's identity."""

    public_text = gettext_lazy(
        "This provider signs nobody in. It can be connected to an account that exists."
    )

    def __init__(self, backend: BaseAuth[Any], *, stage: ErrorStage) -> None:
        super().__init__(backend, stage=stage, recovery="use_existing_account")


@contextmanager
def refusals(provider: str, stage: ErrorStage) -> Iterator[None]:
    """Turn whatever a backend or a pipeline raises into a :class:`Refused`.

    Errors that the project itself words for the client (DRF's ``ValidationError``)
    pass, as do the ones that are words for the client already.

    :param provider: name of a configured backend.
    :param stage: where an error counts as raised that does not say it itself.
    :raises Refused: 400 with social-core's own metadata, or with ``unknown_error``
        for what social-core does not know.
    :raises Misconfigured: 500, for a mistake in the project's settings.
    """
    try:
        yield
    except (*REFUSALS, NotFound):
        raise
    except Exception as error:  # A backend and a pipeline step may raise anything.
        raise _refusal(error, provider, stage) from error


def _refusal(error: Exception, provider: str, stage: ErrorStage) -> Refused:
    if isinstance(error, ImproperlyConfigured):
        return misconfigured(error, stage)
    if not isinstance(error, SocialAuthBaseException) or not _is_well_formed(error):
        log_failure(f"Login with {provider} failed", error)
        return Refused(AuthUnknownError(stage=stage))
    if _is_misconfiguration(error):
        log_failure(f"Login with {provider} failed", error)
        return Misconfigured(error)
    _log_refusal(error, provider)
    return Refused(_classified(error))


def _classified(error: SocialAuthBaseException) -> SocialAuthBaseException:
    backend, stage, said = error.backend, error.stage, str(error.provider_code)
    if stage == "callback" and said in _PROMPTS:
        code = "reauthentication_required"
        return AuthCredentialError(backend, code=code, source="provider_response", stage=stage)
    if stage == "callback" and said in _DECLINED:
        return AuthCanceled(backend, stage=stage)
    if stage == "callback" and said in _REJECTED:
        code = "authorization_code_rejected"
        return AuthCredentialError(backend, code=code, source="provider_response", stage=stage)
    return error


def _log_refusal(error: SocialAuthBaseException, provider: str) -> None:
    said = str(error.provider_code)
    said = said if said in _PROVIDER_CODES else "no code known"
    level = logging.WARNING if error.source == "configuration" else logging.INFO
    if said in _CLIENT_REFUSED and error.stage != "callback":
        level = logging.ERROR  # The provider itself says so: nobody can log in with it.
    logger.log(
        level, "Login with %s refused: %s at %s (%s)", provider, error.code, error.stage, said
    )


def _is_well_formed(error: SocialAuthBaseException) -> bool:
    try:  # A subclass of a project's need not have called ours.
        values = [
            error.code,
            error.stage,
            error.retry_after or "",
            *error.public_metadata().values(),
        ]
        return all(isinstance(value, str) for value in values)
    except Exception:  # noqa: BLE001 - nor need it be right in what it overrides
        return False


def misconfigured(error: ImproperlyConfigured, stage: ErrorStage = "unknown") -> Misconfigured:
    """Return the answer to a mistake in the project's settings, and log the mistake."""
    logger.error("Login is misconfigured: %s", error, exc_info=_without_message(error))
    return Misconfigured(AuthConfigurationError(stage=stage))


def log_failure(message: str, error: Exception) -> None:
    """Log an exception with its traceback, and without its message.

    The message of an exception that was raised over a provider's answer likes to
    quote it, tokens included. The types and lines of the traceback do not.
    """
    cause = type(error).__name__
    if isinstance(error, SocialAuthBaseException) and _is_well_formed(error):
        cause = f"{error.code} {error.parameter or ''}"
    logger.error("%s: %s", message, cause, exc_info=_without_message(error))


class WithoutMessage(Exception):
    """Stands for another exception in a log: its type, its traceback, not its message."""


def _without_message(error: BaseException, depth: int = 8) -> WithoutMessage:
    kind = type(error)
    stand_in = WithoutMessage(f"{kind.__module__}.{kind.__qualname__}")
    stand_in.__traceback__ = error.__traceback__
    origin = error.__cause__ or error.__context__
    if origin is not None and depth:
        stand_in.__cause__ = _without_message(origin, depth - 1)
    return stand_in


def _retry_after(error: SocialAuthBaseException) -> str | None:
    # RFC 9110 section 10.2.3: seconds or a date. It comes from the provider.
    value = error.retry_after or ""
    is_valid = re.fullmatch(r"[0-9]{1,9}", value) or parse_http_date_safe(value)
    return value if is_valid else None


def _public_text(error: SocialAuthBaseException) -> str:
    text = getattr(error, "public_text", None)
    if text is None:
        # Not str(error): a subclass may put a provider's words there.
        text, _, _ = REASONS.get(error.code, REASONS["unknown_error"])
    return gettext(str(text))


def _is_misconfiguration(error: SocialAuthBaseException) -> bool:
    # A code of the provider's is the provider's word, or the browser's, which can put
    # any error into a callback and any code into a token request. Nobody may cause a
    # 500 and an alarm that way.
    return isinstance(error, AuthConfigurationError) and error.provider_code is None
