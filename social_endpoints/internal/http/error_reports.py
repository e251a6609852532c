"""Hide secrets from Django's error reports, such as the mails to ``ADMINS``.

Django hides settings, headers and cookies by their names. Here every cookie, parameter and local
variable may be a secret, whatever its name is. With ``DEBUG``, reports are complete.
"""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, QueryDict
from django.utils.module_loading import import_string
from django.views.debug import SafeExceptionReporterFilter

_SHOWN = ("redirect_uri", "post_logout_redirect_uri")

_Filter: Any = SafeExceptionReporterFilter


class _ValueHidingMixin(_Filter):  # type: ignore[misc]  # Any, because a project may replace the base
    """A mixin for the project's filter. It hides all values of a request, and no names."""

    def get_safe_cookies(self, request: Any) -> Any:
        cookies = super().get_safe_cookies(request)
        return self._hide(cookies) if self.is_active(request) else cookies

    def get_safe_request_meta(self, request: Any) -> Any:
        """Hide query strings, such as that of ``Referer``, and Django's ``CSRF_COOKIE``.

        Django has no filter for the request's own query string. A report reads it after this call.
        """
        if self.is_active(request):
            self._hide_query(request)
        meta = super().get_safe_request_meta(request)
        return self._without_queries(meta) if self.is_active(request) else meta

    def get_traceback_frame_variables(self, request: Any, tb_frame: Any) -> Any:
        if self.is_active(request):
            return self._hide(tb_frame.f_locals).items()
        return super().get_traceback_frame_variables(request, tb_frame)

    def _hide(self, values: Any) -> dict[str, Any]:
        return dict.fromkeys(values, self.cleansed_substitute)

    def _without_queries(self, meta: dict[str, Any]) -> dict[str, Any]:
        urls = {name: text for name, text in meta.items() if isinstance(text, str) and "?" in text}
        hidden = {
            name: f"{urls[name].partition('?')[0]}?{self.cleansed_substitute}" for name in urls
        }
        return {**meta, **hidden, **self._hide({"CSRF_COOKIE"} & meta.keys())}

    def _hide_query(self, request: Any) -> None:
        hidden: Any = QueryDict(mutable=True)
        with suppress(SuspiciousOperation):  # More than DATA_UPLOAD_MAX_NUMBER_FIELDS.
            for name, value in request.GET.items():
                hidden[name] = value if name in _SHOWN else self.cleansed_substitute
        request.GET = hidden
        request.META = {**request.META, "QUERY_STRING": hidden.urlencode(safe="*:/")}


@lru_cache(maxsize=8)
def _filter_class(base: Any) -> Any:
    return type("EndpointReporterFilter", (_ValueHidingMixin, base), {})


def protect_report(request: HttpRequest) -> None:
    """Make the project's filter hide more in the error reports of this request."""
    base: Any = import_string(settings.DEFAULT_EXCEPTION_REPORTER_FILTER)
    if hasattr(request, "exception_reporter_filter"):
        base = type(request.exception_reporter_filter)
    request.exception_reporter_filter = _filter_class(base)()
