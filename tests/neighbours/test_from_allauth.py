"""The recipe that copies the accounts of django-allauth: every person reaches the same user."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from allauth.core.context import request_context
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib.auth import get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import CommandError, call_command
from django.test import RequestFactory
from rest_framework.test import APIClient
from social_django.models import UserSocialAuth

from docs.recipes.from_allauth import BACKENDS, SAME_KEY, Command
from social_endpoints.provider_tokens import get_access_token
from tests.support.configuration import Configure
from tests.support.keys import elliptic_key, private_pem
from tests.support.social_core import BACKENDS as SOCIAL_CORE

pytestmark = pytest.mark.django_db
User = get_user_model()

OBJECT_ID = "5b3f1f1e-8c1b-4d0e-9c75-0a1b2c3d4e5f"
GRAPH = {"id": OBJECT_ID, "mail": "ada@example.com", "userPrincipalName": "ada@example.com"}
OIDC = {"sub": "ada-1", "email": "ada@example.com"}
# The provider of allauth, what it has sent, the backend, and the claims of the same person.
PEOPLE = {
    "google": ("google", {"sub": "1101", "email": "ada@example.com"}, "google-oauth2", {}),
    "google before OpenID Connect": (
        "google",
        {"id": "1101", "email": "ada@example.com", "verified_email": True},
        "google-oauth2",
        {"sub": "1101"},
    ),
    "google with OpenID Connect": ("google", {"sub": "1101"}, "google-openidconnect", {}),
    "github": ("github", {"id": 1815, "login": "ada"}, "github", {"sub": "1815"}),
    "microsoft": ("microsoft", GRAPH, "microsoft-graph", {"sub": OBJECT_ID}),
    "apple": ("apple", {"sub": "000123.abc.1200", "email": "a@example.com"}, "apple-id", {}),
    "facebook": ("facebook", {"id": "3141", "name": "Ada"}, "facebook", {"sub": "3141"}),
    "discord": ("discord", {"id": "8088", "username": "ada"}, "discord", {"sub": "8088"}),
    "oidc": ("company", {"userinfo": OIDC, "id_token": {"sub": "ada-1"}}, "oidc", OIDC),
    "oidc of an older allauth": ("company", OIDC, "oidc", OIDC),
}
CLASSES = {
    "google-oauth2": "social_core.backends.google.GoogleOAuth2",
    "google-openidconnect": "social_core.backends.google_openidconnect.GoogleOpenIdConnect",
    "github": "social_core.backends.github.GithubOAuth2",
    "microsoft-graph": "social_core.backends.microsoft.MicrosoftOAuth2",
    "azuread-v2-tenant-oauth2": "social_core.backends.azuread_tenant.AzureADV2TenantOAuth2",
    "apple-id": "social_core.backends.apple.AppleIdAuth",
    "facebook": "social_core.backends.facebook.FacebookOAuth2",
    "discord": "social_core.backends.discord.DiscordOAuth2",
    "oidc": "social_core.backends.open_id_connect.OpenIdConnectAuth",
    "saml": "social_core.backends.saml.SAMLAuth",
    "slack": "social_core.backends.slack.SlackOAuth2",
}

# Backends that use another protocol, or that the package does not ship.
OTHER_PROTOCOLS = {"google-onetap", "slack-openidconnect", "steam", "telegram", "twitter"}


@pytest.fixture(autouse=True)
def project(settings: Any) -> None:
    """Configure the clients of both packages."""
    settings.SOCIALACCOUNT_PROVIDERS = {
        name: {"APPS": [{"client_id": "client", "secret": "secret"}]}
        for name in ("apple", "discord", "facebook", "github", "google", "microsoft")
    }
    company = {"provider_id": "company", "name": "Company", "client_id": "client"}
    company["settings"] = {"server_url": "https://id.example.com"}  # type: ignore[assignment]
    settings.SOCIALACCOUNT_PROVIDERS["openid_connect"] = {"APPS": [company]}
    for name in ("GOOGLE_OAUTH2", "GOOGLE_OPENIDCONNECT", "MICROSOFT_GRAPH", "FACEBOOK", "DISCORD"):
        setattr(settings, f"SOCIAL_AUTH_{name}_KEY", "client")
        setattr(settings, f"SOCIAL_AUTH_{name}_SECRET", "secret")
    settings.SOCIAL_AUTH_APPLE_ID_CLIENT = "com.example.web"
    settings.SOCIAL_AUTH_APPLE_ID_TEAM = settings.SOCIAL_AUTH_APPLE_ID_KEY = "any value"
    settings.SOCIAL_AUTH_APPLE_ID_SECRET = private_pem(elliptic_key())
    settings.SOCIAL_AUTH_APPLE_ID_SCOPE = ["email", "name"]


@pytest.fixture
def use_backends(settings: Any) -> Callable[..., None]:
    def use(*names: str) -> None:
        settings.AUTHENTICATION_BACKENDS = [CLASSES[name] for name in names]

    return use


def sign_up(provider: str, data: dict[str, Any]) -> SocialAccount:
    """Sign a person up with the code of allauth that handles what a provider has sent."""
    request = RequestFactory().get("/")
    request.session = SessionStore()
    with request_context(request):
        login = (
            get_adapter().get_provider(request, provider).sociallogin_from_response(request, data)
        )
        get_adapter().save_user(request, login)
    return SocialAccount.objects.get(user=login.user)


def account(provider: str, uid: str, extra_data: Any = None, name: str = "ada") -> SocialAccount:
    user = User.objects.create_user(name)
    return SocialAccount.objects.create(
        user=user, provider=provider, uid=uid, extra_data=extra_data or {}
    )


def run(**options: Any) -> str:
    output = StringIO()
    call_command(Command(), stdout=output, **options)
    return output.getvalue()


@pytest.mark.parametrize("person", PEOPLE)
def test_login_after_copy_reaches_user_of_allauth(
    person: str, social_login: Callable[..., Any], use_backends: Callable[..., None]
) -> None:
    provider, data, backend, claims = PEOPLE[person]
    use_backends(backend)
    user = sign_up(provider, data).user

    output = run(map=["company=oidc"] if backend == "oidc" else [])
    client = social_login(APIClient(), backend, **(claims or data))

    assert output == f"{provider} -> {backend}: 1 copied\n"
    assert UserSocialAuth.objects.get().user == user
    assert client.get("/auth/me/", secure=True).data["id"] == user.pk
    assert User.objects.count() == 1


def test_login_without_copy_creates_another_user(
    social_login: Callable[..., Any], use_backends: Callable[..., None]
) -> None:
    use_backends("github")
    sign_up("github", {"id": 1815, "login": "ada"})

    social_login(APIClient(), "github", sub="1815")

    assert User.objects.count() == 2


@pytest.mark.parametrize("value", [True, False])
def test_google_uid_is_sub_whatever_use_unique_user_id_is(
    value: bool, social_login: Callable[..., Any], use_backends: Callable[..., None], settings: Any
) -> None:
    settings.SOCIAL_AUTH_GOOGLE_OAUTH2_USE_UNIQUE_USER_ID = value
    use_backends("google-oauth2")
    sign_up("google", {"sub": "1101", "email": "ada@example.com"})
    run()

    social_login(APIClient(), "google-oauth2", sub="1101", email="new-address@example.com")

    assert UserSocialAuth.objects.get().uid == "1101"
    assert User.objects.count() == 1


def test_google_uid_is_address_with_email_as_id_key(
    social_login: Callable[..., Any], use_backends: Callable[..., None], settings: Any
) -> None:
    settings.SOCIAL_AUTH_GOOGLE_OAUTH2_ID_KEY = "email"
    use_backends("google-oauth2")
    sign_up("google", {"sub": "1101", "email": "ada@example.com"})
    run()

    social_login(APIClient(), "google-oauth2", sub="1101", email="ada@example.com")

    assert UserSocialAuth.objects.get().uid == "ada@example.com"
    assert User.objects.count() == 1


def test_object_id_of_work_account_is_copied_and_personal_account_is_reported(
    use_backends: Callable[..., None], settings: Any
) -> None:
    settings.SOCIAL_AUTH_AZUREAD_V2_TENANT_OAUTH2_ID_KEY = "oid"
    use_backends("azuread-v2-tenant-oauth2")
    sign_up("microsoft", GRAPH)
    personal = account("microsoft", "48d31887fad3abf0", name="grace")

    output = run()

    assert UserSocialAuth.objects.get().uid == OBJECT_ID
    assert f"1 no uid (SocialAccount {personal.pk})\n" in output


def test_microsoft_account_without_object_id_is_reported(
    use_backends: Callable[..., None],
) -> None:
    use_backends("azuread-v2-tenant-oauth2")
    sign_up("microsoft", GRAPH)

    assert "1 no uid" in run()


def test_copy_can_be_repeated(use_backends: Callable[..., None]) -> None:
    use_backends("github")
    for number in range(5):
        account("github", str(number), name=f"user{number}")

    first, second = run(batch_size=2), run(batch_size=2)

    assert first == "github -> github: 5 copied\n"
    assert second == "github -> github: 5 already there\n"
    assert UserSocialAuth.objects.count() == 5


def test_dry_run_writes_nothing(use_backends: Callable[..., None]) -> None:
    use_backends("github")
    account("github", "1")

    assert run(dry_run=True) == "github -> github: 1 to be copied\n"
    assert not UserSocialAuth.objects.exists()


def test_identity_of_another_user_is_reported_and_not_changed(
    use_backends: Callable[..., None],
) -> None:
    use_backends("github")
    grace = User.objects.create_user("grace")
    UserSocialAuth.objects.create(user=grace, provider="github", uid="1")
    ada = account("github", "1")

    output = run()

    assert output == f"github -> github: 1 belongs to another user (SocialAccount {ada.pk})\n"
    assert UserSocialAuth.objects.get().user == grace


def test_two_accounts_with_one_identity_are_not_merged(use_backends: Callable[..., None]) -> None:
    use_backends("slack")
    account("slack", "T1_U1")
    account("slack", "T2_U1", name="grace")

    output = run()

    assert "1 copied" in output
    assert "1 belongs to another user" in output
    assert UserSocialAuth.objects.get().uid == "U1"


@pytest.mark.parametrize("provider", ["company", "battlenet", "apple"])
def test_account_without_backend_is_reported(
    provider: str, use_backends: Callable[..., None]
) -> None:
    use_backends("github")
    ada = account(provider, "1")

    assert run() == f"{provider} -> -: 1 no backend (SocialAccount {ada.pk})\n"


def test_uid_field_of_app_is_respected(use_backends: Callable[..., None]) -> None:
    use_backends("oidc")
    SocialApp.objects.create(
        provider="openid_connect", provider_id="other", settings={"uid_field": "email"}
    )
    account("other", "ada@example.com", {"userinfo": OIDC})

    run(map=["other=oidc"])

    assert UserSocialAuth.objects.get().uid == "ada-1"


def test_saml_uid_has_name_of_identity_provider(use_backends: Callable[..., None]) -> None:
    use_backends("saml")
    account("urn:example.auth0.com", "ada")

    run(map=["urn:example.auth0.com=saml:acme"])

    assert UserSocialAuth.objects.get().uid == "acme:ada"


def test_second_app_has_the_uid_of_its_type(
    use_backends: Callable[..., None],
) -> None:
    use_backends("github")
    SocialApp.objects.create(provider="github", provider_id="github-shop")
    account("github-shop", "1815")

    assert run(map=["github-shop=github"]) == "github-shop -> github: 1 copied\n"
    assert UserSocialAuth.objects.get().uid == "1815"


def test_option_without_accounts_is_reported(use_backends: Callable[..., None]) -> None:
    use_backends("oidc")

    assert run(map=["unknown=oidc"]) == "unknown: no SocialAccount has this provider\n"


def test_unknown_backend_of_option_is_an_error() -> None:
    with pytest.raises(CommandError, match="'missing' is not the name of a backend"):
        run(map=["company=missing"])


def test_tokens_are_copied_only_if_asked_for(
    use_backends: Callable[..., None], configure: Configure
) -> None:
    use_backends("google-oauth2")
    ada, grace = account("google", "1"), account("google", "2", name="grace")
    expires_at = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    for each in (ada, grace):
        SocialToken.objects.create(
            account=each, token="access", token_secret="refresh", expires_at=expires_at
        )

    run(tokens=True)

    social = UserSocialAuth.objects.get(user=ada.user)
    assert social.extra_data["refresh_token"] == "refresh"
    assert 3500 < social.expiration_timedelta().total_seconds() <= 3600
    assert get_access_token(ada.user, "google-oauth2").token == "access"
    configure(ENCRYPT_PROVIDER_TOKENS=True)
    call_command("encrypt_provider_tokens", verbosity=0, stdout=StringIO())
    social.refresh_from_db()
    assert "refresh" not in social.extra_data["refresh_token"]
    assert get_access_token(ada.user, "google-oauth2").token == "access"


def test_copy_without_tokens_keeps_time_of_last_login(use_backends: Callable[..., None]) -> None:
    use_backends("google-oauth2")
    ada = account("google", "1")
    SocialToken.objects.create(account=ada, token="access")

    run()

    (social,) = UserSocialAuth.objects.all()
    assert social.extra_data == {
        "from_allauth": ada.pk,
        "auth_time": int(ada.last_login.timestamp()),
    }


def test_undo_deletes_only_copied_rows(
    social_login: Callable[..., Any], use_backends: Callable[..., None]
) -> None:
    use_backends("github")
    account("github", "1815")
    run()
    social_login(APIClient(), "github", sub="1815")
    social_login(APIClient(), "github", sub="1906")

    assert run(undo=True, dry_run=True) == "1 to be deleted\n"
    assert run(undo=True) == "1 deleted\n"

    assert UserSocialAuth.objects.get().uid == "1906"
    assert SocialAccount.objects.count() == 1


def test_uids_of_the_recipe_are_those_of_social_core() -> None:
    """The others are in ``extra_data`` of allauth, or need the setting ``ID_KEY``."""
    others = {("bitbucket_oauth2", "uuid"), ("reddit", "id"), ("microsoft", "sub")}
    differences = set()
    for provider, names in BACKENDS.items():
        for name, same_as in names.items():
            if name in SOCIAL_CORE:
                id_key = SOCIAL_CORE[name].ID_KEY
                if SAME_KEY.get((name, id_key), id_key) != SAME_KEY.get((name, same_as), same_as):
                    differences.add((provider, id_key))
            else:
                assert name in {
                    "google-onetap",
                    "slack-openidconnect",
                    "steam",
                    "telegram",
                    "twitter",
                }

    assert differences == others
