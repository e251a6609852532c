"""``SOCIAL_AUTH_ACTIVE_USERS_FILTER``: active means the same wherever a user signs in."""

from __future__ import annotations

from typing import Any

import pytest
import responses
from django.contrib.auth import get_user_model
from rest_framework.authtoken.models import Token
from social_django.models import DjangoStorage, UserSocialAuth

from tests.support.accounts import disconnect, logged_in
from tests.support.email_policies import EMAIL
from tests.support.frontend import Frontend, error
from tests.support.id_token_providers import PROVIDERS
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import (
    AFTER_SOCIAL_USER,
    ASK_NAME,
    BEFORE_CREATE_USER,
    LAST,
    pipeline_with,
)

pytestmark = pytest.mark.django_db
User = get_user_model()

INACTIVE = (400, "authentication_disallowed")
BY_EMAIL = "social_core.pipeline.social_auth.associate_by_email"


class ApprovedUsers(UserSocialAuth):
    """A project's storage with its own definition of an active user."""

    class Meta:
        proxy = True
        app_label = "social_django"

    @classmethod
    def filter_active_users(cls, *args: Any, **kwargs: Any) -> Any:
        return cls.filter_users(*args, **{**kwargs, "is_staff": True})


class ApprovedStorage(DjangoStorage):
    user = ApprovedUsers


@pytest.fixture(params=["setting", "storage"])
def approval(request: pytest.FixtureRequest, settings: Any) -> None:
    """Require a flag of the project in addition to ``is_active``."""
    if request.param == "setting":
        settings.SOCIAL_AUTH_ACTIVE_USERS_FILTER = {"is_staff": True}
    else:
        settings.SOCIAL_AUTH_STORAGE = f"{__name__}.ApprovedStorage"


@pytest.fixture
def ada(openid: OpenIDProvider) -> Any:
    """Return a user with an identity, who is not approved."""
    user = User.objects.create_user("ada", email=EMAIL)
    user.social_auth.create(provider="oidc", uid="user-1", id_key="sub")
    return user


@pytest.mark.usefixtures("approval")
@pytest.mark.parametrize(
    "steps", [None, (), ((BEFORE_CREATE_USER, ASK_NAME),), ((LAST, ASK_NAME),)]
)
def test_login_requires_the_filter(
    steps: Any, ada: Any, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    if steps is not None:
        settings.SOCIAL_AUTH_PIPELINE = pipeline_with(*steps)

    def log_in() -> Any:
        response = frontend.log_in(openid)
        return frontend.resume(response, name="Ada") if steps else response

    refused = log_in()
    assert refused.status_code == 400
    assert not Token.objects.exists()
    if not steps:
        assert error(refused) == INACTIVE
    User.objects.update(is_staff=True)
    assert log_in().status_code == 201
    User.objects.update(is_active=False)
    assert log_in().status_code == 400


@pytest.mark.usefixtures("approval")
def test_native_sign_in_requires_the_filter(
    ada: Any, wire: responses.RequestsMock, settings: Any
) -> None:
    provider = PROVIDERS["oidc"](wire)
    provider.install(settings)
    ada.social_auth.update(uid=provider.claims["sub"])
    token = provider.token()

    assert error(provider.sign_in(token)) == INACTIVE
    User.objects.update(is_staff=True)
    assert provider.sign_in(token).status_code == 201


@pytest.mark.usefixtures("approval")
def test_connect_requires_the_filter(frontend: Frontend, openid: OpenIDProvider) -> None:
    grace = User.objects.create_user("grace")
    frontend.client, frontend.below = logged_in(grace), "connect/"

    assert error(frontend.log_in(openid)) == INACTIVE
    User.objects.update(is_staff=True)
    openid.before_userinfo = lambda: User.objects.update(is_staff=False)
    assert error(frontend.log_in(openid)) == INACTIVE
    User.objects.update(is_staff=True)
    openid.before_userinfo = lambda: None
    assert frontend.log_in(openid).status_code == 201


@pytest.mark.usefixtures("approval")
def test_new_account_that_does_not_match_the_filter_is_not_stored(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    assert error(frontend.log_in(openid)) == INACTIVE
    assert not User.objects.exists()


@pytest.mark.usefixtures("approval")
def test_account_found_by_its_address_must_match_the_filter(
    ada: Any, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((AFTER_SOCIAL_USER, BY_EMAIL))
    ada.social_auth.all().delete()

    assert error(frontend.log_in(openid)) == INACTIVE
    User.objects.update(is_staff=True)
    assert frontend.log_in(openid).status_code == 201
    assert UserSocialAuth.objects.get().user == ada


@pytest.mark.parametrize("steps", [(), ((BEFORE_CREATE_USER, ASK_NAME),)])
def test_filter_on_a_relation_with_several_rows_means_the_same_everywhere(
    steps: Any, ada: Any, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_ACTIVE_USERS_FILTER = {"groups__name__startswith": "team"}
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((AFTER_SOCIAL_USER, BY_EMAIL), *steps)
    for number in range(3):
        ada.groups.create(name=f"team {number}")

    def log_in() -> Any:
        response = frontend.log_in(openid)
        return frontend.resume(response, name="Ada") if steps else response

    assert log_in().status_code == 201
    ada.social_auth.all().delete()
    assert log_in().status_code == 201
    frontend.client, frontend.below = logged_in(ada), "connect/"
    openid.claims["sub"] = openid.userinfo["sub"] = "user-2"
    connected = log_in()
    assert connected.status_code == 201
    assert disconnect(frontend.client, connected.data["id"]).status_code == 204


@pytest.mark.parametrize("active_filter", [{"is_approved": True}, {"groups__age": 1}, None, 1])
@pytest.mark.parametrize("below", ["", "connect/"])
def test_invalid_filter_is_an_error_of_the_server(
    below: str, active_filter: Any, ada: Any, openid: OpenIDProvider, settings: Any
) -> None:
    frontend = Frontend(client=logged_in(ada), below=below)
    settings.SOCIAL_AUTH_ACTIVE_USERS_FILTER = active_filter

    assert error(frontend.log_in(openid)) == (500, "invalid_setting")


@pytest.mark.parametrize("active_filter", [{}, {"is_active": True}, {"is_staff": False}])
@pytest.mark.parametrize("pipeline", [None, pipeline_with()])
def test_inactive_user_is_refused_with_any_filter(
    active_filter: Any,
    pipeline: Any,
    ada: Any,
    frontend: Frontend,
    openid: OpenIDProvider,
    settings: Any,
) -> None:
    settings.SOCIAL_AUTH_ACTIVE_USERS_FILTER = active_filter
    if pipeline:
        settings.SOCIAL_AUTH_PIPELINE = pipeline
    User.objects.update(is_active=False)

    assert error(frontend.log_in(openid)) == INACTIVE
    settings.SOCIAL_AUTH_ALLOW_INACTIVE_USERS_LOGIN = True
    assert frontend.log_in(openid).status_code == 201


def delete_user(user: Any, **kwargs: Any) -> None:
    User.objects.filter(pk=user.pk).delete()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("allowed", [False, True])
def test_user_deleted_during_the_login_is_refused(
    allowed: bool, ada: Any, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_ALLOW_INACTIVE_USERS_LOGIN = allowed
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((LAST, f"{__name__}.delete_user"))

    assert error(frontend.log_in(openid)) == INACTIVE


def test_user_deleted_while_the_provider_is_asked_cannot_connect(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    grace = User.objects.create_user("grace")
    frontend.client, frontend.below = logged_in(grace), "connect/"
    openid.before_userinfo = grace.delete

    assert error(frontend.log_in(openid)) == INACTIVE


def test_connect_does_not_undo_a_change_of_the_user(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    grace = User.objects.create_user("grace")
    frontend.client, frontend.below = logged_in(grace), "connect/"
    openid.before_userinfo = lambda: User.objects.update(is_staff=True)

    assert frontend.log_in(openid).status_code == 201
    grace.refresh_from_db()
    assert (grace.is_staff, grace.first_name) == (True, "Ada")
