"""The hand-off: a provider posts its answer to the server, and the frontend completes."""

from __future__ import annotations

import json
import logging
import re
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import jwt
import pytest
import responses
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.core.cache.backends.base import BaseCache
from django.urls import include, path
from jwt.algorithms import RSAAlgorithm
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from social_endpoints.internal.flows import handoff_cache as handoffs
from tests.support.configuration import Configure
from tests.support.frontend import REDIRECT_URI, Frontend
from tests.support.openid_provider import OpenIDProvider, signing_key

pytestmark = pytest.mark.django_db
User = get_user_model()
CALLBACK = "/auth/o/oidc/callback/"

# A project that has it all under a tenant's path and a namespace.
urlpatterns = [
    path("<slug:tenant>/auth/", include(("social_endpoints.urls", "tenants"), "tenants")),
]


@pytest.fixture(autouse=True)
def project(settings: Any) -> None:
    settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS = {"response_mode": "form_post"}
    cache.clear()


def hand_off(answer: Any, path: str = CALLBACK, *, method: str = "post") -> Any:
    """Bring a provider's answer as the browser does: from another site, without a cookie."""
    form = {"content_type": "application/x-www-form-urlencoded"}
    body = "&".join(f"{name}={_quoted(text)}" for name, text in answer.items())
    if method == "get":
        return APIClient().get(f"{path}?{body}", secure=True)
    return APIClient().post(path, body, secure=True, **form)


def _quoted(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


def query(response: Any) -> dict[str, str]:
    """Return what the frontend finds in the query of its own URL."""
    return dict(parse_qsl(urlsplit(response.headers["Location"]).query))


@pytest.mark.parametrize("encoding", ["json", "multipart"])
def test_login(encoding: str, frontend: Frontend, openid: OpenIDProvider) -> None:
    frontend.format = encoding
    begun = frontend.begin()
    asked = parse_qs(urlsplit(begun.data["authorization_url"]).query)
    answer = openid.authorize(begun.data["authorization_url"])

    handed_off = hand_off(answer)
    completed = frontend.complete(begun, query(handed_off))

    assert asked["redirect_uri"] == [f"https://testserver{CALLBACK}"]
    assert handed_off.status_code == 303
    assert handed_off.headers["Location"].startswith(f"{REDIRECT_URI}?code=")
    assert query(handed_off)["state"] == answer["state"]
    assert answer["code"] not in handed_off.headers["Location"]
    assert "no-store" in handed_off.headers["Cache-Control"]
    assert handed_off.headers["Referrer-Policy"] == "no-referrer"
    assert not handed_off.cookies
    assert completed.status_code == 201, completed.data
    assert completed.data == {"token": Token.objects.get(user__username="ada").key}


def test_it_signs_nobody_in_by_itself(frontend: Frontend, openid: OpenIDProvider) -> None:
    begun = frontend.begin()
    hand_off(openid.authorize(begun.data["authorization_url"]))

    assert not User.objects.exists()
    assert "/token" not in openid.requests


def test_a_begin_without_a_query_to_the_database(
    frontend: Frontend, openid: OpenIDProvider, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        begun = frontend.begin()
        hand_off(openid.authorize(begun.data["authorization_url"]))


@pytest.mark.parametrize(
    ("uri", "before"),
    [
        ("com.example.app:/callback", "com.example.app:/callback?code="),
        ("https://app.example.com/cb?x=%2F", "https://app.example.com/cb?x=%2F&code="),
        ("https://app.example.com/#/cb", "https://app.example.com/?code="),
        ("https://app.example.com/é", "https://app.example.com/%C3%A9?code="),
    ],
)
def test_it_redirects_to_where_the_login_began_and_nowhere_else(
    uri: str, before: str, frontend: Frontend, openid: OpenIDProvider, configure: Configure
) -> None:
    configure(ALLOWED_REDIRECT_URIS=[uri])
    begun = frontend.begin(redirect_uri=uri)
    answer = openid.authorize(begun.data["authorization_url"])
    evil = "https://evil.example.com/"
    inject = {"redirect_uri": evil, "next": evil, "RelayState": evil, "flow": "flow"}

    handed_off = hand_off({**answer, **inject})

    assert handed_off.status_code == 303
    assert handed_off.headers["Location"].startswith(before)
    assert handed_off.headers["Location"].endswith(uri.partition("/#")[2])
    assert frontend.complete(begun, query(handed_off)).status_code == 201


def test_an_error_is_handed_off_too(frontend: Frontend, openid: OpenIDProvider) -> None:
    begun = frontend.begin()
    state = openid.authorize(begun.data["authorization_url"])["state"]

    for method in ("get", "post"):
        handed_off = hand_off({"error": "access_denied", "state": state}, method=method)
        assert handed_off.status_code == 303
    answer = frontend.complete(begun, query(handed_off))

    assert (answer.status_code, answer.data["error_code"]) == (400, "authorization_declined")


def test_a_code_is_good_once(frontend: Frontend, openid: OpenIDProvider) -> None:
    begun = frontend.begin()
    token = begun.data.get("flow") or next(iter(begun.cookies.values())).value
    code = query(hand_off(openid.authorize(begun.data["authorization_url"])))
    frontend.complete(begun, code)
    if frontend.transport == "cookie":  # As if the browser had kept it.
        frontend.client.cookies[next(iter(begun.cookies))] = token

    again = frontend.complete(begun, code)

    assert (again.status_code, again.data["error_code"]) == (400, "state_mismatch")
    assert openid.requests.count("/token") == 1


def test_a_code_waits_for_a_minute(
    frontend: Frontend, openid: OpenIDProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = frontend.begin()
    answer = openid.authorize(begun.data["authorization_url"])
    late = query(hand_off(answer))
    now = time.time()
    with monkeypatch.context() as later:
        later.setattr(time, "time", lambda: now + 61)
        refused = frontend.complete(begun, late)

    accepted = frontend.complete(begun, query(hand_off(answer)))

    assert (refused.status_code, refused.data["error_code"]) == (400, "state_mismatch")
    assert accepted.status_code == 201


def test_somebody_elses_flow_cannot_redeem_it(frontend: Frontend, openid: OpenIDProvider) -> None:
    victim, attacker = frontend, Frontend(frontend.transport)
    begun, other = victim.begin(), attacker.begin()
    code = query(hand_off(openid.authorize(begun.data["authorization_url"])))
    state = openid.authorize(other.data["authorization_url"])["state"]

    for stolen in (code, {**code, "state": state}):
        answer = attacker.complete(other, stolen)
        assert answer.status_code == 400
    assert not User.objects.exists()
    assert victim.complete(begun, code).status_code == 201


def test_the_providers_own_code_is_none(frontend: Frontend, openid: OpenIDProvider) -> None:
    begun = frontend.begin()
    answer = openid.authorize(begun.data["authorization_url"])

    refused = frontend.complete(begun, answer)

    assert (refused.status_code, refused.data["error_code"]) == (400, "state_mismatch")
    assert frontend.complete(begun, query(hand_off(answer))).status_code == 201


CACHES = {
    "redis": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": "redis://127.0.0.1:6379",
    },
    "process": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}


@pytest.fixture(params=CACHES)
def shared_cache(request: pytest.FixtureRequest, settings: Any) -> str:
    """Keep what is handed off in one of Django's caches, which all servers would share."""
    settings.CACHES = {"default": {**CACHES[request.param], "KEY_PREFIX": secrets.token_hex(4)}}
    return str(request.param)


@pytest.mark.needs("redis")
def test_each_kind_of_cache(shared_cache: str, openid: OpenIDProvider) -> None:
    frontend = Frontend("body")
    begun = frontend.begin()
    answer = openid.authorize(begun.data["authorization_url"])
    # Without it there is no waiting answer: nothing else has kept one.
    code = query(hand_off(answer))

    for wrong in ({**code, "code": "wrong"}, {**code, "state": "wrong"}):
        assert frontend.complete(begun, wrong).status_code == 400
    assert frontend.complete(begun, code).status_code == 201
    assert frontend.complete(begun, code).status_code == 400


@pytest.mark.needs("redis")
def test_of_two_who_redeem_a_code_at_once_one_gets_the_answer(shared_cache: str) -> None:
    taken = []
    for _ in range(20):
        code = handoffs.keep("oidc", "state", {"code": "the provider's"})
        with ThreadPoolExecutor(4) as pool:
            tries = [pool.submit(handoffs.take, "oidc", "state", code) for _ in range(4)]
        taken.append([each.result() for each in tries].count({"code": "the provider's"}))

    assert taken == [1] * 20


def test_a_cache_that_cannot_be_reached(
    openid: OpenIDProvider, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.CACHES = {"default": {"BACKEND": "tests.api.handoff.test_handoff.Unreachable"}}

    begun = Frontend().begin()
    page = hand_off({"code": "code", "state": "state"})

    assert (begun.status_code, begun.data["error_code"]) == (400, "unknown_error")
    assert page.status_code == 400
    assert "ConnectionError" in caplog.text


class Unreachable(BaseCache):
    """A cache whose server is down."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def get(self, *args: Any, **kwargs: Any) -> Any:
        raise ConnectionError

    set = get


def test_who_knows_the_state_cannot_use_the_login_up(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    begun = frontend.begin()
    answer = openid.authorize(begun.data["authorization_url"])

    code = query(hand_off(answer))
    hand_off({"code": "forged", "state": answer["state"]})

    assert frontend.complete(begun, code).status_code == 201


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    ("path", "answer", "status"),
    [
        (CALLBACK, {"code": "code", "state": "of no login"}, 400),
        (CALLBACK, {"code": "code"}, 400),
        (CALLBACK, {}, 400),
        (CALLBACK, {"code": "code", "state": "\0"}, 400),
        ("/auth/o/github/callback/", {"code": "code", "state": "state"}, 400),
        ("/auth/o/unknown/callback/", {"code": "code", "state": "state"}, 404),
        ("/auth/o/email/callback/", {"email": "ada@example.com"}, 404),
        ("/auth/o/%3Cb%3E/callback/", {"code": "code", "state": "state"}, 404),
    ],
)
def test_what_belongs_to_no_login_is_a_readable_page(
    method: str, path: str, answer: dict[str, str], status: int
) -> None:
    page = hand_off(answer, path, method=method)

    assert page.status_code == status
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    text = page.content.decode()
    assert re.search(r"<p>[A-Z][^<]+\.", text) or "not supported" in text
    assert "<b>" not in text
    assert "code" not in text.replace("charset", "")


def test_the_state_of_another_provider_is_none(frontend: Frontend, openid: OpenIDProvider) -> None:
    begun = frontend.begin()
    answer = openid.authorize(begun.data["authorization_url"])

    assert hand_off(answer, "/auth/o/github/callback/").status_code == 400


@pytest.mark.parametrize("size", [handoffs.MAX_LENGTH + 1, 10_000_000])
def test_what_is_too_large_is_not_kept(
    size: int, frontend: Frontend, openid: OpenIDProvider
) -> None:
    begun = frontend.begin()
    answer = openid.authorize(begun.data["authorization_url"])
    body = f"state={answer['state']}&code={'x' * size}"

    page = APIClient().post(
        CALLBACK, body, content_type="application/x-www-form-urlencoded", secure=True
    )

    assert page.status_code == 413
    assert "<p>The body of the request is too large.</p>" in page.content.decode()


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"<xml/>", "text/xml", 415),
        (b"\xff" * 10, "application/x-www-form-urlencoded", 400),
    ],
)
def test_what_cannot_be_read_is_a_page(body: bytes, content_type: str, status: int) -> None:
    page = APIClient().post(CALLBACK, body, content_type=content_type, secure=True)

    assert page.status_code == status
    assert page.content.startswith(b"<!doctype html>")


@pytest.mark.parametrize(
    "body",
    [
        {"partial_token": "x", "state": "s", "foo": 5},
        {"partial_token": "x", "state": None},
        {"partial_token": "x", "state": ["s"], "code": {"a": []}},
        {"x" * (handoffs.MAX_LENGTH + 1): "", "state": "s"},
    ],
    ids=lambda body: f"{len(str(body))} characters",
)
def test_what_no_provider_sends(body: dict[str, Any]) -> None:
    page = APIClient().post(CALLBACK, body, format="json", secure=True)

    assert page.status_code in {400, 413}
    assert page.content.startswith(b"<!doctype html>")


def test_another_method_is_a_page() -> None:
    assert APIClient().put(CALLBACK, secure=True).status_code == 405


def test_the_client_may_ask_for_another_mode_where_the_project_lets_it(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS_OVERRIDE_ALLOWLIST = ["response_mode"]
    begun = frontend.begin(response_mode="query")

    answer = openid.authorize(begun.data["authorization_url"])

    asked = parse_qs(urlsplit(begun.data["authorization_url"]).query)
    assert asked["redirect_uri"] == [REDIRECT_URI]
    assert frontend.complete(begun, answer).status_code == 201


@pytest.mark.urls("tests.api.handoff.test_handoff")
def test_where_the_project_includes_the_urls_under_a_namespace_and_a_parameter(
    openid: OpenIDProvider,
) -> None:
    frontend = Frontend()
    begun = frontend.client.get(
        "/tenant-7/auth/o/oidc/", {"redirect_uri": REDIRECT_URI}, secure=True
    )
    answer = openid.authorize(begun.data["authorization_url"])
    asked = parse_qs(urlsplit(begun.data["authorization_url"]).query)

    handed_off = hand_off(answer, urlsplit(asked["redirect_uri"][0]).path)

    assert asked["redirect_uri"] == ["https://testserver/tenant-7/auth/o/oidc/callback/"]
    assert handed_off.status_code == 303


@pytest.mark.urls("tests.support.unrouted")
def test_where_the_project_has_not_routed_it(
    openid: OpenIDProvider, caplog: pytest.LogCaptureFixture
) -> None:
    answer = Frontend().begin()

    assert (answer.status_code, answer.data["error_code"]) == (500, "invalid_setting")
    assert "provider-callback" in caplog.text


def test_behind_a_proxy_that_says_nothing(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_REDIRECT_IS_HTTPS = True
    begun = frontend.client.get("/auth/o/oidc/", {"redirect_uri": REDIRECT_URI})

    asked = parse_qs(urlsplit(begun.data["authorization_url"]).query)

    assert asked["redirect_uri"] == [f"https://testserver{CALLBACK}"]


def test_nothing_secret_is_logged(
    frontend: Frontend, openid: OpenIDProvider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    begun = frontend.begin()
    answer = openid.authorize(begun.data["authorization_url"])
    code = query(hand_off(answer))
    hand_off({**answer, "state": "unknown"})
    frontend.complete(begun, {**code, "code": "wrong"})
    frontend.complete(begun, code)

    # Django logs the URLs that it is asked for; what was posted stands in none.
    text = "".join(record.getMessage() for record in caplog.records)
    assert answer["code"] not in text
    assert code["code"] not in text


# --- Apple ----------------------------------------------------------------------------

APPLE = "https://appleid.apple.com/auth"


@pytest.fixture
def apple(settings: Any, wire: responses.RequestsMock) -> Any:
    """Configure Sign in with Apple with scopes, which makes it post; return its exchange."""
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.apple.AppleIdAuth"]
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    values = {"CLIENT": "com.example", "TEAM": "team", "KEY": "key", "SECRET": pem}
    for name, value in {**values, "SCOPE": ["name", "email"]}.items():
        setattr(settings, f"SOCIAL_AUTH_APPLE_ID_{name}", value)
    claims = {"iss": "https://appleid.apple.com", "aud": "com.example", "sub": "apple-1"}
    claims |= {"email": "ada@example.com", "iat": int(time.time()), "exp": int(time.time()) + 60}
    id_token = jwt.encode(claims, signing_key(), "RS256", headers={"kid": "1"})
    jwk = json.loads(RSAAlgorithm.to_jwk(signing_key().public_key()))
    wire.get(f"{APPLE}/keys", json={"keys": [{**jwk, "kid": "1"}]})
    return wire.post(f"{APPLE}/token", json={"access_token": "token", "id_token": id_token})


def state_of(begun: Any) -> str:
    return parse_qs(urlsplit(begun.data["authorization_url"]).query)["state"][0]


@pytest.mark.parametrize("encoding", ["json", "multipart"])
def test_apples_first_sign_in(encoding: str, frontend: Frontend, apple: Any) -> None:
    frontend.format = encoding
    begun = frontend.begin("apple-id")
    user = json.dumps({"name": {"firstName": "Ada", "lastName": "Lovelace"}, "email": "x@y.z"})
    posted = {"code": "apples-code", "state": state_of(begun), "id_token": "a.b.c", "user": user}

    handed_off = hand_off(posted, "/auth/o/apple-id/callback/")
    answer = frontend.complete(begun, query(handed_off), "apple-id")

    assert answer.status_code == 201, answer.data
    account = User.objects.get()
    assert (account.first_name, account.last_name) == ("Ada", "Lovelace")
    assert account.email == "ada@example.com"
    (exchange,) = apple.calls
    sent = parse_qs(str(exchange.request.body))
    assert sent["code"] == ["apples-code"]
    assert sent["redirect_uri"] == ["https://testserver/auth/o/apple-id/callback/"]


def test_apples_user_declines(frontend: Frontend, apple: Any) -> None:
    begun = frontend.begin("apple-id")
    posted = {"error": "user_cancelled_authorize", "state": state_of(begun)}

    handed_off = hand_off(posted, "/auth/o/apple-id/callback/")
    answer = frontend.complete(begun, query(handed_off), "apple-id")

    assert (answer.status_code, answer.data["error_code"]) == (400, "authorization_declined")


@pytest.mark.parametrize(
    "user",
    ["{", "[]", "null", '"Ada"', '{"name": "Ada"}', '{"name": null}', '{"name": {"firstName": 1}}'],
)
def test_apples_user_that_is_none(user: str, frontend: Frontend, apple: Any) -> None:
    begun = frontend.begin("apple-id")
    posted = {"code": "code", "state": state_of(begun), "user": user}

    handed_off = hand_off(posted, "/auth/o/apple-id/callback/")
    answer = frontend.complete(begun, query(handed_off), "apple-id")

    assert (answer.status_code, answer.data["error_code"]) == (400, "invalid_parameter")
    assert "user" in answer.data
    assert not User.objects.exists()
    assert apple.call_count == 0


def test_apple_without_scopes_answers_the_page(
    frontend: Frontend, apple: Any, settings: Any
) -> None:
    settings.SOCIAL_AUTH_APPLE_ID_SCOPE = []
    begun = frontend.begin("apple-id")
    asked = parse_qs(urlsplit(begun.data["authorization_url"]).query)

    answer = frontend.complete(begun, {"code": "code", "state": state_of(begun)}, "apple-id")

    assert asked["redirect_uri"] == [REDIRECT_URI]
    assert answer.status_code == 201
