"""The guides for projects that come from djoser, rest-social-auth and dj-rest-auth work."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from rest_framework.test import APIClient
from social_django.models import UserSocialAuth

from social_endpoints.views import CurrentUserView
from tests.support.logins import route_account
from tests.support.pages import DOCS, code_blocks, run_block

User = get_user_model()
ADA = {
    "sub": "1101",
    "email": "ada@example.com",
    "given_name": "Ada",
    "family_name": "Lovelace",
    "name": "Ada Lovelace",
}
GUIDES = ["djoser", "rest_social_auth", "dj_rest_auth"]

pytestmark = pytest.mark.needs("rest_framework_simplejwt")


def python_blocks(guide: str, name: str) -> list[dict[str, Any]]:
    """Run the blocks of a file in a guide, without djoser, which cannot be installed here."""
    found = []
    for block in code_blocks(DOCS / "backend" / f"{guide}.rst", "python"):
        if block.startswith(f"# {name}.py\n"):
            lines = [line for line in block.split("\n") if not re.search(r"[\"/]djoser", line)]
            project: dict[str, Any] = {}
            exec("\n".join(lines).replace("myproject.tokens", "docs.recipes.old_bodies"), project)
            found.append(project)
    return found


def bodies(guide: str) -> list[Any]:
    return [json.loads(each) for each in code_blocks(DOCS / "backend" / f"{guide}.rst", "json")]


@pytest.fixture
def apply(settings: Any) -> Callable[[dict[str, Any]], None]:
    """Apply a settings block. The apps are installed; Google is the provider in each guide."""
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.google.GoogleOAuth2"]
    settings.SOCIAL_AUTH_GOOGLE_OAUTH2_KEY = "client"
    settings.SOCIAL_AUTH_GOOGLE_OAUTH2_SECRET = "secret"
    settings.DJOSER = {"SOCIAL_AUTH_ALLOWED_REDIRECT_URIS": ["https://app.example.com/callback"]}

    def apply(block: dict[str, Any]) -> None:
        for name, value in block.items():
            if name == "INSTALLED_APPS":
                assert {*value} <= {*settings.INSTALLED_APPS, ...}
            elif name.isupper():
                setattr(settings, name, value)

    return apply


@pytest.fixture
def log_in(social_begin: Any, social_complete: Any, settings: Any) -> Callable[..., Any]:
    """Sign Ada in, and return the client and the body."""

    def log_in(status: int = 201) -> tuple[Client, Any]:
        client = APIClient(raise_request_exception=False)
        response = social_complete(client, social_begin(client, "google-oauth2"), **ADA)
        assert response.status_code == status, response.content
        return client, response.json()

    return log_in


@pytest.mark.parametrize("guide", GUIDES)
def test_urls_of_guide_have_the_endpoints(guide: str, settings: Any) -> None:
    (block,) = python_blocks(guide, "urls")

    (pattern,) = block["urlpatterns"]
    assert str(pattern.pattern) == "auth/"
    assert "provider-auth" in {each.name for each in pattern.url_patterns}


@pytest.mark.django_db
def test_login_after_djoser_has_the_body_of_djoser(
    apply: Callable[..., None], log_in: Callable[..., Any]
) -> None:
    user = User.objects.create_user("ada")
    UserSocialAuth.objects.create(
        user=user, provider="google-oauth2", uid="1101", id_key="sub", extra_data={}
    )
    apply(python_blocks("djoser", "settings")[0])

    _, body = log_in()

    assert body.keys() == bodies("djoser")[0].keys()
    assert body["user"] == "ada"
    assert User.objects.count() == 1


@pytest.mark.django_db
def test_login_after_rest_social_auth_has_token_and_profile(
    apply: Callable[..., None], log_in: Callable[..., Any]
) -> None:
    apply(python_blocks("rest_social_auth", "settings")[0])

    client, body = log_in()

    *_, after = bodies("rest_social_auth")
    profile = {**after["profile"], "id": User.objects.get().pk}
    assert body == {"token": body["token"], "profile": profile}
    assert client.get("/auth/me/", secure=True).json() == body["profile"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("serializer", "guide"), [("TokenWithUser", "rest_social_auth"), ("KeyToken", "dj_rest_auth")]
)
def test_serializers_have_the_bodies_of_before(
    serializer: str, guide: str, apply: Callable[..., None], log_in: Callable[..., Any]
) -> None:
    apply({"SOCIAL_ENDPOINTS": endpoints(f"docs.recipes.old_bodies.{serializer}")})

    _, body = log_in()

    (before,) = (each for each in bodies(guide) if each.keys() == body.keys())
    changing = {"id": User.objects.get().pk, "token": body.get("token"), "key": body.get("key")}
    assert body == {**before, **{name: changing[name] for name in changing if name in before}}


def endpoints(serializer: str) -> dict[str, Any]:
    return {
        "ALLOWED_REDIRECT_URIS": ["https://app.example.com/login/callback"],
        "TOKEN_SERIALIZER": serializer,
    }


@pytest.mark.django_db
def test_pairs_have_the_bodies_of_before(
    apply: Callable[..., None], log_in: Callable[..., Any]
) -> None:
    apply({"SOCIAL_ENDPOINTS": endpoints("docs.recipes.old_bodies.TokenAndRefresh")})
    assert log_in()[1].keys() == {"token", "refresh"}

    apply({"SOCIAL_ENDPOINTS": endpoints("docs.recipes.old_bodies.PairWithUser")})
    _, body = log_in()

    (user,) = (each for each in bodies("dj_rest_auth") if "pk" in each)
    assert body.keys() == {"access", "refresh", "user"}
    assert body["user"] == {**user, "pk": User.objects.get().pk}


@pytest.mark.django_db
def test_old_bodies_of_dj_rest_auth_with_its_user(
    apply: Callable[..., None], log_in: Callable[..., Any]
) -> None:
    (block,) = (
        each
        for each in python_blocks("dj_rest_auth", "settings")
        if "USER_SERIALIZER" in each["SOCIAL_ENDPOINTS"]
    )
    apply(block)

    client, body = log_in()

    (user,) = (each for each in bodies("dj_rest_auth") if "pk" in each)
    assert body.keys() == {"key"}
    client.credentials(HTTP_AUTHORIZATION=f"Token {body['key']}")
    me = client.get("/auth/me/", secure=True).json()
    assert me == {**user, "pk": User.objects.get().pk}


@pytest.mark.django_db
def test_user_with_cookie_of_dj_rest_auth_stays_signed_in(
    apply: Callable[..., None], settings: Any
) -> None:
    from rest_framework_simplejwt.tokens import RefreshToken

    (block,) = (
        each
        for each in python_blocks("dj_rest_auth", "settings")
        if "JWT_ACCESS_COOKIE" in each["SOCIAL_ENDPOINTS"]
    )
    apply(block)
    (authentication,) = block["REST_FRAMEWORK"]["DEFAULT_AUTHENTICATION_CLASSES"]
    route_account(settings, authentication, me=CurrentUserView)
    user = User.objects.create_user("ada")
    client = Client()
    client.cookies["my-app-auth"] = str(RefreshToken.for_user(user).access_token)

    assert client.get("/auth/me/", secure=True).json()["id"] == user.pk


# --- Existing rows --------------------------------------------------------------------


def create_old_row(uid: str, extra_data: dict[str, str] | None = None) -> UserSocialAuth:
    """Store a row as before ``id_key``, and run the migration of social_django for it."""
    user = User.objects.create_user("old")
    row = UserSocialAuth.objects.create(
        user=user, provider="google-oauth2", uid=uid, extra_data=extra_data or {}
    )
    migration = import_module("social_django.migrations.0020_backfill_id_keys")
    migration.backfill_id_keys(apps, connection.schema_editor())
    return row


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("stored", "allowed", "status"),
    [
        ({}, None, 201),
        ({}, False, 400),
        ({"sub": "1101"}, None, 201),
        ({"sub": "1101"}, False, 201),
        ({"sub": "of another person"}, None, 400),
    ],
)
def test_row_with_an_address_reaches_the_same_user(
    stored: dict[str, str],
    allowed: bool | None,
    status: int,
    apply: Callable[..., None],
    log_in: Callable[..., Any],
    settings: Any,
) -> None:
    apply({})
    if allowed is not None:
        settings.SOCIAL_AUTH_GOOGLE_OAUTH2_ALLOW_UNVERIFIED_LEGACY_UID_MIGRATION = allowed
    row = create_old_row("ada@example.com", stored)

    _, body = log_in(status)

    row.refresh_from_db()
    if status == 201:
        assert (row.uid, row.id_key) == ("1101", "sub")
    else:
        assert body["error_code"] == "identifier_migration_conflict"
    assert User.objects.count() == 1


@pytest.mark.django_db
def test_row_with_sub_needs_its_old_key_before_migrate(
    apply: Callable[..., None], log_in: Callable[..., Any]
) -> None:
    (block,) = (
        each for each in python_blocks("djoser", "settings") if "SOCIAL_AUTH_OLD_ID_KEYS" in each
    )
    apply(block)
    row = create_old_row("1101")

    log_in()

    row.refresh_from_db()
    assert (row.uid, row.id_key, User.objects.count()) == ("1101", "sub", 1)


@pytest.mark.django_db
def test_row_with_sub_and_the_wrong_key_is_repaired(
    apply: Callable[..., None], log_in: Callable[..., Any]
) -> None:
    apply({})
    create_old_row("1101")
    log_in(500)

    run_block("backend/djoser.rst", 'rows.exclude(uid__contains="@")')

    log_in()
    assert User.objects.count() == 1
