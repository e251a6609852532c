"""Behaviour that all shipped token serializers share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient
from social_django.models import UserSocialAuth

from tests.support.frontend import Frontend, error
from tests.support.openid_provider import OpenIDProvider
from tests.support.signals import connected, received
from tests.support.token_serializers import DJOSER, PAIRS

pytestmark = pytest.mark.django_db
User = get_user_model()


@pytest.fixture(params=PAIRS, ids="-".join)
def pair(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Return each shipped serializer with each transport that it supports."""
    return request.param


@pytest.fixture
def frontend(
    pair: tuple[str, str],
    cookie_middleware: None,
    use_serializer: Callable[..., None],
    settings: Any,
) -> Frontend:
    serializer, transport = pair
    settings.DJOSER = DJOSER
    use_serializer(serializer, FLOW_TRANSPORT=transport)
    return Frontend(transport)


def test_login_sends_user_logged_in_once_and_no_provider_token(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    with received(user_logged_in) as calls:
        response = frontend.log_in(openid)

    assert response.status_code == 201
    assert response.json().keys() <= {"token", "access", "refresh", "user", "expiry", "obtained"}
    assert "no-store" in response.headers["Cache-Control"]
    (call,) = calls
    user = User.objects.get()
    assert (call["user"], call["sender"]) == (user, User)
    assert call["request"].path == "/auth/o/oidc/"
    assert user.last_login is not None


@pytest.mark.parametrize(
    ("pair", "view", "scheme", "key"),
    [
        (("TokenSerializer", "body"), "token", "Token", "token"),
        pytest.param(
            *(("JWTSerializer", "body"), "jwt", "Bearer", "access"),
            marks=pytest.mark.needs("rest_framework_simplejwt"),
        ),
        pytest.param(
            *(("KnoxTokenSerializer", "body"), "knox", "Token", "token"),
            marks=pytest.mark.needs("knox"),
        ),
    ],
    indirect=["pair"],
)
def test_token_in_the_body_authenticates(
    view: str, scheme: str, key: str, frontend: Frontend, openid: OpenIDProvider
) -> None:
    authorization = f"{scheme} {frontend.log_in(openid).data[key]}"

    response = APIClient().get(f"/protected/{view}/", headers={"Authorization": authorization})

    assert response.json() == "ada"


def test_subclass_adds_fields(
    pair: tuple[str, str],
    frontend: Frontend,
    openid: OpenIDProvider,
    use_serializer: Callable[..., None],
) -> None:
    shipped = frontend.log_in(openid).json()
    User.objects.all().delete()
    use_serializer(f"tests.support.with_profile.{pair[0]}")

    first, second = frontend.log_in(openid).json(), frontend.log_in(openid).json()

    assert first.keys() == second.keys() == shipped.keys() | {"profile", "is_new_user"}
    assert (first["is_new_user"], second["is_new_user"]) == (True, False)
    assert first["profile"] == {"username": "ada", "email": "ada@example.com"}


def test_subclass_of_the_view_adds_to_the_response(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    begun, callback = frontend.authorize(openid)
    flow = {} if frontend.transport == "cookie" else {"flow": begun.data["flow"]}

    response = frontend.client.post("/project/o/oidc/", {**callback, **flow}, secure=True)

    assert response.status_code == 201
    assert response.json()["added"] == "by the project, for oidc"


def test_login_with_a_failing_receiver_leaves_nothing(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    def fail(**kwargs: Any) -> None:
        raise RuntimeError("secret")

    with connected(fail, user_logged_in):
        response = frontend.log_in(openid)

    assert error(response) == (500, "unknown_error")
    assert "secret" not in response.content.decode()
    for model in (User, UserSocialAuth, Token):
        assert not model.objects.exists()
    assert {name for name, cookie in response.cookies.items() if cookie.value} <= {"csrftoken"}
    assert frontend.log_in(openid).status_code == 201
