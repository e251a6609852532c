"""Providers that cannot be used to sign in, and can be connected."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import responses
from social_core.backends.utils import load_backends

from tests.support.accounts import connections, disconnect, logged_in, uids
from tests.support.frontend import Frontend, authorization_params, error
from tests.support.pipeline import ASK_NAME, LAST, pipeline_with

pytestmark = pytest.mark.django_db

BEARER = {"access_token": "a token of the provider", "token_type": "bearer"}
DRIP_USER = {"users": [{"email": "g@x.org", "name": "G"}]}
LASTFM_SESSION = {"session": {"name": "grace", "key": "k"}}
# Backend, responses of the provider, and the uid of the user there.
PROVIDERS: dict[str, tuple[str, list[tuple[str, str, Any]], str]] = {
    "drip": (
        "social_core.backends.drip.DripOAuth",
        [
            ("GET", "https://api.getdrip.com/v2/user", DRIP_USER),
            ("POST", "https://www.getdrip.com/oauth/token", BEARER),
        ],
        "g@x.org",
    ),
    "lastfm": (
        "social_core.backends.lastfm.LastFmAuth",
        [("POST", "https://ws.audioscrobbler.com/2.0/", LASTFM_SESSION)],
        "grace",
    ),
    "mixcloud": (
        "social_core.backends.mixcloud.MixcloudOAuth2",
        [
            ("GET", "https://api.mixcloud.com/me/", {"username": "grace", "name": "Grace"}),
            ("POST", "https://www.mixcloud.com/oauth/access_token", BEARER),
        ],
        "grace",
    ),
    "twilio": ("social_core.backends.twilio.TwilioAuth", [], "AC1"),
}


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest, settings: Any, wire: responses.RequestsMock) -> str:
    """Configure a provider that can only be connected; return its name."""
    path, urls, _ = PROVIDERS[request.param]
    settings.AUTHENTICATION_BACKENDS = [path]
    settings.SOCIAL_AUTH_KEY = settings.SOCIAL_AUTH_SECRET = "value"
    for method, url, body in urls:
        wire.add(method, url, json=body)
    return str(request.param)


def callback_of(begun: Any) -> dict[str, str]:
    """Return the callback's parameters, with the state from wherever the provider got it."""
    params = authorization_params(begun)
    inner = dict(parse_qsl(urlsplit(params.get("cb") or params.get("redirect_uri", "")).query))
    merged = {**params, **inner}
    states = {name: merged[name] for name in ("state", "redirect_state") if name in merged}
    return {"code": "1", "token": "t", "AccountSid": "AC1", **states}


def test_login_is_rejected(provider: str, frontend: Frontend) -> None:
    begun = frontend.begin(provider)
    completed = frontend.post({"code": "code", "state": "state", "AccountSid": "7"}, provider)

    assert error(begun) == (400, "authentication_disallowed")
    assert begun.data["error_recovery"] == "use_existing_account"
    assert "connected" in begun.data["non_field_errors"][0]
    assert completed.status_code == 400


def test_connect_links_the_identity_to_the_user_who_began(
    provider: str, grace: Frontend, alan: Frontend
) -> None:
    uid = PROVIDERS[provider][2]
    begun = grace.begin(provider)
    callback = callback_of(begun)
    alan.client.cookies = grace.client.cookies

    rejected = alan.complete(begun, callback, provider)
    response = grace.complete(begun, callback, provider)

    assert error(rejected) == (400, "user_mismatch")
    assert response.status_code == 201, response.data
    assert (response.data["provider"], response.data["uid"]) == (provider, uid)
    assert connections() == [("grace", provider, uid)]
    assert "token" not in json.dumps(response.data)


def test_paused_connect_resumes(provider: str, grace: Frontend, settings: Any) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((LAST, ASK_NAME))
    begun = grace.begin(provider)

    paused = grace.complete(begun, callback_of(begun), provider)
    response = grace.resume(paused, provider, name="x")

    assert (paused.status_code, response.status_code) == (202, 201), response.data
    assert connections() == [("grace", provider, PROVIDERS[provider][2])]


@pytest.mark.usefixtures("wire")
def test_connection_does_not_count_as_a_way_to_sign_in(ada: Any, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [
        "social_core.backends.drip.DripOAuth",
        "social_core.backends.github.GithubOAuth2",
    ]
    load_backends(settings.AUTHENTICATION_BACKENDS, force_load=True)
    drip = ada.social_auth.create(provider="drip", uid="3")
    ada.social_auth.get(provider="oidc").delete()
    client = logged_in(ada)

    last = disconnect(client, ada.social_auth.get(provider="github"))

    assert error(last) == (400, "disconnect_disallowed")
    assert disconnect(client, drip).status_code == 204
    assert uids() == ["2"]
