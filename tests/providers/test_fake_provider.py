"""A login with a fake provider gives the user of the claims, for every backend with OAuth 2."""

from __future__ import annotations

import inspect
import pkgutil
from importlib import import_module
from typing import Any

import pytest
import social_core.backends
from django.contrib.auth import get_user_model
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient
from social_core.backends.legacy import LegacyAuth
from social_core.backends.oauth import BaseOAuth2
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_django.models import UserSocialAuth

from social_endpoints.testing import FakeProviders, ProviderNotFakeable, SocialLogin
from tests.providers.backends import path_of, shipped
from tests.support.fakes import GRACE, configure_backends
from tests.support.keys import elliptic_key, private_pem

pytestmark = pytest.mark.django_db

SITE = "https://id.example.com"
TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"
ENTERPRISE = {"URL": SITE, "API_URL": f"{SITE}/api"}
LINKEDIN = {"FIELD_SELECTORS": ["emailAddress"], "SCOPE": ["r_emailaddress"]}

# What a backend needs in addition to KEY and SECRET.
SETTINGS: dict[str, dict[str, Any]] = {
    "apple-id": {
        "CLIENT": "com.example.web",
        "TEAM": "team",
        "SECRET": private_pem(elliptic_key()),
        "SCOPE": ["name", "email"],
    },
    "auth0": {"DOMAIN": "acme.auth0.com"},
    "auth0_openidconnect": {"DOMAIN": "acme.auth0.com"},
    "azuread-b2c-oauth2": {
        "TENANT_ID": "acme",
        "TENANT_NAME": "acme",
        "POLICY": "b2c_1_signin",
        "AUTHORITY_HOST": "acme.b2clogin.com",
    },
    "azuread-tenant-oauth2": {"TENANT_ID": TENANT},
    "azuread-v2-tenant-oauth2": {"TENANT_ID": TENANT},
    "bitbucket-datacenter-oauth2": {"URL": SITE},
    "bungie": {"API_KEY": "key", "ORIGIN": SITE},
    "cognito": {"POOL_DOMAIN": SITE},
    "discord": {"SCOPE": ["email"]},
    "facebook": {"SCOPE": ["email"]},
    "github-enterprise": ENTERPRISE,
    "github-enterprise-org": {**ENTERPRISE, "NAME": "acme"},
    "github-enterprise-team": {**ENTERPRISE, "ID": "1"},
    "github-org": {"NAME": "acme"},
    "github-team": {"ID": "1"},
    "google-oauth2": {"ID_KEY": "sub"},
    "google-openidconnect": {"ID_KEY": "sub"},
    "linkedin-mobile-oauth2": LINKEDIN,
    "linkedin-oauth2": LINKEDIN,
    "nationbuilder": {"SLUG": "acme"},
    "odnoklassniki-oauth2": {"PUBLIC_NAME": "public"},
    "okta-oauth2": {"API_URL": "https://acme.okta.com/oauth2"},
    "okta-openidconnect": {"API_URL": "https://acme.okta.com/oauth2"},
    "openshift": {"URL": SITE},
    "osso": {"BASE_URL": SITE},
    "phabricator": {"API_URL": SITE},
    "spotify": {"SCOPE": ["user-read-email"]},
    "twitter-oauth2": {"SCOPE": ["users.email"]},
    "uffd": {"BASE_URL": SITE},
}

# The provider sends no address, no name, or only a part of the name, so the user has none.
NO_EMAIL = frozenset(
    [
        "battlenet-oauth2",
        "bungie",
        "coursera",
        "dailymotion",
        "douban-oauth2",
        "eveonline",
        "fitbit",
        "line",
        "lyft",
        "mendeley-oauth2",
        "mixcloud",
        "monzo",
        "openstreetmap-oauth2",
        "pinterest",
        "pushbullet",
        "qiita",
        "qq",
        "quizlet",
        "reddit",
        "stackoverflow",
        "stocktwits",
        "strava",
        "taobao",
        "twitter-oauth2",
        "vimeo-oauth2",
        "weibo",
        "weixin",
        "weixinapp",
    ]
)
NAMES = {
    **dict.fromkeys(
        [
            "battlenet-oauth2",
            "coursera",
            "dailymotion",
            "discord",
            "disqus",
            "drip",
            "fitbit",
            "lyft",
            "mailchimp",
            "mendeley-oauth2",
            "mineid",
            "openshift",
            "openstreetmap-oauth2",
            "osso",
            "pushbullet",
            "quizlet",
            "reddit",
            "taobao",
            "twitch",
            "vend",
            "weixin",
            "weixinapp",
        ],
        "",
    ),
    "bungie": "grace",  # The backend takes the username.
    "datagouv": "Grace",  # There is no last name.
    "grafana": "Grace Hopper -",  # The backend sets the last name to "-".
    "kakao": "race Hopper G",  # The backend splits Korean names.
    "musicbrainz": "grace",  # The backend takes the username.
}
UIDS = {
    "cilogon-oauth2": "4711 ",  # The subject and the issuer, which the profile does not contain.
    "drip": "grace@example.com",  # The address.
    "hubspot": "1:4711",  # The hub and the user.
    "mailchimp": "1:4711",  # The account and the login.
    "salesforce-oauth2": "https://login.salesforce.com/id/00D4711/4711",  # The URL of the profile.
    "salesforce-oauth2-sandbox": "https://login.salesforce.com/id/00D4711/4711",
    "vend": "shop:4711",  # The shop and the user.
}

CONNECT_ONLY = frozenset({"drip", "mixcloud"})
"""Backends that can only be connected."""

NO_REDIRECT = frozenset({"facebook-app", "facebook-limited-login", "loginradius"})
"""OAuth 2 backends without a redirect login."""

NOT_FAKEABLE = frozenset({"shopify", "vk-app"})
"""OAuth 2 backends that a fake provider cannot serve."""


def oauth2_backends() -> list[type[Any]]:
    """Return the classes with OAuth 2 that have a name of their own."""
    modules = pkgutil.iter_modules(social_core.backends.__path__)
    found = {
        each
        for info in modules
        for each in vars(import_module(f"social_core.backends.{info.name}")).values()
        if inspect.isclass(each) and issubclass(each, BaseOAuth2) and vars(each).get("name")
    }
    return sorted(found, key=path_of)


def configure(settings: Any, backend: type[Any]) -> None:
    own = dict(SETTINGS.get(backend.name, {}))
    if issubclass(backend, OpenIdConnectAuth) and not (backend.OIDC_ENDPOINT or own):
        own["OIDC_ENDPOINT"] = SITE
    configure_backends(settings, path_of(backend), **own)


def is_special(backend: type[Any]) -> bool:
    return backend.name in NO_REDIRECT | NOT_FAKEABLE


CASES = [each for each in oauth2_backends() if not is_special(each)]


@pytest.mark.parametrize("backend", CASES, ids=[each.__qualname__ for each in CASES])
def test_user_has_uid_address_and_name_of_claims(backend: type[Any], settings: Any) -> None:
    configure(settings, backend)
    client, name = APIClient(), backend.name
    with FakeProviders() as fakes:
        if name == "keycloak":  # It verifies access tokens with a key in the settings.
            settings.SOCIAL_AUTH_KEYCLOAK_AUTHORIZATION_URL = f"{SITE}/authorize"
            settings.SOCIAL_AUTH_KEYCLOAK_ACCESS_TOKEN_URL = f"{SITE}/token"
            settings.SOCIAL_AUTH_KEYCLOAK_PUBLIC_KEY = fakes(name).public_key
        login, connects = SocialLogin(fakes), name in CONNECT_ONLY
        if connects:
            owner = get_user_model().objects.create(username="owner")
            key = Token.objects.create(user=owner).key
            client.credentials(HTTP_AUTHORIZATION=f"Token {key}")
        begun = login.begin(client, name, connect=connects)
        response = login.complete(client, begun, **GRACE)

    assert response.status_code == 201, response.data
    assert UserSocialAuth.objects.get().uid == UIDS.get(name, "4711")
    if not connects:
        user = get_user_model().objects.get()
        assert user.email == ("" if name in NO_EMAIL else "grace@example.com")
        assert user.get_full_name() == NAMES.get(name, "Grace Hopper")


def test_all_backends_with_oauth2_are_tested() -> None:
    names = {each.name for each in shipped().values() if issubclass(each, BaseOAuth2)}

    assert names == {each.name for each in CASES} | NO_REDIRECT | NOT_FAKEABLE
    assert len(CASES) > 150


OTHERS = [
    name
    for name, each in shipped().items()
    if (name in NOT_FAKEABLE or not issubclass(each, BaseOAuth2))
    and not issubclass(each, LegacyAuth)
]


@pytest.mark.parametrize("name", OTHERS)
def test_backend_with_other_protocol_has_no_fake(name: str, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [path_of(shipped()[name])]

    with pytest.raises(ProviderNotFakeable, match=f"no fake provider for '{name}': "):
        FakeProviders()(name)
