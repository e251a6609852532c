"""The settings that a strategy finds, and the parts of a request that it reports."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from social_core.backends.github import GithubOAuth2
from social_core.pipeline import DEFAULT_AUTH_PIPELINE
from social_core.strategy import BaseStrategy
from social_django.models import DjangoStorage, Nonce

from social_endpoints.internal.flows.flow import LOGIN, Flow
from social_endpoints.strategy import Strategy


def strategy_of(strategy_class: type[Strategy] = Strategy) -> Strategy:
    flow = Flow("github", LOGIN, "https://app.example.com/")
    return strategy_class(DjangoStorage, None, data={}, flow=flow)


class TenantStrategy(Strategy):
    def get_setting(self, name: str) -> Any:
        return self.session[name]


def test_setting_of_a_project_strategy_is_read_each_time() -> None:
    strategy = strategy_of(TenantStrategy)
    assert strategy.setting("SCOPE") is None

    strategy.session_set("SOCIAL_AUTH_SCOPE", ["a"])

    assert strategy.setting("SCOPE") == ["a"]


def test_revocation_setting_is_read_for_the_backend_of_the_login(settings: Any) -> None:
    settings.SOCIAL_AUTH_GITHUB_REVOKE_TOKENS_ON_DISCONNECT = True
    strategy = strategy_of()
    assert strategy.setting("REVOKE_TOKENS_ON_DISCONNECT", False) is False

    strategy.backend = GithubOAuth2(strategy)

    assert strategy.setting("REVOKE_TOKENS_ON_DISCONNECT", False) is True


@pytest.mark.parametrize("length", [0, 1, 12, 64])
def test_random_string_has_the_requested_length_and_characters(length: int) -> None:
    text = strategy_of().random_string(length)

    assert len(text) == length
    assert set(text) <= set(BaseStrategy.ALLOWED_CHARS)
    assert set(strategy_of().random_string(200, "äb")) == {"ä", "b"}


@pytest.mark.parametrize(
    ("pipeline", "expected"),
    [
        (None, True),
        (DEFAULT_AUTH_PIPELINE, True),
        (list(DEFAULT_AUTH_PIPELINE), True),
        (DEFAULT_AUTH_PIPELINE[:-1], False),
        ([*DEFAULT_AUTH_PIPELINE, "social_core.pipeline.debug.debug"], False),
    ],
)
def test_default_pipeline_is_recognized(pipeline: Any, expected: bool, settings: Any) -> None:
    if pipeline is not None:
        settings.SOCIAL_AUTH_PIPELINE = pipeline
    strategy = strategy_of()

    assert strategy.has_default_pipeline(GithubOAuth2(strategy)) is expected


@pytest.mark.django_db
def test_pipeline_also_runs_outside_of_our_endpoints(settings: Any) -> None:
    settings.SOCIAL_AUTH_PIPELINE = ["tests.unit.test_strategy.find_grace"]
    grace = get_user_model().objects.create_user("grace")
    strategy = strategy_of()

    with strategy.unit_of_work:
        found = strategy.authenticate(GithubOAuth2(strategy), response={})

    assert found == grace


def find_grace(**kwargs: Any) -> dict[str, Any]:
    return {"user": get_user_model().objects.get(username="grace")}


class Recorded:
    """A part of a project's storage that is not a model, and answers every call."""

    objects = None

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kwargs: self.calls.append(name)


class RecordedStorage(DjangoStorage):
    nonce, association, code = Recorded(), Recorded(), Recorded()


def test_storage_of_a_project_is_asked_in_its_own_way() -> None:
    flow = Flow("github", LOGIN, "https://app.example.com/")
    storage: Any = Strategy(RecordedStorage, None, data={}, flow=flow).storage

    storage.nonce.get("https://id.example.com", "salt")
    storage.association.get(server_url="https://id.example.com")
    storage.code.get_code("code")

    assert RecordedStorage.nonce.calls == RecordedStorage.association.calls == ["get"]
    assert RecordedStorage.code.calls == ["get_code"]


@pytest.mark.django_db(transaction=True)
def test_search_for_an_address_outside_a_transaction_locks_nothing() -> None:
    users: Any = strategy_of().storage.user

    assert not users.get_users_by_email("ada@example.com")
    assert not Nonce.objects.exists()


@pytest.mark.django_db
def test_existing_users_are_found_by_any_field() -> None:
    users: Any = strategy_of().storage.user
    get_user_model().objects.create(username="ada", first_name="Ada")

    assert users.user_exists(first_name="Ada")
    assert not users.user_exists(first_name="Eve")
