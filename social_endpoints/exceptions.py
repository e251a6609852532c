"""The exceptions of the endpoints, and the translation of other exceptions into them.

::

    rest_framework.exceptions.APIException
    ├── EndpointError               400 with the error body of the endpoints
    │   └── ConfigurationError      500: the project's settings are wrong
    └── NotFound
        ├── ProviderNotSupported    404: no such provider
        └── ConnectionNotFound      404: the user has no such connection

    social_core.exceptions.SocialAuthBaseException
    ├── AuthSessionError
    │   ├── FlowNotSent             the request contains no flow
    │   └── TooManyAttempts         a paused login was resumed too often
    └── AuthPolicyError
        ├── InactiveUser            the user account is inactive
        └── AssociationOnly         the provider cannot be used to sign in

Exceptions of social-core never leave the actions: :func:`translate_errors` turns them into an
:class:`EndpointError`.
"""

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

__all__ = ["ConfigurationError", "ConnectionNotFound", "EndpointError", "ProviderNotSupported"]

logger = logging.getLogger("social_endpoints")

# Error codes of OAuth 2.0 (RFC 6749 sections 4.1.2.1 and 5.2). Only these are logged: any other
# value may be an attacker's text, because callbacks pass through the browser.
_LOGGED_PROVIDER_CODES = frozenset(
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

# OpenID Connect Core section 3.1.2.6: the user has to act at the provider first.
_REAUTHENTICATION_CODES = frozenset(
    {
        "account_selection_required",
        "consent_required",
        "interaction_required",
        "login_required",
    }
)

# The user declined: OAuth Problem Reporting, Apple and LinkedIn, in this order.
_CANCELED_CODES = frozenset(
    {
        "permission_denied",
        "user_cancelled_authorize",
        "user_cancelled_login",
    }
)

# OAuth Problem Reporting: the OAuth 1.0a request token is no longer valid.
_EXPIRED_TOKEN_CODES = frozenset({"token_expired", "token_rejected", "token_revoked", "token_used"})

# The provider refuses the project's client id or secret.
_CLIENT_REFUSED_CODES = frozenset({"invalid_client", "unauthorized_client"})

_MAX_LOGGED_CAUSES = 8


class EndpointError(APIException):
    """A request that failed for a reason that the client may know: 400 with the error body.

    ``detail`` is safe to show to the user. ``code`` is the error code, ``body`` the error body
    as a dictionary, and ``retry_after`` the provider's ``Retry-After`` header or None.

    :param error: the exception of social-core that describes the failure.
    """

    status_code: int = status.HTTP_400_BAD_REQUEST

    def __init__(self, error: SocialAuthBaseException) -> None:
        super().__init__(detail=_public_text(error), code=error.code)
        self.body = {"non_field_errors": [self.detail], **error.public_metadata()}
        if isinstance(error, AuthInputError) and isinstance(error.parameter, str):
            self.body.setdefault(error.parameter, [self.detail])
        self.retry_after = _retry_after(error)


class ConfigurationError(EndpointError):
    """A request that failed because the project's settings are wrong: 500 with the error body."""

    status_code = status.HTTP_500_INTERNAL_SERVER_ERROR


REFUSALS = (EndpointError, ValidationError)
"""The exceptions that refuse a login: ours, and those of the project's steps and serializers."""


class ProviderNotSupported(NotFound):
    """The provider is not configured, or it does not support the requested operation."""

    def __init__(self, provider: str) -> None:
        super().__init__(
            gettext("Provider '%(provider)s' not supported") % {"provider": provider},
            code="provider_not_supported",
        )


class ConnectionNotFound(NotFound):
    """The user has no connection with this id."""


class FlowNotSent(AuthSessionError):
    """The request contains neither a flow cookie nor the parameter ``flow``."""

    public_text = gettext_lazy(
        "This request contains no flow. Send it with credentials so that it includes the cookie"
        " set at begin, or include the `flow` value from the begin response in its body."
    )


class TooManyAttempts(AuthSessionError):
    """A step of a paused login was answered too often without success."""

    public_text = gettext_lazy("There were too many attempts. Please sign in again.")

    def __init__(self, backend: BaseAuth[Any]) -> None:
        super().__init__(
            backend,
            code="too_many_attempts",
            source="session",
            stage="pipeline",
            recovery="restart_login",
        )


class InactiveUser(AuthPolicyError):
    """The account of this user does not exist or is inactive."""

    public_text = gettext_lazy("This account is inactive.")


class AssociationOnly(AuthPolicyError):
    """The provider can be connected to an account but does not authenticate users."""

    public_text = gettext_lazy(
        "This provider cannot be used to sign in. It can only be connected to an existing account."
    )

    def __init__(self, backend: BaseAuth[Any], *, stage: ErrorStage) -> None:
        super().__init__(backend, stage=stage, recovery="use_existing_account")


@contextmanager
def translate_errors(provider: str, stage: ErrorStage) -> Iterator[None]:
    """Translate an exception of a backend or of the pipeline into an :class:`EndpointError`.

    An ``EndpointError``, DRF's ``ValidationError`` and DRF's ``NotFound`` pass unchanged: their
    texts are written for the client.

    :param provider: the provider's name, for the log.
    :param stage: the stage to report for an exception that is not one of social-core's.
    :raises EndpointError: with social-core's error code, or ``unknown_error`` for any other
        exception.
    :raises ConfigurationError: the project's settings are wrong.
    """
    try:
        yield
    except (*REFUSALS, NotFound):
        raise
    except Exception as error:  # Backends and pipeline steps may raise any exception.
        raise _translated(error, provider, stage) from error


def _translated(error: Exception, provider: str, stage: ErrorStage) -> EndpointError:
    if isinstance(error, ImproperlyConfigured):
        return configuration_error(error, stage)
    if not isinstance(error, SocialAuthBaseException) or not _is_well_formed(error):
        log_failure(f"Login with {provider} failed", error)
        return EndpointError(AuthUnknownError(stage=stage))
    if _is_configuration_error(error):
        log_failure(f"Login with {provider} failed", error)
        return ConfigurationError(error)
    _log_refusal(error, provider)
    return EndpointError(_classify(error))


def _classify(error: SocialAuthBaseException) -> SocialAuthBaseException:
    """Return a more specific exception if social-core does not know the provider's code."""
    backend, stage, provider_code = error.backend, error.stage, str(error.provider_code)
    if stage != "callback":
        return error
    if provider_code in _CANCELED_CODES:
        return AuthCanceled(backend, stage=stage)
    if provider_code in _REAUTHENTICATION_CODES:
        code = "reauthentication_required"
    elif provider_code in _EXPIRED_TOKEN_CODES:
        code = "authorization_code_rejected"
    else:
        return error
    return AuthCredentialError(backend, code=code, source="provider_response", stage=stage)


def _log_refusal(error: SocialAuthBaseException, provider: str) -> None:
    provider_code = str(error.provider_code)
    level = logging.WARNING if error.source == "configuration" else logging.INFO
    if provider_code in _CLIENT_REFUSED_CODES and error.stage != "callback":
        # The provider's own response, not a callback: no user can sign in with this provider.
        level = logging.ERROR
    logger.log(
        level,
        "Login with %s refused: %s at %s (%s)",
        provider,
        error.code,
        error.stage,
        provider_code if provider_code in _LOGGED_PROVIDER_CODES else "no standard error code",
    )


def _is_well_formed(error: SocialAuthBaseException) -> bool:
    # A project's subclass may lack attributes that social-core's __init__ sets, and the
    # methods that it overrides may fail.
    try:
        values = [
            error.code,
            error.stage,
            error.retry_after or "",
            *error.public_metadata().values(),
        ]
        return all(isinstance(value, str) for value in values)
    except Exception:  # noqa: BLE001 - overridden methods may raise any exception
        return False


def configuration_error(
    error: ImproperlyConfigured, stage: ErrorStage = "unknown"
) -> ConfigurationError:
    """Log a mistake in the project's settings and return the exception to raise for it."""
    logger.error("Login is misconfigured: %s", error, exc_info=_redacted(error))
    return ConfigurationError(AuthConfigurationError(stage=stage))


def log_failure(message: str, error: Exception) -> None:
    """Log an exception with its traceback but without its message.

    The message may quote a provider's response, including tokens. The exception types and the
    lines of the traceback do not.

    :param message: what failed; logged in front of the exception type.
    """
    cause = type(error).__name__
    if isinstance(error, SocialAuthBaseException) and _is_well_formed(error):
        cause = f"{error.code} {error.parameter or ''}"
    logger.error("%s: %s", message, cause, exc_info=_redacted(error))


class RedactedException(Exception):
    """Replaces an exception in the log: same type name and traceback, no message."""


def _redacted(error: BaseException, depth: int = _MAX_LOGGED_CAUSES) -> RedactedException:
    original = type(error)
    redacted = RedactedException(f"{original.__module__}.{original.__qualname__}")
    redacted.__traceback__ = error.__traceback__
    cause = error.__cause__ or error.__context__
    if cause is not None and depth:
        redacted.__cause__ = _redacted(cause, depth - 1)
    return redacted


def _retry_after(error: SocialAuthBaseException) -> str | None:
    # The provider sent the value; pass on only the two forms of RFC 9110 section 10.2.3:
    # a number of seconds or a date.
    value = error.retry_after or ""
    is_valid = re.fullmatch(r"[0-9]{1,9}", value) or parse_http_date_safe(value)
    return value if is_valid else None


def _public_text(error: SocialAuthBaseException) -> str:
    text = getattr(error, "public_text", None)
    if text is None:
        # Not str(error), which may contain the provider's words in a subclass.
        text, _, _ = REASONS.get(error.code, REASONS["unknown_error"])
    return gettext(str(text))


def _is_configuration_error(error: SocialAuthBaseException) -> bool:
    # An error with a provider code came from the provider or through the browser, which can
    # put any error into a callback. Such input must not cause a 500 that alerts operators.
    return isinstance(error, AuthConfigurationError) and error.provider_code is None
