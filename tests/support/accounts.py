"""Users who are logged in, with identities, for the tests."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient
from social_django.models import UserSocialAuth

SECRET = "a token of the provider"

DISCONNECT_PIPELINE = [
    "social_core.pipeline.disconnect.allowed_to_disconnect",
    "social_core.pipeline.disconnect.get_entries",
    "social_core.pipeline.disconnect.revoke_tokens",
    "social_core.pipeline.disconnect.disconnect",
]


def user_with(*identities: tuple[str, str], username: str = "ada") -> Any:
    """Create a user with identities, and no password."""
    user = get_user_model().objects.create_user(username)
    for provider, uid in identities:
        user.social_auth.create(provider=provider, uid=uid, extra_data={"access_token": SECRET})
    return user


def logged_in(user: Any, **settings: Any) -> APIClient:
    """Return a client that is logged in by a token of DRF's."""
    client = APIClient(**settings)
    token, _ = Token.objects.get_or_create(user=user)
    client.credentials(HTTP_AUTHORIZATION=f"Token {token.key}")
    return client


def listed(client: APIClient, **query: Any) -> Any:
    """Ask for the list."""
    return client.get("/auth/connections/", query, secure=True)


def unlink(client: APIClient, connection: Any, **extra: Any) -> Any:
    """Unlink an identity, or whatever else is put into the path."""
    key = getattr(connection, "pk", connection)
    return client.delete(f"/auth/connections/{key}/", secure=True, **extra)


def uids() -> list[str]:
    """Return the identities that are there."""
    return sorted(UserSocialAuth.objects.values_list("uid", flat=True))
