"""Django's admin: connections without provider tokens, nonces without our claims."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import translation
from social_django.models import Association, Nonce, UserSocialAuth

from social_endpoints.internal.connections.encryption import STATE, to_stored
from social_endpoints.internal.connections.token_state import TokenState, describe
from tests.support.configuration import Configure
from tests.support.frontend import Frontend
from tests.support.interpreter import python
from tests.support.languages import MARK, MARKED_LANGUAGE, add_catalogue, mark
from tests.support.openid_provider import OpenIDProvider

pytestmark = pytest.mark.django_db
User = get_user_model()
CONNECTIONS = "/admin/social_django/usersocialauth/"
NONCES = "/admin/social_django/nonce/"
TOKENS = {
    "access_token": {"oauth_token": "the-oauth-token", "oauth_token_secret": "the-oauth-secret"},
    "refresh_token": "the-refresh-token",
    "id_token": "the-id-token",
    "of_the_project": ["the-session-of-the-project"],
}
SHOWN = {
    "auth_time": 1700000000,
    "login": "ada-at-the-provider",
    "scope": "openid email",
    "x": None,
}

SCRIPT = """
import django
from django.conf import settings
settings.configure(
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.messages",
        "django.contrib.admin", *{apps}],
    SECRET_KEY="not secret",
    ROOT_URLCONF="tests.support.admin_urls",
)
django.setup()
from django.contrib import admin
from social_django.models import Nonce, UserSocialAuth
print([type(admin.site.get_model_admin(model)).__name__ for model in (UserSocialAuth, Nonce)])
"""


@pytest.fixture
def staff(settings: Any) -> Client:
    """Return the browser of a superuser, in a project with Django's admin."""
    settings.INSTALLED_APPS = [
        *settings.INSTALLED_APPS,
        "django.contrib.messages",
        "django.contrib.admin",
    ]
    settings.ROOT_URLCONF = "tests.support.admin_urls"
    settings.MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ]
    processors = [
        "django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ]
    (engine,) = settings.TEMPLATES
    settings.TEMPLATES = [{**engine, "OPTIONS": {"context_processors": processors}}]
    settings.STATIC_URL = "static/"
    client = Client()
    client.force_login(
        User.objects.create_superuser("admin"), "django.contrib.auth.backends.ModelBackend"
    )
    return client


@pytest.fixture
def connection() -> UserSocialAuth:
    user = User.objects.create_user("ada")
    return user.social_auth.create(provider="oidc", uid="uid-1", extra_data={**TOKENS, **SHOWN})


def pages(client: Client, connection: UserSocialAuth) -> str:
    paths = [
        "",
        f"?q={connection.uid}",
        f"{connection.pk}/change/",
        f"{connection.pk}/delete/",
        "add/",
    ]
    responses = [client.get(CONNECTIONS + path) for path in paths]
    assert {response.status_code for response in responses} <= {200, 403}
    return "".join(response.content.decode() for response in responses)


@pytest.mark.parametrize("is_superuser", [True, False])
def test_connection_is_shown_without_tokens(
    is_superuser: bool, staff: Client, connection: UserSocialAuth
) -> None:
    viewer = User.objects.get(username="admin")
    viewer.is_superuser = is_superuser
    viewer.save()
    viewer.user_permissions.set(Permission.objects.filter(codename="view_usersocialauth"))

    text = pages(staff, connection)

    assert [
        part for part in ("the-oauth", "the-refresh", "the-id", "the-session") if part in text
    ] == []
    for shown in ("uid-1", "ada-at-the-provider", "openid email", "1700000000", "refresh_token"):
        assert shown in text


@pytest.mark.parametrize("encrypts", [False, True])
def test_state_of_the_access_token_is_shown(
    encrypts: bool, staff: Client, connection: UserSocialAuth, configure: Configure
) -> None:
    configure(ENCRYPT_PROVIDER_TOKENS=encrypts)
    state = TokenState(expires_at=4_070_908_800, scopes=("read", "write"), needs_reconnect=True)
    entry = describe(TOKENS["access_token"], state)
    connection.extra_data = to_stored({**TOKENS, STATE: entry})
    connection.save()

    text = pages(staff, connection)

    for shown in ("Dec. 31, 2098, 6 p.m.", "read write", 'alt="True"'):
        assert shown in text
    for hidden in (entry["token"], "the-oauth", "the-refresh", "encrypted:"):
        assert hidden not in text


@pytest.mark.parametrize("extra_data", [{}, "x", {"access_token": "of an older version"}])
def test_unknown_state_is_shown(extra_data: Any, staff: Client, connection: UserSocialAuth) -> None:
    connection.extra_data = extra_data
    connection.save()

    assert "unknown" in pages(staff, connection)


def test_change_of_a_connection_keeps_its_tokens(staff: Client, connection: UserSocialAuth) -> None:
    form = staff.get(f"{CONNECTIONS}{connection.pk}/change/").context["adminform"].form

    assert "extra_data" not in form.fields


@pytest.mark.parametrize(("query", "found"), [("uid-1", 1), ("ada", 1), ("other", 0)])
def test_connections_are_found_by_uid_and_user(
    query: str, found: int, staff: Client, connection: UserSocialAuth
) -> None:
    response = staff.get(CONNECTIONS, {"q": query, "provider": "oidc"})

    assert response.context["cl"].result_count == found


@pytest.mark.parametrize(
    "lookup", ["extra_data__refresh_token__startswith", "extra_data__contains"]
)
def test_token_cannot_be_guessed_with_a_filter(
    lookup: str, staff: Client, connection: UserSocialAuth
) -> None:
    assert staff.get(CONNECTIONS, {lookup: "the"}).status_code == 400


def test_association_is_shown_without_its_secret(staff: Client) -> None:
    association = Association.objects.create(
        server_url="https://openid.example.com", handle="h", secret="the-key", issued=1, lifetime=2
    )
    url = "/admin/social_django/association/"

    page = staff.get(f"{url}{association.pk}/change/").content.decode()

    assert "the-key" not in page
    assert "openid.example.com" in page
    assert staff.get(url, {"secret__startswith": "the"}).status_code == 400


def test_association_without_a_secret_cannot_be_added(staff: Client) -> None:
    assert staff.get("/admin/social_django/association/add/").status_code == 403


def test_nonces_are_shown_without_claims(staff: Client, openid: OpenIDProvider) -> None:
    Frontend().log_in(openid)
    own = Nonce.objects.get()
    other = Nonce.objects.create(server_url="https://openid.example.com", timestamp=1, salt="s")

    listed = staff.get(NONCES).context["cl"].result_list

    assert own.server_url.startswith("social_endpoints.")
    assert list(listed) == [other]


@pytest.mark.parametrize(
    ("apps", "expected"),
    [
        (["social_django", "social_endpoints"], ["ConnectionAdmin", "NonceAdmin"]),
        (["social_endpoints", "social_django"], ["ConnectionAdmin", "NonceAdmin"]),
        (["social_django"], ["UserSocialAuthOption", "NonceOption"]),
    ],
)
def test_order_of_the_apps_makes_no_difference(apps: list[str], expected: list[str]) -> None:
    outcome = python("-c", SCRIPT.format(apps=apps), settings="")

    assert outcome.stdout.strip() == str(expected), outcome.stderr


def test_classes_of_the_project_are_not_replaced(staff: Client) -> None:
    from social_endpoints.admin import replace_classes  # needs an app that the tests add

    class ProjectAdmin(admin.ModelAdmin):
        pass

    site = admin.AdminSite()
    site.register(UserSocialAuth, ProjectAdmin)

    replace_classes(site)

    assert type(site.get_model_admin(UserSocialAuth)) is ProjectAdmin
    assert not site.is_registered(Nonce)


def test_labels_are_translated_and_secrets_are_hidden_in_each_language(
    staff: Client, settings: Any, tmp_path: Path
) -> None:
    add_catalogue(tmp_path, MARKED_LANGUAGE, mark)
    settings.LOCALE_PATHS = [str(tmp_path)]
    social = UserSocialAuth.objects.create(
        user=User.objects.create_user("ada"), provider="oidc", uid="1", extra_data=TOKENS
    )

    with translation.override(MARKED_LANGUAGE):
        page = staff.get(f"{CONNECTIONS}{social.pk}/change/").content.decode().lower()

    labels = ("access token expires at", "scopes", "needs reconnect", "extra data")
    texts = ("(hidden)", "never, or unknown", "unknown")
    assert [text for text in (*labels, *texts) if f"{MARK}{text}" not in page] == []
    assert "the-oauth" not in page
