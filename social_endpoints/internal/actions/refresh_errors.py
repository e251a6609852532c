"""The meaning of a failed refresh: a rejected token, an outage, or a mistake of the project."""

from __future__ import annotations

import math
import re
import time
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import DataError
from django.utils.http import parse_http_date_safe
from social_core.backends.facebook import FacebookOAuth2
from social_core.backends.instagram import InstagramOAuth2
from social_core.backends.reddit import RedditOAuth2
from social_core.exceptions import (
    AuthCanceled,
    AuthCredentialError,
    AuthProviderError,
    SocialAuthBaseException,
)

from social_endpoints.exceptions import (
    RETRY_SECONDS,
    ConfigurationError,
    EndpointError,
    ProjectError,
    ProviderError,
    ProviderTokenError,
    ProviderUnavailable,
    ReauthenticationRequired,
)
from social_endpoints.internal.actions.refusals import OUTAGE_CODES
from social_endpoints.internal.errors.failures import causes, is_code_error
from social_endpoints.internal.errors.redaction import replacement, texts, without_secrets
from social_endpoints.internal.translation import as_api_exception

# For the two removed codes, the status decides.
_OUTAGES = OUTAGE_CODES - {"http_error", "malformed_response"} | {"provider_unavailable"}
_REQUEST_TIMEOUT, _TOO_MANY_REQUESTS, _SERVER_ERROR = 408, 429, 500

# Codes about the client. The description does not matter.
_CLIENT_CODES = frozenset({"incorrect_client_credentials", "invalid_client"})

# Codes and messages about the refresh token, in lower case and with "_" for all other characters.
# RFC 6749 section 5.2, OpenID Connect Core section 3.1.2.6 (Microsoft), GitHub, Slack, HubSpot,
# Atlassian ("refresh_token is invalid"), Twitch ("Invalid refresh token"), Bitbucket ("Invalid
# refresh_token", "User is inactive"), Zoom ("Invalid Token!"), Weixin, Zoho ("invalid_code"),
# Strava ("resource": "RefreshToken"), Coinbase ("revoked_token") and X ("Value passed ...").
_REJECTIONS = frozenset(
    {
        "account_inactive",
        "account_selection_required",
        "bad_refresh_token",
        "consent_required",
        "expired_refresh_token",
        "expired_token",
        "invalid_code",
        "interaction_required",
        "invalid_grant",
        "invalid_refresh_token",
        "invalid_token",
        "login_required",
        "refresh_token_expired",
        "refresh_token_invalid",
        "refresh_token_is_expired",
        "refresh_token_is_invalid",
        "refresh_token_not_found",
        "refresh_token_revoked",
        "refreshtoken",
        "revoked_token",
        "token_expired",
        "token_revoked",
        "user_is_inactive",
        "value_passed_for_the_token_was_invalid",
    }
)
_MAX_TEXTS = 50

_LONGEST_WAIT = 86_400  # Seconds. A task queue accepts no time in the year 9999.

# Error numbers for an access token that cannot be exchanged (Meta, "Handling errors"), and the
# status that Reddit repeats in place of a code.
_NUMBERS: tuple[tuple[tuple[type[Any], ...], frozenset[int]], ...] = (
    ((FacebookOAuth2, InstagramOAuth2), frozenset({102, 190})),
    ((RedditOAuth2,), frozenset({400})),
)


def is_outage(error: SocialAuthBaseException) -> bool:
    """Return whether the provider has failed, so that a later attempt can succeed."""
    status = error.status_code or 0
    if status >= _SERVER_ERROR or status in {_REQUEST_TIMEOUT, _TOO_MANY_REQUESTS}:
        return True
    return isinstance(error, AuthProviderError) and error.code in _OUTAGES


def is_rejected(backend: Any, error: SocialAuthBaseException) -> bool:
    """Return whether the provider has received the refresh token and rejects it permanently."""
    if is_outage(error) or not getattr(backend, "has_sent_refresh_token", False):
        return False
    code = error.provider_code
    if code in _CLIENT_CODES:
        return False
    if isinstance(error, (AuthCanceled, AuthCredentialError)):
        return True
    if any(isinstance(backend, bases) and code in numbers for bases, numbers in _NUMBERS):
        return True
    return not _REJECTIONS.isdisjoint(map(_normalize, [str(code), *_texts_of_response(error)]))


def _texts_of_response(error: SocialAuthBaseException) -> list[str]:
    """Return the texts in the body of a failed request. Some providers have their own format."""
    response = getattr(error.__cause__, "response", None)
    if response is None:
        return []
    try:
        return [*texts(response.json())][:_MAX_TEXTS]
    except (ValueError, RecursionError):
        return []


def _normalize(text: str) -> str:
    return re.sub("[^a-z0-9]+", "_", text[:100].lower()).strip("_")


def retry_seconds(error: SocialAuthBaseException) -> int:
    """Return the seconds of ``Retry-After``, which is a number or a date.

    RFC 9110, section 10.2.3. A day is the maximum.
    """
    value = error.retry_after or ""
    date = parse_http_date_safe(value)
    if re.fullmatch(r"[0-9]{1,9}", value):
        seconds = int(value)
    else:
        seconds = RETRY_SECONDS if date is None else max(math.ceil(date - time.time()), 1)
    return min(seconds, _LONGEST_WAIT)


def is_unreadable_response(backend: Any, error: Exception) -> bool:
    """Return whether an exception was raised because the backend cannot read the response.

    Before the request, the same exception is a mistake of the project.
    """
    if not getattr(backend, "has_sent_refresh_token", False):
        return False
    translated = as_api_exception(error, "refresh", is_response=not is_code_error(error))
    return type(translated) is EndpointError


def as_token_error(error: Exception) -> Exception:
    """Return the exception for the project's code, with the original one as its cause.

    A mistake of the project remains as it is: Django REST framework would respond to an exception
    of its own, and no error report would show the mistake.
    """
    translated = error
    if not isinstance(error, ProviderTokenError):
        translated = _translate(error)
    if isinstance(translated, ProjectError):
        # A strategy translates the exceptions of the project's get_setting().
        cause = error.__cause__ if isinstance(error, ProjectError) else None
        return cause if isinstance(cause, Exception) else error
    if translated is not error:
        translated.__cause__ = error
    if isinstance(translated, EndpointError):
        translated.use_body_as_detail()
    return translated


def _translate(error: Exception) -> Exception:
    is_response = isinstance(error, DataError)  # The database does not accept a value.
    translated = as_api_exception(error, "refresh", is_response=is_response)
    if type(translated) is not EndpointError:  # The project's own mistake or storage.
        return translated
    classified: ProviderTokenError = ProviderError(_cause(error))
    if isinstance(error, SocialAuthBaseException):
        backend = getattr(error, "backend", None)
        if is_outage(error):
            classified = ProviderUnavailable(_cause(error), retry_seconds(error))
        elif is_rejected(backend, error):
            classified = ReauthenticationRequired("rejected")
        classified.provider_code = translated.provider_code
    return classified


def _cause(error: Exception) -> str:
    return str(getattr(error, "context", {}).get("cause") or getattr(error, "code", "unknown"))


def hidden_cause(error: BaseException) -> BaseException | None:
    """Return the cause of an exception without tokens in its message and local variables."""
    cause = error.__cause__
    if cause is None:
        return None
    is_about_settings = isinstance(error, ConfigurationError) and any(
        isinstance(each, ImproperlyConfigured) for each in causes(cause)
    )
    return without_secrets(cause, []) if is_about_settings else replacement(cause)
