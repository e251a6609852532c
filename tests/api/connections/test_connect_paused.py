"""Connects that a pipeline step pauses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from social_django.models import Partial

from tests.support.accounts import connections
from tests.support.frontend import Frontend, error
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import (
    AFTER_ASSOCIATE_USER,
    AFTER_SOCIAL_USER,
    ASK_NAME,
    BEFORE_SOCIAL_USER,
    DEFAULT_PIPELINE,
    pipeline_with,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(params=[BEFORE_SOCIAL_USER, AFTER_SOCIAL_USER, AFTER_ASSOCIATE_USER])
def paused(
    request: pytest.FixtureRequest, grace: Frontend, openid: OpenIDProvider, settings: Any
) -> Any:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((request.param, ASK_NAME))
    return grace.log_in(openid)


def test_paused_connect_resumes_only_for_its_user_and_purpose(
    paused: Any, grace: Frontend, alan: Frontend
) -> None:
    alan.client.cookies = grace.client.cookies
    before = connections()

    as_alan = alan.resume(paused, name="x")
    as_a_login = replace(grace, below="").resume(paused, name="x")

    assert error(as_alan) == (400, "user_mismatch")
    assert error(as_a_login) == (400, "session_context_missing")
    assert connections() == before
    response = grace.resume(paused, name="x")
    assert (paused.status_code, response.status_code) == (202, 201), response.data
    assert paused.data["redirect_to"] == "https://app.example.com/name"
    assert response.data["uid"] == "user-1"
    assert connections() == [("grace", "oidc", "user-1")]
    assert not Partial.objects.exists()


@pytest.mark.parametrize("position", [BEFORE_SOCIAL_USER, AFTER_SOCIAL_USER])
def test_identity_connected_by_another_user_during_the_pause_is_rejected(
    position: int, grace: Frontend, alan: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pausing = pipeline_with((position, ASK_NAME))
    paused = grace.log_in(openid)
    settings.SOCIAL_AUTH_PIPELINE = DEFAULT_PIPELINE
    alan.log_in(openid)
    settings.SOCIAL_AUTH_PIPELINE = pausing

    assert error(grace.resume(paused, name="x")) == (400, "identity_in_use")
    assert connections() == [("alan", "oidc", "user-1")]
