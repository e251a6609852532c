"""The setting ``REAUTHENTICATION``: a recent login is required to change connections."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.urls import path as route
from rest_framework.exceptions import Throttled
from rest_framework.test import APIClient
from social_django.models import Nonce, Partial, UserSocialAuth

from social_endpoints.views import ProviderConnectView
from tests.support.accounts import connections, disconnect, list_connections, logged_in
from tests.support.authentication import CSRF_HEADERS
from tests.support.configuration import Configure
from tests.support.frontend import Frontend, details, error
from tests.support.handoff import handoff_params, post_to_callback
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import ASK_NAME, BEFORE_SOCIAL_USER, pipeline_with
from tests.support.urlconf import ENDPOINTS, urlconf

pytestmark = pytest.mark.django_db
User = get_user_model()
GRACE = ("grace", "oidc", "user-1")


def never(request: Any) -> bool:
    """Require another login, and record whose request it was."""
    asked.append(request)
    return False


asked: list[Any] = []


def always(request: Any) -> bool:
    return bool(request.user.is_authenticated and request.path)


def return_none(request: Any) -> None:
    """Forget to return a value."""


def return_text(request: Any) -> str:
    return "no"


async def return_coroutine(request: Any) -> bool:
    return False


def fail(request: Any) -> bool:
    raise KeyError("a secret")


def throttle(request: Any) -> bool:
    raise Throttled(wait=7)


def deny(request: Any) -> bool:
    raise PermissionDenied


@pytest.fixture(autouse=True)
def reset() -> None:
    asked.clear()


@pytest.fixture
def refuse(configure: Configure) -> Any:
    """Return a function that requires another login from now on."""
    return lambda: configure(REAUTHENTICATION=f"{__name__}.never")


def assert_refused(response: Any, stage: str) -> None:
    assert error(response) == (403, "reauthentication_required")
    assert details(response) == {
        "non_field_errors": ["Please sign in again to continue."],
        "error_source": "local_policy",
        "error_stage": stage,
    }
    assert response.data["error_recovery"] == "reauthenticate"
    assert "WWW-Authenticate" not in response.headers


def test_begin_is_refused_before_the_provider_is_asked(
    grace: Frontend, openid: OpenIDProvider, refuse: Any
) -> None:
    refuse()

    begun = grace.begin()

    assert_refused(begun, "begin")
    assert openid.paths == []
    assert "Set-Cookie" not in begun.headers
    (request,) = asked
    assert (request.user.username, request.method) == ("grace", "GET")


def test_completion_is_refused_and_the_connect_stays_open(
    grace: Frontend, openid: OpenIDProvider, refuse: Any, configure: Configure, sent: list[Any]
) -> None:
    begun, callback = grace.authorize(openid)
    before = [*openid.paths]
    refuse()

    assert_refused(grace.complete(begun, callback), "begin")

    assert openid.paths == before
    assert (connections(), Nonce.objects.count(), sent) == ([], 0, [])
    configure(REAUTHENTICATION=f"{__name__}.always")
    assert grace.complete(begun, callback).status_code == 201
    assert connections() == [GRACE]


def test_callback_of_a_handoff_is_not_used_up(
    grace: Frontend, openid: OpenIDProvider, refuse: Any, configure: Configure, settings: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS = {"response_mode": "form_post"}
    begun, posted = grace.authorize(openid)
    callback = handoff_params(post_to_callback(posted))
    refuse()

    assert_refused(grace.complete(begun, callback), "begin")

    configure(REAUTHENTICATION=None)
    assert grace.complete(begun, callback).status_code == 201


def test_paused_connect_is_not_resumed(
    grace: Frontend, openid: OpenIDProvider, refuse: Any, configure: Configure, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((BEFORE_SOCIAL_USER, ASK_NAME))
    paused = grace.log_in(openid)
    refuse()

    assert_refused(grace.resume(paused, name="x"), "begin")

    assert (Partial.objects.count(), connections()) == (1, [])
    configure(REAUTHENTICATION=f"{__name__}.always")
    assert grace.resume(paused, name="x").status_code == 201


def test_disconnect_is_refused(ada: Any, refuse: Any, sent: list[Any]) -> None:
    refuse()
    first = ada.social_auth.first()

    for connection in (first, "unknown"):
        assert_refused(disconnect(logged_in(ada), connection), "disconnect")

    assert UserSocialAuth.objects.count() == 2
    assert sent == []


def test_list_and_login_are_not_asked(
    ada: Any, frontend: Frontend, openid: OpenIDProvider, refuse: Any
) -> None:
    refuse()

    assert list_connections(logged_in(ada)).status_code == 200
    assert frontend.log_in(openid).status_code == 201
    assert asked == []


def test_anonymous_request_is_a_401_first(
    frontend: Frontend, openid: OpenIDProvider, refuse: Any
) -> None:
    refuse()
    anonymous = replace(frontend, below="connect/")

    for response in (anonymous.begin(), anonymous.post({}), disconnect(frontend.client, 1)):
        assert error(response) == (401, "not_authenticated")
    assert asked == []


def test_session_without_a_csrf_token_is_refused_first(
    session_client: APIClient, openid: OpenIDProvider, refuse: Any
) -> None:
    session_client.force_login(User.objects.create(username="grace"))
    frontend = Frontend("cookie", session_client, below="connect/")
    refuse()

    assert error(frontend.post({})) == (403, "permission_denied")
    assert asked == []
    assert_refused(frontend.post({}, headers=CSRF_HEADERS), "begin")


def test_refused_request_is_not_counted_by_the_throttles(
    grace: Frontend, openid: OpenIDProvider, refuse: Any, configure: Configure
) -> None:
    cache.clear()
    configure(THROTTLE_RATES={"user": "1/day"})
    refuse()
    assert_refused(grace.begin(), "begin")
    configure(REAUTHENTICATION=None)

    assert [grace.begin().status_code for _ in range(2)] == [200, 429]


@pytest.mark.parametrize("name", ["return_none", "return_text", "return_coroutine"])
@pytest.mark.filterwarnings("ignore:coroutine:RuntimeWarning")
def test_only_true_is_a_recent_login(
    name: str, grace: Frontend, openid: OpenIDProvider, configure: Configure
) -> None:
    configure(REAUTHENTICATION=f"{__name__}.{name}")

    assert_refused(grace.begin(), "begin")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"{__name__}.fail", (500, "unknown_error")),
        (f"{__name__}.throttle", (429, "throttled")),
        (f"{__name__}.deny", (403, "permission_denied")),
        (f"{__name__}.missing", (500, "invalid_setting")),
        (f"{__name__}.asked", (500, "invalid_setting")),
        ("", (500, "invalid_setting")),
        (7, (500, "invalid_setting")),
    ],
)
def test_callable_that_fails_changes_nothing(
    path: Any,
    expected: Any,
    ada: Any,
    grace: Frontend,
    openid: OpenIDProvider,
    configure: Configure,
) -> None:
    configure(REAUTHENTICATION=path)

    assert error(grace.begin()) == expected
    assert error(disconnect(logged_in(ada), ada.social_auth.first())) == expected
    assert UserSocialAuth.objects.count() == 2
    assert openid.paths == []


class RecentView(ProviderConnectView):
    permission_classes = ()


def test_permissions_of_a_subclass_do_not_replace_it(
    grace: Frontend, openid: OpenIDProvider, refuse: Any, settings: Any
) -> None:
    view = route("auth/o/<provider>/connect/", RecentView.as_view())
    settings.ROOT_URLCONF = urlconf(view, ENDPOINTS)
    refuse()

    assert_refused(grace.begin(), "begin")
