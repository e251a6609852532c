"""The system checks of native sign-in."""

from __future__ import annotations

from typing import Any

import pytest
from social_core.backends.open_id_connect import OpenIdConnectAuth

from social_endpoints.strategy import Strategy
from tests.support.checks import findings, ids
from tests.support.configuration import Configure

HERE = "tests.unit.checks.test_native"


class ConnectOnly(OpenIdConnectAuth):
    """A provider that can only be connected to an account."""

    name = "oidc-connect-only"
    ASSOCIATION_ONLY = True


class CustomStrategy(Strategy):
    """A strategy that may need a request."""


class BrokenStrategy(Strategy):
    def get_setting(self, name: str) -> Any:
        raise LookupError


@pytest.mark.parametrize(
    ("names", "hints"),
    [
        (["oidc", "github"], []),
        (["odic"], ["Did you mean 'oidc'?"]),
        ([7], ["oidc, github, google-oauth, oidc-connect-only"]),
        ([["oidc"]], ["Did you mean 'oidc'?"]),
        (["google-oauth"], ["Remove it"]),
        (["oidc-connect-only"], []),
    ],
)
def test_provider_that_cannot_sign_in(
    names: Any, hints: list[str], settings: Any, configure: Configure
) -> None:
    settings.AUTHENTICATION_BACKENDS = [
        "social_core.backends.open_id_connect.OpenIdConnectAuth",
        "social_core.backends.github.GithubOAuth2",
        "social_core.backends.google.GoogleOAuth",
        f"{HERE}.ConnectOnly",
    ]
    configure(NATIVE_PROVIDERS=names)

    messages = [message for message in findings() if message.id == "social_endpoints.E019"]

    assert len(messages) == len(hints)
    for message, hint in zip(messages, hints, strict=True):
        assert hint in str(message.hint)


@pytest.mark.parametrize("strategy", [None, f"{HERE}.CustomStrategy"])
@pytest.mark.parametrize(
    ("name", "value", "is_invalid"),
    [
        ("AUDIENCE", 7, True),
        ("AUDIENCE", [None], True),
        ("JWT_ALGORITHMS", ["HS256"], True),
        ("JWT_LEEWAY", "10", True),
        ("INTROSPECTION_URL", "no URL", True),
        ("KEY", None, False),  # check_providers() reports it.
        ("AUDIENCE", ["our-app-id"], False),
    ],
)
def test_invalid_setting_of_a_provider(
    name: str,
    value: Any,
    is_invalid: bool,
    strategy: str | None,
    settings: Any,
    configure: Configure,
) -> None:
    configure(NATIVE_PROVIDERS=["oidc"], **({"STRATEGY": strategy} if strategy else {}))
    setattr(settings, f"SOCIAL_AUTH_OIDC_{name}", value)

    messages = [each.msg for each in findings() if each.id == "social_endpoints.E019"]

    assert len(messages) == (is_invalid and strategy is None)
    assert all(f"SOCIAL_AUTH_OIDC_{name}" in message for message in messages)


@pytest.mark.parametrize(
    ("entries", "identifiers"),
    [
        ({"NATIVE_PROVIDERS": "oidc"}, {"E003"}),
        ({"NATIVE_VERIFIERS": {"oidc": "no.such.Class"}}, {"E020"}),
        ({"STRATEGY": "no.such.Strategy"}, {"E005"}),
        ({"STRATEGY": f"{HERE}.BrokenStrategy"}, set()),  # It is not used.
    ],
)
def test_other_mistakes_are_reported_once(
    entries: dict[str, Any], identifiers: set[str], configure: Configure
) -> None:
    configure(**{"NATIVE_PROVIDERS": ["oidc"], **entries})

    assert ids() == identifiers


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("AUTHENTICATION_BACKENDS", ["no.such.Backend"]),
        ("SOCIAL_AUTH_STORAGE", "no.such.Storage"),
    ],
)
def test_class_that_cannot_be_imported_is_reported_by_another_check(
    setting: str, value: Any, settings: Any, configure: Configure
) -> None:
    setattr(settings, setting, value)
    configure(NATIVE_PROVIDERS=["oidc"])

    assert ids()
    assert "E019" not in ids()
