"""The fields that a project adds to the token body by a setting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from rest_framework import serializers
from social_core.pipeline.partial import partial
from social_django.models import UserSocialAuth

from social_endpoints.tokens import TokenSerializer
from tests.support.frontend import Frontend
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import DEFAULT_PIPELINE
from tests.support.token_serializers import PAIRS

pytestmark = pytest.mark.django_db
User = get_user_model()
BOTH = ["is_new_user", "new_association"]


class OwnSerializer(TokenSerializer):
    """A serializer of a project's that had such a field before."""

    is_new_user = serializers.CharField(source="provider")


@partial
def ask(strategy: Any, **kwargs: Any) -> Any:
    """Pause until there is an answer."""
    if not strategy.request_data().get("answer"):
        return strategy.redirect("/ask")
    return None


@pytest.mark.parametrize(("serializer", "transport"), PAIRS)
def test_every_shipped_serializer(
    serializer: str,
    transport: str,
    cookie_middleware: None,
    openid: OpenIDProvider,
    answer_with: Callable[..., None],
    settings: Any,
) -> None:
    settings.DJOSER = {"SOCIAL_AUTH_TOKEN_STRATEGY": "tests.support.token_serializers.ObtainedText"}
    frontend = Frontend(transport)
    answer_with(serializer, FLOW_TRANSPORT=transport)
    without = frontend.log_in(openid)
    User.objects.all().delete()
    answer_with(serializer, FLOW_TRANSPORT=transport, TOKEN_FIELDS=BOTH)

    first, second = frontend.log_in(openid), frontend.log_in(openid)
    UserSocialAuth.objects.all().delete()
    settings.SOCIAL_AUTH_PIPELINE = [*DEFAULT_PIPELINE]
    settings.SOCIAL_AUTH_PIPELINE.insert(4, "social_core.pipeline.social_auth.associate_by_email")
    linked = frontend.log_in(openid)

    assert not set(BOTH) & without.json().keys()
    assert set(first.json()) == without.json().keys() | set(BOTH)
    assert [[answer.json()[name] for name in BOTH] for answer in (first, second, linked)] == [
        [True, True],
        [False, False],
        [False, True],
    ]


def test_one_of_them(frontend: Frontend, openid: OpenIDProvider, answer_with: Any) -> None:
    answer_with("TokenSerializer", TOKEN_FIELDS=("new_association",))

    assert set(frontend.log_in(openid).json()) == {"token", "new_association"}


@pytest.mark.parametrize("position", [4, len(DEFAULT_PIPELINE)])
def test_a_login_that_has_paused(
    position: int,
    frontend: Frontend,
    openid: OpenIDProvider,
    answer_with: Any,
    settings: Any,
) -> None:
    answer_with("TokenSerializer", TOKEN_FIELDS=BOTH)
    settings.SOCIAL_AUTH_PIPELINE = [*DEFAULT_PIPELINE]
    settings.SOCIAL_AUTH_PIPELINE.insert(position, "tests.api.tokens.test_token_fields.ask")
    paused = frontend.log_in(openid)

    body = {"partial_token": paused.data["partial_token"], "answer": "yes"}
    answer = frontend.complete(paused, body)

    assert paused.status_code == 202
    assert not set(BOTH) & set(paused.data)
    assert [answer.json()[name] for name in BOTH] == [True, True]


def test_what_the_serializer_declares_wins(
    frontend: Frontend, openid: OpenIDProvider, answer_with: Any
) -> None:
    answer_with("tests.api.tokens.test_token_fields.OwnSerializer", TOKEN_FIELDS=BOTH)

    body = frontend.log_in(openid).json()

    assert (body["is_new_user"], body["new_association"]) == ("oidc", True)


@pytest.mark.parametrize("fields", [["is_new"], "is_new_user", None, 5])
def test_a_field_that_there_is_not(
    fields: Any,
    frontend: Frontend,
    openid: OpenIDProvider,
    answer_with: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer_with("TokenSerializer", TOKEN_FIELDS=fields)

    answer = frontend.log_in(openid)

    assert (answer.status_code, answer.data["error_code"]) == (500, "invalid_setting")
    assert "TOKEN_FIELDS" in caplog.text
    assert not User.objects.exists()
