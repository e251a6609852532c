"""``POST logout/`` ends the login of the request."""

from __future__ import annotations

import logging
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.apps import apps
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.auth.signals import user_logged_out
from django.contrib.sessions.models import Session
from django.db import IntegrityError, OperationalError
from django.db.models.signals import post_delete
from django.urls import reverse
from rest_framework import serializers
from rest_framework.authentication import BasicAuthentication
from rest_framework.authtoken.models import Token
from rest_framework.request import Request

from social_endpoints.tokens import LoginSerializer, SessionSerializer
from tests.support.accounts import user_with
from tests.support.configuration import Configure
from tests.support.frontend import Frontend, browser, error
from tests.support.log import logged
from tests.support.logins import (
    AUTHENTICATIONS,
    JWT_BLACKLIST,
    STRATEGIES,
    Login,
    log_in,
    route_logout,
    user_of,
)
from tests.support.openid_provider import OpenIDProvider
from tests.support.sessions import engine
from tests.support.signals import connected, received

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cookie_middleware")]
User = get_user_model()
UseSerializer = Callable[..., None]

needs_jwt = pytest.mark.needs("rest_framework_simplejwt")
COOKIE_SERIALIZERS = [name for name, (_, scheme, _) in AUTHENTICATIONS.items() if not scheme]
NOT_SUPPORTED = (404, "logout_not_supported")
JSON = "application/json"
INVALID = (400, "invalid_parameter")
_DEEP = b'{"alg": "HS256", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
NESTED_JWT = f"{urlsafe_b64encode(_DEEP).decode()}.e30.AAAA"


@pytest.fixture
def end(
    request: pytest.FixtureRequest, settings: Any, use_serializer: UseSerializer
) -> Callable[..., None]:
    """Return a function that sets the token serializer and routes logout for its tokens."""

    def configure(serializer: str, *authentications: str, **entries: Any) -> None:
        use_serializer(serializer, **entries)
        route_logout(settings, *(authentications or (AUTHENTICATIONS[serializer][0],)))

    return configure


@pytest.fixture(params=AUTHENTICATIONS)
def serializer(request: pytest.FixtureRequest, end: Callable[..., None]) -> str:
    """Return each serializer with a token of its own."""
    end(request.param)
    return request.param


def test_url_has_a_name() -> None:
    assert reverse("logout") == "/auth/logout/"


def test_login_of_the_request_ends(serializer: str, openid: OpenIDProvider) -> None:
    login, other = log_in(openid, serializer), log_in(openid, serializer, "2")

    with received(user_logged_out) as calls:
        response = login.log_out()

    assert (response.status_code, response.content) == (204, b"")
    assert "no-store" in response["Cache-Control"]
    (call,) = calls
    assert (call["sender"], call["user"]) == (User, user_of("1"))
    assert call["request"].path == "/auth/logout/"
    # An access token is valid until it expires.
    assert login.is_alive is (serializer == "JWTSerializer")
    assert other.is_alive
    if "JWT" in serializer:
        assert (login.can_refresh, other.can_refresh) == (False, True)
    assert log_in(openid, serializer).is_alive


def test_second_logout_is_refused(serializer: str, openid: OpenIDProvider) -> None:
    login = log_in(openid, serializer)
    login.log_out()

    with received(user_logged_out) as calls:
        response = login.log_out()

    expected = {
        "JWTSerializer": INVALID,  # The access token is still valid.
        "JWTCookieSerializer": (401, "not_authenticated"),
        "SessionSerializer": (403, "not_authenticated"),
    }
    assert error(response) == expected.get(serializer, (401, "authentication_failed"))
    assert not calls


def test_anonymous_request_is_refused(serializer: str) -> None:
    frontend = Frontend("cookie")

    response = frontend.client.post("/auth/logout/", secure=True)

    assert error(response)[1] == "not_authenticated"


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_only_post_logs_out(method: str, serializer: str, openid: OpenIDProvider) -> None:
    login = log_in(openid, serializer)
    csrf = login.frontend.client.cookies.get("csrftoken")
    headers = {
        **login.headers,
        "X-CSRFToken": csrf.value if csrf else "",
        "Origin": "https://testserver",
    }

    response = getattr(login.frontend.client, method)("/auth/logout/", headers=headers, secure=True)

    assert error(response) == (405, "method_not_allowed")
    assert login.is_alive


def test_other_logins_of_the_user_stay_valid(serializer: str, openid: OpenIDProvider) -> None:
    first, second = log_in(openid, serializer), log_in(openid, serializer)

    assert first.log_out().status_code == 204

    # A user has one token of DRF.
    assert second.is_alive is (serializer != "TokenSerializer")
    if "JWT" in serializer:
        assert second.can_refresh


@pytest.mark.parametrize("serializer", COOKIE_SERIALIZERS, indirect=True)
def test_csrf_is_enforced(serializer: str, openid: OpenIDProvider) -> None:
    login = log_in(openid, serializer)

    response = login.log_out(csrf=False)

    assert response.status_code == 403
    assert error(response)[1] == "permission_denied"
    assert not response.cookies
    assert login.is_alive
    assert login.log_out().status_code == 204


@pytest.mark.parametrize("serializer", COOKIE_SERIALIZERS, indirect=True)
def test_cookies_are_deleted(serializer: str, openid: OpenIDProvider) -> None:
    login = log_in(openid, serializer)

    response = login.log_out()

    issued = {name for name, cookie in login.response.cookies.items() if cookie["httponly"]}
    names = issued & {"sessionid", "access_token", "refresh_token"}
    assert names
    assert names <= response.cookies.keys()
    for name in names:
        deleted = response.cookies[name]
        assert (deleted.value, deleted["max-age"]) == ("", 0)
        for attribute in ("path", "domain", "samesite"):
            assert deleted[attribute] == login.response.cookies[name][attribute]
    assert not any(login.frontend.client.cookies[name].value for name in names)


@pytest.mark.parametrize("body", [b"{", b"\xff"])
def test_malformed_body_is_refused(body: bytes, serializer: str, openid: OpenIDProvider) -> None:
    login = log_in(openid, serializer)

    response = login.log_out(body, format=None, content_type=JSON)

    assert error(response) == (400, "parse_error")
    assert login.is_alive
    if "JWT" in serializer:
        assert login.can_refresh


def test_unknown_content_type_is_refused(serializer: str, openid: OpenIDProvider) -> None:
    login = log_in(openid, serializer)

    response = login.log_out(b"x", format=None, content_type="text/plain")

    assert error(response) == (415, "unsupported_media_type")
    assert login.is_alive


@pytest.mark.parametrize("cause", [OperationalError("secret"), RuntimeError("secret")])
def test_failure_leaves_the_login(
    cause: Exception, serializer: str, openid: OpenIDProvider
) -> None:
    login = log_in(openid, serializer)

    def fail(**kwargs: Any) -> None:
        raise cause

    with connected(fail, user_logged_out):
        response = login.log_out()

    storage_failed = isinstance(cause, OperationalError)
    expected = (503, "storage_unavailable") if storage_failed else (500, "unknown_error")
    assert error(response) == expected
    assert "secret" not in response.content.decode()
    assert not response.cookies
    assert login.is_alive
    if "JWT" in serializer:
        assert login.can_refresh
    assert login.log_out().status_code == 204


@pytest.mark.parametrize("serializer", ["TokenSerializer"], indirect=True)
def test_wrong_setting_is_a_500(
    serializer: str, openid: OpenIDProvider, configure: Configure
) -> None:
    login = log_in(openid, serializer)
    configure(TOKEN_SERIALIZER="no.such.Serializer")

    response = login.log_out()

    assert (response.status_code, response.data["error_source"]) == (500, "configuration")
    assert login.is_alive


def test_logout_that_collides_runs_again(serializer: str, openid: OpenIDProvider) -> None:
    login = log_in(openid, serializer)
    errors = [IntegrityError("a row of another request")]

    def collide(**kwargs: Any) -> None:
        if errors:
            raise errors.pop()

    with connected(collide, user_logged_out):
        response = login.log_out()

    assert response.status_code == 204
    assert login.is_alive is (serializer == "JWTSerializer")
    if "JWT" in serializer:
        assert not login.can_refresh


def test_log_has_the_user(
    serializer: str, openid: OpenIDProvider, caplog: pytest.LogCaptureFixture
) -> None:
    login = log_in(openid, serializer)
    caplog.set_level(logging.INFO, "social_endpoints")

    login.log_out()

    line = logged(caplog)[-1]
    assert (line["event"], line["user"]) == ("logout completed", str(user_of("1").pk))


@pytest.mark.parametrize("serializer", ["SessionSerializer"], indirect=True)
def test_throttle_applies(serializer: str, openid: OpenIDProvider, configure: Configure) -> None:
    first, second = log_in(openid, serializer), log_in(openid, serializer)
    configure(THROTTLE_RATES={"user": "1/hour"})

    responses = [each.log_out() for each in (first, second)]

    assert [each.status_code for each in responses] == [204, 429]
    assert second.is_alive


# --- Requests that another authentication class has authenticated -----------------------

# The tokens of DRF and of knox have the same scheme, so a project cannot accept both.
OTHERS = [
    (own, other)
    for own, (_, scheme, _) in AUTHENTICATIONS.items()
    for other, (_, other_scheme, _) in AUTHENTICATIONS.items()
    if own != other and (scheme != other_scheme or not scheme)
]


@pytest.mark.parametrize(("own", "other"), OTHERS)
def test_login_that_authenticates_the_request_ends(
    own: str, other: str, end: Callable[..., None], openid: OpenIDProvider
) -> None:
    """For example the session of an admin, in a project with another token serializer."""
    names = [AUTHENTICATIONS[name][0] for name in (own, other)]
    end(own, *names)
    mine = log_in(openid, own)
    end(other, *names)
    login = log_in(openid, other)
    end(own, *names)

    with received(user_logged_out) as calls:
        assert login.log_out().status_code == 204

    assert len(calls) == 1
    assert login.is_alive is (other == "JWTSerializer")
    assert mine.is_alive
    if "JWT" in other:
        assert not login.can_refresh


def test_session_beside_the_token_goes_on(end: Callable[..., None], openid: OpenIDProvider) -> None:
    end("SessionSerializer")
    admin = log_in(openid, "SessionSerializer", "2")
    end("TokenSerializer", "token", "session")
    login = log_in(openid, "TokenSerializer", frontend=Frontend("cookie"))
    client = admin.frontend.client

    response = client.post("/auth/logout/", headers=login.headers, secure=True)

    assert response.status_code == 204
    assert not response.cookies
    assert (login.is_alive, admin.is_alive) == (False, True)


@pytest.mark.parametrize("serializer", AUTHENTICATIONS)
def test_login_that_cannot_be_ended_is_reported(
    serializer: str, end: Callable[..., None], openid: OpenIDProvider
) -> None:
    end(serializer, "rest_framework.authentication.BasicAuthentication")
    login = log_in(openid, serializer)
    user = user_of("1")
    user.set_password("secret")
    user.save()
    login.frontend.client.cookies.clear()

    with received(user_logged_out) as calls:
        response = login.frontend.client.post(
            "/auth/logout/", headers={"Authorization": "Basic YWRhOnNlY3JldA=="}, secure=True
        )

    assert error(response) == NOT_SUPPORTED
    assert not calls
    assert Token.objects.exists() is (serializer == "TokenSerializer")


# --- Simple JWT ------------------------------------------------------------------------


@pytest.fixture
def jwt(end: Callable[..., None]) -> None:
    end("JWTSerializer")


def other_tokens(name: str, login: Login, openid: OpenIDProvider) -> Any:
    """Return a value of ``refresh`` that is not a valid refresh token of the user."""
    from rest_framework_simplejwt.tokens import RefreshToken

    if name == "of another user":
        return log_in(openid, "JWTSerializer", "2").refresh
    if name == "access token":
        return login.response.data["access"]
    if name == "nested deeply":
        return NESTED_JWT
    token = RefreshToken.for_user(user_of("1"))
    if name == "expired":
        token.set_exp(lifetime=-timedelta(minutes=1))
    elif name == "without an id":
        del token.payload["jti"]
    elif name == "with a long id":
        token["jti"] = "x" * 256
    elif name == "blacklisted":
        token.blacklist()
    elif name == "forged":
        return f"{token}x"
    return str(token)


REFUSED = ["of another user", "access token", "expired", "without an id", "blacklisted", "forged"]
REFUSED += ["with a long id", "nested deeply"]


@needs_jwt
@pytest.mark.usefixtures("jwt")
@pytest.mark.parametrize("name", REFUSED)
def test_refresh_token_that_is_not_valid_is_refused(name: str, openid: OpenIDProvider) -> None:
    login = log_in(openid, "JWTSerializer")
    refresh = other_tokens(name, login, openid)
    blacklisted = apps.get_model("token_blacklist", "BlacklistedToken").objects
    before = blacklisted.count()

    with received(user_logged_out) as calls:
        response = login.log_out({"refresh": refresh})

    assert response.status_code == 400
    assert error(response) == INVALID
    assert response.data["refresh"] == ["This refresh token is not valid."]
    assert blacklisted.count() == before
    assert not calls
    assert login.can_refresh


@needs_jwt
@pytest.mark.usefixtures("jwt")
@pytest.mark.parametrize("body", [{}, {"refresh": ""}, {"refresh": None}])
def test_refresh_token_is_required(body: Any, openid: OpenIDProvider) -> None:
    login = log_in(openid, "JWTSerializer")

    response = login.log_out(body)

    assert error(response) == INVALID
    assert response.data["refresh"] == ["This field is required."]
    assert login.can_refresh


@needs_jwt
@pytest.mark.usefixtures("jwt")
@pytest.mark.parametrize("value", ["5", "true", '["a"]', '{"a": 1}', '"a\\u0000"', '"\\ud800"'])
def test_refresh_token_of_a_wrong_type_is_refused(value: str, openid: OpenIDProvider) -> None:
    login = log_in(openid, "JWTSerializer")

    body = f'{{"refresh": {value}}}'
    response = login.log_out(body, format=None, content_type=JSON)

    assert error(response) == INVALID
    assert "refresh" in response.data
    assert login.can_refresh


@needs_jwt
@pytest.mark.usefixtures("jwt")
@pytest.mark.parametrize("content_type", ["json", "multipart", "form", "query"])
def test_refresh_token_can_be_sent_in_each_way(content_type: str, openid: OpenIDProvider) -> None:
    login = log_in(openid, "JWTSerializer")

    if content_type == "query":
        headers, refresh = login.headers, login.refresh
        path = f"/auth/logout/?refresh={refresh}"
        response = login.frontend.client.post(path, headers=headers, secure=True)
    elif content_type == "form":
        form, extra = f"refresh={login.refresh}", "application/x-www-form-urlencoded"
        response = login.log_out(form, format=None, content_type=extra)
    else:
        response = login.log_out(format=content_type)

    assert response.status_code == 204
    assert not login.can_refresh


@needs_jwt
@pytest.mark.usefixtures("jwt")
def test_expired_access_token_is_a_401(openid: OpenIDProvider) -> None:
    from rest_framework_simplejwt.tokens import AccessToken

    login = log_in(openid, "JWTSerializer")
    access = AccessToken.for_user(user_of("1"))
    access.set_exp(lifetime=-timedelta(minutes=1))
    login.headers["Authorization"] = f"Bearer {access}"

    assert error(login.log_out()) == (401, "token_not_valid")
    assert login.can_refresh


@needs_jwt
@pytest.mark.usefixtures("jwt")
def test_refresh_token_is_in_no_log_and_no_error(
    openid: OpenIDProvider, caplog: pytest.LogCaptureFixture
) -> None:
    login = log_in(openid, "JWTSerializer")
    caplog.set_level(logging.DEBUG)

    def fail(**kwargs: Any) -> None:
        raise RuntimeError(f"{login.refresh} {login.headers}")

    with connected(fail, user_logged_out):
        response = login.log_out()

    assert response.status_code == 500
    texts = caplog.text + response.content.decode()
    assert login.refresh not in texts
    assert login.response.data["access"] not in texts


@needs_jwt
@pytest.mark.usefixtures("jwt")
def test_jwt_without_the_blacklist_app_cannot_be_ended(
    openid: OpenIDProvider, settings: Any
) -> None:
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != JWT_BLACKLIST]
    login = log_in(openid, "JWTSerializer")

    with received(user_logged_out) as calls:
        assert error(login.log_out()) == NOT_SUPPORTED

    assert not calls


@needs_jwt
def test_cookies_without_the_blacklist_app_are_deleted(
    end: Callable[..., None], openid: OpenIDProvider, settings: Any
) -> None:
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != JWT_BLACKLIST]
    end("JWTCookieSerializer")
    login = log_in(openid, "JWTCookieSerializer")

    assert login.log_out().status_code == 204
    assert not login.is_alive
    assert login.can_refresh


@needs_jwt
@pytest.mark.parametrize("access", [None, "expired"])
def test_user_signs_out_after_the_access_cookie_has_expired(
    access: str | None, end: Callable[..., None], openid: OpenIDProvider
) -> None:
    end("JWTCookieSerializer")
    login = log_in(openid, "JWTCookieSerializer")
    cookies = login.frontend.client.cookies
    del cookies["access_token"]
    if access:
        cookies["access_token"] = access

    assert login.log_out(csrf=False).status_code == 403
    assert login.can_refresh
    with received(user_logged_out) as calls:
        assert login.log_out().status_code == 204

    assert not login.can_refresh
    assert len(calls) == 1
    assert login.log_out().status_code == 401


@needs_jwt
def test_cookies_that_are_nested_deeply_are_ignored(
    end: Callable[..., None], openid: OpenIDProvider
) -> None:
    end("JWTCookieSerializer")
    login = log_in(openid, "JWTCookieSerializer")
    login.frontend.client.cookies["access_token"] = NESTED_JWT
    login.frontend.client.cookies["refresh_token"] = NESTED_JWT

    assert error(login.log_out()) == (401, "not_authenticated")


@needs_jwt
def test_refresh_cookie_does_not_authenticate_other_requests(
    end: Callable[..., None], openid: OpenIDProvider
) -> None:
    end("JWTCookieSerializer")
    login = log_in(openid, "JWTCookieSerializer")
    del login.frontend.client.cookies["access_token"]

    assert not login.is_alive


@needs_jwt
@pytest.mark.parametrize("refresh", ["of another user", "forged", None])
def test_cookies_are_deleted_whatever_the_refresh_cookie_is(
    refresh: str | None, end: Callable[..., None], openid: OpenIDProvider
) -> None:
    end("JWTCookieSerializer")
    login, other = (log_in(openid, "JWTCookieSerializer", each) for each in "12")
    cookies = login.frontend.client.cookies
    cookies["refresh_token"] = {"forged": "x", None: ""}.get(refresh, other.refresh)

    response = login.log_out()

    assert response.status_code == 204
    assert {response.cookies[name].value for name in ("access_token", "refresh_token")} == {""}
    assert other.can_refresh


@needs_jwt
@pytest.mark.parametrize("secure", [True, None])
def test_deleted_cookies_have_the_attributes_of_the_settings(
    secure: bool | None, end: Callable[..., None], openid: OpenIDProvider
) -> None:
    end(
        "JWTCookieSerializer",
        JWT_COOKIE_PATH="/auth/",
        JWT_COOKIE_DOMAIN="testserver",
        JWT_COOKIE_SAMESITE="Strict",
        JWT_COOKIE_SECURE=secure,
    )
    login = log_in(openid, "JWTCookieSerializer")

    response = login.log_out()

    for name in ("access_token", "refresh_token"):
        cookie = response.cookies[name]
        assert (cookie["path"], cookie["domain"]) == ("/auth/", "testserver")
        assert (cookie["samesite"], cookie["max-age"]) == ("Strict", 0)
        assert bool(cookie["secure"]) is bool(secure)


# --- Sessions --------------------------------------------------------------------------


@pytest.mark.parametrize("session_engine", ["db", "cached_db", "cache", "file", "signed_cookies"])
def test_session_ends_with_each_engine(
    session_engine: str, end: Callable[..., None], openid: OpenIDProvider, settings: Any
) -> None:
    settings.SESSION_ENGINE = engine(session_engine)
    end("SessionSerializer")
    login = log_in(openid, "SessionSerializer")
    cookie = login.frontend.client.cookies["sessionid"].value

    response = login.log_out()

    assert response.status_code == 204
    assert response.cookies["sessionid"]["max-age"] == 0
    assert not login.is_alive
    # Only a copy of the cookie itself outlives the logout.
    login.frontend.client.cookies["sessionid"] = cookie
    assert login.is_alive is (session_engine == "signed_cookies")
    assert not Session.objects.exists()


@pytest.mark.parametrize("session_engine", ["db", "cached_db"])
def test_session_that_cannot_be_deleted_goes_on(
    session_engine: str, end: Callable[..., None], openid: OpenIDProvider, settings: Any
) -> None:
    settings.SESSION_ENGINE = engine(session_engine)
    end("SessionSerializer")
    login = log_in(openid, "SessionSerializer")

    def fail(sender: Any, **kwargs: Any) -> None:
        if sender is Session:
            raise OperationalError

    with connected(fail, post_delete):
        response = login.log_out()

    assert error(response) == (503, "storage_unavailable")
    assert not response.cookies
    assert login.is_alive
    assert login.log_out().status_code == 204


def proxy_middleware(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Authenticate users without a session, as middleware behind a proxy does."""

    def authenticate(request: Any) -> Any:
        request.user = User.objects.get()
        return get_response(request)

    return authenticate


def test_login_of_a_middleware_is_not_ended(end: Callable[..., None], settings: Any) -> None:
    user_with()
    end("SessionSerializer")
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.proxy_middleware"]

    assert error(browser().post("/auth/logout/", secure=True)) == NOT_SUPPORTED


class CollidingSession(SessionSerializer):
    """Meets another request after the session has ended."""

    errors: ClassVar[list[Exception]] = []

    def log_out(self, request: Request) -> None:
        super().log_out(request)
        if self.errors:
            raise self.errors.pop()


def test_session_that_has_ended_before_a_collision_is_not_an_error(
    end: Callable[..., None], openid: OpenIDProvider, settings: Any
) -> None:
    settings.SESSION_ENGINE = engine("cache")
    end("SessionSerializer")
    login = log_in(openid, "SessionSerializer")
    end(f"{__name__}.CollidingSession", "session")
    CollidingSession.errors = [IntegrityError("a row of another request")]

    response = login.log_out()

    assert response.status_code == 204
    assert response.cookies["sessionid"]["max-age"] == 0
    assert not login.is_alive


@pytest.mark.parametrize("session_engine", ["db", "cached_db"])
def test_session_goes_on_if_the_serializer_of_a_project_fails(
    session_engine: str, end: Callable[..., None], openid: OpenIDProvider, settings: Any
) -> None:
    settings.SESSION_ENGINE = engine(session_engine)
    end("SessionSerializer")
    login = log_in(openid, "SessionSerializer")
    end(f"{__name__}.CollidingSession", "session")
    CollidingSession.errors = [RuntimeError("after the session has ended")]

    response = login.log_out()

    assert error(response) == (500, "unknown_error")
    assert not response.cookies
    assert login.is_alive


def test_session_that_a_replica_does_not_know_ends(
    end: Callable[..., None],
    openid: OpenIDProvider,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.SESSION_ENGINE = engine("cached_db")
    end("SessionSerializer")
    login = log_in(openid, "SessionSerializer")

    def get(**lookup: Any) -> Any:
        raise Session.DoesNotExist

    monkeypatch.setattr(Session.objects, "get", get)

    assert login.log_out().status_code == 204
    assert not Session.objects.exists()


def test_sessions_of_other_users_stay_valid(
    end: Callable[..., None], openid: OpenIDProvider
) -> None:
    end("SessionSerializer")
    login, other = (log_in(openid, "SessionSerializer", each) for each in "12")

    login.log_out()

    assert other.is_alive
    (session,) = Session.objects.all()
    assert session.get_decoded()[SESSION_KEY] == str(user_of("2").pk)


# --- djoser and serializers of a project -----------------------------------------------


@pytest.mark.parametrize("issued", STRATEGIES)
def test_login_of_djosers_strategy_ends(
    issued: str, end: Callable[..., None], openid: OpenIDProvider, settings: Any
) -> None:
    settings.DJOSER = {"SOCIAL_AUTH_TOKEN_STRATEGY": STRATEGIES[issued]}
    end("DjoserSerializer", AUTHENTICATIONS[issued][0])
    login = log_in(openid, issued)

    assert login.log_out().status_code == 204

    assert not (login.can_refresh if "JWT" in issued else login.is_alive)


class SilentSerializer(LoginSerializer):
    """A serializer of a project that does not override ``log_out()``."""


class HeaderAuthentication(BasicAuthentication):
    """An authentication class of a project with tokens of its own."""

    def authenticate(self, request: Request) -> Any:
        return User.objects.get(pk=request.headers["X-User"]), "own token"


class OwnSerializer(LoginSerializer):
    """A serializer of a project that ends its own tokens."""

    authentication_classes = (f"{__name__}.HeaderAuthentication",)
    token = serializers.CharField(default="token")
    ended: Any = None

    def log_out(self, request: Request) -> None:
        OwnSerializer.ended = request.auth
        super().log_out(request)


class UndeclaredSerializer(OwnSerializer):
    """A serializer of a project that does not declare its authentication class."""

    authentication_classes = ()


@pytest.mark.parametrize(
    ("name", "expected"),
    [("OwnSerializer", 204), ("UndeclaredSerializer", 204), ("SilentSerializer", 404)],
)
def test_serializer_of_the_project_ends_its_own_logins(
    name: str, expected: int, end: Callable[..., None], openid: OpenIDProvider
) -> None:
    end(f"{__name__}.{name}", f"{__name__}.HeaderAuthentication")
    frontend = Frontend("cookie")
    assert frontend.log_in(openid).status_code == 201
    user = User.objects.get()
    OwnSerializer.ended = None

    with received(user_logged_out) as calls:
        response = frontend.client.post(
            "/auth/logout/", headers={"X-User": str(user.pk)}, secure=True
        )

    assert response.status_code == expected
    assert OwnSerializer.ended == ("own token" if expected == 204 else None)
    assert [call["user"] for call in calls] == ([user] if expected == 204 else [])


@pytest.mark.parametrize("name", ["OwnSerializer", "SilentSerializer"])
def test_token_of_drf_ends_in_a_project_with_its_own_serializer(
    name: str, end: Callable[..., None], openid: OpenIDProvider
) -> None:
    end(f"{__name__}.{name}", "token")
    user = User.objects.create_user("ada")
    token = Token.objects.create(user=user)

    response = Frontend().client.post(
        "/auth/logout/", headers={"Authorization": f"Token {token.key}"}, secure=True
    )

    assert response.status_code == 204
    assert not Token.objects.exists()
