"""Failed refreshes: whose fault they are, what is stored, and what the project's client sees."""

from __future__ import annotations

import asyncio
import logging
import pickle
import time
from email.utils import formatdate
from pathlib import Path
from traceback import walk_tb
from typing import Any

import pytest
import requests
from django.core.exceptions import SynchronousOnlyOperation
from django.db import DataError, OperationalError, connection
from rest_framework.exceptions import NotFound
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView
from social_django.models import UserSocialAuth

from social_endpoints.exceptions import ConfigurationError, StorageUnavailable
from social_endpoints.provider_tokens import (
    ProviderAuth,
    ProviderError,
    ProviderTokenError,
    ProviderUnavailable,
    ReauthenticationRequired,
    get_access_token,
)
from social_endpoints.strategy import Strategy
from tests.support.configuration import Configure
from tests.support.log import logged
from tests.support.stored_tokens import connect
from tests.support.tcp_provider import Connection
from tests.support.token_server import TokenServer, answering

pytestmark = pytest.mark.django_db

INVALID_GRANT = answering({"error": "invalid_grant"}, status=400)
DOWN = answering({}, status=503)


def refused(user: Any, expected: type[Exception] = ProviderTokenError) -> Any:
    """Return the exception of a call."""
    with pytest.raises(expected) as raised:
        get_access_token(user, "token-server")
    return raised.value


def is_marked(social: Any) -> bool:
    extra_data = UserSocialAuth.objects.get(pk=social.pk).extra_data
    return bool(extra_data["social_endpoints"].get("needs_reconnect"))


def reset(connection: Connection, request: Any) -> None:
    connection.reset()


# --- Rejected refresh tokens ------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (400, {"error": "invalid_grant"}),
        (401, {"error": "invalid_grant"}),
        (403, {"error": "invalid_grant"}),
        (200, {"error": "bad_refresh_token"}),
        (400, {"error": "interaction_required", "error_codes": [50076]}),
        (400, {"error": "consent_required"}),
        (400, {"error": "invalid_request", "error_description": "Invalid refresh_token"}),
        (403, {"error": "unauthorized_client", "error_description": "refresh_token is invalid"}),
        (400, {"status": 400, "message": "Invalid refresh token"}),
        (400, {"reason": "Invalid Token!", "error": "invalid_request"}),
        (400, {"errors": [{"errorType": "invalid_grant", "message": "expired"}]}),
        (400, {"status": "BAD_REFRESH_TOKEN", "message": "missing or invalid refresh token"}),
        (400, {"error": "access_denied"}),
        (200, {"error": "invalid_code"}),
        (400, {"errors": [{"resource": "RefreshToken", "code": "invalid"}]}),
        (401, {"errors": [{"id": "revoked_token", "message": "The token was revoked"}]}),
        (
            400,
            {
                "error": "invalid_request",
                "error_description": "Value passed for the token was invalid.",
            },
        ),
    ],
)
def test_rejected_refresh_token_marks_the_connection(
    status: int, content: Any, ada: Any, server: TokenServer
) -> None:
    social = connect(ada)
    server.answer = answering(content, status=status)

    error = refused(ada)

    assert type(error) is ReauthenticationRequired
    assert error.status_code == 403
    assert error.detail["error_code"] == "provider_reauthentication_required"
    assert error.detail["error_recovery"] == "reconnect"
    assert is_marked(social)
    assert type(refused(ada)) is ReauthenticationRequired
    assert len(server.posted) == 1


def test_marked_connection_keeps_its_tokens(ada: Any, server: TokenServer) -> None:
    social = connect(ada, id="7")
    server.answer = INVALID_GRANT
    refused(ada)

    extra_data = UserSocialAuth.objects.get(pk=social.pk).extra_data
    kept = {**extra_data, "social_endpoints": None}
    assert kept == {**social.extra_data, "social_endpoints": None}


def test_connection_without_an_access_token_is_marked(ada: Any, server: TokenServer) -> None:
    connect(ada, token=None)
    server.answer = INVALID_GRANT

    assert [type(refused(ada)) for _ in range(2)] == [ReauthenticationRequired] * 2
    assert len(server.posted) == 1


def test_rejection_counts_although_the_access_token_lives(ada: Any, server: TokenServer) -> None:
    social = connect(ada, expires_in=30)
    server.answer = INVALID_GRANT

    assert type(refused(ada)) is ReauthenticationRequired
    assert is_marked(social)
    assert type(refused(ada)) is ReauthenticationRequired


# --- Outages ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        DOWN,
        answering({"error": "invalid_grant"}, status=500),
        answering(b"<html>Bad gateway</html>", status=502),
        answering({"error": "slow_down"}, status=429),
        answering({"error": "temporarily_unavailable"}, status=400),
        answering({"error": "server_error"}),
        reset,
    ],
)
def test_outage_is_a_503_that_changes_nothing(answer: Any, ada: Any, server: TokenServer) -> None:
    social = connect(ada)
    server.answer = answer

    error = refused(ada)

    assert type(error) is ProviderUnavailable
    assert error.status_code == 503
    assert (error.detail["error_code"], error.wait) == ("provider_unavailable", 10)
    assert error.detail["error_recovery"] == "retry_later"
    assert UserSocialAuth.objects.get(pk=social.pk).extra_data == social.extra_data
    server.answer = None
    assert get_access_token(ada, "token-server").token in server.access_tokens


def test_provider_that_does_not_listen_is_unavailable(ada: Any, server: TokenServer) -> None:
    connect(ada)
    server.provider.stop()

    assert type(refused(ada)) is ProviderUnavailable


def test_slow_provider_is_unavailable_and_then_not_asked(
    ada: Any, server: TokenServer, configure: Configure
) -> None:
    configure(LOGIN_TIMEOUT=0.2, PROVIDER_TIMEOUTS=1)
    connect(ada)
    server.delay = 1

    assert type(refused(ada)) is ProviderUnavailable
    error = refused(ada)
    assert (type(error), error.cause) == (ProviderUnavailable, "circuit_open")
    assert 1 < error.wait <= 30
    assert len(server.posted) == 1


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("0", 1),
        ("-5", 10),
        ("soon", 10),
        (90, 90),  # A date so many seconds from now.
        (-90, 1),
        ("999999999", 86_400),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400),
    ],
)
def test_retry_after_is_the_one_of_the_provider(
    value: str | int, seconds: int, ada: Any, server: TokenServer
) -> None:
    connect(ada)
    if isinstance(value, int):
        value = formatdate(time.time() + value, usegmt=True)
    server.answer = answering({}, status=429, headers=f"Retry-After: {value}\r\n")

    error = refused(ada)

    assert seconds - 60 * (seconds == 90) <= error.wait <= seconds
    assert error.retry_after == str(error.wait)


def test_living_token_is_returned_during_an_outage(
    ada: Any, server: TokenServer, caplog: pytest.LogCaptureFixture
) -> None:
    connect(ada, expires_in=30)
    server.answer = DOWN

    with caplog.at_level(logging.INFO, logger="social_endpoints"):
        assert get_access_token(ada, "token-server").token == "access-0"

    (line,) = logged(caplog)
    assert (line["event"], line["level"]) == ("refresh postponed", "WARNING")
    assert line["cause"] == "http_503"


# --- Mistakes of the project, and nonsense ----------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        answering({"error": "invalid_client"}, status=401),
        answering({"error": "invalid_client", "error_description": "invalid_grant"}, status=400),
        answering({"error": "incorrect_client_credentials"}),
        answering({"error": "unauthorized_client"}, status=400),
        answering({"error": "invalid_scope"}, status=400),
        answering({"error": "invalid_request"}, status=400),
        answering({"error": "unsupported_grant_type"}, status=400),
        answering({}, status=404),
        answering(b"<html></html>", status=404),
        answering(b"<html></html>"),
        answering(b"[]"),
        answering(b"null"),
        answering({}),
        answering({"access_token": ""}),
        answering({"access_token": 7}),
        answering({"access_token": {"token": "access-1"}}),
        answering({"access_token": "access-1\r\nX-Injected: yes"}),
        answering({"access_token": "access-1", "refresh_token": ["refresh-1"]}),
        answering({"access_token": "access-1", "token_type": 7}),
        answering(b"[" * 100_000),
        answering(b"{" + b" " * 1_100_000 + b"}"),
    ],
)
def test_nonsense_is_a_502_that_changes_nothing(answer: Any, ada: Any, server: TokenServer) -> None:
    social = connect(ada)
    server.answer = answer

    error = refused(ada)

    assert type(error) is ProviderError
    assert error.status_code == 502
    assert error.detail["error_code"] == "provider_error"
    assert error.detail["error_recovery"] == "contact_administrator"
    assert UserSocialAuth.objects.get(pk=social.pk).extra_data == social.extra_data


def test_wrong_setting_is_a_500_with_the_error_body(
    ada: Any, server: TokenServer, configure: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    connect(ada)
    configure(LOGIN_TIMEOUT="soon")

    with caplog.at_level(logging.INFO, logger="social_endpoints"):
        error = refused(ada, ConfigurationError)

    (record,) = caplog.records
    assert "LOGIN_TIMEOUT" in str(record.exc_info[1])  # DRF would log neither this nor a traceback.
    assert error.detail["error_code"] == "invalid_setting"
    assert "LOGIN_TIMEOUT" in str(error.__cause__)
    assert server.posted == []


class RefusingStrategy(Strategy):
    error: Exception

    def get_setting(self, name: str) -> Any:
        if name.endswith("_SECRET"):
            raise self.error
        return super().get_setting(name)


@pytest.mark.parametrize("error", [NotFound(), ValueError("of the project"), ZeroDivisionError()])
def test_exception_of_the_project_passes(
    error: Exception,
    ada: Any,
    server: TokenServer,
    configure: Configure,
    caplog: pytest.LogCaptureFixture,
) -> None:
    connect(ada)
    RefusingStrategy.error = error
    configure(STRATEGY=f"{__name__}.RefusingStrategy")

    assert refused(ada, type(error)) is error
    assert error.__traceback__
    assert "get_setting" in [frame.f_code.co_name for frame, _ in walk_tb(error.__traceback__)]
    assert server.posted == []
    assert logged(caplog) == []


@pytest.mark.parametrize("min_lifetime", [None, "60"])
def test_argument_of_a_wrong_type_is_a_type_error(
    min_lifetime: Any, ada: Any, server: TokenServer
) -> None:
    connect(ada, expires_in=3600)

    with pytest.raises(TypeError):
        get_access_token(ada, "token-server", min_lifetime=min_lifetime)


def test_call_in_an_event_loop_is_a_mistake_of_the_project(ada: Any, server: TokenServer) -> None:
    async def view() -> Any:
        return get_access_token(ada, "token-server")

    with pytest.raises(SynchronousOnlyOperation):
        asyncio.run(view())


# --- What a view and a task of the project do with them ---------------------------------


class TokenView(APIView):
    authentication_classes = ()
    permission_classes = ()
    user: Any = None

    def get(self, request: Any) -> Response:
        return Response({"scopes": get_access_token(self.user, "token-server").scopes})


@pytest.mark.parametrize(
    ("answer", "status"),
    [(INVALID_GRANT, 403), (DOWN, 503), (answering({}), 502)],
)
def test_view_of_the_project_responds_with_the_error_body(
    answer: Any, status: int, ada: Any, server: TokenServer, caplog: pytest.LogCaptureFixture
) -> None:
    connect(ada)
    server.answer = answer

    with caplog.at_level(logging.INFO, logger="social_endpoints"):
        response = TokenView.as_view(user=ada)(APIRequestFactory().get("/")).render()

    body = response.data
    assert response.status_code == status
    assert set(body) == {
        "non_field_errors",
        "error_code",
        "error_source",
        "error_stage",
        "error_recovery",
        "error_id",
    }
    assert response.get("Retry-After") == ("10" if status == 503 else None)
    (line,) = logged(caplog)
    assert line["event"] == "refresh refused"
    assert (line["error_id"], line["code"]) == (body["error_id"], body["error_code"])
    assert (line["provider"], line["user"], line["status"]) == (
        "token-server",
        str(ada.pk),
        str(status),
    )


SECRETS = ("access-0", "refresh-0", "our-secret", "refresh-1")


@pytest.mark.parametrize(
    "answer",
    [INVALID_GRANT, DOWN, answering({"refresh_token": "refresh-1"}), reset],
)
def test_exception_contains_no_token(answer: Any, ada: Any, server: TokenServer) -> None:
    connect(ada)
    server.answer = answer

    require_no_token(refused(ada))


def test_exception_after_a_401_contains_no_token(ada: Any, server: TokenServer) -> None:
    connect(ada, expires_in=3600)
    server.answer = INVALID_GRANT

    with pytest.raises(ReauthenticationRequired) as raised:
        requests.get(f"{server.url}/api", auth=ProviderAuth(ada, "token-server"), timeout=10)
    require_no_token(raised.value)


def require_no_token(error: BaseException) -> None:
    for each in chain_of(error):
        assert not any(secret in repr((each, each.args)) for secret in SECRETS)
        for frame, _ in walk_tb(each.__traceback__):
            is_test = frame.f_code.co_filename.startswith(str(Path(__file__).parents[3] / "tests"))
            assert is_test or not any(secret in repr(frame.f_locals) for secret in SECRETS), frame


def chain_of(error: BaseException | None) -> list[BaseException]:
    found = []
    while error is not None:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def test_exception_can_be_pickled(ada: Any, server: TokenServer) -> None:
    connect(ada)
    server.answer = answering({}, status=429, headers="Retry-After: 77\r\n")
    error = refused(ada)

    copy: Any = pickle.loads(pickle.dumps(error))

    assert (type(copy), copy.detail, copy.wait) == (type(error), error.detail, 77)
    assert repr(copy) == repr(error)
    assert error.error_id in str(copy)


def test_exception_about_the_project_can_be_pickled(
    ada: Any, server: TokenServer, configure: Configure
) -> None:
    connect(ada)
    configure(LOGIN_TIMEOUT="soon")
    wrong_setting = refused(ada, ConfigurationError)
    with connection.execute_wrapper(fail):
        failure = refused(ada, StorageUnavailable)

    for error in (wrong_setting, failure):
        copy: Any = pickle.loads(pickle.dumps(error))
        assert (type(copy), copy.detail, copy.error_id) == (
            type(error),
            error.detail,
            error.error_id,
        )
        assert str(copy) == str(error)


def fail(*args: Any) -> None:
    raise OperationalError


def test_failure_of_the_database_is_a_503_with_the_error_body(
    ada: Any, server: TokenServer
) -> None:
    connect(ada)

    with connection.execute_wrapper(fail):
        error = refused(ada, StorageUnavailable)

    assert error.detail["error_code"] == "storage_unavailable"


@pytest.mark.parametrize(
    ("failure", "expected"), [(DataError, ProviderError), (OperationalError, StorageUnavailable)]
)
def test_tokens_that_cannot_be_stored_are_requested_once(
    failure: type[Exception], expected: type[Exception], ada: Any, server: TokenServer
) -> None:
    connect(ada)

    def refuse(execute: Any, sql: str, *args: Any) -> Any:
        if sql.startswith("UPDATE"):
            raise failure
        return execute(sql, *args)

    with connection.execute_wrapper(refuse), pytest.raises(expected):
        get_access_token(ada, "token-server")

    assert len(server.posted) == 1
