"""The request that refreshes a token: client authentication, format, and provider's quirks."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qs

import pytest
import responses
from social_core.backends.facebook import API_VERSION

from social_endpoints.provider_tokens import ReauthenticationRequired, get_access_token
from tests.support.openid_provider import ISSUER, OpenIDProvider
from tests.support.stored_tokens import connect

pytestmark = pytest.mark.django_db

BASIC = "Basic " + base64.b64encode(b"our-id:our-secret").decode()
ENDPOINTS = {
    "bitbucket-oauth2": "https://bitbucket.org/site/oauth2/access_token",
    "facebook": f"https://graph.facebook.com/v{API_VERSION}/oauth/access_token",
    "github": "https://github.com/login/oauth/access_token",
    "google-oauth2": "https://accounts.google.com/o/oauth2/token",
    "lyft": "https://api.lyft.com/oauth/token",
    "qiita": "https://qiita.com/api/v2/access_tokens",
    "spotify": "https://accounts.spotify.com/api/token",
    "twitter-oauth2": "https://api.twitter.com/2/oauth2/token",
    "vend": "https://shop-a.vendhq.com/api/1.0/token",
    "weixin": "https://api.weixin.qq.com/sns/oauth2/refresh_token",
    "yahoo-oauth2": "https://api.login.yahoo.com/oauth2/get_token",
}
BACKENDS = {
    "bitbucket-oauth2": "bitbucket.BitbucketOAuth2",
    "facebook": "facebook.FacebookOAuth2",
    "github": "github.GithubOAuth2",
    "google-oauth2": "google.GoogleOAuth2",
    "lyft": "lyft.LyftOAuth2",
    "oidc": "open_id_connect.OpenIdConnectAuth",
    "qiita": "qiita.QiitaOAuth2",
    "spotify": "spotify.SpotifyOAuth2",
    "twitter-oauth2": "twitter_oauth2.TwitterOAuth2",
    "vend": "vend.VendOAuth2",
    "weixin": "weixin.WeixinOAuth2",
    "yahoo-oauth2": "yahoo.YahooOAuth2",
}


@pytest.fixture(autouse=True)
def _project(settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [
        f"social_core.backends.{each}" for each in BACKENDS.values()
    ]
    for name in BACKENDS:
        prefix = f"SOCIAL_AUTH_{name.replace('-', '_').upper()}"
        setattr(settings, f"{prefix}_KEY", "our-id")
        setattr(settings, f"{prefix}_SECRET", "our-secret")


def refresh(
    wire: responses.RequestsMock,
    ada: Any,
    provider: str,
    url: str,
    content: Any = None,
    **extra_data: Any,
) -> tuple[str | None, dict[str, str]]:
    """Refresh the token of a provider; return the authorization and the body of the request."""
    connect(ada, provider, **extra_data)
    wire.post(url, json=content or {"access_token": "access-1", "expires_in": 60})
    get_access_token(ada, provider)
    (request,) = (each.request for each in wire.calls if each.request.method == "POST")
    body = request.body.decode() if isinstance(request.body, bytes) else str(request.body)
    authorization = request.headers.get("Authorization")
    if isinstance(authorization, bytes):
        authorization = authorization.decode()
    if request.headers["Content-Type"] == "application/json":
        return authorization, json.loads(body)
    return authorization, {name: values[0] for name, values in parse_qs(body).items()}


GRANT = {"grant_type": "refresh_token", "refresh_token": "refresh-0"}
IN_BODY = {"client_id": "our-id", "client_secret": "our-secret"}


@pytest.mark.parametrize(
    ("provider", "authorization", "credentials"),
    [
        ("bitbucket-oauth2", BASIC, IN_BODY),
        ("github", None, IN_BODY),
        ("google-oauth2", None, IN_BODY),
        ("lyft", BASIC, {}),
        ("qiita", None, IN_BODY),
        ("spotify", BASIC, IN_BODY),
        ("twitter-oauth2", BASIC, {}),
        ("weixin", None, {"appid": "our-id", "secret": "our-secret"}),
        ("yahoo-oauth2", BASIC, {"redirect_uri": "oob"}),
    ],
)
def test_client_is_authenticated_as_in_the_code_exchange(
    provider: str,
    authorization: str | None,
    credentials: dict[str, str],
    ada: Any,
    wire: responses.RequestsMock,
) -> None:
    sent = refresh(wire, ada, provider, ENDPOINTS[provider])

    assert sent == (authorization, {**GRANT, **credentials})


@pytest.mark.parametrize(
    ("method", "secret", "authorization", "credentials"),
    [
        ("client_secret_post", "our-secret", None, IN_BODY),
        ("client_secret_basic", "our-secret", BASIC, {}),
        (None, "our-secret", BASIC, {}),
        ("none", None, None, {"client_id": "our-id"}),
        ("none", "", None, {"client_id": "our-id"}),
        (None, None, None, {"client_id": "our-id"}),
    ],
)
def test_client_of_openid_connect_is_authenticated_as_in_the_code_exchange(
    method: str | None,
    secret: str | None,
    authorization: str | None,
    credentials: dict[str, str],
    ada: Any,
    openid: OpenIDProvider,
    settings: Any,
) -> None:
    settings.SOCIAL_AUTH_OIDC_TOKEN_ENDPOINT_AUTH_METHOD = method
    settings.SOCIAL_AUTH_OIDC_SECRET = secret
    openid.endpoints["token_endpoint_auth_methods_supported"] = None
    openid.endpoints["token_endpoint"] = f"{ISSUER}/refresh"

    sent = refresh(openid.wire, ada, "oidc", f"{ISSUER}/refresh")

    assert sent == (authorization, {**GRANT, **credentials})


def test_facebook_exchanges_the_access_token(ada: Any, wire: responses.RequestsMock) -> None:
    _, body = refresh(wire, ada, "facebook", ENDPOINTS["facebook"], refresh_token=None)

    exchange = {"grant_type": "fb_exchange_token", "fb_exchange_token": "access-0"}
    assert body == {**exchange, **IN_BODY}
    extra_data = ada.social_auth.get().extra_data
    assert (extra_data["access_token"], "refresh_token" in extra_data) == ("access-1", False)


def test_expired_token_of_facebook_needs_a_new_connect(
    ada: Any, wire: responses.RequestsMock
) -> None:
    connect(ada, "facebook", refresh_token=None)
    error = {"message": "Session has expired", "type": "OAuthException", "code": 190}
    wire.post(ENDPOINTS["facebook"], json={"error": error}, status=400)

    with pytest.raises(ReauthenticationRequired):
        get_access_token(ada, "facebook")


def test_rotated_refresh_token_is_stored_although_the_backend_does_not_store_any(
    ada: Any, wire: responses.RequestsMock
) -> None:
    """X's backend has no refresh token in EXTRA_DATA."""
    content = {"access_token": "access-1", "refresh_token": "refresh-1", "expires_in": 7200}

    refresh(wire, ada, "twitter-oauth2", ENDPOINTS["twitter-oauth2"], content)

    assert ada.social_auth.get().extra_data["refresh_token"] == "refresh-1"


def test_vend_is_asked_at_the_shop_of_the_connection(
    ada: Any, wire: responses.RequestsMock
) -> None:
    sent = refresh(wire, ada, "vend", ENDPOINTS["vend"], domain_prefix="shop-a")

    assert sent == (None, {**GRANT, **IN_BODY})


def test_rejection_of_weixin_has_status_200(ada: Any, wire: responses.RequestsMock) -> None:
    connect(ada, "weixin")
    wire.post(ENDPOINTS["weixin"], json={"errcode": 42002, "errmsg": "refresh_token expired"})

    with pytest.raises(ReauthenticationRequired):
        get_access_token(ada, "weixin")
