"""Native sign-in as an app does it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from social_django.models import Nonce, UserSocialAuth

from tests.support.frontend import browser


def post_tokens(provider: str, **body: Any) -> Any:
    """Post tokens and return the response."""
    return browser().post(f"/auth/o/{provider}/token/", body, format="json", secure=True)


def assert_refused(response: Any, *codes: str, recovery: str = "") -> None:
    """Assert that a response is an error with one of the codes, and that nothing is stored."""
    assert response.status_code == 400, response.data
    assert not codes or response.data["error_code"] in codes, response.data
    assert not recovery or response.data["error_recovery"] == recovery
    for model in (get_user_model(), UserSocialAuth, Nonce):
        assert not model.objects.exists()
