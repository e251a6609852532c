"""The exceptions of the endpoints.

::

    rest_framework.exceptions.APIException
    ├── EndpointError               400 with the error body of the endpoints
    │   ├── RecentLoginRequired     403: the user has to sign in again first
    │   ├── ConfigurationError      500: the project's settings are wrong
    │   ├── ProjectError            500: the project's code raised an exception
    │   ├── StorageUnavailable      503: the project's database or cache failed
    │   └── ProviderTokenError      no access token for the project's own requests to a provider
    │       ├── ReauthenticationRequired    403: the user must connect the provider again
    │       ├── ProviderError               502: the provider refused the project's request
    │       └── ProviderUnavailable         503: the provider did not respond
    └── NotFound
        ├── ProviderNotSupported    404: no such provider
        │   ├── NativeSignInDisabled    404: the provider is not in ``NATIVE_PROVIDERS``
        │   ├── LogoutNotSupported      404: the provider has no logout endpoint
        │   └── BackchannelLogoutDisabled
        │                           404: the provider is not in ``BACKCHANNEL_LOGOUT_PROVIDERS``
        ├── LoginNotEnded           404: the server cannot end this login
        ├── RefreshNotSupported     404: the project's logins have no refresh token
        └── ConnectionNotFound      404: the user has no such connection

    rest_framework.exceptions.AuthenticationFailed
    └── RefreshTokenInvalid         401: the refresh token is not accepted

    rest_framework.exceptions.Throttled
    └── TooManyRequests             429: the client has reached a limit

    social_core.exceptions.SocialAuthBaseException
    ├── StorageFailure              the project's database or cache has failed
    ├── AuthProviderError
    │   └── AuthProviderUnavailable     the provider is not asked at present
    ├── AuthInputError
    │   ├── RequestError            the request does not fit its purpose
    │   │   ├── UsePost             a callback was sent with GET
    │   │   ├── UseTokenEndpoint    a token was posted in place of a callback
    │   │   └── UseIdToken          an ID token was posted under another name
    │   ├── IssuerNotSent           the callback lacks ``iss``
    │   └── NonceNotHashed          the ID token shows the nonce in clear
    ├── AuthSessionError
    │   ├── FlowMissing             the request contains no open flow for this login
    │   │   ├── FlowExpired         the flow has expired
    │   │   └── FlowNotSent         the request contains no flow
    │   └── TooManyAttempts         a paused login was resumed too often
    └── AuthPolicyError
        ├── InactiveUser            the user account is inactive
        ├── LoginTooOld             the user has to sign in again first
        └── AssociationOnly         the provider cannot be used to sign in

Exceptions of social-core never leave the actions: ``internal.translation`` turns them into an
:class:`EndpointError`.
"""

from __future__ import annotations

import re
from math import ceil
from secrets import token_urlsafe
from typing import Any, ClassVar, cast, get_args

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils.http import parse_http_date_safe
from django.utils.translation import gettext, gettext_lazy, ngettext, override, pgettext_lazy
from rest_framework import status
from rest_framework.exceptions import APIException, AuthenticationFailed, NotFound, Throttled
from rest_framework.settings import api_settings
from social_core.backends.base import BaseAuth
from social_core.exceptions import (
    REASONS,
    AuthInputError,
    AuthPolicyError,
    AuthProviderError,
    AuthSessionError,
    ErrorSource,
    ErrorStage,
    RecoveryAction,
    SocialAuthBaseException,
)

__all__ = [
    "ConfigurationError",
    "ConnectionNotFound",
    "EndpointError",
    "ProjectError",
    "ProviderNotSupported",
    "RefreshNotSupported",
    "RefreshTokenInvalid",
    "StorageUnavailable",
]

# "reconnect" is a recovery of this package alone.
RECOVERIES: dict[str, Any] = {
    "authentication_failed": "reauthenticate",
    "backchannel_logout_disabled": "contact_administrator",
    "body_too_large": "correct_input",
    "invalid_parameter": "correct_input",
    "logout_not_supported": "contact_administrator",
    "method_not_allowed": "correct_input",
    "native_sign_in_disabled": "contact_administrator",
    "nonce_not_hashed": "correct_input",
    "not_acceptable": "correct_input",
    "not_authenticated": "reauthenticate",
    "not_found": "correct_input",
    "parse_error": "correct_input",
    "permission_denied": "contact_administrator",
    "post_logout_redirect_uri_missing": "correct_input",
    "post_logout_redirect_uri_not_allowed": "correct_input",
    "post_logout_redirect_uri_repeated": "correct_input",
    "provider_error": "contact_administrator",
    "provider_not_supported": "contact_administrator",
    "provider_reauthentication_required": "reconnect",
    "provider_unavailable": "retry_later",
    "refresh_not_supported": "contact_administrator",
    "refresh_token_invalid": "reauthenticate",
    "reauthentication_required": "reauthenticate",
    "redirect_uri_missing": "correct_input",
    "redirect_uri_not_allowed": "correct_input",
    "redirect_uri_repeated": "correct_input",
    "scope_not_allowed": "correct_input",
    "storage_unavailable": "retry_later",
    "throttled": "retry_later",
    "too_many_attempts": "restart_login",
    "unsupported_media_type": "correct_input",
    "use_id_token": "correct_input",
    "use_post": "correct_input",
    "use_token_endpoint": "correct_input",
}
"""The error codes of DRF and of this package, with what the client should do."""

ERROR_CODES = frozenset({*REASONS, *RECOVERIES})
"""The error codes of the installed social-core, of DRF and of this package."""

ERROR_SOURCES: tuple[str, ...] = get_args(ErrorSource)
ERROR_STAGES: tuple[str, ...] = get_args(ErrorStage)
ERROR_RECOVERIES: tuple[str, ...] = tuple(
    dict.fromkeys((*get_args(RecoveryAction), *sorted(RECOVERIES.values())))
)

_MINUTES_FROM = 120  # Seconds. A longer time is shown in minutes.

RETRY_SECONDS = 10
"""``Retry-After`` if a provider that has failed does not name a time."""


class EndpointError(APIException):
    """A request that failed for a reason that the client may know: 400 with the error body.

    ``detail`` is safe to show to the user, in the active language. ``str()`` returns the same
    text in English, for logs. ``body`` is the error body as a dictionary, with the error code in
    ``body["error_code"]``. ``error_id`` identifies this response in the log. ``retry_after`` is the
    provider's ``Retry-After`` header, or None.

    :param error: the exception of social-core that describes the failure.
    """

    status_code: int = status.HTTP_400_BAD_REQUEST

    def __init__(self, error: SocialAuthBaseException) -> None:
        self._text = _public_text(error)
        super().__init__(detail=str(self._text), code=error.code)
        self.error_id = new_error_id()
        self.body: dict[str, Any] = {
            api_settings.NON_FIELD_ERRORS_KEY: [self.detail],
            **error.public_metadata(),
            "error_id": self.error_id,
        }
        if isinstance(error, AuthInputError) and isinstance(error.parameter, str):
            self.body.setdefault(error.parameter, [self.detail])
        self.retry_after = _retry_after(error)
        self.provider_code = str(error.provider_code)  # For the log.
        self.secrets: list[str] = []  # Values of this login that no log may contain.

    def __reduce__(self) -> Any:
        # For task queues. The exception of social-core cannot be pickled.
        args = [each for each in self.args if not isinstance(each, Exception)]
        return Exception.__new__, (type(self), *args), {**vars(self), "secrets": []}

    def __str__(self) -> str:
        with override(None):
            return str(self._text)

    def use_body_as_detail(self) -> None:
        """Make ``detail`` the error body, so that DRF's own exception handler returns it."""
        APIException.__init__(self, cast("Any", self.body), self.body["error_code"])


class RecentLoginRequired(EndpointError):
    """The callable in ``REAUTHENTICATION`` requires a new login: 403 with the error body.

    :param stage: the stage of the refused request.
    """

    status_code = status.HTTP_403_FORBIDDEN

    def __init__(self, *, stage: ErrorStage) -> None:
        super().__init__(LoginTooOld(stage=stage))


class ConfigurationError(EndpointError):
    """A request that failed because the project's settings are wrong: 500 with the error body."""

    status_code = status.HTTP_500_INTERNAL_SERVER_ERROR


class ProjectError(EndpointError):
    """The project's code raised an exception, the ``__cause__``: 500 with the error body.

    Examples are token serializers, receivers of signals and pipeline steps.
    """

    status_code = status.HTTP_500_INTERNAL_SERVER_ERROR


class StorageUnavailable(EndpointError):
    """The project's database or cache failed: 503. The client can retry the request.

    ``database_error`` is the database's own code for the log. It is None if the cache failed.
    """

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    database_error: str | None = None


class ProviderTokenError(EndpointError):
    """There is no access token for the project's own requests to a provider.

    ``detail`` is the error body, so a view of the project responds with it. The exception can be
    pickled, for example by a task queue.

    :param cause: the reason for the log, one word.
    """

    error_code: ClassVar[str]
    text: ClassVar[Any]

    def __init__(self, cause: str = "unknown") -> None:
        error = SocialAuthBaseException(
            code=self.error_code,
            source="provider_response",
            stage="refresh",
            recovery=RECOVERIES[self.error_code],
        )
        error.public_text = self.text  # type: ignore[attr-defined]  # only _public_text() reads it
        super().__init__(error)
        self.cause = cause
        self.use_body_as_detail()

    def __str__(self) -> str:
        return f"{super().__str__()} (cause={self.cause}, error_id={self.error_id})"


class ReauthenticationRequired(ProviderTokenError):
    """Only a new login or connect of the user can bring an access token: 403."""

    status_code = status.HTTP_403_FORBIDDEN
    error_code = "provider_reauthentication_required"
    # Translators: "connect" as in "connect an account at a provider such as Google with yours".
    text = gettext_lazy("Please connect this account with the provider again.")


class ProviderError(ProviderTokenError):
    """The provider sent an unusable response or does not accept this project as a client: 502."""

    status_code = status.HTTP_502_BAD_GATEWAY
    error_code = "provider_error"
    # Translators: "access token" is the term of OAuth 2.0.
    text = gettext_lazy("The provider did not issue an access token.")


class ProviderUnavailable(ProviderTokenError):
    """The provider did not respond, or asked to wait: 503 with ``Retry-After``.

    :param wait: seconds until the request can be repeated. DRF sends it as ``Retry-After``.
    """

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    error_code = "provider_unavailable"
    # Translators: Shown to the user. The provider is a service such as Google.
    text = gettext_lazy("The provider does not respond at present. Please try again later.")

    def __init__(self, cause: str = "unknown", wait: int = RETRY_SECONDS) -> None:
        super().__init__(cause)
        self.wait = max(wait, 1)
        self.retry_after = str(self.wait)


DRF_EXCEPTIONS = (APIException, Http404, PermissionDenied)
"""The exceptions for which DRF has a response."""


class ProviderNotSupported(NotFound):
    """The provider is not configured, or it does not support the requested operation."""

    default_code = "provider_not_supported"

    def __init__(self, provider: str) -> None:
        # Translators: "provider" is the name of a sign-in provider, such as google-oauth2.
        text = gettext("Provider '%(provider)s' not supported")
        super().__init__(text % {"provider": provider})


class ConnectionNotFound(NotFound):
    """The user has no connection with this id."""


class NativeSignInDisabled(ProviderNotSupported):
    """The provider is not in ``NATIVE_PROVIDERS``."""

    default_code = "native_sign_in_disabled"


class LogoutNotSupported(ProviderNotSupported):
    """The provider has no endpoint to sign the user out (``end_session_endpoint``)."""

    default_code = "logout_not_supported"


class BackchannelLogoutDisabled(ProviderNotSupported):
    """The provider is not in ``BACKCHANNEL_LOGOUT_PROVIDERS``."""

    default_code = "backchannel_logout_disabled"


class LoginNotEnded(NotFound):
    """The server cannot end the login of this request."""

    default_code = "logout_not_supported"
    # Translators: The user wants to sign out; the server does not know how.
    default_detail = gettext_lazy("The server cannot end this login.")


class TooManyRequests(Throttled):
    """The client has reached a limit: 429.

    DRF's own text consists of two sentences. Many of DRF's catalogues contain only the first one.

    :param wait: seconds until the next request is allowed, or None.
    """

    def __init__(self, wait: float | None = None) -> None:
        super().__init__(detail=_throttled_text(wait))
        self.wait = wait and ceil(wait)  # DRF sends it as ``Retry-After``.


class RefreshNotSupported(NotFound):
    """The token serializer of the project issues no refresh tokens."""

    default_code = "refresh_not_supported"
    # Translators: For the developer of a frontend. "refresh token" is the term of OAuth 2.0.
    default_detail = gettext_lazy("Logins of this server have no refresh token.")


class RefreshTokenInvalid(AuthenticationFailed):
    """A refresh token is missing, invalid, expired or blacklisted, or its user is not active.

    The response does not contain the reason.

    :param deletes_cookies: whether the response deletes the cookies of the login.
    """

    default_code = "refresh_token_invalid"
    default_detail = gettext_lazy("Please sign in again to continue.")

    def __init__(self, *, deletes_cookies: bool = True) -> None:
        super().__init__()
        self.deletes_cookies = deletes_cookies


class RequestError(AuthInputError):
    """A request that does not fit its purpose, for example a token at the wrong endpoint."""

    request_code: ClassVar[str]

    def __init__(self, *, stage: ErrorStage) -> None:
        super().__init__(
            code=self.request_code,
            source="request",
            stage=stage,
            recovery=RECOVERIES[self.request_code],
        )


class UsePost(RequestError):
    """The parameters of a callback were sent with GET, or a redirect turned a POST into a GET."""

    request_code = "use_post"
    # Translators: For the developer of a frontend. Do not translate names in `backticks`.
    # To "begin" and to "complete" are the first and the last request of a login. The callback
    # is the page to which the provider sends the browser back.
    public_text = gettext_lazy(
        "This request begins a login, but has no `redirect_uri`. To complete a login, send the"
        " parameters of the callback with POST, to the path with its trailing slash."
    )


class UseTokenEndpoint(RequestError):
    """A token of an SDK or of a sign-in button was posted in place of a callback."""

    request_code = "use_token_endpoint"
    # Translators: For the developer of a frontend. Do not translate names in `backticks`.
    public_text = gettext_lazy(
        "This endpoint completes a redirect login. Post a token of an SDK or of a sign-in button,"
        " such as the `credential` of Google's, as `id_token` to the endpoint `token/`."
    )


class UseIdToken(RequestError):
    """An ID token was posted under another name."""

    request_code = "use_id_token"
    # Translators: For the developer of a frontend. Do not translate names in `backticks`.
    public_text = gettext_lazy("This is an ID token. Post it as `id_token`.")


class FlowMissing(AuthSessionError):
    """The request contains no open flow for this login."""

    log_cause: ClassVar[str] = "flow_unknown"
    """``cause`` in the log. It distinguishes these exceptions, which have the same code."""

    def __init__(self) -> None:
        super().__init__(
            code="session_context_missing", stage="callback", context={"cause": self.log_cause}
        )


class FlowExpired(FlowMissing):
    """The flow of this login has expired."""

    log_cause = "flow_expired"
    # Translators: Shown to the user, who has waited too long on the provider's page.
    public_text = gettext_lazy("This login has taken too long. Please sign in again.")


class FlowNotSent(FlowMissing):
    """The request contains neither a flow cookie nor the parameter ``flow``.

    :param transport: the transports that the project uses.
    """

    log_cause = "flow_not_sent"
    public_texts: ClassVar[dict[str, Any]] = {
        # Translators: For the developer of a frontend. A "flow" is one login in progress. "Begin"
        # is its first request. "With credentials" is the option of fetch() that sends cookies.
        "cookie": gettext_lazy(
            "This request contains no flow. Send it with credentials so that it includes the"
            " cookie set at begin."
        ),
        # Translators: For the developer of a frontend. A "flow" is one login in progress. "Begin"
        # is its first request. Do not translate names in `backticks`.
        "body": gettext_lazy(
            "This request contains no flow. Include the `flow` value from the begin response in"
            " its body."
        ),
        # Translators: For the developer of a frontend. A "flow" is one login in progress. "Begin"
        # is its first request. "With credentials" is the option of fetch() that sends cookies.
        "auto": gettext_lazy(
            "This request contains no flow. Send it with credentials so that it includes the"
            " cookie set at begin, or include the `flow` value from the begin response in its"
            " body."
        ),
    }

    def __init__(self, transport: str) -> None:
        super().__init__()
        self.public_text = self.public_texts.get(transport, self.public_texts["auto"])


class TooManyAttempts(AuthSessionError):
    """A step of a paused login was resumed too often without success."""

    # Translators: Shown to the user, who has submitted a form too often without success.
    public_text = gettext_lazy("There were too many attempts. Please sign in again.")

    def __init__(self, backend: BaseAuth[Any]) -> None:
        super().__init__(
            backend,
            code="too_many_attempts",
            source="session",
            stage="pipeline",
            recovery="restart_login",
        )


class NonceNotHashed(AuthInputError):
    """The app has posted the nonce as the ID token contains it, which proves nothing."""

    # Translators: For the developer of a frontend. Do not translate names in `backticks`.
    # "In clear" means not hashed. SDK, SHA-256, nonce and base64url are technical terms.
    public_text = gettext_lazy(
        "The ID token contains this nonce in clear, so it does not prove that your app requested"
        " the token. Give the SDK the SHA-256 hash (hexadecimal or base64url) of a random value as"
        " the nonce, and post the random value itself."
    )

    def __init__(self, backend: BaseAuth[Any]) -> None:
        super().__init__(
            backend, code="nonce_not_hashed", parameter="nonce", stage="token_validation"
        )


class IssuerNotSent(AuthInputError):
    """The callback lacks ``iss``, which the provider announces in its metadata."""

    # Translators: For the developer of a frontend. Do not translate names in `backticks`.
    public_text = gettext_lazy(
        "The provider adds `iss` to its response, but this request does not contain it. Post all"
        " parameters of the callback, not only `code` and `state`."
    )

    def __init__(self, backend: BaseAuth[Any]) -> None:
        super().__init__(backend, code="missing_parameter", parameter="iss", stage="callback")


class InactiveUser(AuthPolicyError):
    """The account of this user does not exist or is inactive."""

    # The context distinguishes it from a text of Django.
    # Translators: Shown to the user. An administrator has deactivated the account on this site.
    public_text = pgettext_lazy("sign in", "This account is inactive.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs, context={"cause": "inactive_user"})


class LoginTooOld(AuthPolicyError):
    """The user has to sign in again before the connections change."""

    # Translators: Shown to the user, who wants to connect or disconnect a provider.
    public_text = gettext_lazy("Please sign in again to continue.")

    def __init__(self, *, stage: ErrorStage) -> None:
        super().__init__(code="reauthentication_required", source="local_policy", stage=stage)


class AssociationOnly(AuthPolicyError):
    """The provider can be connected to an account but does not authenticate users."""

    # Translators: Shown to the user. "It" is the provider.
    public_text = gettext_lazy(
        "This provider cannot be used to sign in. It can only be connected to an existing account."
    )

    def __init__(self, backend: BaseAuth[Any], *, stage: ErrorStage) -> None:
        super().__init__(backend, stage=stage, recovery="use_existing_account")


class StorageFailure(SocialAuthBaseException):
    """The project's database or cache has failed."""

    # Translators: Shown to the user. The database or the cache of this site has failed.
    public_text = gettext_lazy("The service is temporarily unavailable. Please try again.")

    def __init__(self, *, stage: ErrorStage) -> None:
        super().__init__(
            code="storage_unavailable",
            source="storage",
            stage=stage,
            recovery=RECOVERIES["storage_unavailable"],
        )


class AuthProviderUnavailable(AuthProviderError):
    """The provider is not asked: it has not responded lately, or too many requests wait for it.

    If the login has sent nothing before, its flow remains open, and the same request can be sent
    again.

    :param seconds: the time after which the request can be sent again.
    """

    public_text = gettext_lazy("The provider does not respond at present. Please try again later.")

    def __init__(self, seconds: int, *, cause: str) -> None:
        super().__init__(
            code="provider_unavailable",
            source="provider_response",
            recovery=RECOVERIES["provider_unavailable"],
            retry_after=str(seconds),
            context={"cause": cause},
        )


def new_error_id() -> str:
    """Return a random text that identifies a response in the log."""
    return token_urlsafe(6)


def _throttled_text(wait: float | None) -> str:
    if wait is None:
        # Translators: Shown to the user, who has tried to sign in too often, for example.
        return gettext("There were too many requests. Please try again later.")
    seconds, minutes = ceil(wait), ceil(wait / 60)
    if seconds < _MINUTES_FROM:
        # Translators: Shown to the user, who has tried to sign in too often, for example.
        text = ngettext(
            "There were too many requests. Please try again in %(seconds)d second.",
            "There were too many requests. Please try again in %(seconds)d seconds.",
            seconds,
        )
        return text % {"seconds": seconds}
    # Translators: Shown to the user, who has tried to sign in too often, for example.
    text = ngettext(
        "There were too many requests. Please try again in %(minutes)d minute.",
        "There were too many requests. Please try again in %(minutes)d minutes.",
        minutes,
    )
    return text % {"minutes": minutes}


def _retry_after(error: SocialAuthBaseException) -> str | None:
    # The provider sent the value; pass on only the two forms of RFC 9110 section 10.2.3:
    # a number of seconds or a date.
    value = error.retry_after or ""
    is_valid = re.fullmatch(r"[0-9]{1,9}", value) or parse_http_date_safe(value)
    return value if is_valid else None


def _public_text(error: SocialAuthBaseException) -> Any:
    text = getattr(error, "public_text", None)
    if text is not None:
        return text
    # Not str(error), which may contain the provider's words in a subclass.
    text, _, _ = REASONS.get(error.code, REASONS["unknown_error"])
    return gettext_lazy(text)  # The catalogues contain social_core_texts.
