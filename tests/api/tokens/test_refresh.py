"""``POST refresh/`` exchanges a refresh token for new tokens."""

from __future__ import annotations

import logging
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import timedelta
from threading import Event
from time import sleep
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.db import OperationalError
from django.urls import reverse
from django.utils import timezone
from rest_framework import serializers
from rest_framework.test import APIClient
from rest_framework_simplejwt.exceptions import AuthenticationFailed, InvalidToken, TokenError
from rest_framework_simplejwt.serializers import TokenObtainPairSerializer, TokenRefreshSerializer
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, SlidingToken

from social_endpoints.exceptions import RefreshTokenInvalid
from social_endpoints.tokens import JWTSerializer, LoginSerializer
from social_endpoints.views import LogoutView, RefreshView
from tests.support.concurrency import together
from tests.support.configuration import Configure
from tests.support.error_reports import reported_errors, tracked_errors
from tests.support.frontend import Frontend, error
from tests.support.log import logged
from tests.support.logins import JWT_BLACKLIST, JWTStrategy, Login, log_in, route_account
from tests.support.openid_provider import OpenIDProvider
from tests.support.replica import ReplicaRouter

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cookie_middleware")]
User = get_user_model()
UseSerializer = Callable[..., None]

REFUSED = (401, "refresh_token_invalid")
NOT_SUPPORTED = (404, "refresh_not_supported")
NAMES = ("access_token", "refresh_token")
_DEEP = b'{"alg": "HS256", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
NESTED_JWT = f"{urlsafe_b64encode(_DEEP).decode()}.e30.AAAA"


@pytest.fixture(params=["JWTSerializer", "JWTCookieSerializer"])
def serializer(request: pytest.FixtureRequest, use_serializer: UseSerializer) -> str:
    use_serializer(request.param)
    return str(request.param)


@pytest.fixture
def cookies(use_serializer: UseSerializer) -> str:
    use_serializer("JWTCookieSerializer")
    return "JWTCookieSerializer"


@pytest.fixture
def rotation(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make Simple JWT replace a refresh token at each refresh."""
    # Simple JWT keeps the object of its settings in several modules.
    change(monkeypatch, ROTATE_REFRESH_TOKENS=True, BLACKLIST_AFTER_ROTATION=True)


def change(monkeypatch: pytest.MonkeyPatch, **entries: Any) -> None:
    """Change settings of Simple JWT, which are bound when its modules are imported."""
    for module in ("serializers", "settings", "tokens", "authentication"):
        for name, value in entries.items():
            monkeypatch.setattr(f"rest_framework_simplejwt.{module}.api_settings.{name}", value)


def refresh(login: Login, token: str | None = None, *, csrf: bool = True, **extra: Any) -> Any:
    """Refresh as the frontend of this serializer does, with its own token or another one."""
    client = login.frontend.client
    headers = {"Origin": "https://testserver", **extra.pop("headers", {})}
    body = {}
    if login.serializer == "JWTSerializer":
        body = {"refresh": login.refresh if token is None else token}
    elif token is not None:
        client.cookies["refresh_token"] = token
    if csrf and "csrftoken" in client.cookies:
        headers["X-CSRFToken"] = client.cookies["csrftoken"].value
    return client.post("/auth/refresh/", body, format="json", headers=headers, secure=True, **extra)


def issued(response: Any) -> dict[str, str]:
    """Return the new tokens of a response, in its body or in its cookies."""
    if response.status_code == 204:
        found = {name: cookie.value for name, cookie in response.cookies.items() if cookie.value}
        return {name.removesuffix("_token"): found[name] for name in NAMES if name in found}
    assert response.status_code == 200, response.data
    return dict(response.json())


def test_url_has_a_name() -> None:
    assert reverse("refresh") == "/auth/refresh/"


def test_refresh_token_is_exchanged_for_an_access_token(
    serializer: str, openid: OpenIDProvider
) -> None:
    login = log_in(openid, serializer)

    response = refresh(login)

    tokens = issued(response)
    assert tokens.keys() == {"access"}
    assert AccessToken(tokens["access"])["user_id"] == str(User.objects.get().pk)
    assert "no-store" in response["Cache-Control"]
    assert issued(refresh(login)).keys() == {"access"}


def test_new_cookie_is_like_that_of_the_login(cookies: str, openid: OpenIDProvider) -> None:
    login = log_in(openid, cookies)
    login.frontend.client.cookies.pop("access_token")
    assert not login.is_alive

    response = refresh(login)

    assert (response.status_code, response.content) == (204, b"")
    assert response.cookies.keys() == {"access_token"}
    old, new = login.response.cookies["access_token"], response.cookies["access_token"]
    for attribute in ("path", "domain", "samesite", "httponly", "secure"):
        assert new[attribute] == old[attribute]
    assert abs(old["max-age"] - new["max-age"]) < 60
    assert login.is_alive


@pytest.mark.usefixtures("rotation")
def test_rotated_token_replaces_the_old_one(serializer: str, openid: OpenIDProvider) -> None:
    login = log_in(openid, serializer)

    tokens = issued(refresh(login))

    assert tokens.keys() == {"access", "refresh"}
    assert error(refresh(login, login.refresh)) == REFUSED
    assert issued(refresh(login, tokens["refresh"])).keys() == {"access", "refresh"}


def test_last_login_is_not_changed_and_no_session_is_created(
    serializer: str, openid: OpenIDProvider
) -> None:
    login = log_in(openid, serializer)
    before = User.objects.get().last_login

    response = refresh(login)

    assert issued(response)
    assert User.objects.get().last_login == before
    assert not Session.objects.exists()
    assert "sessionid" not in response.cookies


def test_expired_access_token_does_not_matter(serializer: str, openid: OpenIDProvider) -> None:
    login = log_in(openid, serializer)
    token = AccessToken.for_user(User.objects.get())
    token.set_exp(lifetime=-timedelta(seconds=1))
    login.frontend.client.cookies["access_token"] = str(token)

    assert issued(refresh(login, headers={"Authorization": f"Bearer {token}"}))


class WithTenant(TokenRefreshSerializer):
    """A refresh serializer of a project."""

    def validate(self, attrs: Any) -> Any:
        assert self.context["request"].path == "/auth/refresh/"
        return {**super().validate(attrs), "tenant": "acme"}


@pytest.mark.undocumented("the serializer of the project adds a field")
def test_serializer_of_the_project_is_used(
    serializer: str, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SIMPLE_JWT = {"TOKEN_REFRESH_SERIALIZER": f"{__name__}.WithTenant"}
    login = log_in(openid, serializer)

    response = refresh(login)

    assert response.status_code == 200
    tokens = ["access"] if serializer == "JWTSerializer" else []
    assert [*response.json()] == [*tokens, "tenant"]
    assert bool(response.cookies) is (serializer == "JWTCookieSerializer")


# --- Refused tokens -------------------------------------------------------------------


def expired(user: Any) -> str:
    token = RefreshToken.for_user(user)
    token.set_exp(lifetime=-timedelta(seconds=1))
    return str(token)


def blacklisted(user: Any) -> str:
    token = RefreshToken.for_user(user)
    token.blacklist()
    return str(token)


def of_another_server(user: Any) -> str:
    header, claims, signature = str(RefreshToken.for_user(user)).split(".")
    return f"{header}.{claims}.{signature[::-1]}"


def without_user(user: Any) -> str:
    return str(RefreshToken())


def of_deleted_user(user: Any) -> str:
    token = str(RefreshToken.for_user(user))
    user.delete()
    return token


def of_inactive_user(user: Any) -> str:
    User.objects.filter(pk=user.pk).update(is_active=False)
    return str(RefreshToken.for_user(user))


def of_unknown_type(user: Any) -> str:
    token = RefreshToken.for_user(user)
    token["user_id"] = ["x"]
    return str(token)


def with_long_id(user: Any) -> str:
    token = RefreshToken.for_user(user)
    token["jti"] = "x" * 256
    return str(token)


@pytest.mark.parametrize(
    "token",
    [
        expired,
        blacklisted,
        of_another_server,
        without_user,
        of_deleted_user,
        of_inactive_user,
        of_unknown_type,
        with_long_id,
        lambda user: str(AccessToken.for_user(user)),
        lambda user: str(SlidingToken.for_user(user)),
        lambda user: "no.token.here",
        lambda user: NESTED_JWT,
    ],
)
def test_token_that_is_not_accepted_is_a_401(
    token: Callable[[Any], str], serializer: str, openid: OpenIDProvider
) -> None:
    login = log_in(openid, serializer)

    response = refresh(login, token(User.objects.get()))

    assert error(response) == REFUSED
    assert response.json()["error_recovery"] == "reauthenticate"
    assert response.json()["detail"] == "Please sign in again to continue."
    assert response["WWW-Authenticate"].startswith("Bearer")
    assert "no-store" in response["Cache-Control"]
    if serializer == "JWTCookieSerializer":
        assert {name: response.cookies[name].value for name in NAMES} == dict.fromkeys(NAMES, "")
    else:
        assert not response.cookies


def test_user_who_does_not_match_the_filter_is_refused(
    serializer: str, openid: OpenIDProvider, settings: Any
) -> None:
    login = log_in(openid, serializer)
    settings.SOCIAL_AUTH_ACTIVE_USERS_FILTER = {"is_staff": True}

    assert error(refresh(login)) == REFUSED

    settings.SOCIAL_AUTH_ALLOW_INACTIVE_USERS_LOGIN = True
    if serializer == "JWTSerializer":
        assert issued(refresh(login))


def test_changed_password_ends_the_login_if_simple_jwt_checks_it(
    serializer: str, openid: OpenIDProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(monkeypatch, CHECK_REVOKE_TOKEN=True)
    login = log_in(openid, serializer)
    assert issued(refresh(login))
    user = User.objects.get()
    user.set_password("secret")
    user.save()

    assert error(refresh(login)) == REFUSED


@pytest.mark.parametrize("body", [{}, {"refresh": ""}, {"refresh": 1}, {"refresh": None}])
def test_missing_parameter_is_a_field_error(
    body: Any, use_serializer: UseSerializer, client: APIClient
) -> None:
    use_serializer("JWTSerializer")

    response = client.post("/auth/refresh/", body, format="json")

    assert error(response) == (400, "invalid_parameter")
    assert "refresh" in response.json()


def test_refresh_token_in_the_query_string_is_ignored(
    use_serializer: UseSerializer, openid: OpenIDProvider, client: APIClient
) -> None:
    """Servers log query strings, and the token is still valid afterwards."""
    use_serializer("JWTSerializer")
    login = log_in(openid, "JWTSerializer")
    path = f"/auth/refresh/?refresh={login.refresh}"

    response = client.post(path)

    assert error(response) == (400, "invalid_parameter")
    assert response.json()["refresh"] == ["This field is required."]
    assert error(client.post(path, {"refresh": "x"})) == REFUSED


def test_missing_cookie_is_a_401_without_a_csrf_token(cookies: str, client: APIClient) -> None:
    client.cookies["other"] = "value"

    assert error(client.post("/auth/refresh/", secure=True)) == REFUSED


def test_cookie_serializer_ignores_the_body(cookies: str, openid: OpenIDProvider) -> None:
    login = log_in(openid, cookies)
    client = APIClient()

    response = client.post("/auth/refresh/", {"refresh": login.refresh}, secure=True)

    assert error(response) == REFUSED


def test_csrf_is_enforced(cookies: str, openid: OpenIDProvider) -> None:
    login = log_in(openid, cookies)

    response = refresh(login, csrf=False)

    assert error(response) == (403, "permission_denied")
    assert not response.cookies
    assert issued(refresh(login))


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("application/json", b"{", (400, "parse_error")),
        ("text/plain", b"x", (415, "unsupported_media_type")),
    ],
)
def test_malformed_request_is_refused(
    content_type: str, body: bytes, expected: Any, serializer: str, client: APIClient
) -> None:
    response = client.post("/auth/refresh/", body, content_type=content_type, secure=True)

    assert error(response) == expected


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_only_post_refreshes(method: str, serializer: str, client: APIClient) -> None:
    response = getattr(client, method)("/auth/refresh/", secure=True)

    assert error(response) == (405, "method_not_allowed")


def test_requests_are_throttled(
    openid: OpenIDProvider, use_serializer: UseSerializer, client: APIClient
) -> None:
    use_serializer("JWTSerializer", THROTTLE_RATES={"anon": "1/min"})

    responses = [client.post("/auth/refresh/", {"refresh": "x"}) for _ in range(2)]

    assert [error(each) for each in responses] == [REFUSED, (429, "throttled")]


# --- Several requests -----------------------------------------------------------------


@pytest.mark.usefixtures("rotation")
@pytest.mark.django_db(transaction=True)
def test_refresh_token_is_exchanged_once(serializer: str, openid: OpenIDProvider) -> None:
    login = log_in(openid, serializer)
    client = login.frontend.client

    def send() -> Any:
        browser = APIClient(enforce_csrf_checks=True)
        for name in ("refresh_token", "csrftoken"):
            if name in client.cookies:
                browser.cookies[name] = client.cookies[name].value
        frontend = Frontend("cookie", browser)
        return refresh(Login(serializer, login.response, frontend))

    responses = together([send] * 4)

    refused = [each for each in responses if each.status_code == 401]
    assert len(refused) == 3, [each.status_code for each in responses]
    assert {error(each) for each in refused} == {REFUSED}
    # The slower response must not delete the cookies that the faster one has set.
    assert not any(each.cookies for each in refused)
    assert BlacklistedToken.objects.count() == 1
    assert OutstandingToken.objects.count() == 2


class Slow(TokenRefreshSerializer):
    """Replaces a token, and waits until a logout with it has begun."""

    has_replaced = Event()

    def validate(self, attrs: Any) -> Any:
        tokens = super().validate(attrs)
        self.has_replaced.set()
        sleep(0.2)
        return tokens


@pytest.mark.usefixtures("rotation")
@pytest.mark.django_db(transaction=True)
def test_token_that_another_tab_is_replacing_does_not_log_out(
    openid: OpenIDProvider, use_serializer: UseSerializer, settings: Any
) -> None:
    """Otherwise, the logout would succeed, and the new token would stay valid."""
    use_serializer("JWTSerializer")
    route_account(settings, "jwt", logout=LogoutView)
    login = log_in(openid, "JWTSerializer")
    settings.SIMPLE_JWT = {
        "TOKEN_REFRESH_SERIALIZER": f"{__name__}.Slow",
        "ROTATE_REFRESH_TOKENS": True,
        "BLACKLIST_AFTER_ROTATION": True,
    }
    Slow.has_replaced.clear()

    def log_out() -> Any:
        assert Slow.has_replaced.wait(10)
        return login.log_out()

    refreshed, ended = together([lambda: refresh(login), log_out])

    assert issued(refreshed)
    assert error(ended) == (400, "invalid_parameter")
    assert login.log_out({"refresh": refreshed.json()["refresh"]}).status_code == 204


@pytest.mark.usefixtures("rotation")
def test_cookies_with_a_token_that_was_replaced_long_ago_are_deleted(
    cookies: str, openid: OpenIDProvider
) -> None:
    login = log_in(openid, cookies)
    assert issued(refresh(login))
    old = timezone.now() - timedelta(minutes=2)
    BlacklistedToken.objects.update(blacklisted_at=old)

    response = refresh(login, login.refresh)

    assert error(response) == REFUSED
    assert {response.cookies[name].value for name in NAMES} == {""}


@pytest.mark.usefixtures("rotation")
@pytest.mark.parametrize("token", ["no.token.here", NESTED_JWT], ids=["text", "nested"])
def test_cookies_with_a_token_that_cannot_be_read_are_deleted(
    token: str, cookies: str, openid: OpenIDProvider
) -> None:
    login = log_in(openid, cookies)

    response = refresh(login, token)

    assert error(response) == REFUSED
    assert {response.cookies[name].value for name in NAMES} == {""}


class LateBlacklist(RefreshToken):
    """Does not find out that it is blacklisted, as if Simple JWT read a replica."""

    def check_blacklist(self) -> None:
        pass


class LatePair(TokenObtainPairSerializer):
    token_class = LateBlacklist


@pytest.mark.usefixtures("rotation")
def test_cookies_are_kept_if_the_replica_does_not_know_the_rotation(
    cookies: str, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SIMPLE_JWT = {
        "TOKEN_OBTAIN_SERIALIZER": f"{__name__}.LatePair",
        "ROTATE_REFRESH_TOKENS": True,
        "BLACKLIST_AFTER_ROTATION": True,
    }
    login = log_in(openid, cookies)
    assert issued(refresh(login))

    response = refresh(login, login.refresh)

    assert error(response) == REFUSED
    assert not response.cookies


def test_token_is_exchanged_without_the_blacklist_app(
    serializer: str, openid: OpenIDProvider, settings: Any
) -> None:
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != JWT_BLACKLIST]
    login = log_in(openid, serializer)

    assert issued(refresh(login)).keys() == {"access"}


# --- The project's fault --------------------------------------------------------------


class Failing(TokenRefreshSerializer):
    """Writes, and fails with the exception of the test or returns what is not JSON."""

    exception: Exception | None = ValueError("a secret of the project")

    def validate(self, attrs: Any) -> Any:
        User.objects.update(first_name="changed")
        self.context["request"].session["name"] = "changed"
        tokens = super().validate(attrs)
        if self.exception is None:
            return {**tokens, "user": object()}
        raise self.exception


@pytest.mark.parametrize(
    ("exception", "expected"),
    [
        (ValueError("a secret of the project"), (500, "unknown_error")),
        (None, (500, "unknown_error")),
        (OperationalError("no such table"), (503, "storage_unavailable")),
        (serializers.ValidationError({"refresh": ["No."]}), (400, "invalid_parameter")),
    ],
)
def test_failure_of_the_project_rolls_back(
    exception: Exception | None,
    expected: Any,
    serializer: str,
    openid: OpenIDProvider,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.SIMPLE_JWT = {"TOKEN_REFRESH_SERIALIZER": f"{__name__}.Failing"}
    monkeypatch.setattr(Failing, "exception", exception)
    login = log_in(openid, serializer)

    response = refresh(login)

    assert error(response) == expected
    assert not response.cookies
    assert User.objects.get().first_name == "Ada"


@pytest.mark.parametrize("exception", [AuthenticationFailed(), TokenError("x"), InvalidToken()])
def test_refusal_by_the_serializer_of_the_project_is_a_401(
    exception: Exception,
    serializer: str,
    openid: OpenIDProvider,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.SIMPLE_JWT = {"TOKEN_REFRESH_SERIALIZER": f"{__name__}.Failing"}
    monkeypatch.setattr(Failing, "exception", exception)
    login = log_in(openid, serializer)

    response = refresh(login)

    assert error(response) == REFUSED
    assert bool(response.cookies) is (serializer == "JWTCookieSerializer")
    assert User.objects.get().first_name == "Ada"


def test_log_has_the_user_and_no_token(
    serializer: str, openid: OpenIDProvider, caplog: pytest.LogCaptureFixture
) -> None:
    login = log_in(openid, serializer)
    caplog.clear()
    caplog.set_level(logging.INFO)

    tokens = issued(refresh(login))
    refused = refresh(login, "no.token.here")

    completed, refusal = logged(caplog)
    assert completed["event"] == "login refresh completed"
    assert completed["user"] == str(User.objects.get().pk)
    assert (refusal["event"], refusal["code"]) == ("login refresh refused", "refresh_token_invalid")
    assert refusal["error_id"] == refused.json()["error_id"]
    for secret in (*tokens.values(), login.refresh, "no.token.here"):
        assert secret not in caplog.text


class FailingCookies(JWTSerializer):
    """A serializer of a project, whose exception contains the old and the new refresh token."""

    sets_cookies = True

    def refresh_login(self, request: Any) -> Any:
        self.tokens = [request.data["refresh"], tokens := super().refresh_login(request)]
        return tokens

    def set_cookies(self, response: Any) -> None:
        raise ValueError(f"The cookies are too long: {self.tokens}")


@pytest.mark.usefixtures("rotation")
def test_refresh_tokens_in_an_exception_of_the_project_are_not_reported(
    use_serializer: UseSerializer, openid: OpenIDProvider, caplog: pytest.LogCaptureFixture
) -> None:
    """Without the blacklist app, both are valid after the rollback."""
    use_serializer("JWTSerializer")
    login = log_in(openid, "JWTSerializer")
    client = login.frontend.client
    client.cookies["csrftoken"] = "a" * 32
    use_serializer(f"{__name__}.FailingCookies")

    with tracked_errors() as tracked, reported_errors() as reports:
        assert error(refresh(login)) == (500, "unknown_error")

    found = caplog.text + "".join([*tracked, *reports])
    assert "The cookies are too long" in found
    assert re.findall(r"eyJ[\w-]+\.[\w-]+", found) == []


# --- Other token serializers ----------------------------------------------------------


@pytest.mark.parametrize(
    "serializer",
    [
        "TokenSerializer",
        "SessionSerializer",
        pytest.param("KnoxTokenSerializer", marks=pytest.mark.needs("knox")),
        "LoginSerializer",
    ],
)
def test_serializer_without_refresh_tokens_is_a_404(
    serializer: str, use_serializer: UseSerializer, client: APIClient
) -> None:
    use_serializer(serializer)

    response = client.post("/auth/refresh/", {"refresh": "x"}, secure=True)

    assert error(response) == NOT_SUPPORTED
    assert response.json()["error_recovery"] == "contact_administrator"


def test_strategy_of_djoser_is_a_404(settings: Any, configure: Configure, client: Any) -> None:
    configure()
    settings.DJOSER = {"SOCIAL_AUTH_TOKEN_STRATEGY": f"{JWTStrategy.__module__}.JWTStrategy"}

    assert error(client.post("/auth/refresh/", {"refresh": "x"})) == NOT_SUPPORTED


class DeviceSerializer(LoginSerializer):
    """Issues refresh tokens of a project."""

    refresh = serializers.CharField(read_only=True)

    def refresh_login(self, request: Any) -> Any:
        if request.data.get("device") != "known":
            raise RefreshTokenInvalid
        return {"device_token": "new"}


class DeviceCookieSerializer(DeviceSerializer):
    sets_cookies = True

    def set_cookies(self, response: Any) -> None:
        response.set_cookie("device", "new")

    def delete_cookies(self, response: Any) -> None:
        response.delete_cookie("device")

    def refresh_login(self, request: Any) -> Any:
        super().refresh_login(request)
        return {}


def test_serializer_of_a_project_may_refresh(
    use_serializer: UseSerializer, client: APIClient
) -> None:
    use_serializer(f"{__name__}.DeviceSerializer")

    accepted = client.post("/auth/refresh/", {"device": "known"})
    refused = client.post("/auth/refresh/", {"device": "unknown"})

    assert (accepted.status_code, accepted.json()) == (200, {"device_token": "new"})
    assert error(refused) == REFUSED


class PartlyRefreshing(LoginSerializer):
    """Refreshes the tokens of some clients only."""

    def refresh_login(self, request: Any) -> Any:
        return {"token": "new"} if "device" in request.data else super().refresh_login(request)


def test_project_can_leave_a_request_to_the_base_class(
    use_serializer: UseSerializer, client: APIClient
) -> None:
    use_serializer(f"{__name__}.PartlyRefreshing")

    assert error(client.post("/auth/refresh/", {"refresh": "x"})) == NOT_SUPPORTED


def test_cookies_of_a_project_need_a_csrf_token(
    use_serializer: UseSerializer, openid: OpenIDProvider, browser: Frontend
) -> None:
    use_serializer(f"{__name__}.DeviceCookieSerializer")
    client = browser.client
    client.cookies["csrftoken"] = "a" * 32
    headers = {"X-CSRFToken": "a" * 32, "Origin": "https://testserver"}

    def post(device: str, headers: Any = None) -> Any:
        body = {"device": device}
        return client.post("/auth/refresh/", body, headers=headers, secure=True)

    assert error(post("known")) == (403, "permission_denied")
    accepted, refused = post("known", headers), post("unknown", headers)
    assert (accepted.status_code, accepted.cookies["device"].value) == (204, "new")
    assert (error(refused), refused.cookies["device"].value) == (REFUSED, "")


class AppRefreshView(RefreshView):
    """Refreshes the tokens of an app, whatever the setting is."""

    def get_token_serializer_class(self) -> Any:
        return JWTSerializer


def test_view_can_have_another_token_serializer(
    openid: OpenIDProvider, use_serializer: UseSerializer, settings: Any, client: APIClient
) -> None:
    use_serializer("JWTSerializer")
    token = Frontend().log_in(openid).data["refresh"]
    use_serializer("TokenSerializer")
    route_account(settings, "token", refresh=AppRefreshView)

    assert client.post("/auth/refresh/", {"refresh": token}).json().keys() == {"access"}


# --- A replica ------------------------------------------------------------------------


class WithoutUser(TokenRefreshSerializer):
    """Does not read the user. Simple JWT's serializer reads a replica."""

    def validate(self, attrs: Any) -> Any:
        return {"access": str(AccessToken())}


class SimpleJWTOnPrimary(ReplicaRouter):
    """Excludes the query by which Simple JWT finds out whether a token is blacklisted."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        if model is BlacklistedToken:
            return "default"
        return super().db_for_read(model, **hints)


def test_user_is_read_from_the_primary_database(
    serializer: str, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SIMPLE_JWT = {"TOKEN_REFRESH_SERIALIZER": f"{__name__}.WithoutUser"}
    login = log_in(openid, serializer)
    settings.DATABASE_ROUTERS = [SimpleJWTOnPrimary()]

    assert issued(refresh(login))
    User.objects.using("default").update(is_active=False)
    assert error(refresh(login)) == REFUSED


class WithoutRow(TokenRefreshSerializer):
    """Does not find the user in a replica."""

    def validate(self, attrs: Any) -> Any:
        return User.objects.get(pk=0)


def test_user_who_is_missing_in_a_replica_is_not_signed_out(
    serializer: str, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SIMPLE_JWT = {"TOKEN_REFRESH_SERIALIZER": f"{__name__}.WithoutRow"}
    login = log_in(openid, serializer)

    response = refresh(login)

    assert error(response) == (503, "storage_unavailable")
    assert not response.cookies
