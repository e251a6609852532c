"""OAuth 1.0a."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest
import responses
from django.contrib.auth import get_user_model
from social_core.backends.oauth import BaseOAuth1
from social_django.models import Nonce

from tests.support.configuration import Configure
from tests.support.frontend import REDIRECT_URI, Frontend, authorization_params, details, error
from tests.support.oauth1_provider import URL, Twitter

pytestmark = pytest.mark.django_db
User = get_user_model()


class Legacy(BaseOAuth1):
    """A provider of OAuth 1.0 with another name for the token parameter."""

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
        f"{__name__}.Legacy",
    ]
    for name in ("TWITTER", "LEGACY"):
        setattr(settings, f"SOCIAL_AUTH_{name}_KEY", "our-key")
        setattr(settings, f"SOCIAL_AUTH_{name}_SECRET", "our-secret")


@pytest.fixture
def twitter(wire: responses.RequestsMock) -> Twitter:
    return Twitter(wire)


def authorize(frontend: Frontend, twitter: Twitter) -> tuple[Any, dict[str, str]]:
    """Begin and sign in at the provider; return the response and the callback."""
    begun = frontend.begin("twitter")
    return begun, twitter.authorize(begun.data["authorization_url"])


@pytest.mark.parametrize("encoding", ["json", "multipart"])
def test_login_sends_token_and_verifier(
    encoding: str, frontend: Frontend, twitter: Twitter
) -> None:
    frontend.format = encoding
    begun, callback = authorize(frontend, twitter)

    response = frontend.complete(begun, callback, "twitter")

    assert response.status_code == 201, response.data
    assert User.objects.get().username == "ada"
    (exchange,) = twitter.sent("/oauth/access_token")
    assert exchange["oauth_token"] == "token-1"
    assert exchange["oauth_verifier"] == "verifier-of-token-1"


@pytest.mark.parametrize(
    "uri", [REDIRECT_URI, "https://app.example.com/cb?next=%2Fa%26b&x=1+2/", "com.example.app:/cb"]
)
def test_redirect_uri_is_sent_unchanged(
    uri: str, frontend: Frontend, twitter: Twitter, configure: Configure
) -> None:
    configure(ALLOWED_REDIRECT_URIS=[uri])

    frontend.begin("twitter", redirect_uri=uri)

    (asked,) = twitter.sent("/oauth/request_token")
    assert unquote(asked["oauth_callback"]) == unquote(uri)
    header = str(twitter.wire.calls[0].request.headers["Authorization"], "utf-8")
    assert "redirect_state" not in header


def test_flow_completes_once(frontend: Frontend, twitter: Twitter) -> None:
    login = authorize(frontend, twitter)

    responses = [frontend.complete(*login, "twitter") for _ in range(2)]

    assert [response.status_code for response in responses] == [201, 400]
    assert len(twitter.sent("/oauth/access_token")) == 1


def test_token_of_another_login_is_rejected_and_uses_up_nothing(
    frontend: Frontend, twitter: Twitter
) -> None:
    begun, callback = authorize(frontend, twitter)
    other, other_callback = authorize(frontend, twitter)
    frontend.client.cookies.pop(next(iter(other.cookies), ""), None)

    assert frontend.complete(begun, other_callback, "twitter").status_code == 400
    assert twitter.sent("/oauth/access_token") == []
    assert frontend.complete(begun, callback, "twitter").status_code == 201


@pytest.mark.parametrize(
    "callback",
    [
        {"denied": "token-1"},
        {"oauth_token": "token-1", "oauth_problem": "user_refused"},
        {"oauth_token": "token-1", "oauth_problem": "permission_denied"},
        {"oauth_token": "token-1", "error": "access_denied"},
    ],
)
def test_declined_login_is_reported_and_leaves_other_tab_open(
    callback: dict[str, str], frontend: Frontend, twitter: Twitter
) -> None:
    begun = frontend.begin("twitter")
    newer, newer_callback = authorize(frontend, twitter)

    response = frontend.complete(begun, callback, "twitter")

    assert error(response) == (400, "authorization_declined")
    assert not Nonce.objects.exists()
    assert frontend.complete(newer, newer_callback, "twitter").status_code == 201


@pytest.mark.parametrize(
    ("callback", "code", "recovery"),
    [
        ({"error": "temporarily_unavailable"}, "unavailable", "retry_later"),
        ({"error": "login_required"}, "reauthentication_required", "reauthenticate"),
        ({"oauth_problem": "nonce_used"}, "http_error", "contact_administrator"),
        ({"oauth_problem": "token_expired"}, "authorization_code_rejected", "restart_login"),
    ],
)
def test_error_in_callback_has_specific_code(
    callback: dict[str, str], code: str, recovery: str, frontend: Frontend, twitter: Twitter
) -> None:
    begun = frontend.begin("twitter")

    response = frontend.complete(begun, callback, "twitter")

    assert error(response) == (400, code)
    assert response.data["error_recovery"] == recovery


def test_callback_without_token_is_rejected(frontend: Frontend, twitter: Twitter) -> None:
    begun = frontend.begin("twitter")

    response = frontend.complete(begun, {"oauth_verifier": "verifier"}, "twitter")

    assert response.status_code == 400
    assert details(response) == {"oauth_token": ["This field is required."]}


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
def test_begin_without_request_token_is_rejected(
    status: int, body: str, code: str, frontend: Frontend, wire: responses.RequestsMock
) -> None:
    wire.post(f"{URL}/oauth/request_token", status=status, body=body)

    assert error(frontend.begin("twitter")) == (400, code)


def test_two_tabs_with_another_token_parameter_use_their_own_tokens(
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
        token = authorization_params(each)["request_token"]
        frontend.complete(each, {"request_token": token}, "legacy")

    sent = [str(call.request.headers["Authorization"], "utf-8") for call in exchange.calls]
    assert ['oauth_token="one"' in sent[0], 'oauth_token="two"' in sent[1]] == [True, True]


def test_denied_parameter_means_declined_for_every_provider(
    frontend: Frontend, wire: responses.RequestsMock
) -> None:
    body = "request_token=token&oauth_token=token&oauth_token_secret=secret"
    wire.get(Legacy.REQUEST_TOKEN_URL, body=body)
    begun = frontend.begin("legacy")

    response = frontend.complete(begun, {"denied": "token"}, "legacy")

    assert error(response) == (400, "authorization_declined")
