"""A login, a connect and a disconnect with the user model of a project."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from rest_framework.test import APIClient
from social_core.backends.drip import DripOAuth
from social_django.models import UserSocialAuth

from tests.support.accounts import disconnect, list_connections
from tests.support.configuration import Configure
from tests.support.frontend import Frontend, error
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import (
    AFTER_ASSOCIATE_USER,
    AFTER_CREATE_USER,
    AFTER_GET_USERNAME,
    AFTER_SOCIAL_USER,
    ASK_NAME,
    pipeline_with,
)

pytestmark = pytest.mark.django_db
User = get_user_model()


@pytest.fixture
def ada() -> Any:
    return User.objects.create_user("ada@example.com")


@pytest.fixture
def connecting(ada: Any, frontend: Frontend) -> Frontend:
    frontend.client = APIClient()
    frontend.client.force_authenticate(ada)
    frontend.below = "connect/"
    return frontend


def test_returning_user_reaches_the_same_account(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    first, second = frontend.log_in(openid), frontend.log_in(openid)

    assert (first.status_code, second.status_code) == (201, 201), first.data
    assert first.data == second.data
    assert User.objects.count() == 1


@pytest.mark.parametrize("position", [AFTER_CREATE_USER, AFTER_ASSOCIATE_USER])
def test_paused_login_resumes_with_its_user(
    position: int, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((position, ASK_NAME), (position, ASK_NAME))

    paused = frontend.log_in(openid)
    again = frontend.resume(paused)
    response = frontend.resume(again, name="Grace")

    assert (paused.status_code, again.status_code) == (202, 202)
    assert response.status_code == 201, response.data
    assert User.objects.get().first_name == "Grace"
    assert frontend.resume(frontend.log_in(openid), name="Grace").data == response.data


@pytest.mark.parametrize(
    "serializer",
    [
        pytest.param("JWTSerializer", marks=pytest.mark.needs("rest_framework_simplejwt")),
        pytest.param("JWTCookieSerializer", marks=pytest.mark.needs("rest_framework_simplejwt")),
        pytest.param("KnoxTokenSerializer", marks=pytest.mark.needs("knox")),
    ],
)
def test_token_is_issued(
    serializer: str, openid: OpenIDProvider, configure: Configure, settings: Any
) -> None:
    configure(TOKEN_SERIALIZER=f"social_endpoints.tokens.{serializer}", UNIQUE_EMAIL=True)
    settings.MIDDLEWARE = ["django.middleware.csrf.CsrfViewMiddleware"]

    responses = [Frontend().log_in(openid) for _ in range(2)]

    assert [response.status_code for response in responses] == [201, 201], responses[0].data


def test_association_by_address_is_supported(openid: OpenIDProvider, settings: Any) -> None:
    path = "social_endpoints.pipeline.associate_by_verified_email"
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((AFTER_SOCIAL_USER, path))
    openid.userinfo["email_verified"] = True

    assert Frontend().log_in(openid).status_code == 201


@pytest.mark.skipif(User.__name__ == "Guest", reason="Every user of this model is active.")
def test_paused_login_of_an_inactive_user_is_refused(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    frontend.log_in(openid)
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((AFTER_SOCIAL_USER, ASK_NAME))
    paused = frontend.log_in(openid)
    user = User.objects.get()
    user.is_active = False
    user.save()

    assert frontend.resume(paused, name="Ada").status_code == 400
    assert error(frontend.log_in(openid))[0] in {202, 400}
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with()
    assert error(frontend.log_in(openid)) == (400, "authentication_disallowed")


def test_identity_is_connected_listed_and_disconnected(
    ada: Any, connecting: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((AFTER_SOCIAL_USER, ASK_NAME))
    connected = connecting.resume(connecting.log_in(openid), name="Ada")

    assert connected.status_code == 201, connected.data
    assert UserSocialAuth.objects.get().user == ada
    assert [each["id"] for each in list_connections(connecting.client).data] == [
        connected.data["id"]
    ]
    refused = disconnect(connecting.client, connected.data["id"])
    assert error(refused) == (400, "disconnect_disallowed")
    ada.set_password("secret")
    ada.save()
    assert disconnect(connecting.client, connected.data["id"]).status_code == 204


def test_identity_of_another_user_is_not_connected(
    connecting: Frontend, openid: OpenIDProvider
) -> None:
    other = User.objects.create(**{User.USERNAME_FIELD: "other@example.com"})
    other.social_auth.create(provider="oidc", uid="user-1", id_key="sub")

    assert error(connecting.log_in(openid)) == (400, "identity_in_use")


def test_provider_that_only_connects_begins(connecting: Frontend, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{DripOAuth.__module__}.{DripOAuth.__qualname__}"]
    settings.SOCIAL_AUTH_DRIP_KEY = settings.SOCIAL_AUTH_DRIP_SECRET = "value"

    assert connecting.begin("drip").status_code == 200


def send_link(strategy: Any, backend: Any, code: Any, partial_token: str) -> None:
    mail.send_mail("Your address", code.code, None, [code.email])


def test_link_of_a_validation_mail_resumes_the_connect(
    connecting: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    step = "social_core.pipeline.mail.mail_validation"
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((AFTER_GET_USERNAME, step))
    settings.SOCIAL_AUTH_FORCE_EMAIL_VALIDATION = settings.SOCIAL_AUTH_PASSWORDLESS = True
    settings.SOCIAL_AUTH_EMAIL_VALIDATION_FUNCTION = f"{__name__}.send_link"
    settings.SOCIAL_AUTH_EMAIL_VALIDATION_URL = "https://app.example.com/check-your-mail"
    paused = connecting.log_in(openid)

    asked = connecting.resume(paused, verification_code=mail.outbox[-1].body)
    response = connecting.resume(asked, partial_pipeline_confirm=True)

    assert response.status_code == 201, response.data
