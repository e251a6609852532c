"""Logins with OAuth 1.0a."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
import responses
from django.contrib.auth import get_user_model
from social_core.backends.oauth import BaseOAuth1

from tests.support.configuration import Configure
from tests.support.frontend import REDIRECT_URI, Frontend
from tests.support.oauth1_provider import URL, Twitter

pytestmark = pytest.mark.django_db
User = get_user_model()


class Legacy(BaseOAuth1):
    """A provider of OAuth 1.0 that calls the token by another name."""

    name = "legacy"
    AUTHORIZATION_URL = "https://legacy.example.com/authorize"
    REQUEST_TOKEN_URL = "https://legacy.example.com/request"
    ACCESS_TOKEN_URL = "https://legacy.example.com/access"
    ACCESS_TOKEN_METHOD = "GET"
    OAUTH_TOKEN_PARAMETER_NAME = "request_token"


@pytest.fixture(autouse=True)
def project(settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [
        "social_core.backends.twitter.TwitterOAuth",
        "tests.api.protocols.test_oauth1.Legacy",
    ]
    for name in ("TWITTER", "LEGACY"):
        setattr(settings, f"SOCIAL_AUTH_{name}_KEY", "our-key")
        setattr(settings, f"SOCIAL_AUTH_{name}_SECRET", "our-secret")


@pytest.fixture
def twitter(wire: responses.RequestsMock) -> Twitter:
    return Twitter(wire)


@pytest.mark.parametrize("encoding", ["json", "multipart"])
def test_login(encoding: str, frontend: Frontend, twitter: Twitter) -> None:
    frontend.format = encoding
    begun = frontend.begin("twitter")
    callback = twitter.authorize(begun.data["authorization_url"])

    answer = frontend.complete(begun, callback, "twitter")

    assert answer.status_code == 201, answer.data
    assert User.objects.get().username == "ada"
    (exchange,) = twitter.sent("/oauth/access_token")
    assert exchange["oauth_token"] == "token-1"
    assert exchange["oauth_verifier"] == "verifier-of-token-1"


@pytest.mark.parametrize(
    "uri", [REDIRECT_URI, "https://app.example.com/cb?next=%2Fa%26b&x=1+2/", "com.example.app:/cb"]
)
def test_the_redirect_uri_reaches_the_provider_as_it_is(
    uri: str, frontend: Frontend, twitter: Twitter, configure: Configure
) -> None:
    configure(ALLOWED_REDIRECT_URIS=[uri])

    frontend.begin("twitter", redirect_uri=uri)

    (asked,) = twitter.sent("/oauth/request_token")
    assert unquote(asked["oauth_callback"]) == unquote(uri)
    header = str(twitter.wire.calls[0].request.headers["Authorization"], "utf-8")
    assert "redirect_state" not in header


def test_two_tabs(frontend: Frontend, twitter: Twitter) -> None:
    begun = [frontend.begin("twitter") for _ in range(2)]

    answers = [
        frontend.complete(each, twitter.authorize(each.data["authorization_url"]), "twitter")
        for each in begun
    ]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert [sent["oauth_token"] for sent in twitter.sent("/oauth/access_token")] == [
        "token-1",
        "token-2",
    ]


def test_a_flow_completes_once(frontend: Frontend, twitter: Twitter) -> None:
    begun = frontend.begin("twitter")
    callback = twitter.authorize(begun.data["authorization_url"])

    answers = [frontend.complete(begun, callback, "twitter") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 400]
    assert len(twitter.sent("/oauth/access_token")) == 1


def test_a_token_of_another_login(frontend: Frontend, twitter: Twitter) -> None:
    first, second = frontend.begin("twitter"), frontend.begin("twitter")
    stolen = twitter.authorize(second.data["authorization_url"])
    frontend.client.cookies.pop(next(iter(second.cookies), ""), None)

    answer = frontend.complete(first, stolen, "twitter")

    assert answer.status_code == 400
    assert twitter.sent("/oauth/access_token") == []
    own = twitter.authorize(first.data["authorization_url"])
    assert frontend.complete(first, own, "twitter").status_code == 201


@pytest.mark.parametrize(
    "callback",
    [
        {"denied": "token-1"},
        {"oauth_token": "token-1", "oauth_problem": "user_refused"},
        {"oauth_token": "token-1", "oauth_problem": "permission_denied"},
        {"oauth_token": "token-1", "error": "access_denied"},
    ],
)
def test_the_user_declines(callback: dict[str, str], frontend: Frontend, twitter: Twitter) -> None:
    begun, newer = frontend.begin("twitter"), frontend.begin("twitter")

    answer = frontend.complete(begun, callback, "twitter")

    assert (answer.status_code, answer.data["error_code"]) == (400, "authorization_declined")
    # It was the older of two tabs.
    own = twitter.authorize(newer.data["authorization_url"])
    assert frontend.complete(newer, own, "twitter").status_code == 201


@pytest.mark.parametrize(
    ("callback", "code", "recovery"),
    [
        ({"error": "temporarily_unavailable"}, "unavailable", "retry_later"),
        ({"error": "login_required"}, "reauthentication_required", "reauthenticate"),
        ({"oauth_problem": "nonce_used"}, "http_error", "contact_administrator"),
        ({"oauth_problem": "token_expired"}, "authorization_code_rejected", "restart_login"),
    ],
)
def test_other_errors(
    callback: dict[str, str], code: str, recovery: str, frontend: Frontend, twitter: Twitter
) -> None:
    begun = frontend.begin("twitter")

    answer = frontend.complete(begun, callback, "twitter")

    assert answer.status_code == 400
    assert (answer.data["error_code"], answer.data["error_recovery"]) == (code, recovery)


def test_a_callback_without_a_token(frontend: Frontend, twitter: Twitter) -> None:
    begun = frontend.begin("twitter")

    answer = frontend.complete(begun, {"oauth_verifier": "verifier"}, "twitter")

    assert (answer.status_code, answer.data) == (400, {"oauth_token": ["This field is required."]})


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (500, "", "unavailable"),
        (401, "", "http_error"),
        (200, "oauth_problem=consumer_key_rejected", "http_error"),
        (200, "oauth_token=token", "missing_claim"),
        (200, "\0", "missing_claim"),
    ],
)
def test_the_provider_gives_no_request_token(
    status: int, body: str, code: str, frontend: Frontend, wire: responses.RequestsMock
) -> None:
    wire.post(f"{URL}/oauth/request_token", status=status, body=body)

    answer = frontend.begin("twitter")

    assert (answer.status_code, answer.data["error_code"]) == (400, code)


def test_a_provider_of_oauth_1_that_calls_the_token_otherwise(
    frontend: Frontend, wire: responses.RequestsMock
) -> None:
    tokens = iter(["one", "two"])

    def request_token(request: Any) -> tuple[int, dict[str, str], str]:
        token = next(tokens)
        return 200, {}, f"oauth_token={token}&request_token={token}&oauth_token_secret=secret"

    wire.add_callback("GET", Legacy.REQUEST_TOKEN_URL, callback=request_token)
    exchange = wire.get(Legacy.ACCESS_TOKEN_URL, status=401)
    begun = [frontend.begin("legacy") for _ in range(2)]

    for each in begun:
        asked = dict(parse_qsl(urlsplit(each.data["authorization_url"]).query))
        frontend.complete(each, {"request_token": asked["request_token"]}, "legacy")

    sent = [str(call.request.headers["Authorization"], "utf-8") for call in exchange.calls]
    assert ['oauth_token="one"' in sent[0], 'oauth_token="two"' in sent[1]] == [True, True]


def test_any_provider_may_say_denied(frontend: Frontend, wire: responses.RequestsMock) -> None:
    body = "request_token=token&oauth_token=token&oauth_token_secret=secret"
    wire.get(Legacy.REQUEST_TOKEN_URL, body=body)
    begun = frontend.begin("legacy")

    answer = frontend.complete(begun, {"denied": "token"}, "legacy")

    assert (answer.status_code, answer.data["error_code"]) == (400, "authorization_declined")
