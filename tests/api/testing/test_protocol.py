"""A fake provider checks requests as a provider does (RFC 6749, 7009, 7636, 7662)."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any
from urllib.parse import quote_plus, urlencode

import jwt
import pytest
from django.test import Client
from social_core.backends.github import GithubOAuth2

from social_endpoints.testing import (
    FakeProvider,
    InvalidAuthorizationRequest,
    ProviderRequest,
    ProviderResponse,
)
from social_endpoints.testing.grants import Grant, Grants
from social_endpoints.testing.keys import code_challenge, token_hash
from tests.support.fakes import CLIENT_ID, CLIENT_SECRET, GRACE, Backends
from tests.support.keys import elliptic_key, private_pem

OIDC = "social_core.backends.open_id_connect.OpenIdConnectAuth"
GITHUB = "social_core.backends.github.GithubOAuth2"
APPLE = "social_core.backends.apple.AppleIdAuth"
ISSUER = "https://id.example.com"
CALLBACK = "https://app.example.com/callback"
VERIFIER = "v" * 43


@pytest.fixture(params=["bound", "issuer"])
def fake(request: pytest.FixtureRequest, backends: Backends) -> FakeProvider:
    """Return the fake of one backend, and one that is an issuer for all of them."""
    backends(GITHUB, OIDC)
    is_bound = request.param == "bound"
    return FakeProvider("oidc") if is_bound else FakeProvider(base_url=f"{ISSUER}/")


def authorize(fake: FakeProvider, **params: str) -> dict[str, str]:
    query = {"client_id": CLIENT_ID, "redirect_uri": CALLBACK, "scope": "openid", "state": "s"}
    return fake.authorize({**query, **params}, GRACE).callback_params


def ask(fake: FakeProvider, path: str, authorization: str = "", **form: str) -> Any:
    """Post a form, or send a GET request if it is empty; return status and JSON."""
    body = urlencode(form).encode()
    headers = {"Authorization": authorization} if authorization else {}
    method = "POST" if form else "GET"
    response = fake.respond(ProviderRequest(method, ISSUER + path, headers, body))
    return response.status, json.loads(response.body)


def redeem(fake: FakeProvider, code: str, authorization: str = "", **form: str) -> Any:
    values = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    client = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    return ask(fake, "/token", authorization, **values, **({} if authorization else client), **form)


def basic(client_id: str, secret: str) -> str:
    return "Basic " + b64encode(f"{client_id}:{secret}".encode()).decode()


def test_code_is_redeemed_for_tokens(fake: FakeProvider) -> None:
    code = authorize(fake, nonce="n")["code"]

    status, tokens = redeem(fake, code)

    assert status == 200
    assert tokens["token_type"] == "Bearer"
    key = jwt.PyJWK(ask(fake, "/jwks")[1]["keys"][0])
    claims = jwt.decode(tokens["id_token"], key, ["RS256"], audience=CLIENT_ID, issuer=ISSUER)
    assert claims["nonce"] == "n"
    assert claims["at_hash"] == token_hash(tokens["access_token"])
    assert ask(fake, "/userinfo", f"Bearer {tokens['access_token']}")[1]["sub"] == "4711"


@pytest.mark.parametrize(
    "authorization",
    [
        basic(CLIENT_ID, "wrong"),
        basic("unknown", CLIENT_SECRET),
        "Basic ?",
    ],
)
def test_wrong_client_is_refused(authorization: str, fake: FakeProvider) -> None:
    code = authorize(fake)["code"]

    assert redeem(fake, code, authorization) == (401, {"error": "invalid_client"})
    assert redeem(fake, code, basic(CLIENT_ID, CLIENT_SECRET))[0] == 200


def test_wrong_secret_in_body_is_refused(fake: FakeProvider) -> None:
    code = authorize(fake)["code"]
    form = {"client_id": CLIENT_ID, "client_secret": "wrong", "code": code}

    assert ask(fake, "/token", grant_type="authorization_code", **form)[0] == 401


def test_request_without_client_is_refused(fake: FakeProvider) -> None:
    code = authorize(fake)["code"]

    assert ask(fake, "/token", grant_type="authorization_code", code=code)[0] == 401


@pytest.mark.parametrize(
    ("params", "form", "status"),
    [
        ({}, {}, 200),
        ({"code_challenge": code_challenge(VERIFIER, "S256")}, {}, 400),
        (
            {"code_challenge": code_challenge(VERIFIER, "S256"), "code_challenge_method": "S256"},
            {"code_verifier": VERIFIER},
            200,
        ),
        (
            {"code_challenge": code_challenge(VERIFIER, "S256"), "code_challenge_method": "S256"},
            {"code_verifier": "w" * 43},
            400,
        ),
        ({"code_challenge": VERIFIER}, {"code_verifier": VERIFIER}, 200),
        ({}, {"code_verifier": VERIFIER}, 400),
    ],
)
def test_verifier_must_fit_to_challenge(
    params: dict[str, str], form: dict[str, str], status: int, fake: FakeProvider
) -> None:
    assert redeem(fake, authorize(fake, **params)["code"], **form)[0] == status


def test_other_redirect_uri_is_refused(fake: FakeProvider) -> None:
    code = authorize(fake, redirect_uri="https://app.example.com/other")["code"]

    assert redeem(fake, code) == (400, {"error": "invalid_grant"})


def test_second_use_of_code_revokes_tokens_of_first(fake: FakeProvider) -> None:
    code = authorize(fake)["code"]
    tokens = redeem(fake, code)[1]

    assert redeem(fake, code) == (400, {"error": "invalid_grant"})
    assert ask(fake, "/userinfo", f"Bearer {tokens['access_token']}")[0] == 401


def test_unknown_and_old_codes_are_refused(fake: FakeProvider) -> None:
    grants = Grants()
    code = grants.issue_code(Grant(CLIENT_ID, {}, dict(GRACE), auth_time=0))

    assert grants.redeem(code) is None
    assert redeem(fake, "unknown") == (400, {"error": "invalid_grant"})


def test_refresh_token_is_rotated(fake: FakeProvider) -> None:
    client = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    tokens = redeem(fake, authorize(fake)["code"])[1]
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], **client}

    status, refreshed = ask(fake, "/token", **form)

    assert status == 200
    assert refreshed["access_token"] != tokens["access_token"]
    assert ask(fake, "/token", **form) == (400, {"error": "invalid_grant"})


def test_other_grant_type_is_refused(fake: FakeProvider) -> None:
    form = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "grant_type": "password"}

    assert ask(fake, "/token", **form) == (400, {"error": "unsupported_grant_type"})


@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
def test_revocation_of_a_token_revokes_its_grant(name: str, fake: FakeProvider) -> None:
    tokens = redeem(fake, authorize(fake)["code"])[1]

    assert ask(fake, "/revoke", basic(CLIENT_ID, CLIENT_SECRET), token=tokens[name])[0] == 200
    assert ask(fake, "/userinfo", f"Bearer {tokens['access_token']}")[0] == 401


def test_introspection_reports_client_and_owner(fake: FakeProvider) -> None:
    token = redeem(fake, authorize(fake)["code"])[1]["access_token"]

    client = basic(CLIENT_ID, CLIENT_SECRET)
    content = ask(fake, "/introspect", client, token=token)[1]

    assert content["active"] is True
    assert (content["client_id"], content["sub"]) == (CLIENT_ID, "4711")
    assert ask(fake, "/introspect", client, token="unknown")[1] == {"active": False}


@pytest.mark.parametrize("path", ["/token", "/revoke", "/introspect"])
def test_issuer_authenticates_client_at_each_endpoint(path: str, backends: Backends) -> None:
    backends(OIDC)
    issuer = FakeProvider(base_url=ISSUER)

    assert ask(issuer, path, token="x") == (401, {"error": "invalid_client"})
    assert ask(issuer, path, basic(CLIENT_ID, "wrong"), token="x")[0] == 401


@pytest.mark.parametrize(
    "form",
    [
        {"x": "y"},
        {"grant_type": "authorization_code"},
        {"grant_type": "authorization_code", "code": "x"},
        {"grant_type": "refresh_token"},
    ],
)
def test_incomplete_token_request_to_issuer_is_refused(
    form: dict[str, str], backends: Backends
) -> None:
    backends(OIDC)
    issuer, client = FakeProvider(base_url=ISSUER), basic(CLIENT_ID, CLIENT_SECRET)

    assert ask(issuer, "/token", client, **form) == (400, {"error": "invalid_request"})
    assert ask(issuer, "/token?grant_type=refresh_token&refresh_token=x", client)[0] == 400


@pytest.mark.parametrize("encode", [str, quote_plus])
def test_credentials_in_header_may_be_encoded(
    encode: Any, fake: FakeProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_KEY = client_id = "client id"
    settings.SOCIAL_AUTH_OIDC_SECRET = secret = "a b+c%:/é"
    header = basic(encode(client_id), encode(secret))

    code = authorize(fake, client_id=client_id)["code"]
    status, tokens = redeem(fake, code, header)
    assert status == 200

    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert ask(fake, "/token", header, **form)[0] == 200


def test_credentials_in_latin_1_are_read() -> None:
    header = "Basic " + b64encode("client:é".encode("latin-1")).decode()

    request = ProviderRequest("POST", f"{ISSUER}/token", {"Authorization": header})

    assert request.basic_credentials == ("client", "é")


def test_issuer_ignores_backends_that_cannot_be_faked(backends: Backends) -> None:
    backends("social_core.backends.twitter.TwitterOAuth", OIDC)

    assert authorize(FakeProvider(base_url=ISSUER))["code"]


class OwnTokenUrl(GithubOAuth2):
    """A backend whose token URL needs a value of the callback."""

    name = "own-token-url"

    def access_token_url(self) -> str:
        return f"https://{self.data['domain']}/token"


def test_token_request_without_grant_type_is_recognized_by_its_url(backends: Backends) -> None:
    backends(GITHUB, f"{__name__}.OwnTokenUrl")
    url, body = "https://github.com/login/oauth/access_token", b"code=unknown"

    github, own = FakeProvider("github"), FakeProvider("own-token-url")

    assert json.loads(github.respond(ProviderRequest("POST", url, {}, body)).body) == {
        "error": "invalid_client"
    }
    url = "https://tenant.example.com/token"
    assert json.loads(own.respond(ProviderRequest("POST", url, {}, body)).body) == {
        "error": "invalid_token"
    }
    assert own.client is not None
    assert own.client.issuer() == "https://own-token-url.example.com"


def test_clients_with_same_id_may_have_other_secrets(backends: Backends, settings: Any) -> None:
    backends(GITHUB, OIDC)
    settings.SOCIAL_AUTH_OIDC_SECRET = "another secret"
    issuer = FakeProvider(base_url=ISSUER)

    for secret in (CLIENT_SECRET, "another secret"):
        assert redeem(issuer, authorize(issuer)["code"], basic(CLIENT_ID, secret))[0] == 200


def test_refresh_token_survives_attempt_of_other_client(fake: FakeProvider) -> None:
    fake.clients["other"] = "secret"
    tokens = redeem(fake, authorize(fake)["code"])[1]
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}

    assert ask(fake, "/token", basic("other", "secret"), **form)[0] == 400
    assert ask(fake, "/token", basic(CLIENT_ID, CLIENT_SECRET), **form)[0] == 200


def test_challenge_names_an_error_only_with_a_token(fake: FakeProvider) -> None:
    url = f"{ISSUER}/userinfo"
    challenges = [
        fake.respond(ProviderRequest("GET", url, headers)).headers["WWW-Authenticate"]
        for headers in ({}, {"Authorization": "Bearer x"})
    ]

    assert challenges == ["Bearer", 'Bearer error="invalid_token"']


def test_expired_access_token_is_refused(fake: FakeProvider) -> None:
    fake.expires_in = -1
    token = redeem(fake, authorize(fake)["code"])[1]["access_token"]

    assert ask(fake, "/userinfo", f"Bearer {token}")[0] == 401


def test_discovery_names_the_endpoints(fake: FakeProvider) -> None:
    fake.discovery_fields.update(userinfo_endpoint=None, claims_supported=["sub"])

    document = ask(fake, "/.well-known/openid-configuration")[1]

    assert document["issuer"] == ISSUER
    assert document["token_endpoint"] == f"{ISSUER}/token"
    assert "userinfo_endpoint" not in document


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": "c", "code_challenge_method": "S512"}, "invalid_request"),
    ],
)
def test_invalid_request_is_redirected_with_error(
    params: dict[str, str], error: str, fake: FakeProvider
) -> None:
    assert authorize(fake, **params) == {"error": error, "state": "s"}


@pytest.mark.parametrize("params", [{"client_id": "unknown"}, {"redirect_uri": ""}])
def test_unknown_client_or_missing_uri_is_not_redirected(
    params: dict[str, str], fake: FakeProvider
) -> None:
    with pytest.raises(InvalidAuthorizationRequest):
        authorize(fake, **params)


def test_decline_is_redirected_with_its_error(fake: FakeProvider) -> None:
    query = {"client_id": CLIENT_ID, "redirect_uri": f"{CALLBACK}?a=1"}

    response = fake.authorize(query, error="access_denied")

    assert response.url == f"{CALLBACK}?a=1&error=access_denied"
    assert response.callback_params == {"a": "1", "error": "access_denied"}


def test_response_is_posted_if_requested(fake: FakeProvider) -> None:
    query = {"client_id": CLIENT_ID, "redirect_uri": CALLBACK, "response_mode": "form_post"}

    assert fake.authorize(query).method == "POST"
    assert fake.authorize({**query, "response_mode": "query"}).url.startswith(f"{CALLBACK}?code=")


@pytest.mark.parametrize(
    ("params", "url"),
    [
        ({}, None),
        ({"post_logout_redirect_uri": CALLBACK}, CALLBACK),
        ({"post_logout_redirect_uri": CALLBACK, "state": "s"}, f"{CALLBACK}?state=s"),
    ],
)
def test_sign_out_leads_back(params: dict[str, str], url: str | None, fake: FakeProvider) -> None:
    assert fake.log_out(params) == url


def test_tenant_has_its_own_client(fake: FakeProvider) -> None:
    fake.clients["tenant"] = "tenant-secret"
    code = authorize(fake, client_id="tenant")["code"]

    assert redeem(fake, code, basic("tenant", CLIENT_SECRET))[0] == 401
    assert redeem(fake, code, basic("tenant", "tenant-secret"))[0] == 200


def test_code_of_other_client_is_refused(fake: FakeProvider) -> None:
    fake.clients["tenant"] = "tenant-secret"
    code = authorize(fake, client_id="tenant")["code"]

    assert redeem(fake, code, basic(CLIENT_ID, CLIENT_SECRET)) == (400, {"error": "invalid_grant"})


def test_scripts_change_responses_until_restored(fake: FakeProvider) -> None:
    fake.headers["X-Test"] = "1"
    fake.token_fields.update(scope="more", refresh_token=None)
    fake.fail("jwks", 500, "server_error", times=1)
    fake.replace(f"{ISSUER}/userinfo", ProviderResponse(204))
    fake.delay("userinfo", 3)

    assert ask(fake, "/jwks") == (500, {"error": "server_error"})
    assert ask(fake, "/jwks")[0] == 200
    response = fake.respond(ProviderRequest("GET", f"{ISSUER}/userinfo"))
    assert (response.status, response.delay, response.headers["X-Test"]) == (204, 3, "1")
    fake.restore()
    tokens = redeem(fake, authorize(fake)["code"])[1]
    assert tokens["scope"] == "more"
    assert "refresh_token" not in tokens
    assert ask(fake, "/userinfo", f"Bearer {tokens['access_token']}")[0] == 200


def test_fake_is_for_a_backend_or_at_a_url(backends: Backends) -> None:
    backends(OIDC)
    with pytest.raises(ValueError, match="name of a backend or a base_url"):
        FakeProvider()
    with pytest.raises(ValueError, match="name of a backend or a base_url"):
        FakeProvider("oidc", base_url=ISSUER)
    assert repr(FakeProvider("oidc")) == "<FakeProvider oidc>"


def test_token_request_may_be_json(backends: Backends) -> None:
    backends(OIDC)
    fake = FakeProvider("oidc")
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "client_id": CLIENT_ID}
    content = {**form, "client_secret": CLIENT_SECRET, "code": authorize(fake)["code"]}

    request = ProviderRequest("POST", f"{ISSUER}/token", body=json.dumps(content).encode())

    assert fake.respond(request).status == 200
    assert fake.respond(ProviderRequest("POST", f"{ISSUER}/token", body=b"{")).status == 401


def test_facebook_exchanges_an_access_token(backends: Backends) -> None:
    backends("social_core.backends.facebook.FacebookOAuth2")
    fake = FakeProvider("facebook")
    form = {
        "grant_type": "fb_exchange_token",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
    }
    url = "https://graph.facebook.com/v23.0/oauth/access_token"
    body = urlencode({**form, "fb_exchange_token": fake.access_token()}).encode()

    assert fake.respond(ProviderRequest("POST", url, body=body)).status == 200


@pytest.mark.parametrize(
    ("changes", "status"),
    [({}, 200), ({"KEY": "other"}, 401), ({"TEAM": "other"}, 401), ({"CLIENT": "com.other"}, 401)],
)
def test_client_secret_of_apple_is_verified(
    changes: dict[str, str], status: int, backends: Backends
) -> None:
    settings = {"CLIENT": "com.example", "TEAM": "team", "SECRET": private_pem(elliptic_key())}
    backends(APPLE, **{**settings, **changes})
    secret = FakeProvider("apple-id").client.credentials()[1]  # type: ignore[union-attr]
    backends(APPLE, **settings)
    fake = FakeProvider("apple-id")
    query = {"client_id": "com.example", "redirect_uri": CALLBACK}
    form = {"code": fake.authorize(query).callback_params["code"], "client_secret": secret}
    values = {"grant_type": "authorization_code", "client_id": "com.example", **form}

    request = ProviderRequest(
        "POST", "https://appleid.apple.com/auth/token", body=urlencode(values).encode()
    )

    assert fake.respond(request).status == status


def test_malformed_client_secret_of_apple_is_refused(backends: Backends) -> None:
    pem = private_pem(elliptic_key())
    backends(APPLE, CLIENT="com.example", TEAM="team", SECRET=pem)
    fake = FakeProvider("apple-id")
    form = b"grant_type=authorization_code&client_id=com.example&client_secret=x&code=y"

    request = ProviderRequest("POST", "https://appleid.apple.com/auth/token", body=form)

    assert fake.respond(request).status == 401


@pytest.mark.django_db
def test_apple_sends_name_with_first_login_only(
    backends: Backends, social_begin: Any, social_complete: Any, django_user_model: Any
) -> None:
    settings = {"CLIENT": "com.example", "TEAM": "team", "SECRET": private_pem(elliptic_key())}
    backends(APPLE, **settings, SCOPE=["name", "email"])
    client = Client()
    for name in ("Grace Hopper", "Another Name"):
        begun = social_begin(client, "apple-id")
        response = social_complete(client, begun, sub="001.4711", name=name)
        assert response.status_code == 201, response.data

    assert django_user_model.objects.get().get_full_name() == "Grace Hopper"


@pytest.mark.django_db
def test_apple_sends_no_address_without_its_scope(
    backends: Backends, social_login: Any, django_user_model: Any
) -> None:
    settings = {"CLIENT": "com.example", "TEAM": "team", "SECRET": private_pem(elliptic_key())}
    backends(APPLE, **settings, SCOPE=["name"])

    social_login(Client(), "apple-id")

    assert django_user_model.objects.get().email == ""
