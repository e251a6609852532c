"""Failures of the project's code, database and cache: monitoring sees them, with the cause."""

from __future__ import annotations

import logging
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import django
import pytest
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.core import mail
from django.core.cache import cache
from django.core.cache.backends.locmem import LocMemCache
from django.core.exceptions import (
    DisallowedHost,
    ObjectDoesNotExist,
    PermissionDenied,
    SuspiciousOperation,
)
from django.core.signals import got_request_exception
from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    connection,
)
from django.http import Http404, JsonResponse
from django.test import RequestFactory
from django.utils.log import AdminEmailHandler
from rest_framework import exceptions
from rest_framework.response import Response
from social_core.backends.github import GithubOAuth2
from social_core.exceptions import AuthPolicyError
from social_django.models import Nonce, UserSocialAuth

from social_endpoints.signals import signed_in
from social_endpoints.strategy import Strategy
from social_endpoints.testing import FakeProviders, ProviderResponse
from social_endpoints.tokens import TokenSerializer
from social_endpoints.types import Login
from social_endpoints.views import ProviderCallbackView
from tests.support.configuration import Configure
from tests.support.fakes import sign_in
from tests.support.frontend import Frontend, browser, error
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import LAST, pipeline_with
from tests.support.signals import connected

pytestmark = pytest.mark.django_db
User = get_user_model()
HERE = "tests.api.login.test_project_failures"


class WithTypo(TokenSerializer):
    def issue(self, login: Login) -> dict[str, Any]:
        return {"token": login.usr}  # type: ignore[attr-defined]  # the mistake of this project


def fail(**kwargs: Any) -> None:
    raise raised[0]


def use_serializer(settings: Any) -> Any:
    configure_serializer = {**settings.SOCIAL_ENDPOINTS, "TOKEN_SERIALIZER": f"{HERE}.WithTypo"}
    settings.SOCIAL_ENDPOINTS = configure_serializer
    return connected(fail)


def use_step(settings: Any) -> Any:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((LAST, f"{HERE}.fail"))
    return connected(fail)


def use_receiver(settings: Any) -> Any:
    return connected(fail, signed_in)


raised: list[Exception] = []


@pytest.fixture(autouse=True)
def exception() -> Iterator[None]:
    raised[:] = [AttributeError("'Login' object has no attribute 'usr'")]
    yield
    raised.clear()


@pytest.fixture
def reported() -> Iterator[list[tuple[BaseException | None, Any]]]:
    """Collect the exceptions that monitoring sees, with the requests."""
    exceptions_seen: list[tuple[BaseException | None, Any]] = []

    def receive(request: Any, **kwargs: Any) -> None:
        exceptions_seen.append((sys.exc_info()[1], request))

    with connected(receive, got_request_exception):
        yield exceptions_seen


def django_record(caplog: pytest.LogCaptureFixture) -> logging.LogRecord:
    (record,) = [each for each in caplog.records if each.name == "django.request"]
    return record


# --- The project's code -----------------------------------------------------------------


@pytest.mark.parametrize("use", [use_serializer, use_step, use_receiver])
@pytest.mark.parametrize("debug", [True, False])
def test_exception_of_the_project_is_a_500_that_monitoring_sees(
    use: Callable[[Any], Any],
    debug: bool,
    frontend: Frontend,
    openid: OpenIDProvider,
    settings: Any,
    reported: list[Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.DEBUG = debug
    with use(settings):
        response = frontend.log_in(openid)

    assert error(response) == (500, "unknown_error")
    assert response.data["error_recovery"] == "contact_administrator"
    ((seen, request),) = reported
    assert isinstance(seen, AttributeError)
    assert request.path == "/auth/o/oidc/"
    record = django_record(caplog)
    assert record.levelname == "ERROR"
    assert "has no attribute 'usr'" in caplog.text
    assert "Traceback" in caplog.text
    assert response.data["error_id"] in record.getMessage()
    assert ("has no attribute 'usr'" in response.content.decode()) is debug
    for model in (User, UserSocialAuth):
        assert not model.objects.exists()


def quote_everything(strategy: Any, backend: Any, response: Any, **kwargs: Any) -> None:
    try:
        raise KeyError(strategy.data["code"])
    except KeyError as cause:
        data = [strategy.data, strategy.session, response, backend.setting("SECRET")]
        raise RuntimeError(f"The step has failed with {data}") from cause


def test_message_is_redacted_of_the_values_of_the_login(
    frontend: Frontend,
    openid: OpenIDProvider,
    settings: Any,
    reported: list[Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.DEBUG = True
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((LAST, f"{HERE}.quote_everything"))
    openid.userinfo["identities"] = [{"access_token": "a-nested-token"}]
    begun, callback = frontend.authorize(openid)

    response = frontend.complete(begun, callback)

    assert response.status_code == 500
    secrets = [
        "a-nested-token",
        callback["code"],
        callback["state"],
        settings.SOCIAL_AUTH_OIDC_SECRET,
    ]
    if frontend.transport == "body":
        secrets.append(begun.data["flow"])
    for text in (caplog.text, response.content.decode(), str(reported[0][0])):
        assert "The step has failed with" in text
        for secret in secrets:
            assert secret not in text
    assert isinstance(reported[0][0], RuntimeError)
    assert isinstance(reported[0][0].__cause__, KeyError)
    assert "in quote_everything" in caplog.text


class WithAttribute(Exception):
    """An exception whose message is not in its arguments."""

    def __init__(self, secret: str) -> None:
        self.secret = secret

    def __str__(self) -> str:
        return f"The key is {self.secret}"


class WithOther(WithAttribute):
    def __str__(self) -> str:
        return f"The key is {vars(self).get('secret')}"


def quote_in_an_attribute(strategy: Any, **kwargs: Any) -> None:
    raise WithAttribute(strategy.data["code"])


def quote_in_another_attribute(strategy: Any, **kwargs: Any) -> None:
    raise WithOther(strategy.data["code"])


@pytest.mark.parametrize("step", [quote_in_an_attribute, quote_in_another_attribute])
def test_exception_that_cannot_be_copied_is_replaced(
    step: Any,
    frontend: Frontend,
    openid: OpenIDProvider,
    settings: Any,
    reported: list[Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((LAST, f"{HERE}.{step.__name__}"))
    begun, callback = frontend.authorize(openid)

    frontend.complete(begun, callback)

    assert callback["code"] not in caplog.text + repr(vars(reported[0][0]))
    assert "The key is [hidden]" in str(reported[0][0])


@pytest.mark.parametrize("include_html", [True, False])
def test_mail_to_the_admins_contains_no_secret(
    include_html: bool, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    address = "admin@example.com"
    settings.ADMINS = [address if django.VERSION >= (6,) else ("Admin", address)]
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((LAST, f"{HERE}.quote_everything"))
    begun, callback = frontend.authorize(openid)
    handler = AdminEmailHandler(include_html=include_html)
    logging.getLogger("django.request").addHandler(handler)
    try:
        frontend.complete(begun, callback)
    finally:
        logging.getLogger("django.request").removeHandler(handler)

    parts = [part for message in mail.outbox for part in message.message().walk()]
    # Decoded, because quoted-printable breaks long lines.
    bodies = [part.get_payload(decode=True) for part in parts if not part.is_multipart()]
    text = b"".join(bodies).decode()
    assert "quote_everything" in text
    for secret in (callback["code"], callback["state"], settings.SOCIAL_AUTH_OIDC_SECRET):
        assert secret not in text


class QuotesItsToken(TokenSerializer):
    def set_cookies(self, response: Any) -> None:
        raise RuntimeError(f"No cookie for {response.data}")

    def take_back(self, request: Any) -> None:
        raise OperationalError("also lost")


def test_issued_token_is_not_reported_and_taking_it_back_may_fail(
    openid: OpenIDProvider,
    configure: Configure,
    reported: list[Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    configure(TOKEN_SERIALIZER=f"{HERE}.QuotesItsToken")

    response = Frontend().log_in(openid)

    assert error(response) == (500, "unknown_error")
    assert "RuntimeError: No cookie for {'token': '[hidden]'}" in caplog.text
    assert "login cleanup failed" in caplog.text
    assert len(reported) == 1


class WithTypoInSubclass(GithubOAuth2):
    name = "github"

    def get_user_details(self, response: Any) -> Any:
        return self.clean(response)  # type: ignore[attr-defined]  # the mistake of this project


class WithTypoInTheResponse(GithubOAuth2):
    name = "github"

    def get_user_details(self, response: Any) -> Any:
        return {"username": response["login"].lowr()}


class WithTypoInUserData(GithubOAuth2):
    name = "github"

    def user_data(self, access_token: str, *args: Any, **kwargs: Any) -> Any:
        return acess_token  # type: ignore[name-defined]  # noqa: F821 - the same


class WithTypoInASetting(GithubOAuth2):
    name = "github"

    def user_data(self, access_token: str, *args: Any, **kwargs: Any) -> Any:
        return django_settings.GITHUB_ORGANISATIONS


class WithTypoInTheRequest(GithubOAuth2):
    name = "github"

    def user_data(self, access_token: str, *args: Any, **kwargs: Any) -> Any:
        return self.strategy.request.tenant


@pytest.mark.parametrize(
    "backend",
    [
        "WithTypoInASetting",
        "WithTypoInSubclass",
        "WithTypoInTheRequest",
        "WithTypoInTheResponse",
        "WithTypoInUserData",
    ],
)
def test_typo_in_a_backend_of_the_project_is_a_500(
    backend: str,
    frontend: Frontend,
    social_provider: FakeProviders,
    settings: Any,
    reported: list[Any],
) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{HERE}.{backend}"]

    response = sign_in(social_provider("github"), frontend, "github")

    assert error(response) == (500, "unknown_error")
    assert isinstance(reported[0][0], (AttributeError, NameError))


@pytest.mark.parametrize(
    ("exception", "expected"),
    [
        (PermissionDenied(), (403, "permission_denied")),
        (Http404("secret"), (404, "not_found")),
        (DisallowedHost("secret"), (400, "parse_error")),
        (exceptions.PermissionDenied(), (403, "permission_denied")),
        (exceptions.NotFound(), (404, "not_found")),
        (exceptions.ValidationError("No."), (400, "invalid_parameter")),
        (exceptions.Throttled(wait=5), (429, "throttled")),
        (exceptions.ValidationError({"terms": ["No."]}), (400, "invalid_parameter")),
    ],
)
@pytest.mark.undocumented("the project's step chooses the status")
def test_exception_of_drf_in_a_step_is_the_response(
    exception: Exception,
    expected: tuple[int, str],
    frontend: Frontend,
    openid: OpenIDProvider,
    settings: Any,
    reported: list[Any],
) -> None:
    raised[:] = [exception]
    with use_step(settings):
        response = frontend.log_in(openid)

    assert error(response) == expected
    assert response.data["error_id"]
    assert "secret" not in response.content.decode()
    assert reported == []


@pytest.mark.parametrize(
    ("status", "recovery"),
    [
        (401, "reauthenticate"),
        (402, "correct_input"),
        (403, "contact_administrator"),
        (429, "retry_later"),
        (500, "contact_administrator"),
        (503, "retry_later"),
    ],
)
@pytest.mark.undocumented("the project's step chooses the status")
def test_exception_of_drf_with_a_code_of_its_own_has_a_recovery(
    status: int, recovery: str, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    raised[:] = [exceptions.APIException("No.", code="own_code")]
    raised[0].status_code = status
    with use_step(settings):
        response = frontend.log_in(openid)

    assert error(response) == (status, "own_code")
    assert response.data["error_recovery"] == recovery


class Unprintable(Exception):
    def __str__(self) -> str:
        raise KeyError("secret")


def test_exception_without_a_text_is_reported(
    openid: OpenIDProvider, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.DEBUG = True
    raised[:] = [Unprintable()]
    with use_step(settings):
        response = Frontend().log_in(openid)

    assert error(response) == (500, "unknown_error")
    assert response.data["debug"] == "Unprintable: the exception has no message"
    assert "Unprintable" in caplog.text


def caused_by_itself() -> Exception:
    error = RuntimeError("a mistake")
    error.__cause__ = error  # As ``raise error from error`` does.
    return error


class Empty(Exception):
    def __len__(self) -> int:
        return 0


class WithoutSuper(exceptions.APIException):
    def __init__(self) -> None:
        """Leave out super().__init__(), which sets ``detail``."""


@pytest.mark.parametrize(
    "exception",
    [caused_by_itself(), Empty("a mistake"), WithoutSuper(), SuspiciousOperation("a mistake")],
)
def test_unusual_exception_is_reported(
    exception: Exception, openid: OpenIDProvider, settings: Any, reported: list[Any]
) -> None:
    raised[:] = [exception]
    with use_step(settings):
        response = Frontend().log_in(openid)

    assert error(response) == (500, "unknown_error")
    assert [seen for seen, _ in reported] == [exception]


class TenantStrategy(Strategy):
    """A strategy that looks up the tenant of the request."""

    def get_setting(self, name: str) -> Any:
        if name.endswith("_SECRET"):
            raise raised[0]
        return super().get_setting(name)


@pytest.mark.parametrize(
    ("exception", "expected"),
    [
        (ObjectDoesNotExist("No such tenant."), (500, "unknown_error")),
        (TypeError("a mistake"), (500, "unknown_error")),
        (OperationalError("lost"), (503, "storage_unavailable")),
        (Http404(), (404, "not_found")),
        (AuthPolicyError(None), (400, "authentication_disallowed")),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("at", ["begin", "complete"])
def test_exception_of_a_strategy_is_the_projects(
    exception: Exception,
    expected: tuple[int, str],
    at: str,
    frontend: Frontend,
    openid: OpenIDProvider,
    configure: Configure,
    reported: list[Any],
) -> None:
    raised[:] = [exception]
    if at == "complete":
        begun, callback = frontend.authorize(openid)
    configure(STRATEGY=f"{HERE}.TenantStrategy")

    response = frontend.begin() if at == "begin" else frontend.complete(begun, callback)

    assert error(response) == expected
    assert [seen for seen, _ in reported] == ([exception] if expected[0] >= 500 else [])


WRONG_TYPES: list[tuple[str, Any]] = [
    ("REQUESTS_TIMEOUT", "5"),
    ("REQUESTS_TIMEOUT", float("nan")),
    ("URLOPEN_TIMEOUT", [1]),
    ("PROXIES", "http://proxy:3128"),
    ("PROXIES", {"https": None}),
    ("VERIFY_SSL", ""),
    ("VERIFY_SSL", 5),
    ("AUTH_EXTRA_ARGUMENTS", ["prompt"]),
    ("JWT_LEEWAY", "x"),
    ("MAX_AGE", "x"),
    ("EXTRA_DATA", 5),
    ("WHITELISTED_DOMAINS", 5),
    ("USER_FIELD_MAPPING", 5),
]
READ_AT_BEGIN: list[tuple[str, Any]] = [
    ("SCOPE", "email"),
    ("PROMPT", 5),
    ("FIELDS_STORED_IN_SESSION", 5),
]


@pytest.mark.parametrize(
    ("at", "name", "value"),
    [("begin", *each) for each in WRONG_TYPES + READ_AT_BEGIN]
    + [("complete", *each) for each in WRONG_TYPES],
)
def test_setting_of_a_wrong_type_is_a_500(
    at: str, name: str, value: Any, openid: OpenIDProvider, settings: Any, reported: list[Any]
) -> None:
    frontend = Frontend()
    if at == "complete":
        begun, callback = frontend.authorize(openid)
    setattr(settings, f"SOCIAL_AUTH_OIDC_{name}", value)

    response = frontend.begin() if at == "begin" else frontend.complete(begun, callback)

    assert error(response) == (500, "invalid_setting")
    assert len(reported) == 1


class AsksForItsProfile(GithubOAuth2):
    name = "github"

    def user_data(self, access_token: str, *args: Any, **kwargs: Any) -> Any:
        self.request("https://api.github.com/text")
        return self.get_json(self.setting("PROFILE_PAGE") or self.setting("PROFILE_URL"))


@pytest.mark.parametrize(
    ("text", "name", "code"),
    [
        ("no JSON", "PROFILE_PAGE", "invalid_setting"),
        ('{"url": "https://elsewhere.example.com"}', "PROFILE_PAGE", "invalid_setting"),
        ("{}", "PROFILE_URL", "unknown_error"),  # Django looks for a URL pattern with this name.
    ],
)
def test_invalid_url_in_the_settings_is_a_500_after_other_requests(
    text: str,
    name: str,
    code: str,
    frontend: Frontend,
    social_provider: FakeProviders,
    settings: Any,
) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{HERE}.AsksForItsProfile"]
    setattr(settings, f"SOCIAL_AUTH_GITHUB_{name}", "no URL")
    social_provider("github").replace("https://api.github.com/text", ProviderResponse(content=text))

    response = sign_in(social_provider("github"), frontend, "github")

    assert error(response) == (500, code)


class FailingPage(ProviderCallbackView):
    def get_error_page(self, exc: Any) -> str:
        raise RuntimeError("a mistake")


def test_error_page_that_fails_is_an_exception_as_of_any_view() -> None:
    with pytest.raises(RuntimeError, match="a mistake"):
        FailingPage.as_view()(RequestFactory().get("/"), provider="nobody")


# --- The project's database and cache ---------------------------------------------------


@pytest.mark.parametrize(
    ("exception", "status"),
    [
        (OperationalError("server closed the connection"), 503),
        (InterfaceError("connection already closed"), 503),
        (DatabaseError("Save with update_fields did not affect any rows."), 500),
        (IntegrityError("UNIQUE"), 500),
        (DataError("value too long"), 500),
    ],
    ids=lambda value: type(value).__name__,
)
def test_failure_of_the_database_is_a_503(
    exception: Exception,
    status: int,
    frontend: Frontend,
    openid: OpenIDProvider,
    settings: Any,
    reported: list[Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    raised[:] = [exception]
    with use_step(settings):
        response = frontend.log_in(openid)

    assert response.status_code == status
    assert (response.data["error_recovery"] == "retry_later") == (status == 503)
    assert [type(seen) for seen, _ in reported] == [type(exception)]
    assert str(exception) in caplog.text


def test_damaged_database_is_a_503(openid: OpenIDProvider, settings: Any) -> None:
    raised[:] = [DatabaseError("malformed")]
    raised[0].__cause__ = sqlite3.DatabaseError("database disk image is malformed")
    with use_step(settings):
        assert error(Frontend().log_in(openid)) == (503, "storage_unavailable")


def query_a_missing_column(**kwargs: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT missing FROM auth_user")


def test_mistake_in_a_query_is_a_500(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((LAST, f"{HERE}.query_a_missing_column"))

    assert error(frontend.log_in(openid)) == (500, "unknown_error")


def query_after_a_failed_one(**kwargs: Any) -> None:
    with connection.cursor() as cursor:
        with suppress(DatabaseError):
            cursor.execute("SELECT missing FROM auth_user")
        cursor.execute("SELECT 1")


def test_query_after_a_failed_one_is_a_mistake_of_the_project(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((LAST, f"{HERE}.query_after_a_failed_one"))

    # Other databases continue the transaction.
    expected = (500, "unknown_error") if connection.vendor == "postgresql" else (201, None)
    assert error(frontend.log_in(openid)) == expected


class FailingCache(LocMemCache):
    """A cache whose server cannot be reached, or that gets a key that it does not accept."""

    def get(self, key: Any, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("Error 111 connecting to redis") if key == "down" else TypeError(key)


def read_down(**kwargs: Any) -> None:
    cache.get("down")


def read_wrong(**kwargs: Any) -> None:
    cache.get("wrong")


def default() -> Any:
    raise RuntimeError("a mistake")


def read_or_set(**kwargs: Any) -> None:
    LocMemCache("errors", {}).get_or_set("name", default)


@pytest.mark.parametrize(
    ("step", "status"), [(read_down, 503), (read_wrong, 500), (read_or_set, 500)]
)
def test_failure_of_the_cache_is_a_503(
    step: Any, status: int, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.CACHES = {"default": {"BACKEND": f"{HERE}.FailingCache"}}
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((LAST, f"{HERE}.{step.__name__}"))

    assert frontend.log_in(openid).status_code == status


def test_failure_of_the_database_in_the_claim_is_a_503(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    begun, callback = frontend.authorize(openid)

    def lose_connection(execute: Any, sql: str, *args: Any) -> Any:
        if Nonce._meta.db_table in sql:
            raise OperationalError("lost")
        return execute(sql, *args)

    with connection.execute_wrapper(lose_connection):
        response = frontend.complete(begun, callback)

    assert error(response) == (503, "storage_unavailable")
    assert frontend.complete(begun, callback).status_code == 201


# --- The project's exception handler ----------------------------------------------------


def handle_nothing(exc: Exception, context: Any) -> Response | None:
    return None


def return_a_response_of_django(exc: Exception, context: Any) -> Any:
    return JsonResponse({"error": str(exc)}, status=418)


def raise_again(exc: Exception, context: Any) -> Response | None:
    raise exc


def fail_to_handle(exc: Exception, context: Any) -> Response | None:
    raise RuntimeError("The handler has failed.")


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        ("handle_nothing", (404, "provider_not_supported")),
        ("raise_again", (404, "provider_not_supported")),
        ("fail_to_handle", (500, "unknown_error")),
        ("missing", (500, "unknown_error")),
    ],
)
def test_exception_handler_that_fails_is_replaced(
    handler: str, expected: tuple[int, str], settings: Any
) -> None:
    settings.REST_FRAMEWORK = {"EXCEPTION_HANDLER": f"{HERE}.{handler}"}

    response = browser().get("/auth/o/nobody/", secure=True)

    assert error(response) == expected
    assert response["Content-Type"] == "application/json"


@pytest.mark.undocumented("the project's handler chooses the status")
def test_exception_handler_may_return_a_response_of_django(settings: Any) -> None:
    settings.REST_FRAMEWORK = {"EXCEPTION_HANDLER": f"{HERE}.return_a_response_of_django"}

    response = browser().get("/auth/o/nobody/", secure=True)

    assert (response.status_code, list(response.json())) == (418, ["error"])


def show_id(exc: Any, context: Any) -> Response:
    return Response({"id": exc.error_id, "codes": exc.get_codes()}, status=exc.status_code)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("o/nobody/", "provider_not_supported"),
        ("connections/", "not_authenticated"),
        ("o/oidc/?code=c", "use_post"),
    ],
)
def test_exception_handler_may_show_the_error_id(
    path: str, code: str, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.REST_FRAMEWORK = {"EXCEPTION_HANDLER": f"{HERE}.show_id"}
    caplog.set_level("INFO", logger="social_endpoints")

    response = browser().get(f"/auth/{path}", secure=True)

    assert list(response.data) == ["id", "codes"]
    assert response.data["codes"] == code
    assert response.data["id"] in caplog.text
