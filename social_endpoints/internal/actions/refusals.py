"""The log line of a response of 400 and above."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from social_core.exceptions import SocialAuthBaseException

from social_endpoints.exceptions import EndpointError, StorageUnavailable
from social_endpoints.internal.errors.failures import MAX_CAUSES
from social_endpoints.internal.errors.redaction import replacement
from social_endpoints.internal.log.events import get_log_values, log_event

PROVIDER_ERRORS = frozenset(
    {
        "access_denied",
        "account_selection_required",
        "application_suspended",
        "bad_refresh_token",
        "bad_verification_code",
        "consent_required",
        "incorrect_client_credentials",
        "insufficient_scope",
        "interaction_required",
        "invalid_client",
        "invalid_grant",
        "invalid_request",
        "invalid_scope",
        "invalid_token",
        "login_required",
        "permission_denied",
        "redirect_uri_mismatch",
        "server_error",
        "temporarily_unavailable",
        "token_expired",
        "token_rejected",
        "token_revoked",
        "token_used",
        "unauthorized_client",
        "unsupported_grant_type",
        "unsupported_response_type",
    }
)
"""The provider's error codes that are logged: RFC 6749 sections 4.1.2.1 and 5.2, RFC 6750 section
3.1, OpenID Connect Core section 3.1.2.6, OAuth Problem Reporting, and GitHub ("Troubleshooting
OAuth app access token request errors"). Any other value may be an attacker's text, because
callbacks pass through the browser."""

OUTAGE_CODES = frozenset(
    {
        "connection_failed",
        "http_error",
        "malformed_response",
        "rate_limited",
        "timeout",
        "tls_error",
        "unavailable",
    }
)
"""The error codes for an outage of a provider. In a callback, the browser can send any of them."""

LOGGED_CONTEXT = ("host", "cause", "algorithm")
"""The names in ``context`` of social-core's exceptions that this package sets. social-core and
projects may store personal data there."""

_SERVER_ERROR = 500


def log_refusal(
    action: str,
    error: Any,
    metadata: Mapping[str, Any],
    *,
    status: int,
    exc_info: BaseException | None = None,
) -> None:
    """Log a refused action in one line.

    :param error: an exception of Django REST framework.
    :param metadata: the error code and the error id of the response.
    :param status: the status of the response. An exception handler of the project may have set it.
    :param exc_info: an exception without secrets, whose traceback is logged.
    """
    values: dict[str, Any] = {
        "code": metadata["error_code"],
        "stage": metadata.get("error_stage"),
        "status": status,
        "error_id": metadata["error_id"],
    }
    if isinstance(error.detail, dict) and not isinstance(error, EndpointError):
        values["fields"] = ",".join(map(str, error.detail))
    causes = [*_social_errors(error)]
    for cause in reversed(causes):
        context = {name: cause.context[name] for name in LOGGED_CONTEXT if name in cause.context}
        values |= {"parameter": cause.parameter, "claim": cause.claim, **context}
    if isinstance(error, EndpointError) and error.provider_code in PROVIDER_ERRORS:
        values["provider_error"] = error.provider_code
    if isinstance(error, StorageUnavailable):
        values["database_error"] = error.database_error
    level = _level(values, causes)
    if error.__cause__ and _is_unreadable(values):
        level, exc_info = logging.ERROR, replacement(error.__cause__)
    log_event(f"{action} refused", level, exc_info=exc_info, **values)


def _is_unreadable(values: Mapping[str, Any]) -> bool:
    """Return whether a backend failed to read a response of the provider.

    Only a traceback shows the reason. Django logs the tracebacks of server errors.
    """
    is_profile = (values["code"], values["stage"]) == ("malformed_response", "user_info")
    is_unknown = values["code"] == "unknown_error" or (is_profile and "host" not in values)
    return is_unknown and values["status"] < _SERVER_ERROR


def _level(values: Mapping[str, Any], causes: list[SocialAuthBaseException]) -> int:
    """Return WARNING if an operator must act, and INFO for mistakes and decisions of users."""
    needs_an_operator = (
        values["status"] >= _SERVER_ERROR
        or "redirect_uri" in get_log_values()
        or (values["code"] in OUTAGE_CODES and (values["stage"] != "callback" or "host" in values))
        or "algorithm" in values
        or values.get("cause") in {"inactive_user", "too_many_waiting"}
        or values.get("claim") == "issuer"  # In the discovery document.
        or any(cause.source == "configuration" for cause in causes)
    )
    return logging.WARNING if needs_an_operator else logging.INFO


def _social_errors(error: BaseException | None) -> Iterator[SocialAuthBaseException]:
    for _ in range(MAX_CAUSES):
        if isinstance(error, SocialAuthBaseException) and hasattr(error, "context"):
            yield error  # A project's subclass may lack what social-core's __init__ sets.
        error = error and error.__cause__
