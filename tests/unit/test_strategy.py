"""What our strategy does in place of python-social-auth's, in less time."""

from __future__ import annotations

from typing import Any

import pytest
from social_core.backends.github import GithubOAuth2
from social_core.strategy import BaseStrategy
from social_django.models import DjangoStorage

from social_endpoints.internal.flows.flow import Flow
from social_endpoints.strategy import Strategy


def strategy_over_nothing(kind: type[Strategy] = Strategy) -> Strategy:
    flow = Flow("github", "login", "https://app.example.com/")
    return kind(DjangoStorage, None, data={}, flow=flow)


@pytest.fixture
def strategy() -> Strategy:
    return strategy_over_nothing()


@pytest.mark.parametrize(
    "name", ["SCOPE", "scope", "ALLOWED_HOSTS", "Some-Thing", "NOWHERE", "URL"]
)
@pytest.mark.parametrize("has_backend", [True, False])
@pytest.mark.parametrize(
    "where",
    [
        {},
        {"SOCIAL_AUTH_GITHUB_SCOPE": ["a"], "SOCIAL_AUTH_SCOPE": ["b"], "SCOPE": ["c"]},
        {"SOCIAL_AUTH_SCOPE": None, "SCOPE": ["c"]},
        {"SOME_THING": 1, "SOCIAL_AUTH_SOME_THING": 2, "SOCIAL_AUTH_GITHUB_SOME_THING": 0},
        {"SOCIAL_AUTH_URL": "/somewhere/"},
    ],
)
def test_a_setting_stands_where_core_has_it(
    name: str, has_backend: bool, where: dict[str, Any], strategy: Strategy, settings: Any
) -> None:
    for setting, value in where.items():
        setattr(settings, setting, value)
    backend = GithubOAuth2(strategy) if has_backend else None

    found = strategy.setting(name, "default", backend)

    assert found == BaseStrategy.setting(strategy, name, "default", backend)


class TenantStrategy(Strategy):
    """Has settings of its own, for whom a login turns out to be of."""

    def get_setting(self, name: str) -> Any:
        return self.session[name]


def test_settings_of_a_project_are_looked_for_each_time() -> None:
    strategy = strategy_over_nothing(TenantStrategy)
    assert strategy.setting("SCOPE") is None

    strategy.session_set("SOCIAL_AUTH_SCOPE", ["a"])

    assert strategy.setting("SCOPE") == ["a"]
