"""The code of the page "Coming from django-allauth" works."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth import get_user_model
from django.core import management
from django.test import Client

from docs.recipes.from_allauth import Command
from tests.support.pages import DOCS, code_blocks, run_block

pytestmark = pytest.mark.django_db
User = get_user_model()
PAGE = "backend/allauth.rst"


@pytest.fixture(autouse=True)
def project(settings: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Apply the settings of the page, and find its command."""
    block = run_block(PAGE, "AUTHENTICATION_BACKENDS")
    for name, value in block.items():
        if name.isupper() and name != "INSTALLED_APPS":
            setattr(settings, name, value)
    monkeypatch.setitem(management.get_commands(), "from_allauth", Command())
    return block


def test_apps_and_urls_of_the_page(project: dict[str, Any], settings: Any) -> None:
    assert {*project["INSTALLED_APPS"]} <= {*settings.INSTALLED_APPS, ...}
    (pattern,) = run_block(PAGE, "urlpatterns")["urlpatterns"]
    assert str(pattern.pattern) == "auth/"


def test_test_of_the_page_passes(social_login: Callable[..., Any]) -> None:
    run_block(PAGE, "def test_ada_keeps")["test_ada_keeps_her_account"](social_login, User)


def test_session_serializer_keeps_the_login_in_the_session(
    social_login: Callable[..., Any],
) -> None:
    client = social_login(Client(), "github", sub="1815")

    assert client.session["_auth_user_id"] == str(User.objects.get().pk)


@pytest.mark.parametrize("stays", [True, False])
def test_session_of_allauth_needs_its_backend(stays: bool, settings: Any) -> None:
    ada = User.objects.create_user("ada")
    path = "allauth.account.auth_backends.AuthenticationBackend"
    client = Client()
    client.force_login(ada, backend=path)
    if not stays:
        settings.AUTHENTICATION_BACKENDS.remove(path)

    assert (client.get("/auth/me/", secure=True).status_code == 200) is stays


@pytest.mark.parametrize("verified", [True, False])
def test_policy_asks_allauth(verified: bool) -> None:
    ada = User.objects.create_user("ada", "ada@example.com")
    EmailAddress.objects.create(user=ada, email="Ada@example.com", verified=verified)
    block = run_block("backend/linking.rst", "def is_verified_by_allauth")
    policy = block["is_verified_by_allauth"]

    assert policy(ada, email="ada@example.com", backend=None) is verified
    assert policy(ada, email="eve@example.com", backend=None) is False
    ada.is_staff = True
    assert policy(ada, email="ada@example.com", backend=None) is False


def test_verified_addresses_are_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    saved = []
    monkeypatch.setattr(User, "save", lambda self, **options: saved.append((self, options)))
    ada, eve = User(username="ada", email="ada@example.com"), User(username="eve", email="e@x.org")
    User.objects.bulk_create([ada, eve])
    EmailAddress.objects.create(user=ada, email="ADA@example.com", verified=True)
    EmailAddress.objects.create(user=ada, email="other@example.com", verified=True)
    EmailAddress.objects.create(user=eve, email="e@x.org", verified=False)

    run_block(PAGE, "for address in EmailAddress")

    assert saved == [(ada, {"update_fields": ["email_verified"]})]


def test_page_has_a_block_for_each_python_file() -> None:
    blocks = code_blocks(DOCS / PAGE, "python")

    assert len(blocks) == 4
