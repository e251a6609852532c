"""The code in the page about encryption works."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from social_core.backends.utils import load_backends
from social_django.models import UserSocialAuth

from tests.support.pages import DOCS, code_blocks
from tests.support.raw_rows import raw_column

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(settings: Any) -> dict[str, Any]:
    """Return the names that the blocks of the page define, with their settings in effect."""
    names: dict[str, Any] = {}
    for block in code_blocks(DOCS / "backend/encryption.rst", "python"):
        exec(block, names)
    settings.SOCIAL_ENDPOINTS = names["SOCIAL_ENDPOINTS"]
    settings.SOCIAL_AUTH_SLACK_EXTRA_DATA = names["SOCIAL_AUTH_EXAMPLE_EXTRA_DATA"]
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.slack.SlackOAuth2"]
    load_backends(settings.AUTHENTICATION_BACKENDS, force_load=True)
    return names


def test_tokens_are_encrypted_and_read_as_the_page_says(project: dict[str, Any]) -> None:
    ada = get_user_model().objects.create_user("ada")
    tokens = {"access_token": "the-user-token", "bot_access_token": "the-bot-token", "rt": "the-rt"}
    extra_data = {**tokens, "login": "ada"}
    row = UserSocialAuth(user=ada, provider="slack", uid="1", extra_data=extra_data)
    UserSocialAuth.objects.bulk_create([row])

    call_command("encrypt_provider_tokens", verbosity=0)

    assert [token for token in tokens.values() if token in raw_column()] == []
    assert ada.social_auth.filter(extra_data__login="ada").exists()
    assert project["bot_token"](ada) == "the-bot-token"
    assert project["token_by_social_core"](ada) == "the-user-token"
