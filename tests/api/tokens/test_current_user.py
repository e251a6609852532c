"""``GET me/`` returns the signed-in user."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.checks import run_checks
from django.test import RequestFactory
from django.urls import reverse
from rest_framework import serializers
from rest_framework.test import APIClient

from social_endpoints.tokens import TokenSerializer
from social_endpoints.users import UserSerializer
from social_endpoints.views import CurrentUserView
from tests.support.configuration import Configure
from tests.support.frontend import Frontend, error
from tests.support.logins import AUTHENTICATIONS, log_in, route_account
from tests.support.openid_provider import OpenIDProvider

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cookie_middleware")]
User = get_user_model()
UseSerializer = Callable[..., None]


@pytest.fixture(params=AUTHENTICATIONS)
def serializer(request: pytest.FixtureRequest, settings: Any, use_serializer: UseSerializer) -> str:
    """Return each serializer with a token of its own."""
    use_serializer(request.param)
    route_account(settings, AUTHENTICATIONS[request.param][0], me=CurrentUserView)
    return str(request.param)


def ask(login: Any) -> Any:
    return login.frontend.client.get("/auth/me/", headers=login.headers, secure=True)


def ask_as(user: Any) -> Any:
    client = APIClient(raise_request_exception=False)
    client.force_authenticate(user)
    return client.get("/auth/me/")


def ada() -> dict[str, Any]:
    return {
        "id": User.objects.get().pk,
        "username": "ada",
        "email": "ada@example.com",
        "name": "Ada Lovelace",
    }


def test_url_has_a_name() -> None:
    assert reverse("current-user") == "/auth/me/"


def test_user_is_returned(serializer: str, openid: OpenIDProvider) -> None:
    openid.userinfo |= {"given_name": "Ada", "family_name": "Lovelace"}
    login = log_in(openid, serializer)

    response = ask(login)

    assert (response.status_code, response.json()) == (200, ada())
    assert "no-store" in response["Cache-Control"]


def test_user_who_is_not_signed_in_gets_a_401(serializer: str) -> None:
    response = Frontend("cookie").client.get("/auth/me/", secure=True)

    assert error(response) == (401, "not_authenticated")
    assert response["WWW-Authenticate"]


def test_invalid_token_is_a_401(serializer: str, openid: OpenIDProvider) -> None:
    login = log_in(openid, serializer)
    User.objects.all().delete()

    assert ask(login).status_code == 401


def test_inactive_user_gets_a_401(serializer: str, openid: OpenIDProvider) -> None:
    login = log_in(openid, serializer)
    User.objects.update(is_active=False)

    assert ask(login).status_code == 401


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_only_get_is_supported(method: str) -> None:
    client = APIClient()
    client.force_authenticate(User.objects.create_user("ada"))

    assert error(getattr(client, method)("/auth/me/")) == (405, "method_not_allowed")


def test_missing_values_are_empty_texts() -> None:
    response = ask_as(User.objects.create_user("ada"))

    assert response.json() == {
        "id": User.objects.get().pk,
        "username": "ada",
        "email": "",
        "name": "",
    }


class Someone:
    """A user that is not a model, such as one that is built from a token."""

    is_authenticated = True

    def __init__(self, **attributes: Any) -> None:
        vars(self).update(attributes)


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        (Someone(pk=7), (7, "", "", "")),
        (Someone(pk="7", username="ada", email=None), ("7", "ada", "", "")),
        (Someone(pk=(1, "x"), name="Ada"), ([1, "x"], "", "", "Ada")),
        # A model that has replaced first_name and last_name with one column, as some templates do.
        (
            Someone(pk=1, first_name=None, get_full_name=lambda: "None None", name="Ada"),
            (1, "", "", "Ada"),
        ),
        (Someone(pk=1, get_full_name=lambda: "", name="Ada"), (1, "", "", "Ada")),
        (Someone(pk=1, get_full_name=lambda: "Ada", name="Other"), (1, "", "", "Ada")),
        (Someone(pk=1, get_full_name="Ada", name=lambda: "x"), (1, "", "", "")),
        (
            Someone(pk=1, get_username=lambda: 5, get_email_field_name=lambda: "at", at="a@b.c"),
            (1, "5", "a@b.c", ""),
        ),
    ],
)
@pytest.mark.undocumented("users of other classes than the user model")
def test_any_user_is_represented(user: Any, expected: Any) -> None:
    response = ask_as(user)

    assert tuple(response.json().values()) == expected


# --- USER_SERIALIZER ------------------------------------------------------------------


class StaffSerializer(serializers.ModelSerializer[Any]):
    path = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = ("username", "is_staff", "path")

    def get_path(self, user: Any) -> str:
        return str(self.context["request"].path)


class WithFirstName(UserSerializer):
    first_name = serializers.CharField()


def test_serializer_of_the_project_is_used(configure: Configure) -> None:
    configure(USER_SERIALIZER=f"{__name__}.StaffSerializer")

    response = ask_as(User.objects.create_user("ada"))

    assert response.json() == {"username": "ada", "is_staff": False, "path": "/auth/me/"}


def test_shipped_serializer_can_be_subclassed(configure: Configure) -> None:
    configure(USER_SERIALIZER=f"{__name__}.WithFirstName")

    response = ask_as(User.objects.create_user("ada", first_name="Ada"))

    assert [*response.json()] == ["id", "username", "email", "name", "first_name"]


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        ("no.such.module", ["social_endpoints.E005"]),
        ("tests.support.frontend.browser", ["social_endpoints.E006"]),
        (None, ["social_endpoints.E003"]),
    ],
)
def test_wrong_path_is_reported(value: Any, ids: list[str], configure: Configure) -> None:
    configure(USER_SERIALIZER=value)

    found = {each.id for each in run_checks()}
    assert found >= set(ids)
    client = APIClient(raise_request_exception=False)
    client.force_authenticate(User.objects.create_user("ada"))
    assert client.get("/auth/me/").status_code == 500


class Failing(UserSerializer):
    def to_representation(self, user: Any) -> Any:
        raise KeyError("a secret")


class NotJSON(UserSerializer):
    def to_representation(self, user: Any) -> Any:
        return {"secret": object()}


@pytest.mark.parametrize("name", ["Failing", "NotJSON"])
def test_serializer_that_fails_is_a_500_with_the_error_body(
    name: str, configure: Configure
) -> None:
    configure(USER_SERIALIZER=f"{__name__}.{name}")

    response = ask_as(User.objects.create_user("ada"))

    assert error(response) == (500, "unknown_error")
    assert "secret" not in response.content.decode()


# --- TOKEN_FIELDS ---------------------------------------------------------------------


def test_profile_is_in_the_body_of_a_login(
    serializer: str, openid: OpenIDProvider, use_serializer: UseSerializer
) -> None:
    openid.userinfo |= {"given_name": "Ada", "family_name": "Lovelace"}
    use_serializer(serializer, TOKEN_FIELDS=["profile"])

    login = log_in(openid, serializer)

    assert login.response.json()["profile"] == ada()
    assert ask(login).json() == ada()


def test_profile_is_that_of_the_projects_serializer(
    openid: OpenIDProvider, configure: Configure
) -> None:
    configure(USER_SERIALIZER=f"{__name__}.StaffSerializer", TOKEN_FIELDS=["profile"])

    body = Frontend().log_in(openid).json()

    assert body["profile"] == {"username": "ada", "is_staff": False, "path": "/auth/o/oidc/"}


class OwnProfile(TokenSerializer):
    profile = serializers.CharField(source="user.email")


def test_field_of_the_projects_serializer_wins(
    openid: OpenIDProvider, configure: Configure
) -> None:
    configure(TOKEN_SERIALIZER=f"{__name__}.OwnProfile", TOKEN_FIELDS=["profile"])

    assert Frontend().log_in(openid).json()["profile"] == "ada@example.com"


def test_profile_does_not_contain_secrets() -> None:
    user = User.objects.create_user("ada", password="secret")

    assert UserSerializer(user, context={"request": RequestFactory().get("/")}).data.keys() == {
        "id",
        "username",
        "email",
        "name",
    }
