"""The setting TOKEN_FIELDS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from rest_framework import serializers
from social_core.pipeline.partial import partial
from social_django.models import UserSocialAuth

from social_endpoints.tokens import TokenSerializer
from tests.support.frontend import Frontend, error
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import DEFAULT_PIPELINE
from tests.support.token_serializers import DJOSER, PAIRS

pytestmark = pytest.mark.django_db
User = get_user_model()
BOTH = ["is_new_user", "new_association"]
UseSerializer = Callable[..., None]


class DeclaresField(TokenSerializer):
    is_new_user = serializers.CharField(source="provider")


@partial
def ask(strategy: Any, **kwargs: Any) -> Any:
    return None if strategy.request_data().get("answer") else strategy.redirect("/ask")


def values(response: Any) -> list[bool]:
    return [response.json()[name] for name in BOTH]


@pytest.mark.usefixtures("cookie_middleware")
@pytest.mark.parametrize(("serializer", "transport"), PAIRS)
def test_shipped_serializers_have_the_fields_of_the_setting(
    serializer: str,
    transport: str,
    openid: OpenIDProvider,
    use_serializer: UseSerializer,
    settings: Any,
) -> None:
    settings.DJOSER = DJOSER
    frontend = Frontend(transport)
    use_serializer(serializer, FLOW_TRANSPORT=transport)
    without = frontend.log_in(openid).json()
    User.objects.all().delete()
    use_serializer(serializer, FLOW_TRANSPORT=transport, TOKEN_FIELDS=BOTH)

    new, returning = frontend.log_in(openid), frontend.log_in(openid)
    UserSocialAuth.objects.all().delete()
    settings.SOCIAL_AUTH_PIPELINE = [*DEFAULT_PIPELINE]
    settings.SOCIAL_AUTH_PIPELINE.insert(4, "social_core.pipeline.social_auth.associate_by_email")
    associated = frontend.log_in(openid)
    use_serializer(serializer, FLOW_TRANSPORT=transport, TOKEN_FIELDS=BOTH[1:])
    with_one = frontend.log_in(openid).json()

    assert not without.keys() & set(BOTH)
    assert new.json().keys() == without.keys() | set(BOTH)
    assert with_one.keys() == without.keys() | {"new_association"}
    assert values(new) == [True, True]
    assert values(returning) == [False, False]
    assert values(associated) == [False, True]


@pytest.mark.parametrize("position", [4, len(DEFAULT_PIPELINE)])
def test_resumed_login_has_the_fields(
    position: int,
    frontend: Frontend,
    openid: OpenIDProvider,
    use_serializer: UseSerializer,
    settings: Any,
) -> None:
    use_serializer("TokenSerializer", TOKEN_FIELDS=BOTH)
    settings.SOCIAL_AUTH_PIPELINE = [*DEFAULT_PIPELINE]
    settings.SOCIAL_AUTH_PIPELINE.insert(position, f"{__name__}.ask")

    paused = frontend.log_in(openid)
    response = frontend.resume(paused, answer="yes")

    assert paused.status_code == 202
    assert not paused.data.keys() & set(BOTH)
    assert values(response) == [True, True]


def test_declared_field_is_not_replaced(
    frontend: Frontend, openid: OpenIDProvider, use_serializer: UseSerializer
) -> None:
    use_serializer(f"{__name__}.DeclaresField", TOKEN_FIELDS=BOTH)

    assert values(frontend.log_in(openid)) == ["oidc", True]


@pytest.mark.parametrize("fields", [["is_new"], "is_new_user", None, 5])
def test_invalid_setting_is_a_500(
    fields: Any,
    frontend: Frontend,
    openid: OpenIDProvider,
    use_serializer: UseSerializer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    use_serializer("TokenSerializer", TOKEN_FIELDS=fields)

    assert error(frontend.log_in(openid)) == (500, "invalid_setting")
    assert "TOKEN_FIELDS" in caplog.text
    assert not User.objects.exists()
