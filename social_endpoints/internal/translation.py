"""The translation of other exceptions into those of the endpoints.

Actions use :func:`translate_errors` for the exceptions of backends. The views turn every other
exception into one of DRF with :func:`drf_exception`, so that each response of 400 and above has an
error code.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from django.core.exceptions import (
    BadRequest,
    DisallowedHost,
    ImproperlyConfigured,
    PermissionDenied,
    SuspiciousOperation,
)
from django.http import Http404
from rest_framework import exceptions
from rest_framework.exceptions import APIException, NotFound, ParseError
from rest_framework.status import is_client_error
from social_core.exceptions import (
    AuthCanceled,
    AuthConfigurationError,
    AuthCredentialError,
    AuthUnknownError,
    ErrorStage,
    SocialAuthBaseException,
)

from social_endpoints.exceptions import (
    DRF_EXCEPTIONS,
    ConfigurationError,
    EndpointError,
    ProjectError,
    StorageFailure,
    StorageUnavailable,
)
from social_endpoints.internal.errors.failures import (
    database_code,
    find_database_failure,
    is_code_error,
    is_storage_failure,
)
from social_endpoints.internal.errors.redaction import replacement
from social_endpoints.internal.log.events import log_event

# OpenID Connect Core section 3.1.2.6: the user has to act at the provider first.
_REAUTHENTICATION_CODES = frozenset(
    {"account_selection_required", "consent_required", "interaction_required", "login_required"}
)

# The user declined: OAuth Problem Reporting, Apple and LinkedIn, in this order.
_CANCELED_CODES = frozenset(
    {"permission_denied", "user_cancelled_authorize", "user_cancelled_login"}
)

# OAuth Problem Reporting: the OAuth 1.0a request token is no longer valid.
_EXPIRED_TOKEN_CODES = frozenset({"token_expired", "token_rejected", "token_revoked", "token_used"})


@contextmanager
def translate_errors(stage: ErrorStage) -> Iterator[None]:
    """Translate an exception of a backend into an :class:`EndpointError`.

    Exceptions of DRF and of this package pass unchanged: their texts are written for the client.
    Exceptions of the pipeline were translated by the transaction that it runs in.

    :param stage: the stage to report for an exception that does not name one.
    :raises EndpointError: with social-core's error code, or ``unknown_error`` for any other
        exception, which a backend raises for a response that it cannot parse.
    :raises ConfigurationError: the project's settings are wrong.
    :raises ProjectError: the code of a backend is wrong.
    :raises StorageUnavailable: the project's database or cache has failed.
    """
    try:
        yield
    except Exception as error:  # Backends may raise any exception.
        translated = as_api_exception(error, stage, is_response=not is_code_error(error))
        if translated is error:
            raise
        raise translated from error


def as_api_exception(
    error: Exception, stage: ErrorStage = "unknown", *, is_response: bool = False
) -> Exception:
    """Return the exception to respond with; the same one if DRF has a response for it.

    :param is_response: whether any other exception is caused by a response of a provider. If not,
        it is the project's.
    """
    if isinstance(error, APIException) and not hasattr(error, "detail"):
        # The __init__() of a project's subclass does not call the one of its base.
        return ProjectError(AuthUnknownError(stage=stage))
    failure = find_database_failure(error)
    # An exception for the client that was raised while a failure of the database was handled, such
    # as that of an authentication class which catches every exception.
    if failure is not None and _is_for_the_client(error):
        return _storage_unavailable(failure, stage)
    if isinstance(error, DRF_EXCEPTIONS):
        return error
    if isinstance(error, DisallowedHost):  # The client's Host header.
        return ParseError()
    if isinstance(error, ImproperlyConfigured):
        return ConfigurationError(AuthConfigurationError(stage=stage))
    if isinstance(error, SocialAuthBaseException) and _is_well_formed(error):
        return _translate(error, stage)
    if is_storage_failure(error):
        return _storage_unavailable(failure, stage)
    unknown = AuthUnknownError(stage=stage)
    if is_response or isinstance(error, SocialAuthBaseException):
        return EndpointError(unknown)
    return ProjectError(unknown)


def _is_for_the_client(error: Exception) -> bool:
    if isinstance(error, APIException):
        return is_client_error(error.status_code)
    return isinstance(error, (SocialAuthBaseException, *DRF_EXCEPTIONS))


def _storage_unavailable(failure: BaseException | None, stage: ErrorStage) -> StorageUnavailable:
    unavailable = StorageUnavailable(StorageFailure(stage=stage))
    if failure is not None:
        unavailable.database_error = database_code(failure)
    return unavailable


def drf_exception(error: Exception) -> APIException:
    """Return the exception of DRF, which includes ours, to respond with."""
    translated = as_api_exception(error)
    if isinstance(error, (BadRequest, SuspiciousOperation)):  # Django raises them for a request.
        translated = ParseError()
    elif isinstance(translated, Http404):
        translated = NotFound()
    elif isinstance(translated, PermissionDenied):
        translated = exceptions.PermissionDenied()
    if translated is not error:
        translated.__cause__ = error
    return cast("APIException", translated)


def _translate(error: SocialAuthBaseException, stage: ErrorStage) -> EndpointError:
    if error.stage == "unknown":
        error.stage = stage
    # An error with a provider code came from the provider or through the browser, which can
    # put any error into a callback. Such input must not cause a 500 that alerts operators.
    if isinstance(error, AuthConfigurationError) and error.provider_code is None:
        return ConfigurationError(error)
    classified = _classify(error)
    classified.provider_code = error.provider_code
    return EndpointError(classified)


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


def log_failure(event: str, error: Exception, **values: Any) -> None:
    """Log an exception with its traceback but without its message.

    The message may quote a provider's response, including tokens. The exception types and the
    lines of the traceback do not.
    """
    values["exception"] = type(error).__name__
    if isinstance(error, SocialAuthBaseException) and _is_well_formed(error):
        values |= {"code": error.code, "parameter": error.parameter}
        values |= {name: error.context.get(name) for name in ("host", "cause")}
    log_event(event, logging.ERROR, exc_info=replacement(error), **values)
