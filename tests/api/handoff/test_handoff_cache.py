"""The cache in which a provider's response waits for the frontend."""

from __future__ import annotations

import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.cache.backends.base import BaseCache

from social_endpoints.internal.flows import handoff_cache
from tests.support.frontend import Frontend, error
from tests.support.handoff import handoff_params, post_to_callback
from tests.support.openid_provider import OpenIDProvider

pytestmark = pytest.mark.django_db

CACHES = {
    "redis": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": "redis://127.0.0.1:6379",
    },
    "process": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}


@pytest.fixture(params=[pytest.param("redis", marks=pytest.mark.needs("redis")), "process"])
def shared_cache(request: pytest.FixtureRequest, settings: Any) -> None:
    """Use one of Django's caches that the servers of a deployment share."""
    settings.CACHES = {"default": {**CACHES[request.param], "KEY_PREFIX": secrets.token_hex(4)}}


@pytest.mark.usefixtures("shared_cache")
def test_login_completes_with_each_cache(openid: OpenIDProvider) -> None:
    frontend = Frontend("body")
    begun, posted = frontend.authorize(openid)
    code = handoff_params(post_to_callback(posted))

    for wrong in ({**code, "code": "wrong"}, {**code, "state": "wrong"}):
        assert frontend.complete(begun, wrong).status_code == 400
    assert frontend.complete(begun, code).status_code == 201
    assert frontend.complete(begun, code).status_code == 400


@pytest.mark.usefixtures("shared_cache")
def test_response_is_returned_once_to_requests_at_the_same_time() -> None:
    response = {"code": "the provider's"}
    for _ in range(20):
        code = handoff_cache.store_callback("oidc", "state", response)
        with ThreadPoolExecutor(4) as pool:
            calls = [
                pool.submit(handoff_cache.take_callback, "oidc", "state", code) for _ in range(4)
            ]
        assert [call.result() for call in calls].count(response) == 1


def test_code_expires_after_a_minute(
    frontend: Frontend, openid: OpenIDProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, posted = frontend.authorize(openid)
    late = handoff_params(post_to_callback(posted))
    now = time.time()
    with monkeypatch.context() as later:
        later.setattr(time, "time", lambda: now + 61)
        rejected = frontend.complete(begun, late)

    assert error(rejected) == (400, "state_mismatch")
    completed = frontend.complete(begun, handoff_params(post_to_callback(posted)))
    assert completed.status_code == 201


def test_callback_that_the_cache_has_not_stored_is_a_503(
    openid: OpenIDProvider, settings: Any
) -> None:
    """The client of the cache hides that the server is down."""
    _, posted = Frontend("body").authorize(openid)
    settings.CACHES = {"default": {"BACKEND": "tests.support.caches.SilentCache"}}

    response = post_to_callback(posted)

    assert (response.status_code, response.has_header("Location")) == (503, False)


class UnreachableCache(BaseCache):
    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def get(self, *args: Any, **kwargs: Any) -> Any:
        raise ConnectionError

    set = get


def test_unreachable_cache_is_logged(
    openid: OpenIDProvider, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.CACHES = {"default": {"BACKEND": f"{__name__}.UnreachableCache"}}
    frontend = Frontend()
    begun, posted = frontend.authorize(openid)

    page = post_to_callback(posted)
    completed = frontend.complete(begun, posted)

    assert page.status_code == 503
    assert error(completed) == (503, "storage_unavailable")
    assert completed.data["error_recovery"] == "retry_later"
    assert "ConnectionError" in caplog.text
