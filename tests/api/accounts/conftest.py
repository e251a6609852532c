"""Accounts, and settings of projects that associate identities by e-mail address."""

from __future__ import annotations

from typing import Any

import pytest
import responses
from django.contrib.auth import get_user_model
from django.db import connection

from tests.support.concurrency import MeetingPoint
from tests.support.configuration import Configure
from tests.support.email_policies import EMAIL
from tests.support.newcomers import Newcomers
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import AFTER_SOCIAL_USER, pipeline_with


@pytest.fixture
def ada() -> Any:
    """Return an existing account with the address of the OpenID provider's user."""
    return get_user_model().objects.create(username="ada.l", email=EMAIL)


@pytest.fixture
def unique_email(configure: Configure) -> None:
    configure(UNIQUE_EMAIL=True)


@pytest.fixture
def associating(configure: Configure, settings: Any) -> None:
    """Run a pipeline that associates by verified e-mail address, with a policy that agrees."""
    step = "social_endpoints.pipeline.associate_by_verified_email"
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((AFTER_SOCIAL_USER, step))
    configure(EMAIL_ASSOCIATION_POLICY="tests.support.email_policies.agree")


@pytest.fixture
def newcomers(wire: responses.RequestsMock, openid: OpenIDProvider, settings: Any) -> Newcomers:
    """Return identities whose first logins meet before an account exists."""
    settings.SOCIAL_AUTH_GITHUB_SCOPE = ["user:email"]
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with(MeetingPoint.STEP)
    return Newcomers(wire, openid)


LEVELS = ["read committed", "repeatable read", "serializable"]


@pytest.fixture(params=LEVELS[:1] if connection.vendor == "sqlite" else LEVELS)
def isolation(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Set the isolation level of the threads and return its name. SQLite has only one."""
    level = request.param
    if connection.vendor == "postgresql":
        from django.db.backends.postgresql.psycopg_any import IsolationLevel

        level = IsolationLevel[level.upper().replace(" ", "_")]
    if connection.vendor != "sqlite":
        monkeypatch.setitem(connection.settings_dict["OPTIONS"], "isolation_level", level)
    return str(request.param)
