"""Rolling a new ``SECRET_KEY`` out to several servers, one after the other."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache

from tests.support.frontend import Frontend, error
from tests.support.handoff import handoff_params, post_to_callback
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import ASK_NAME, BEFORE_CREATE_USER, pipeline_with

pytestmark = pytest.mark.django_db

OLD, NEW = ("a secret key of a server, long enough for every algorithm: " + each for each in "ON")

BEFORE = (OLD, [])
PREPARED = (OLD, [NEW])
SWAPPED = (NEW, [OLD])
AFTER = (NEW, [])

Key = tuple[str, list[str]]


@pytest.fixture
def use(settings: Any) -> Any:
    """Return a function that continues on a server with other keys."""

    def use(key: Key) -> None:
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = key

    return use


def log_in(frontend: Frontend, openid: OpenIDProvider, use: Any, *servers: Key) -> Any:
    """Begin, hand off, complete and resume, each on the next of the servers."""
    first, second = servers
    use(first)
    begun, posted = frontend.authorize(openid)
    use(second)
    handed_off = handoff_params(post_to_callback(posted))
    use(first)
    paused = frontend.complete(begun, handed_off)
    use(second)
    return frontend.resume(paused, name="Ada")


@pytest.fixture(autouse=True)
def handoff_and_pause(settings: Any) -> None:
    cache.clear()
    settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS = {"response_mode": "form_post"}
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((BEFORE_CREATE_USER, ASK_NAME))


@pytest.mark.parametrize(
    "servers",
    [
        pytest.param(pair, id=" and ".join(names))
        for pair, names in (
            ((BEFORE, PREPARED), ("before", "prepared")),
            ((PREPARED, BEFORE), ("prepared", "before")),
            ((PREPARED, SWAPPED), ("prepared", "swapped")),
            ((SWAPPED, PREPARED), ("swapped", "prepared")),
            ((SWAPPED, AFTER), ("swapped", "after")),
            ((AFTER, SWAPPED), ("after", "swapped")),
        )
    ],
)
def test_login_completes_during_each_step_of_the_rotation(
    servers: tuple[Key, Key], frontend: Frontend, openid: OpenIDProvider, use: Any
) -> None:
    assert log_in(frontend, openid, use, *servers).status_code == 201


@pytest.mark.parametrize(
    "keys", [(SWAPPED, BEFORE), (BEFORE, AFTER)], ids=["unprepared", "at once"]
)
def test_login_fails_on_a_server_without_the_key_of_its_begin(
    keys: tuple[Key, Key], frontend: Frontend, openid: OpenIDProvider, use: Any, settings: Any
) -> None:
    del settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS
    use(keys[0])
    begun, callback = frontend.authorize(openid)
    use(keys[1])
    refused = frontend.complete(begun, callback)

    assert error(refused) == (400, "session_context_missing")
    assert refused.data["error_recovery"] == "restart_login"
