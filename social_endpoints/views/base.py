"""The base views: one for every endpoint, one for endpoints that require a signed-in user."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, ClassVar, Literal, NoReturn, cast

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, transaction
from django.http import HttpRequest, RawPostDataException
from django.urls import NoReverseMatch, ResolverMatch, reverse
from django.utils.cache import add_never_cache_headers
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from rest_framework import permissions, renderers
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, NotAcceptable, NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import is_server_error
from rest_framework.views import APIView, exception_handler

from social_endpoints.conf import import_setting, settings
from social_endpoints.exceptions import EndpointError, RecentLoginRequired, TooManyRequests
from social_endpoints.internal.actions.refusals import log_refusal
from social_endpoints.internal.backends.loading import users
from social_endpoints.internal.cache import limit_cache_use
from social_endpoints.internal.errors.redaction import clear_local_variables, without_secrets
from social_endpoints.internal.http.error_reports import protect_report
from social_endpoints.internal.http.errors import (
    add_metadata,
    debug_metadata,
    error_metadata,
    report,
    request_secrets,
)
from social_endpoints.internal.http.login_session import LoginSession
from social_endpoints.internal.http.parsers import (
    FormParser,
    JSONNegotiation,
    JSONParser,
    MultiPartParser,
)
from social_endpoints.internal.http.throttling import THROTTLES
from social_endpoints.internal.log.events import add_log_values, log_values
from social_endpoints.internal.retries import retry_once
from social_endpoints.internal.translation import drf_exception, log_failure
from social_endpoints.tokens.base import LoginSerializer


class EndpointView(APIView):
    """Base view for all endpoints.

    It ignores the ``Authorization`` header and the session: neither an expired token nor an
    admin session in another tab may turn a login into a 401 or 403.
    """

    authentication_classes: Sequence[type[BaseAuthentication]] = ()
    permission_classes: Sequence[type[permissions.BasePermission]] = (permissions.AllowAny,)
    parser_classes = (JSONParser, FormParser, MultiPartParser)
    renderer_classes = (renderers.JSONRenderer,)
    content_negotiation_class = JSONNegotiation

    has_failed_handler = False
    request_secrets: list[str] | None = None

    log_action: ClassVar[str] = "request"
    """Beginning of the names of the events in the log, such as ``login`` in ``login refused``."""

    log_via: ClassVar[str | None] = None
    """``via`` in the log: ``redirect`` or ``native``."""

    django_request: HttpRequest
    """Django's request; ``request`` is DRF's wrapper around it."""

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """Return the view function, exempt from ``ATOMIC_REQUESTS``.

        No transaction may be open while a login waits for the provider.
        """
        view = super().as_view(**initkwargs)
        for alias in connections:
            view = transaction.non_atomic_requests(using=alias)(view)
        return view

    @method_decorator(sensitive_variables())
    @method_decorator(sensitive_post_parameters())
    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Handle the request, with its values hidden from Django's error reports."""
        protect_report(request)
        if request.encoding not in {None, "utf-8"}:
            # Otherwise Django decodes the query string with the charset of the Content-Type.
            request.encoding = "utf-8"
        with log_values(provider=kwargs.get("provider"), via=self.log_via), limit_cache_use():
            response = self.get_checked_response(super().dispatch(request, *args, **kwargs))
        self.session.finish(response)
        return response

    def get_checked_response(self, response: Any) -> Any:
        """Return the response, or an error response if the view must not send it."""
        return response

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """Store Django's request, record its session, and return DRF's request."""
        self.django_request = request
        self.session = LoginSession(request)
        return super().initialize_request(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate the user, and check permissions and throttles.

        These are the first queries of a request. If they meet a connection that the server has
        closed since the last request, they are repeated on a new one. Throttles may count twice.
        """
        retry_once(partial(super().initial, request, *args, **kwargs))

    def determine_version(self, request: Request, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        """Return version and scheme of ``DEFAULT_VERSIONING_CLASS``, or None for both.

        These endpoints have no versions. Providers and browsers that request them cannot name one.
        """
        try:
            return super().determine_version(request, *args, **kwargs)
        except (NotAcceptable, NotFound):
            return None, None

    def get_token_serializer_class(self) -> type[LoginSerializer]:
        """Return the class that the setting ``TOKEN_SERIALIZER`` names.

        :raises ImproperlyConfigured: it is not a subclass of ``LoginSerializer``, or an app that
            it requires is not installed.
        """
        serializer: type[LoginSerializer] = import_setting("TOKEN_SERIALIZER", LoginSerializer)
        for app in serializer.required_apps:
            if not apps.is_installed(app):
                raise ImproperlyConfigured(
                    f"{serializer.__name__} needs the app {app!r} in INSTALLED_APPS."
                )
        return serializer

    def get_endpoint_path(self, url_name: str, **kwargs: Any) -> str:
        """Return the path of another endpoint, in the URL namespace of this request.

        :param url_name: name of its URL, without a namespace.
        :param kwargs: path parameters that differ from those of this request.
        :raises ImproperlyConfigured: the project does not route this endpoint.
        """
        match = cast("ResolverMatch", self.request.resolver_match)  # set before a view runs
        name = ":".join([*match.namespaces, url_name])
        try:
            return reverse(name, kwargs={**match.kwargs, **kwargs})
        except NoReverseMatch as error:
            raise ImproperlyConfigured(
                f"No URL is named {name!r}. Include 'social_endpoints.urls' in the URLconf."
            ) from error

    def take_back(self, *, is_rolled_back: bool = True) -> None:
        """Undo effects outside the database. It is called after each rollback."""
        undo(partial(self.session.restore, is_rolled_back=is_rolled_back))

    def get_throttles(self) -> list[Any]:
        """Return the view's throttles, followed by those of ``THROTTLE_RATES``."""
        throttles = [throttle() for throttle in THROTTLES] if settings.THROTTLE_RATES else []
        return [*super().get_throttles(), *throttles]

    def throttled(self, request: HttpRequest, wait: float) -> NoReturn:
        """Refuse a request over a limit."""
        raise TooManyRequests(wait)

    def get_exception_handler(self) -> Any:
        """Return a handler that uses DRF's for exceptions that the project's does not handle."""
        if self.has_failed_handler:
            return exception_handler
        project_handler = super().get_exception_handler()

        def handle(exc: Exception, context: Any) -> Response | None:
            response: Response | None = project_handler(exc, context)
            return exception_handler(exc, context) if response is None else response

        return handle

    def handle_exception(self, exc: Exception) -> Any:
        """Return the error response, with an error code.

        An exception of the project's code, of its database or of its cache is reported like that
        of any other view.
        """
        error = drf_exception(exc)
        metadata = error_metadata(error)
        if isinstance(error, EndpointError) and is_server_error(error.status_code):
            metadata = metadata | debug_metadata(error, self.get_secrets(error))
        self.hide_secrets(error)
        try:
            response = self.get_error_response(error, metadata)
        except Exception as failure:
            if self.has_failed_handler:
                raise
            self.has_failed_handler = True  # The project's exception handler.
            return self.handle_exception(failure)
        log_refusal(self.log_action, error, metadata, status=response.status_code)
        if isinstance(error, EndpointError):
            if error.retry_after:
                response["Retry-After"] = error.retry_after
            if is_server_error(error.status_code):
                report(self.django_request, response, error)
        return response

    def get_error_response(self, error: APIException, metadata: dict[str, Any]) -> Any:
        """Return the response of the project's exception handler, with the error code."""
        with surrounding_transactions():
            response = super().handle_exception(error)
        add_metadata(response, error, metadata)
        return response

    def get_secrets(self, error: APIException) -> list[str]:
        """Return the values of this request and of this login that no log may contain."""
        if self.request_secrets is None:
            self.request_secrets = [*request_secrets(self.django_request, self.get_body())]
        return [*self.request_secrets, *getattr(error, "secrets", [])]

    def get_body(self) -> Any:
        """Return the parsed body, or None if it cannot be parsed."""
        with suppress(APIException, RawPostDataException):
            return self.request.data
        return None

    def hide_secrets(self, error: APIException) -> None:
        """Hide secrets from error trackers, and from exception handlers that report an exception.

        They read the local variables, the messages of all causes and the parsed body.
        """
        secrets = self.get_secrets(error)
        clear_local_variables(error)
        if error.__cause__ is not None and is_server_error(error.status_code):
            error.__cause__ = without_secrets(error.__cause__, secrets)
        self.clear_body()

    def clear_body(self) -> None:
        """Clear the parsed body. Error trackers report it, also for requests that succeed."""
        with suppress(AttributeError):  # It is not a mapping, or a project's parser made it.
            self.get_body().clear()

    def finalize_response(self, *args: Any, **kwargs: Any) -> Any:
        """Return the response with its cache headers."""
        response = super().finalize_response(*args, **kwargs)
        self.clear_body()
        self.set_cache_headers(response)
        return response

    def set_cache_headers(self, response: Any) -> None:
        """Forbid caches to store the response."""
        add_never_cache_headers(response)


def undo(effect: Callable[[], None]) -> None:
    """Call a function that undoes an effect, and log its failure."""
    try:
        effect()
    except Exception as error:  # noqa: BLE001 - the database may have failed
        error.__context__ = None  # The cause of the rollback is reported separately.
        log_failure("login cleanup failed", error)


@contextmanager
def surrounding_transactions() -> Iterator[None]:
    """Leave open transactions as they are.

    With ``ATOMIC_REQUESTS``, DRF's handler rolls back the transaction of the request. These views
    have none: an open one belongs to the caller, such as a test of the project.
    """
    aliases = [each for each in connections if connections[each].in_atomic_block]
    healthy = [alias for alias in aliases if not transaction.get_rollback(alias)]
    try:
        yield
    finally:
        for alias in healthy:
            transaction.set_rollback(False, using=alias)


class IsProjectUser(permissions.IsAuthenticated):
    """Allows signed-in users of the project's user model."""

    def has_permission(self, request: Any, view: Any) -> bool:
        """Return whether the request has such a user."""
        return super().has_permission(request, view) and users().is_account(request.user)


class AccountView(EndpointView):
    """Base view for endpoints that require a signed-in user.

    Users are authenticated by the project's ``DEFAULT_AUTHENTICATION_CLASSES`` or by the
    ``authentication_classes`` of a subclass. DRF's ``SessionAuthentication`` enforces CSRF.
    """

    authentication_classes = APIView.authentication_classes
    permission_classes = (IsProjectUser,)

    def check_permissions(self, request: Request) -> None:
        """Check the permissions. From here on, the log contains the user."""
        # The primary key of another model may equal that of a user.
        if IsProjectUser().has_permission(request, self):
            add_log_values(user=getattr(request.user, "pk", None))
        super().check_permissions(request)


class ConnectionChangeView(AccountView):
    """Base view for endpoints that connect or disconnect an identity."""

    stage: ClassVar[Literal["begin", "disconnect"]] = "begin"
    """The stage that is reported if the user has to sign in again."""

    def check_permissions(self, request: Request) -> None:
        """Check the permissions and then ask the callable in ``REAUTHENTICATION``.

        Throttles are checked afterwards, so a refused request is not counted.

        :raises RecentLoginRequired: it does not return True.
        """
        super().check_permissions(request)
        if settings.REAUTHENTICATION is None:
            return
        if import_setting("REAUTHENTICATION")(request) is not True:
            raise RecentLoginRequired(stage=self.stage)
