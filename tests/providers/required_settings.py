"""The settings without which a backend cannot be used."""

from __future__ import annotations

import io
import json
from contextlib import suppress
from typing import Any

from django.conf import settings as project
from django.core.management import CommandError, call_command
from django.test import override_settings
from social_core.utils import setting_name

from tests.providers.backends import path_of, shipped

# Settings that a login reads and a begin does not, so the command does not report them.
_READ_LATER = {
    "azuread-b2c-oauth2": ["SECRET", "TENANT_NAME"],
    "azuread-oauth2": ["SECRET"],
    "azuread-oauth2-v2": ["SECRET"],
    "azuread-tenant-oauth2": ["SECRET", "TENANT_ID"],
    "azuread-v2-tenant-oauth2": ["SECRET", "TENANT_ID"],
    "bitbucket-datacenter-oauth2": ["SECRET"],
    "bungie": ["API_KEY", "ORIGIN"],
    "casdoor": ["SECRET"],
    "github-enterprise": ["API_URL"],
    "github-enterprise-org": ["API_URL", "NAME"],
    "github-enterprise-team": ["API_URL", "ID"],
    "github-org": ["NAME"],
    "github-team": ["ID"],
    "google-onetap": ["KEY"],
    "kick": ["SECRET"],
    "lastfm": ["KEY", "SECRET"],
    "mediawiki": ["MEDIAWIKI_URL"],
    "odnoklassniki-app": ["KEY", "SECRET", "PUBLIC_NAME"],
    "odnoklassniki-oauth2": ["PUBLIC_NAME"],
    "oidc": ["SECRET"],
    "openstreetmap-oauth2": ["SECRET"],
    "saml": [
        "SP_PUBLIC_CERT",
        "SP_PRIVATE_KEY",
        "ORG_INFO",
        "TECHNICAL_CONTACT",
        "SUPPORT_CONTACT",
    ],
    "stackoverflow": ["API_KEY"],
    "twilio": ["KEY", "SECRET"],
    "twitter-oauth2": ["SECRET"],
    "vk-openapi": ["APP_ID"],
    "weblate": ["SECRET"],
}

# The frontend names the shop, from which the backend makes the URLs.
_NOT_SETTINGS = {"shopify": {"AUTHORIZATION_URL", "ACCESS_TOKEN_URL"}}

_PLACEHOLDERS = {"POLICY": "b2c_policy", "ENABLED_IDPS": {}}


def needs(name: str) -> list[str]:
    """Return the names of the settings, without the prefix ``SOCIAL_AUTH_<BACKEND>_``.

    ``social_providers`` reports missing settings, until all have a value.
    """
    found: list[str] = []
    while more := [each for each in _missing(name, found) if each not in found]:
        found += more
    found = list(dict.fromkeys(found + _READ_LATER.get(name, [])))
    return [each for each in found if each not in _NOT_SETTINGS.get(name, ())]


def _missing(name: str, given: list[str]) -> list[str]:
    prefix = f"{setting_name(name)}_"
    # Without the settings of the test project.
    values: dict[str, Any] = {each: None for each in dir(project) if each.startswith(prefix)}
    values |= {prefix + each: _value(each) for each in given}
    output = io.StringIO()
    configured = override_settings(AUTHENTICATION_BACKENDS=[path_of(shipped()[name])], **values)
    with configured, suppress(CommandError):
        call_command("social_providers", "--json", stdout=output)
    entries = json.loads(output.getvalue())["providers"]
    return [each.removeprefix(prefix) for entry in entries for each in entry["settings"]["missing"]]


def _value(setting: str) -> Any:
    is_url = setting.endswith(("URL", "ENDPOINT"))
    return _PLACEHOLDERS.get(setting, "https://id.example.com" if is_url else "value")
