"""The signal ``signed_in``."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from rest_framework.exceptions import ValidationError
from social_django.models import UserSocialAuth

from social_endpoints.signals import signed_in
from tests.support.frontend import Frontend
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import AFTER_SOCIAL_USER, pipeline_with
from tests.support.signals import connected, received

pytestmark = pytest.mark.django_db
User = get_user_model()


def test_each_login_sends_the_signal(frontend: Frontend, openid: OpenIDProvider) -> None:
    with received(signed_in) as calls:
        frontend.log_in(openid)
        frontend.log_in(openid)

    user, social = User.objects.get(), UserSocialAuth.objects.get()
    for call in calls:
        assert call["sender"] is User
        assert (call["user"], call["social"], call["provider"]) == (user, social, "oidc")
        assert call["request"].path == "/auth/o/oidc/"
    first, second = calls
    assert (first["is_new_user"], first["new_association"]) == (True, True)
    assert (second["is_new_user"], second["new_association"]) == (False, False)


def test_new_identity_of_an_existing_user_is_a_new_association(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    User.objects.create(username="grace", email="ada@example.com")
    step = "social_core.pipeline.social_auth.associate_by_email"
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((AFTER_SOCIAL_USER, step))

    with received(signed_in) as calls:
        frontend.log_in(openid)

    (call,) = calls
    assert (call["is_new_user"], call["new_association"]) == (False, True)


def test_validation_error_of_a_receiver_is_the_response(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    def refuse(**kwargs: Any) -> None:
        raise ValidationError({"provider": ["Not on Sundays."]})

    with connected(refuse, signed_in):
        response = frontend.log_in(openid)

    assert (response.status_code, response.data["provider"]) == (400, ["Not on Sundays."])
    assert User.objects.count() == 0
