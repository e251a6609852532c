"""A login that another site could have sent sets no cookie, whatever the project's code does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.contrib.auth import get_user_model, login
from django.contrib.auth.signals import user_logged_in
from django.db import transaction
from django.middleware.csrf import rotate_token
from django.urls import path
from rest_framework.authtoken.models import Token
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from social_core.pipeline.partial import partial

from social_endpoints.signals import signed_in
from social_endpoints.tokens import TokenSerializer
from social_endpoints.views import ProviderAuthView
from tests.support.access_token_providers import TOKEN, github
from tests.support.frontend import Frontend, browser, error
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import ASK_NAME, BEFORE_CREATE_USER, LAST, pipeline_with
from tests.support.signals import connected
from tests.support.urlconf import ENDPOINTS, urlconf

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cookie_middleware")]
User = get_user_model()
HERE = "tests.api.tokens.test_undeclared_cookies"
MISTAKE = (500, "invalid_setting")


def log_in_session(request: Any, user: Any) -> None:
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")


class Cookie(TokenSerializer):
    def set_cookies(self, response: Response) -> None:
        response.set_cookie("token", "secret")


class Header(TokenSerializer):
    def set_cookies(self, response: Response) -> None:
        response.headers["Set-Cookie"] = "token=secret"


class ViewHeader(TokenSerializer):
    def log_in(self, request: Any, login: Any) -> None:
        self.context["view"].headers["Set-Cookie"] = "token=secret"


class Session(TokenSerializer):
    def log_in(self, request: Any, login: Any) -> None:
        log_in_session(request, login.user)


class SessionKey(TokenSerializer):
    def log_in(self, request: Any, login: Any) -> None:
        super().log_in(request, login)
        request.session["user"] = login.user.pk
        request.session.save()


class DeclaredFalse(Session):
    sets_cookies = False


class OnCommit(TokenSerializer):
    def log_in(self, request: Any, login: Any) -> None:
        transaction.on_commit(lambda: log_in_session(request, login.user))


class Deletes(TokenSerializer):
    """Deletes a cookie of an earlier version, and makes Django issue a new CSRF token."""

    def log_in(self, request: Any, login: Any) -> None:
        rotate_token(request)

    def set_cookies(self, response: Response) -> None:
        response.delete_cookie("old")


SETTING = ["Cookie", "Header", "Session", "SessionKey", "DeclaredFalse"]


def log_in_receiver(signal: Any, request: Any, user: Any, **kwargs: Any) -> None:
    if signal is signed_in:
        log_in_session(request, user)
    else:
        request.session["user"] = user.pk


def log_in_step(strategy: Any, user: Any, **kwargs: Any) -> None:
    log_in_session(strategy.request, user)


@partial
def ask(strategy: Any, **kwargs: Any) -> Any:
    strategy.request.session["email"] = kwargs["details"]["email"]
    return strategy.redirect("/name")


class CookieView(ProviderAuthView):
    def get_login_response(self, login: Any) -> Response:
        response = super().get_login_response(login)
        response.set_cookie("token", "secret")
        return response


class PostView(ProviderAuthView):
    def post(self, *args: Any, **kwargs: Any) -> Response:
        response = super().post(*args, **kwargs)
        response.set_cookie("token", "secret")
        return response


class FinalizeView(ProviderAuthView):
    def finalize_response(self, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(*args, **kwargs)
        if "token" in response.data:
            response.set_cookie("token", response.data["token"])
        return response


class EveryResponseView(ProviderAuthView):
    def finalize_response(self, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(*args, **kwargs)
        response.set_cookie("token", "secret")
        return response


class SessionView(ProviderAuthView):
    def post(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        response = super().post(request, *args, **kwargs)
        self.django_request.session["user"] = 1
        return response


class SessionMiddleware:
    """Changes each session before the view, as middleware of a project may do."""

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        request.session["visits"] = 1
        return self.get_response(request)


@pytest.fixture(params=[*SETTING, "user_logged_in", "signed_in", "step", "view"])
def culprit(
    request: pytest.FixtureRequest, use_serializer: Callable[..., None], settings: Any
) -> Iterator[str]:
    """Let a part of the project set a cookie at each login."""
    name = request.param
    with ExitStack() as stack:
        if name in SETTING:
            use_serializer(f"{HERE}.{name}")
        elif name == "step":
            settings.SOCIAL_AUTH_PIPELINE = pipeline_with((LAST, f"{HERE}.log_in_step"))
        elif name == "view":
            view = path("auth/o/<str:provider>/", CookieView.as_view())
            settings.ROOT_URLCONF = urlconf(view, ENDPOINTS)
        else:
            signals = {"user_logged_in": user_logged_in, "signed_in": signed_in}
            stack.enter_context(connected(log_in_receiver, signals[name]))
        yield name


def assert_refused(response: Any) -> None:
    assert error(response) == MISTAKE
    assert not {"token", "sessionid"} & response.cookies.keys()
    for model in (User, Token):
        assert not model.objects.exists()


@pytest.mark.parametrize("transport", ["body", "auto"])
@pytest.mark.parametrize("session_backend", ["db", "cache", "signed_cookies"])
def test_login_with_a_posted_flow_sets_no_cookie(
    culprit: str,
    transport: str,
    session_backend: str,
    openid: OpenIDProvider,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{session_backend}"
    settings.SOCIAL_ENDPOINTS = {**settings.SOCIAL_ENDPOINTS, "FLOW_TRANSPORT": transport}
    attacker = Frontend("body")
    begun, callback = attacker.authorize(openid)

    victim = Frontend("body")
    response = victim.complete(begun, callback)

    assert_refused(response)
    assert "sets_cookies" in caplog.text
    assert victim.client.get("/protected/session/", secure=True).status_code in {401, 403, 404}


def test_login_with_a_flow_in_a_cookie_may_set_a_cookie(
    culprit: str, openid: OpenIDProvider
) -> None:
    response = Frontend("cookie").log_in(openid)

    assert response.status_code == 201
    assert {"token", "sessionid"} & response.cookies.keys() or response.has_header("Set-Cookie")


@pytest.mark.parametrize("content_type", ["json", "multipart"])
@pytest.mark.parametrize("name", SETTING)
def test_native_sign_in_sets_no_undeclared_cookie(
    name: str, content_type: str, use_serializer: Callable[..., None], openid: OpenIDProvider
) -> None:
    use_serializer(f"{HERE}.{name}", NATIVE_PROVIDERS=["github"])
    github().install(openid)

    body = {"access_token": TOKEN}
    response = browser().post("/auth/o/github/token/", body, format=content_type, secure=True)

    assert_refused(response)


@pytest.mark.django_db(transaction=True)
def test_cookie_that_is_set_after_the_transaction_is_refused(
    use_serializer: Callable[..., None], openid: OpenIDProvider
) -> None:
    use_serializer(f"{HERE}.OnCommit")

    response = Frontend("body").log_in(openid)

    assert error(response) == MISTAKE
    assert "sessionid" not in response.cookies


@pytest.mark.parametrize("view", [PostView, FinalizeView, EveryResponseView, SessionView])
def test_cookie_that_a_view_adds_to_the_response_is_refused(
    view: type[ProviderAuthView], openid: OpenIDProvider, settings: Any
) -> None:
    """The login is already stored then."""
    settings.ROOT_URLCONF = urlconf(path("auth/o/<str:provider>/", view.as_view()), ENDPOINTS)

    response = Frontend("body").log_in(openid)

    assert error(response) == MISTAKE
    assert not {"token", "sessionid"} & response.cookies.keys()
    assert Frontend("cookie").log_in(openid).status_code == 201


def test_header_of_the_view_is_not_sent(
    openid: OpenIDProvider, use_serializer: Callable[..., None]
) -> None:
    use_serializer(f"{HERE}.ViewHeader")

    response = Frontend("body").log_in(openid)

    assert error(response) == MISTAKE
    assert not response.has_header("Set-Cookie")


def refuse(**kwargs: Any) -> None:
    raise ValidationError


class Invalid(Session):
    def set_cookies(self, response: Response) -> None:
        raise ValidationError


@pytest.mark.parametrize("session_backend", ["cache", "signed_cookies"])
@pytest.mark.parametrize("reason", ["serializer", "step"])
def test_login_that_is_refused_with_a_posted_flow_does_not_change_the_session(
    reason: str,
    session_backend: str,
    openid: OpenIDProvider,
    settings: Any,
    use_serializer: Callable[..., None],
) -> None:
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{session_backend}"
    Frontend("body").log_in(openid)  # The attacker has an account.
    if reason == "serializer":
        use_serializer(f"{HERE}.Invalid")
    else:
        steps = (LAST, f"{HERE}.log_in_step"), (LAST, f"{HERE}.refuse")
        settings.SOCIAL_AUTH_PIPELINE = pipeline_with(*steps)
    victim = Frontend("body")

    response = victim.log_in(openid)

    assert error(response) == (400, "invalid_parameter")
    assert "sessionid" not in response.cookies
    assert victim.client.get("/protected/session/", secure=True).status_code in {401, 403}


def test_flow_in_a_cookie_of_the_response_is_accepted(
    openid: OpenIDProvider, settings: Any, use_serializer: Callable[..., None]
) -> None:
    use_serializer("TokenSerializer", FLOW_TRANSPORT="auto")
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((BEFORE_CREATE_USER, ASK_NAME))

    paused = Frontend("body").log_in(openid)

    assert paused.status_code == 202
    assert any(cookie.value for cookie in paused.cookies.values())


def test_paused_login_with_a_posted_flow_sets_no_cookie(
    openid: OpenIDProvider, settings: Any, use_serializer: Callable[..., None]
) -> None:
    use_serializer("TokenSerializer", FLOW_TRANSPORT="body")
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((BEFORE_CREATE_USER, f"{HERE}.ask"))

    response = Frontend("body").log_in(openid)

    assert_refused(response)


@pytest.mark.parametrize("name", ["TokenSerializer", f"{HERE}.Deletes"])
def test_cookies_that_are_not_the_logins_are_accepted(
    name: str, use_serializer: Callable[..., None], openid: OpenIDProvider, settings: Any
) -> None:
    use_serializer(name)
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{HERE}.SessionMiddleware"]

    response = Frontend("body").log_in(openid)

    assert response.status_code == 201
    assert response.cookies["sessionid"].value


def create_session(request: Any, **kwargs: Any) -> None:
    request.session.create()


def test_empty_session_that_a_receiver_creates_is_accepted(openid: OpenIDProvider) -> None:
    """The receiver of django-axes creates one to have a session key."""
    with connected(create_session, user_logged_in):
        response = Frontend("body").log_in(openid)

    assert response.status_code == 201
