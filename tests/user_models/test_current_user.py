"""``GET me/`` and ``POST refresh/`` with the user model of a project."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from rest_framework.test import APIClient

from tests.support.configuration import Configure
from tests.support.frontend import Frontend
from tests.support.logins import route_account
from tests.support.openid_provider import OpenIDProvider

pytestmark = pytest.mark.django_db
User = get_user_model()

NAMES = {"User": "Ada Lovelace"}
"""The names of models that have a full name."""
KEY = {"Clerk": "number", "Member": "key", "Author": "email", "Visitor": "username"}
ADDRESS = {"Guest": ""}
USERNAMES = {"Clerk": "ada", "Guest": "ada", "Visitor": "ada"}


def expected() -> dict[str, Any]:
    name = User.__name__
    user = User.objects.get()
    key = getattr(user, KEY.get(name, "id"))
    return {
        "id": key if isinstance(key, int) else str(key),
        "username": USERNAMES.get(name, "ada@example.com"),
        "email": ADDRESS.get(name, "ada@example.com"),
        "name": NAMES.get(name, ""),
    }


def test_user_is_returned(openid: OpenIDProvider, configure: Configure) -> None:
    configure(TOKEN_FIELDS=["profile"])
    openid.userinfo |= {"name": "Ada Lovelace"}

    body = Frontend().log_in(openid).json()
    client = APIClient()
    client.force_authenticate(User.objects.get())

    assert body["profile"] == expected()
    assert client.get("/auth/me/").json() == expected()


@pytest.mark.needs("rest_framework_simplejwt")
def test_login_is_refreshed_while_the_user_is_active(
    openid: OpenIDProvider, configure: Configure, settings: Any
) -> None:
    from social_endpoints.views import CurrentUserView

    configure(TOKEN_SERIALIZER="social_endpoints.tokens.JWTSerializer")
    route_account(settings, "jwt", me=CurrentUserView)
    tokens = Frontend().log_in(openid).json()
    client = APIClient()

    refreshed = client.post("/auth/refresh/", {"refresh": tokens["refresh"]})

    assert refreshed.status_code == 200, refreshed.data
    headers = {"Authorization": f"Bearer {refreshed.json()['access']}"}
    assert client.get("/auth/me/", headers=headers).json() == expected()
    user = User.objects.get()
    user.is_active = False
    user.save()
    refused = client.post("/auth/refresh/", {"refresh": tokens["refresh"]})
    assert refused.status_code == (200 if User.__name__ == "Guest" else 401)
