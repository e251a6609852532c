"""The state of a login with a handoff: it contains where to send the browser."""

from __future__ import annotations

import secrets
import time
from typing import Any, ClassVar

import pytest
from django.core.cache.backends.locmem import LocMemCache
from social_core.backends.open_id_connect import OpenIdConnectAuth

from social_endpoints.internal.flows import handoff_cache
from tests.support.configuration import Configure
from tests.support.frontend import REDIRECT_URI, Frontend, authorization_params, error
from tests.support.handoff import CALLBACK, handoff_params, post_to_callback
from tests.support.openid_provider import OpenIDProvider

pytestmark = pytest.mark.django_db

HERE = __name__
SLOTS = 4


class CountingCache(LocMemCache):
    """A cache that counts what the handoff stores."""

    sizes: ClassVar[dict[str, int]] = {}

    def set(self, key: str, value: Any, *args: Any, **kwargs: Any) -> None:
        self.sizes[key] = len(repr(value))
        super().set(key, value, *args, **kwargs)

    def add(self, key: str, value: Any, *args: Any, **kwargs: Any) -> bool:
        self.sizes[key] = len(repr(value))
        return super().add(key, value, *args, **kwargs)


@pytest.fixture
def stored(settings: Any) -> dict[str, int]:
    """Return the sizes of what the handoff stores in a cache of at most 300 entries."""
    options = {"BACKEND": f"{HERE}.CountingCache", "LOCATION": secrets.token_hex(4)}
    settings.CACHES = {"default": options}
    CountingCache.sizes.clear()
    return CountingCache.sizes


def handoffs(stored: dict[str, int]) -> dict[str, int]:
    return {key: size for key, size in stored.items() if "handoff" in key}


def state_of(begun: Any) -> str:
    return authorization_params(begun)["state"]


# --- What is stored -------------------------------------------------------------------


def test_anonymous_begins_do_not_push_out_waiting_logins(
    frontend: Frontend, openid: OpenIDProvider, stored: dict[str, int]
) -> None:
    waiting = [Frontend(frontend.transport) for _ in range(3)]
    begun = [each.authorize(openid) for each in waiting]
    for _ in range(320):
        Frontend("body").begin()

    assert handoffs(stored) == {}
    for each, (response, posted) in zip(waiting, begun, strict=True):
        callback = handoff_params(post_to_callback(posted))
        assert each.complete(response, callback).status_code == 201


@pytest.mark.parametrize("position", [0, 1, 40])
def test_callbacks_of_one_state_are_bounded_and_the_first_and_the_latest_one_complete(
    position: int, frontend: Frontend, openid: OpenIDProvider, stored: dict[str, int]
) -> None:
    begun, posted = frontend.authorize(openid)
    callback = {}
    for number in range(41):
        if number == position:
            callback = handoff_params(post_to_callback(posted))
        else:
            junk = {**posted, "code": f"{number}" + "x" * 240_000}
            assert post_to_callback(junk).status_code == 303

    assert len(handoffs(stored)) == SLOTS
    assert sum(handoffs(stored).values()) < SLOTS * 250_000
    assert frontend.complete(begun, callback).status_code == 201


def test_callback_that_is_too_long_is_refused_by_the_cache() -> None:
    params = {"code": "x" * handoff_cache.MAX_LENGTH}

    with pytest.raises(handoff_cache.CallbackTooLong):
        handoff_cache.store_callback("oidc", "state", params)


@pytest.mark.parametrize("code", ["", "9", "0", "0wrong"])
def test_code_that_was_not_issued_has_no_callback(code: str) -> None:
    for _ in range(20):
        handoff_cache.store_callback("oidc", "state", {"code": "code"})

    assert handoff_cache.take_callback("oidc", "state", code) is None


# --- Which states are accepted --------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda state: "unknown",
        lambda state: state.partition(".")[0],
        lambda state: f".{state.partition('.')[2]}",
        lambda state: f"x{state}",
        lambda state: f"{state[:-1]}{'A' if state[-1] != 'A' else 'B'}",
        lambda state: f"{state}x",
        lambda state: f"{state}xx",
        lambda state: f"{state[:-4]}!{state[-4:]}",
        lambda state: f"{state[:-4]}!!!!{state[-4:]}",
        lambda state: f"{state}.",
        lambda state: f"{state}é",
        lambda state: state.partition(".")[0] + "." + "A" * 40,
    ],
)
def test_state_that_was_not_sent_stores_nothing(
    change: Any, openid: OpenIDProvider, stored: dict[str, int]
) -> None:
    state = state_of(Frontend().begin())

    page = post_to_callback({"code": "code", "state": change(state)})

    assert page.status_code == 400
    assert handoffs(stored) == {}


def test_state_of_an_expired_login_stores_nothing(
    openid: OpenIDProvider, stored: dict[str, int], settings: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_STATE_LIFETIME = 1
    state = state_of(Frontend().begin())
    time.sleep(1.1)

    assert post_to_callback({"code": "code", "state": state}).status_code == 400
    assert handoffs(stored) == {}


class OtherOpenId(OpenIdConnectAuth):
    name = "other"


def test_state_of_another_provider_stores_nothing(
    openid: OpenIDProvider, stored: dict[str, int], settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, f"{HERE}.OtherOpenId"]
    params = {"code": "code", "state": state_of(Frontend().begin())}

    assert post_to_callback(params, CALLBACK.replace("oidc", "other")).status_code == 400
    assert handoffs(stored) == {}


def test_state_of_a_redirect_uri_that_was_removed_stores_nothing(
    openid: OpenIDProvider, stored: dict[str, int], configure: Configure
) -> None:
    state = state_of(Frontend().begin())
    configure(ALLOWED_REDIRECT_URIS=["https://app.example.com/other"])

    assert post_to_callback({"code": "code", "state": state}).status_code == 400
    assert handoffs(stored) == {}


def test_state_survives_the_rotation_of_the_secret_key(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    begun, posted = frontend.authorize(openid)
    first_key, settings.SECRET_KEY = settings.SECRET_KEY, "another secret key, as long as the first"

    assert post_to_callback(posted).status_code == 400
    settings.SECRET_KEY_FALLBACKS = [first_key]
    callback = handoff_params(post_to_callback(posted))
    assert frontend.complete(begun, callback).status_code == 201


# --- The redirect URI -----------------------------------------------------------------


def allow_tenants(uri: str, **kwargs: Any) -> bool:
    return uri.endswith(".tenants.example/cb?é")


@pytest.mark.parametrize(
    ("allowed", "uri"),
    [
        ([REDIRECT_URI], REDIRECT_URI),
        (["http://127.0.0.1/cb"], "http://127.0.0.1:51234/cb"),
        (["http://[::1]/cb"], "http://[::1]:51234/cb"),
        (f"{HERE}.allow_tenants", "https://seven.tenants.example/cb?é"),
    ],
)
def test_browser_returns_to_every_allowed_redirect_uri(
    allowed: Any, uri: str, frontend: Frontend, openid: OpenIDProvider, configure: Configure
) -> None:
    configure(ALLOWED_REDIRECT_URIS=allowed)
    begun = frontend.begin(redirect_uri=uri)
    posted = openid.authorize(begun.data["authorization_url"])

    response = post_to_callback(posted)

    assert response.headers["Location"].startswith(uri.replace("?é", "?%C3%A9"))
    assert frontend.complete(begun, handoff_params(response)).status_code == 201


def test_state_is_short_and_opaque_and_does_not_lengthen_the_cookie(
    openid: OpenIDProvider, configure: Configure
) -> None:
    uri = f"https://app.example.com/{'x' * 300}"
    configure(ALLOWED_REDIRECT_URIS=[uri])
    begun = Frontend("cookie").begin(redirect_uri=uri)

    (cookie,) = begun.cookies.values()
    assert len(state_of(begun)) < 80
    assert len(f"{cookie.key}={cookie.value}") <= 500


class Redirecting(OpenIdConnectAuth):
    """Sends the state in the redirect URI only."""

    STATE_PARAMETER = False
    REDIRECT_STATE = True


def test_backend_that_does_not_send_the_state_cannot_hand_off(
    openid: OpenIDProvider, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{HERE}.Redirecting"]

    assert error(Frontend().begin()) == (500, "unsupported_feature")


def test_frontend_gets_the_state_of_the_authorization_url(openid: OpenIDProvider) -> None:
    begun, posted = Frontend().authorize(openid)

    assert handoff_params(post_to_callback(posted))["state"] == state_of(begun)
