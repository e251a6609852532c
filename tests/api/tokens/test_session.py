"""Django's session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.test import APIClient
from social_django.models import UserSocialAuth

from social_endpoints.tokens import SessionSerializer
from social_endpoints.types import Login
from tests.support.frontend import REDIRECT_URI, Frontend
from tests.support.openid_provider import OpenIDProvider

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cookie_middleware")]
User = get_user_model()

Choose = Callable[..., None]


class RefusedBeforeLogin(SessionSerializer):
    """A project's own, which fails before the browser is logged in."""

    def issue(self, login: Login) -> Any:
        raise ValidationError({"non_field_errors": ["Not today."]})


class RefusedAtTheEnd(SessionSerializer):
    """A project's own, which fails after the browser has been logged in."""

    def set_cookies(self, response: Response) -> None:
        raise ValidationError({"non_field_errors": ["Not today."]})


class RefusedAfterLogin(SessionSerializer):
    """Another one."""

    def log_in(self, request: Any, login: Login) -> None:
        super().log_in(request, login)
        raise ValidationError({"non_field_errors": ["Not today."]})


@pytest.fixture(autouse=True)
def _serializer(answer_with: Choose) -> None:
    answer_with("SessionSerializer")


@pytest.fixture(params=["auto", "cookie"])
def browser(request: pytest.FixtureRequest, answer_with: Choose) -> Frontend:
    """Return a browser, for both transports allowed."""
    answer_with("SessionSerializer", FLOW_TRANSPORT=request.param)
    return Frontend("cookie", APIClient(enforce_csrf_checks=True))


@pytest.fixture(
    params=[
        "django.contrib.sessions.backends.db",
        "django.contrib.sessions.backends.signed_cookies",
    ]
)
def _engine(request: pytest.FixtureRequest, settings: Any) -> None:
    """Keep sessions where a rolled back transaction reaches them, and where it does not."""
    settings.SESSION_ENGINE = request.param


@pytest.fixture
def _failing_receiver() -> Iterator[None]:
    """Have a receiver of the project fail at every login."""

    def fail(**kwargs: Any) -> None:
        raise RuntimeError

    user_logged_in.connect(fail)
    yield
    user_logged_in.disconnect(fail)


def who(browser: Frontend) -> str | None:
    """Return the name of the user whom the browser is logged in as."""
    answer = browser.client.get("/me/session/", secure=True)
    return answer.json() if answer.status_code == 200 else None


def test_login_logs_the_browser_in(browser: Frontend, openid: OpenIDProvider) -> None:
    assert who(browser) is None

    answer = browser.log_in(openid)

    assert answer.json() == {"user": "ada"}
    assert answer.cookies["sessionid"]["httponly"]
    assert who(browser) == "ada"


def test_login_changes_the_session_and_the_csrf_token(
    browser: Frontend, openid: OpenIDProvider
) -> None:
    """Else whoever planted them (session fixation) would be logged in as well."""
    planted = browser.client.session
    planted["basket"] = [1]
    planted.save()
    browser.client.cookies["csrftoken"] = "a" * 32

    answer = browser.log_in(openid)

    assert answer.cookies["sessionid"].value != planted.session_key
    assert answer.cookies["csrftoken"].value != "a" * 32
    assert browser.client.session["basket"] == [1]


def test_change_needs_the_csrf_token(browser: Frontend, openid: OpenIDProvider) -> None:
    browser.log_in(openid)
    headers = {"Origin": "https://testserver"}

    without = browser.client.post("/me/session/", headers=headers, secure=True)
    headers["X-CSRFToken"] = browser.client.cookies["csrftoken"].value
    with_it = browser.client.post("/me/session/", headers=headers, secure=True)

    assert (without.status_code, with_it.json()) == (403, "ada")


def test_session_remembers_the_backend_of_the_provider(
    browser: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    """A user is logged out when the project takes the provider away."""
    browser.log_in(openid)

    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]

    assert who(browser) is None


def test_other_user_of_the_browser_does_not_disturb(
    browser: Frontend, openid: OpenIDProvider
) -> None:
    browser.client.force_login(User.objects.create_superuser("admin"))
    assert who(browser) == "admin"

    assert browser.log_in(openid).status_code == 201
    assert who(browser) == "ada"


def test_begin_writes_no_session(browser: Frontend, openid: OpenIDProvider) -> None:
    begun = browser.begin()

    assert "sessionid" not in begun.cookies


@pytest.mark.usefixtures("_failing_receiver", "_engine")
def test_failing_receiver_leaves_nobody_logged_in(
    browser: Frontend, openid: OpenIDProvider
) -> None:
    answer = browser.log_in(openid)

    assert answer.status_code == 400
    assert who(browser) is None
    assert not User.objects.exists()
    assert not UserSocialAuth.objects.exists()


@pytest.mark.usefixtures("_engine")
@pytest.mark.parametrize("is_new", [True, False])
@pytest.mark.parametrize("is_other_logged_in", [True, False])
@pytest.mark.parametrize("serializer", [RefusedAtTheEnd, RefusedAfterLogin])
def test_login_that_is_refused_at_its_end_leaves_nobody_logged_in(
    serializer: type[SessionSerializer],
    is_new: bool,
    is_other_logged_in: bool,
    openid: OpenIDProvider,
    answer_with: Choose,
) -> None:
    if not is_new:
        Frontend("cookie").log_in(openid)
    browser = Frontend("cookie")
    if is_other_logged_in:
        browser.client.force_login(User.objects.create_user("other"))
    answer_with(f"{__name__}.{serializer.__name__}")

    answer = browser.log_in(openid)

    assert answer.status_code == 400
    assert answer.json() == {"non_field_errors": ["Not today."]}
    assert who(browser) in {None, "other"}
    assert User.objects.filter(username="ada").exists() is not is_new


def test_login_that_is_refused_before_leaves_the_other_user_alone(
    openid: OpenIDProvider, answer_with: Choose
) -> None:
    browser = Frontend("cookie")
    browser.client.force_login(User.objects.create_user("other"))
    answer_with(f"{__name__}.RefusedBeforeLogin")

    assert browser.log_in(openid).status_code == 400
    assert who(browser) == "other"


def test_flow_is_only_handed_out_in_the_cookie(browser: Frontend, openid: OpenIDProvider) -> None:
    begun = browser.begin()

    assert set(begun.data) == {"authorization_url"}
    assert [name for name in begun.cookies if "auth_flow_" in name]


def test_posted_flow_is_refused(browser: Frontend, openid: OpenIDProvider) -> None:
    """An attacker can post one from another site."""
    begun = browser.begin()
    callback = openid.authorize(begun.data["authorization_url"])
    (cookie,) = begun.cookies.values()

    victim = Frontend("cookie")
    answer = victim.post({**callback, "flow": cookie.value})

    assert answer.status_code == 400
    assert answer.data["error_code"] == "session_context_missing"
    assert who(victim) is None
    assert browser.complete(begun, callback).status_code == 201


@pytest.mark.parametrize("method", ["get", "post"])
def test_flow_in_the_body_is_a_mistake_in_the_settings(
    method: str, answer_with: Choose, client: APIClient
) -> None:
    answer_with("SessionSerializer", FLOW_TRANSPORT="body")
    data = {"redirect_uri": REDIRECT_URI, "code": "c", "state": "s"}

    answer = getattr(client, method)("/auth/o/oidc/", data)

    assert answer.status_code == 500
    assert answer.data["error_source"] == "configuration"


def test_missing_middleware_is_a_mistake_in_the_settings(
    openid: OpenIDProvider, settings: Any
) -> None:
    settings.MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]

    answer = Frontend("cookie").log_in(openid)

    assert answer.status_code == 500
    assert answer.data["error_source"] == "configuration"
    assert not User.objects.exists()
