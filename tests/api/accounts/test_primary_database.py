"""Reads that decide a login, a connect or a disconnect use the primary database."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import responses
from django.contrib.auth import get_user_model
from django.core import mail
from rest_framework.authtoken.models import Token
from social_django.models import DjangoStorage, UserSocialAuth

from social_endpoints.provider_tokens import get_access_token
from tests.support.accounts import disconnect, list_connections, logged_in
from tests.support.configuration import Configure
from tests.support.email_policies import EMAIL
from tests.support.frontend import Frontend, error
from tests.support.id_token_providers import PROVIDERS
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import (
    AFTER_GET_USERNAME,
    AFTER_SOCIAL_USER,
    ASK_NAME,
    BEFORE_CREATE_USER,
    pipeline_with,
)
from tests.support.replica import ReplicaRouter

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("replica")]
User = get_user_model()

INACTIVE = (400, "authentication_disallowed")


@pytest.fixture
def replica(db: None, settings: Any) -> None:
    settings.DATABASE_ROUTERS = [ReplicaRouter()]


def users() -> Any:
    return User.objects.using("default")


def connections() -> Any:
    return UserSocialAuth.objects.using("default")


@pytest.fixture
def ada() -> Any:
    return User.objects.create_user("ada.l", email=EMAIL)


@pytest.fixture
def connecting(ada: Any, frontend: Frontend) -> Frontend:
    Token.objects.using("default").create(user=ada)
    frontend.client, frontend.below = logged_in(ada), "connect/"
    return frontend


@pytest.mark.parametrize(
    "serializer",
    [
        "TokenSerializer",
        pytest.param("KnoxTokenSerializer", marks=pytest.mark.needs("knox")),
        pytest.param("JWTSerializer", marks=pytest.mark.needs("rest_framework_simplejwt")),
    ],
)
def test_login_finds_the_account_that_was_just_created(
    serializer: str,
    frontend: Frontend,
    openid: OpenIDProvider,
    configure: Configure,
    settings: Any,
) -> None:
    settings.REST_KNOX = {"TOKEN_LIMIT_PER_USER": 5}
    configure(TOKEN_SERIALIZER=f"social_endpoints.tokens.{serializer}", UNIQUE_EMAIL=True)

    assert [frontend.log_in(openid).status_code for _ in range(2)] == [201, 201]
    assert users().count() == 1


def test_connection_of_an_older_version_is_migrated_with_its_user(
    ada: Any, frontend: Frontend, openid: OpenIDProvider
) -> None:
    connections().create(user=ada, provider="oidc", uid="user-1", extra_data={"sub": "user-1"})

    assert frontend.log_in(openid).status_code == 201
    assert connections().get().id_key == "sub"
    assert users().count() == 1


def test_native_sign_in_finds_the_account_that_was_just_created(
    wire: responses.RequestsMock, settings: Any
) -> None:
    provider = PROVIDERS["oidc"](wire)
    provider.install(settings)

    tokens = [provider.token(jti=jti) for jti in ("1", "2")]
    assert [provider.sign_in(token).status_code for token in tokens] == [201, 201]
    assert users().count() == 1


@pytest.mark.parametrize("steps", [(), ((BEFORE_CREATE_USER, ASK_NAME),)])
def test_user_who_was_deactivated_a_moment_ago_gets_no_token(
    steps: Any, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    frontend.log_in(openid)
    users().update(is_active=False)
    if steps:
        settings.SOCIAL_AUTH_PIPELINE = pipeline_with(*steps)

    response = frontend.log_in(openid)
    if steps:
        response = frontend.resume(response, name="Ada")

    assert response.status_code == 400
    assert response.data["error_code"] in {INACTIVE[1], "session_context_missing"}


@pytest.mark.parametrize("step", ["associate_by_email", "associate_by_verified_email"])
def test_address_of_an_account_is_found(
    step: str,
    ada: Any,
    frontend: Frontend,
    openid: OpenIDProvider,
    configure: Configure,
    settings: Any,
) -> None:
    modules = {"associate_by_email": "social_core.pipeline.social_auth"}
    path = f"{modules.get(step, 'social_endpoints.pipeline')}.{step}"
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((AFTER_SOCIAL_USER, path))
    configure(EMAIL_ASSOCIATION_POLICY="tests.support.email_policies.agree")
    openid.userinfo["email_verified"] = True

    assert frontend.log_in(openid).status_code == 201
    assert connections().select_related("user").get().user == ada


def send_link(strategy: Any, backend: Any, code: Any, partial_token: str) -> None:
    mail.send_mail("Your address", code.code, None, [code.email])


def test_link_of_a_validation_mail_resumes_the_login(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    step = "social_core.pipeline.mail.mail_validation"
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((AFTER_GET_USERNAME, step))
    settings.SOCIAL_AUTH_FORCE_EMAIL_VALIDATION = True
    settings.SOCIAL_AUTH_EMAIL_VALIDATION_FUNCTION = f"{__name__}.send_link"
    settings.SOCIAL_AUTH_EMAIL_VALIDATION_URL = "https://app.example.com/check-your-mail"
    paused = frontend.log_in(openid)

    asked = frontend.resume(paused, verification_code=mail.outbox[-1].body)
    response = frontend.resume(asked, partial_pipeline_confirm=True)

    assert response.status_code == 201, response.data


def test_identity_is_connected_listed_and_disconnected(
    ada: Any, connecting: Frontend, openid: OpenIDProvider
) -> None:
    openid.userinfo["sub"] = openid.claims["sub"] = "1"
    first = connecting.log_in(openid)
    openid.userinfo["sub"] = openid.claims["sub"] = "2"
    second = connecting.log_in(openid)
    connections().create(user=ada, provider="removed", uid="1")

    listed = list_connections(connecting.client)
    responses = [disconnect(connecting.client, each.data["id"]) for each in (first, second)]

    assert [each["uid"] for each in listed.data] == ["1", "2", "1"]
    assert responses[0].status_code == 204
    # The remaining connection belongs to a provider that is no longer configured.
    assert error(responses[1]) == (400, "disconnect_disallowed")


def test_user_who_was_deactivated_a_moment_ago_cannot_disconnect(
    ada: Any, connecting: Frontend, openid: OpenIDProvider
) -> None:
    connected = connecting.log_in(openid)
    connecting.client.force_authenticate(User(pk=ada.pk))
    users().update(is_active=False)

    assert error(disconnect(connecting.client, connected.data["id"])) == INACTIVE
    assert connections().exists()


@pytest.mark.parametrize("when", ["before the callback", "while the provider is asked"])
def test_user_who_was_deactivated_a_moment_ago_cannot_connect(
    when: str, ada: Any, connecting: Frontend, openid: OpenIDProvider
) -> None:
    connecting.client.force_authenticate(User(pk=ada.pk))
    begun, callback = connecting.authorize(openid)
    if when == "before the callback":
        users().update(is_active=False)
    else:
        openid.before_userinfo = lambda: users().update(is_active=False)

    assert error(connecting.complete(begun, callback)) == INACTIVE
    assert not connections().exists()


def test_user_whose_key_has_another_type_cannot_connect(
    connecting: Frontend, openid: OpenIDProvider
) -> None:
    begun, callback = connecting.authorize(openid)
    connecting.client.force_authenticate(User(pk="not a number"))

    assert error(connecting.complete(begun, callback)) == INACTIVE


# --- Storage classes of a project -----------------------------------------------------


class ProjectUsers(UserSocialAuth):
    """A project's user storage, which chooses the database itself."""

    calls: list[str] = []

    class Meta:
        proxy = True
        app_label = "social_django"


class ProjectStorage(DjangoStorage):
    user = ProjectUsers


def _override(name: str) -> None:
    @classmethod  # type: ignore[misc]  # a class method is added to the class
    def method(cls: Any, *args: Any, **kwargs: Any) -> Any:
        cls.calls.append(name)
        return getattr(super(ProjectUsers, cls), name)(*args, **kwargs)

    setattr(ProjectUsers, name, method)


OVERRIDDEN = (
    "allowed_to_disconnect",
    "filter_active_users",
    "filter_users",
    "get_social_auth",
    "get_social_auth_for_user",
    "get_user",
    "get_users_by_email",
    "migrate_social_auth",
    "user_exists",
)
for each in OVERRIDDEN:
    _override(each)


def test_methods_that_a_project_overrides_are_called(
    connecting: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.DATABASE_ROUTERS = []
    settings.SOCIAL_AUTH_STORAGE = f"{__name__}.ProjectStorage"
    step = "social_core.pipeline.social_auth.associate_by_email"
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((AFTER_SOCIAL_USER, step))
    connecting.below = ""
    openid.userinfo["email"] = "other@example.com"
    connections().create(
        user=users().create(username="old"),
        provider="oidc",
        uid="3",
        extra_data={"sub": "3"},
    )
    openid.userinfo["sub"] = openid.claims["sub"] = "3"
    assert connecting.log_in(openid).status_code == 201
    openid.userinfo["sub"] = openid.claims["sub"] = "1"
    assert connecting.log_in(openid).status_code == 201
    connecting.below = "connect/"
    openid.userinfo["sub"] = openid.claims["sub"] = "2"

    connected = connecting.log_in(openid)
    refused = disconnect(connecting.client, connected.data["id"])

    assert error(refused) == (400, "disconnect_disallowed")
    assert set(ProjectUsers.calls) == {*OVERRIDDEN}


class TenantUsers(UserSocialAuth):
    """A project's user storage that only replaces the query for users."""

    calls: list[str] = []

    class Meta:
        proxy = True
        app_label = "social_django"

    @classmethod
    def filter_users(cls, *args: Any, **kwargs: Any) -> Any:
        cls.calls.append(cls.__name__)
        return super().filter_users(*args, **kwargs).using("default")


class TenantStorage(DjangoStorage):
    user = TenantUsers


def test_query_for_users_that_a_project_replaces_is_used_by_other_queries(
    connecting: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_STORAGE = f"{__name__}.TenantStorage"
    TenantUsers.calls.clear()
    connected = connecting.log_in(openid)
    openid.userinfo["sub"] = openid.claims["sub"] = "2"
    connecting.below = ""

    completed = connecting.log_in(openid)

    assert (connected.status_code, completed.status_code) == (201, 201)
    assert len(TenantUsers.calls) == 2  # The user who connects, and a free username.


class RelatedUsers(UserSocialAuth):
    """A project's user storage that finds connections through the relation of the user."""

    class Meta:
        proxy = True
        app_label = "social_django"

    @classmethod
    def get_social_auth_for_user(cls, user: Any, *values: Any) -> Any:
        lookup = zip(("provider", "pk"), values, strict=False)
        return user.social_auth.filter(**{name: value for name, value in lookup if value})


class RelatedStorage(DjangoStorage):
    user = RelatedUsers


def test_method_that_a_project_replaces_receives_the_user(
    connecting: Frontend, openid: OpenIDProvider, ada: Any, settings: Any
) -> None:
    settings.DATABASE_ROUTERS = []
    settings.SOCIAL_AUTH_STORAGE = f"{__name__}.RelatedStorage"
    connected = connecting.log_in(openid)
    users = [ada, SimpleNamespace(pk=str(ada.pk))]

    tokens = [get_access_token(each, "oidc").token for each in users]

    assert tokens == [ada.social_auth.get().extra_data["access_token"]] * 2
    assert list_connections(connecting.client).data == [connected.data]
    ada.set_password("secret")
    ada.save()
    assert disconnect(connecting.client, connected.data["id"]).status_code == 204
