"""The guide for signing out works."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.checks import run_checks
from django.urls import path
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient
from social_django.models import UserSocialAuth

from docs.recipes import signing_out
from social_endpoints.signals import logged_out_by_provider
from tests.support import token_urls
from tests.support.configuration import Configure
from tests.support.frontend import Frontend
from tests.support.logins import log_in
from tests.support.logout_tokens import post as post_logout_token
from tests.support.openid_provider import OpenIDProvider
from tests.support.pages import run_block
from tests.support.urlconf import urlconf

User = get_user_model()


@pytest.mark.django_db
def test_sign_out_everywhere_recipe(openid: OpenIDProvider) -> None:
    token = Frontend("cookie").log_in(openid).data["token"]

    signing_out.sign_out_everywhere(User.objects.get())

    headers = {"Authorization": f"Token {token}"}
    assert APIClient().get("/auth/connections/", headers=headers).status_code == 401


@pytest.mark.django_db
@pytest.mark.parametrize("engine", ["db", "cache", "file", "signed_cookies"])
@pytest.mark.parametrize("has_password", [False, True])
def test_sessions_in_cache_recipe(
    has_password: bool, engine: str, openid: OpenIDProvider, configure: Configure, settings: Any
) -> None:
    """Each engine ends the sessions of users without a password."""
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    settings.ROOT_URLCONF = "tests.support.token_urls"
    settings.MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ]
    configure(TOKEN_SERIALIZER="docs.recipes.signing_out.SessionsInCache")
    frontend = Frontend("cookie")
    frontend.log_in(openid)
    if has_password:
        user = User.objects.get()
        user.set_password("secret")
        user.save()
        frontend.log_in(openid)
    assert frontend.client.get("/protected/session/", secure=True).json() == "ada"

    signing_out.SessionsInCache().revoke(User.objects.get())

    is_alive = has_password and engine != "db"
    assert (frontend.client.get("/protected/session/", secure=True).status_code == 200) is is_alive
    assert User.objects.get().check_password("secret") is has_password
    assert frontend.log_in(openid).status_code == 201
    assert frontend.client.get("/protected/session/", secure=True).json() == "ada"


@pytest.mark.needs("rest_framework_simplejwt")
@pytest.mark.django_db
def test_logout_at_the_provider_ends_the_tokens_of_two_serializers(
    openid: OpenIDProvider, configure: Configure, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = run_block("backend/signing_out.rst", "class PageAndApp")["PageAndAppSerializer"]
    monkeypatch.setattr(signing_out, own.__name__, own, raising=False)
    configure(
        TOKEN_SERIALIZER=f"{signing_out.__name__}.{own.__name__}",
        BACKCHANNEL_LOGOUT_PROVIDERS=["oidc"],
    )
    view = run_block("backend/installation.rst", "class AppAuthView")["AppAuthView"]
    login = path("auth/o/<str:provider>/", view.as_view(), name="provider-auth")
    settings.ROOT_URLCONF = urlconf(login, *token_urls.urlpatterns)
    app = Frontend(client=APIClient(headers={"X-App": "1"}))
    page_login = log_in(openid, "TokenSerializer", "user-1")
    app_login = log_in(openid, "JWTSerializer", "user-1", app)
    assert (page_login.is_alive, app_login.can_refresh) == (True, True)

    assert post_logout_token().status_code == 200

    assert (page_login.is_alive, app_login.can_refresh) == (False, False)


@pytest.mark.django_db
def test_settings_and_receiver_of_the_guide_for_signing_out(
    openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_ENDPOINTS = {
        name: value
        for text in ("ALLOWED_LOGOUT_REDIRECT_URIS", "BACKCHANNEL_LOGOUT_PROVIDERS")
        for name, value in run_block("backend/signing_out.rst", text)["SOCIAL_ENDPOINTS"].items()
    }
    assert run_checks() == []
    openid.endpoints["end_session_endpoint"] = "https://id.example.com/logout"
    headers = {"Authorization": f"Token {Frontend().log_in(openid).data['token']}"}
    query = {"post_logout_redirect_uri": "https://app.example.com/signed-out"}
    client = APIClient()

    begun = client.get("/auth/o/oidc/logout/", query, headers=headers)
    ended = client.post("/auth/logout/", headers=headers)
    assert Frontend().log_in(openid).status_code == 201
    project = run_block("backend/signing_out.rst", "@receiver")
    try:
        reported = post_logout_token()
    finally:
        logged_out_by_provider.disconnect(project["forget_provider_tokens"])

    assert begun.data["logout_url"].startswith("https://id.example.com/logout?id_token_hint=")
    assert (ended.status_code, reported.status_code) == (204, 200)
    assert not Token.objects.exists()
    assert "access_token" not in UserSocialAuth.objects.get().extra_data
