"""Users with connections, and requests to the connections endpoints."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient
from social_django.models import UserSocialAuth

from tests.support.frontend import browser

SECRET = "a token of the provider"
LAST_LOGIN = 1_700_000_000

CONNECTION_FIELDS = {
    *("id", "provider", "title", "uid", "created", "last_used", "scopes", "needs_reconnect"),
}
"""The fields of a connection in the responses."""

DISCONNECT_PIPELINE = [
    "social_core.pipeline.disconnect.allowed_to_disconnect",
    "social_core.pipeline.disconnect.get_entries",
    "social_core.pipeline.disconnect.revoke_tokens",
    "social_core.pipeline.disconnect.disconnect",
]


def user_with(*identities: tuple[str, str], username: str = "ada") -> Any:
    """Create a user with connections and without a password.

    :param identities: pairs of a provider and a uid.
    """
    user = get_user_model().objects.create_user(username)
    extra_data = {"access_token": SECRET, "auth_time": LAST_LOGIN}
    for provider, uid in identities:
        user.social_auth.create(provider=provider, uid=uid, extra_data=extra_data)
    return user


def logged_in(user: Any, **settings: Any) -> APIClient:
    """Return a client that sends the DRF token of a user."""
    client = browser(**settings)
    token, _ = Token.objects.get_or_create(user=user)
    client.credentials(HTTP_AUTHORIZATION=f"Token {token.key}")
    return client


def list_connections(client: APIClient, **query: Any) -> Any:
    return client.get("/auth/connections/", query, secure=True)


def disconnect(client: APIClient, connection: Any, **extra: Any) -> Any:
    """Delete a connection, given as a row or as the last segment of the path."""
    identifier = getattr(connection, "pk", connection)
    return client.delete(f"/auth/connections/{identifier}/", secure=True, **extra)


def uids() -> list[str]:
    return sorted(UserSocialAuth.objects.values_list("uid", flat=True))


def connections() -> list[tuple[str, str, str]]:
    """Return all connections: username, provider, uid."""
    return sorted(UserSocialAuth.objects.values_list("user__username", "provider", "uid"))
