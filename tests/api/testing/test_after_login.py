"""What a project does after a login reaches the fake provider as well."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.test import Client
from rest_framework.test import APIClient
from social_django.models import UserSocialAuth

from social_endpoints.provider_tokens import get_access_token
from tests.support.configuration import Configure

pytestmark = pytest.mark.django_db

GOODBYE = "https://app.example.com/goodbye"


def test_expired_token_is_refreshed(
    social_provider: Any, social_login: Any, django_user_model: Any
) -> None:
    social_provider("oidc").expires_in = 5  # It is refreshed before it expires.
    social_login(Client(), "oidc")
    old = UserSocialAuth.objects.get().extra_data["access_token"]

    token = get_access_token(django_user_model.objects.get(), "oidc")

    assert token != old


def test_token_is_revoked_when_user_disconnects(
    settings: Any, social_provider: Any, social_login: Any, django_user_model: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_REVOKE_TOKENS_ON_DISCONNECT = True
    client = social_login(APIClient(), "oidc")
    user = django_user_model.objects.get()
    user.set_password("a password, so that the user can still sign in")
    user.save()

    response = client.delete(f"/auth/connections/{UserSocialAuth.objects.get().pk}/")

    assert response.status_code == 204
    assert social_provider("oidc").requests[-1].url == "https://id.example.com/revoke"


def test_user_signs_out_at_provider(
    configure: Configure, social_provider: Any, social_login: Any
) -> None:
    configure(ALLOWED_LOGOUT_REDIRECT_URIS=[GOODBYE])
    client = social_login(APIClient(), "oidc")

    response = client.get("/auth/o/oidc/logout/", {"post_logout_redirect_uri": GOODBYE})

    query = dict(parse_qsl(urlsplit(response.data["logout_url"]).query))
    assert social_provider("oidc").log_out(query) == f"{GOODBYE}?state={response.data['state']}"
