"""The ID token of a login: redirect, connect and native sign-in follow the same rules."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
import responses
from django.contrib.auth import get_user_model
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_django.models import Nonce, UserSocialAuth

from social_endpoints.internal.flows.storage import CLAIMS, ID_TOKENS
from tests.support.accounts import logged_in
from tests.support.concurrency import together
from tests.support.configuration import Configure
from tests.support.frontend import Frontend, authorization_params, error
from tests.support.id_token_providers import PROVIDERS, IdTokenProvider, hexadecimal
from tests.support.keys import edwards_key, elliptic_key, other_key, private_pem, public
from tests.support.native import post_tokens
from tests.support.openid_provider import ISSUER, OpenIDProvider

pytestmark = [pytest.mark.django_db]

HERE = "tests.api.login.test_id_token"
OURS = "our-client-id"
SignIn = Callable[..., Any]


@pytest.fixture(params=["redirect", "connect", "native"])
def sign_in(request: pytest.FixtureRequest, openid: OpenIDProvider, configure: Configure) -> Any:
    """Return a function that signs in with an ID token with additional claims or headers."""
    configure(NATIVE_PROVIDERS=["oidc"])
    return SIGN_IN[request.param](openid)


def by_redirect(openid: OpenIDProvider, **options: Any) -> SignIn:
    def sign_in(headers: dict[str, Any] | None = None, **claims: Any) -> Any:
        openid.claims, openid.token_headers = {"sub": "user-1", **claims}, headers or {}
        return Frontend(**options).log_in(openid)

    return sign_in


def by_connecting(openid: OpenIDProvider) -> SignIn:
    user = get_user_model().objects.create_user("grace")
    return by_redirect(openid, client=logged_in(user), below="connect/")


def natively(openid: OpenIDProvider) -> SignIn:
    def sign_in(headers: dict[str, Any] | None = None, **claims: Any) -> Any:
        token = id_token(openid, headers, nonce=hexadecimal("value"), **claims)
        return post_tokens("oidc", id_token=token, nonce="value")

    return sign_in


SIGN_IN = {"redirect": by_redirect, "connect": by_connecting, "native": natively}


def id_token(openid: OpenIDProvider, headers: Any = None, **claims: Any) -> str:
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": OURS, "sub": "user-1", "iat": now, "exp": now + 300, **claims}
    headers = {"kid": openid.kid, **(headers or {})}
    return jwt.encode(claims, openid.private_key, openid.algorithm, headers=headers)


def ago(seconds: float) -> int:
    return int(time.time() - seconds)


# --- Audience, type, times ------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"aud": [OURS]}, None),
        ({"aud": [OURS, "our-app-id"], "azp": OURS}, None),
        ({"aud": [OURS, "their-client-id"], "azp": OURS}, "invalid_claim"),
        ({"aud": [OURS, 7], "azp": OURS}, "invalid_claim"),
        ({"aud": [OURS, OURS]}, "missing_claim"),
        ({"aud": [OURS], "azp": "their-client-id"}, "invalid_claim"),
        ({"azp": [OURS]}, "invalid_claim"),
        *(({name: "their-client-id"}, "invalid_claim") for name in ("client_id", "cid", "appid")),
        ({"cid": OURS, "client_id": OURS, "appid": OURS}, None),
        ({"scope": "openid"}, "invalid_claim"),
        ({"scp": ["openid"]}, "invalid_claim"),
        ({"typ": "Bearer"}, "invalid_claim"),
        ({"pur": "access"}, "invalid_claim"),
        ({"at_hash": "\ud800"}, "invalid_claim"),
        ({"sub": "x" * 256}, "invalid_claim"),
        ({"events": {}}, "invalid_claim"),
        ({"headers": {"typ": "at+jwt"}}, "invalid_claim"),
    ],
)
def test_rules_are_the_same(
    claims: dict[str, Any], code: str | None, sign_in: SignIn, settings: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_AUDIENCE = ["our-app-id"]

    response = sign_in(**claims)

    found = response.data.get("error_code")
    # social-core has another code for the same rule: an "azp" is missing.
    assert found == code or (found, code) == ("invalid_claim", "missing_claim"), response.data
    assert response.status_code == (400 if code else 201)
    assert UserSocialAuth.objects.exists() is (code is None)


# From the documentation or the source of the providers.
PROVIDER_CLAIMS = {
    "Keycloak": {"typ": "ID", "azp": OURS, "acr": "1", "sid": "x", "session_state": "x"},
    "Amazon Cognito": {"token_use": "id", "cognito:username": "ada", "event_id": "x"},
    "Okta": {"ver": 1, "amr": ["pwd"], "idp": "x", "auth_time": 1, "preferred_username": "ada"},
    "FusionAuth": {"scope": "openid profile", "at_hash": "x", "applicationId": OURS, "tid": "x"},
    "Gen3 Fence": {
        "pur": "id",
        "scope": ["openid", "user"],
        "at_hash": "x",
        "azp": OURS,
        "aud": [OURS, ISSUER],
        "context": {"user": {"name": "ada"}},
    },
    "ZITADEL": {"aud": [OURS, "our-project"], "azp": OURS, "client_id": OURS},
    "AD FS": {"scp": "openid allatclaims", "appid": OURS, "apptype": "Confidential"},
    "Casdoor": {"scope": "openid", "tokenType": "access-token", "azp": OURS, "aud": [OURS]},
}
NECESSARY_SETTINGS = {
    "Gen3 Fence": {"SOCIAL_AUTH_OIDC_AUDIENCE": [ISSUER]},
    "ZITADEL": {"SOCIAL_AUTH_OIDC_AUDIENCE": ["our-project"]},
    "AD FS": {"SOCIAL_AUTH_OIDC_SCOPE_IN_ID_TOKEN": True},
    "Casdoor": {"SOCIAL_AUTH_OIDC_SCOPE_IN_ID_TOKEN": True},
}


@pytest.mark.parametrize("name", PROVIDER_CLAIMS)
def test_id_token_that_a_provider_documents_signs_in(
    name: str, sign_in: SignIn, openid: OpenIDProvider, settings: Any
) -> None:
    for setting, value in NECESSARY_SETTINGS.get(name, {}).items():
        setattr(settings, setting, value)
    claims: dict[str, Any] = {**PROVIDER_CLAIMS[name]}
    openid.has_token_hash = "at_hash" in claims

    response = sign_in(**claims)

    assert response.status_code == 201, response.data


def test_hash_of_access_token_is_ignored_with_edwards_curve(
    sign_in: SignIn, openid: OpenIDProvider, settings: Any
) -> None:
    """No specification defines it, but better-auth sends it."""
    settings.SOCIAL_AUTH_OIDC_JWT_ALGORITHMS = ["EdDSA"]
    openid.private_key, openid.algorithm = edwards_key(), "EdDSA"
    openid.jwk_fields = {"alg": "EdDSA"}
    openid.has_token_hash = True

    response = sign_in()

    assert response.status_code == 201, response.data


@pytest.mark.parametrize("name", NECESSARY_SETTINGS)
def test_id_token_that_needs_a_setting_is_refused_without_it(
    name: str, sign_in: SignIn, openid: OpenIDProvider
) -> None:
    claims: dict[str, Any] = {**PROVIDER_CLAIMS[name]}
    openid.has_token_hash = "at_hash" in claims

    assert error(sign_in(**claims)) == (400, "invalid_claim")


@pytest.mark.parametrize(
    ("name", "seconds", "code"),
    [
        *((name, 30, None) for name in ("iat", "nbf")),
        *((name, 90, "response_not_yet_valid") for name in ("iat", "nbf")),
        ("exp", -30, None),
        ("exp", -90, "response_expired"),
    ],
)
def test_leeway_is_the_same(
    name: str, seconds: int, code: str | None, sign_in: SignIn, settings: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_JWT_LEEWAY = 60

    assert error(sign_in(**{name: ago(-seconds)})) == (400 if code else 201, code)


@pytest.mark.parametrize("name", ["iat", "nbf", "exp"])
@pytest.mark.parametrize("value", ["1", "x", [], True])
def test_time_of_another_type_is_refused(name: str, value: Any, sign_in: SignIn) -> None:
    response = sign_in(**{name: value})

    assert response.status_code == 400
    assert response.data["error_code"] in {"invalid_claim", "response_expired"}


def test_maximum_age_of_the_token_is_the_same(sign_in: SignIn, settings: Any) -> None:
    settings.SOCIAL_AUTH_OIDC_ID_TOKEN_MAX_AGE = 60

    assert error(sign_in(iat=ago(90))) == (400, "response_expired")
    assert sign_in(iat=ago(30)).status_code == 201


# --- Age and class of the authentication ----------------------------------------------


@pytest.mark.parametrize("setting", ["MAX_AGE", "AUTH_EXTRA_ARGUMENTS"])
@pytest.mark.parametrize(
    ("auth_time", "code"),
    [
        (0, None),
        (290, None),
        (320, "response_expired"),
        (-90, "response_not_yet_valid"),
        (None, "missing_claim"),
        ("1", "invalid_claim"),
    ],
)
def test_authentication_may_not_be_older_than_requested(
    auth_time: Any, code: str | None, setting: str, sign_in: SignIn, settings: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_JWT_LEEWAY = 10
    value: Any = 300 if setting == "MAX_AGE" else {"max_age": "300"}
    setattr(settings, f"SOCIAL_AUTH_OIDC_{setting}", value)
    is_number = isinstance(auth_time, int)
    claims = {} if auth_time is None else {"auth_time": ago(auth_time) if is_number else auth_time}

    assert error(sign_in(**claims)) == (400 if code else 201, code)


def test_age_is_measured_when_the_login_begins(openid: OpenIDProvider, settings: Any) -> None:
    """With a maximum age of 0, the user authenticates after the begin, and then takes time."""
    settings.SOCIAL_AUTH_OIDC_MAX_AGE = 0
    frontend = Frontend()
    begun, callback = frontend.authorize(openid)
    openid.claims["auth_time"] = int(time.time())
    time.sleep(2.1)  # More than the leeway.

    assert frontend.complete(begun, callback).status_code == 201


def test_invalid_maximum_age_is_a_configuration_error(
    openid: OpenIDProvider, settings: Any, configure: Configure
) -> None:
    configure(NATIVE_PROVIDERS=["oidc"])
    settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS = {"max_age": "soon"}

    assert error(natively(openid)(auth_time=ago(0))) == (500, "invalid_setting")


@pytest.mark.parametrize(
    ("acr", "code"),
    [("gold", None), ("silver", None), ("bronze", "invalid_claim"), (None, "missing_claim")],
)
def test_class_must_be_one_of_those_requested(
    acr: str | None, code: str | None, sign_in: SignIn, settings: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_ACR_VALUES = "gold silver"

    response = sign_in(**({} if acr is None else {"acr": acr}))

    assert error(response) == (400 if code else 201, code)


# --- UserInfo -------------------------------------------------------------------------


class OwnProfile(OpenIdConnectAuth):
    """A backend of a project that requests a profile without comparing ``sub``."""

    name = "oidc"
    OIDC_ENDPOINT = ISSUER

    def user_data(self, access_token: str, *args: Any, **kwargs: Any) -> Any:
        headers = {"Authorization": f"Bearer {access_token}"}
        return self.get_json(f"{ISSUER}/userinfo", headers=headers)


@pytest.mark.parametrize(
    ("backend", "sub", "status"),
    [
        *((None, sub, 400) for sub in ({}, {"sub": None}, {"sub": ""}, {"sub": "user-2"})),
        ("OwnProfile", {}, 201),
        ("OwnProfile", {"sub": "user-2"}, 400),
    ],
)
def test_profile_must_have_the_subject_of_the_id_token(
    backend: str | None, sub: dict[str, Any], status: int, openid: OpenIDProvider, settings: Any
) -> None:
    if backend:
        settings.AUTHENTICATION_BACKENDS = [f"{HERE}.{backend}"]
    openid.userinfo = {"email": "victim@example.com", **sub}

    response = Frontend().log_in(openid)

    assert response.status_code == status, response.data
    assert UserSocialAuth.objects.exists() is (status == 201)


# --- Single use -----------------------------------------------------------------------


class WithoutNonce(OpenIdConnectAuth):
    """Like LinkedIn's backend."""

    name = "oidc"
    OIDC_ENDPOINT = ISSUER
    USE_NONCE = False

    def validate_claims(self, id_token: Any) -> None:
        self.validate_temporal_claims(id_token)


@pytest.fixture
def google(wire: responses.RequestsMock, settings: Any) -> IdTokenProvider:
    provider: IdTokenProvider = PROVIDERS["google-oauth2"](wire)
    provider.install(settings)
    profile = {"sub": provider.claims["sub"], "email": "ada@example.com", "email_verified": True}
    wire.get("https://www.googleapis.com/oauth2/v3/userinfo", json=profile)
    return provider


def redirect_login(provider: IdTokenProvider, token_url: str, token: Any) -> Any:
    """Return the response of a redirect login that receives an ID token."""
    frontend = Frontend("body")
    begun = frontend.begin(provider.name)
    tokens = {"access_token": "by-redirect", "token_type": "Bearer", "id_token": token}
    provider.wire.upsert("POST", token_url, json=tokens)
    state = authorization_params(begun)["state"]
    return frontend.complete(begun, {"code": "1", "state": state}, provider.name)


GOOGLE = "https://accounts.google.com/o/oauth2/token"


def test_id_token_without_nonce_that_a_redirect_login_received_does_not_sign_in(
    google: IdTokenProvider,
) -> None:
    token = google.token()

    assert redirect_login(google, GOOGLE, token).status_code == 201
    assert error(google.sign_in(token)) == (400, "credential_rejected")
    assert google.sign_in(google.token(jti="2")).status_code == 201


def test_id_token_that_has_signed_in_natively_is_refused_in_a_redirect_login(
    google: IdTokenProvider,
) -> None:
    token = google.token()

    assert google.sign_in(token).status_code == 201
    assert error(redirect_login(google, GOOGLE, token)) == (400, "credential_rejected")


def test_claim_holds_for_all_backends_of_a_provider(
    google: IdTokenProvider, settings: Any, configure: Configure
) -> None:
    token = google.token()
    assert google.sign_in(token).status_code == 201
    other = PROVIDERS["google-openidconnect"](google.wire)
    settings.AUTHENTICATION_BACKENDS = [other.path]
    configure(NATIVE_PROVIDERS=[other.name])
    settings.SOCIAL_AUTH_GOOGLE_OPENIDCONNECT_KEY = "our-google-id"
    settings.SOCIAL_AUTH_GOOGLE_OPENIDCONNECT_JWT_LEEWAY = 60

    assert error(other.sign_in(token)) == (400, "credential_rejected")


def test_redirect_logins_may_receive_the_same_id_token(google: IdTokenProvider) -> None:
    """Two logins in one second may, because the token has no nonce."""
    token = google.token()

    statuses = [redirect_login(google, GOOGLE, token).status_code for _ in range(3)]
    assert statuses == [201, 201, 201]
    assert error(google.sign_in(token)) == (400, "credential_rejected")


@pytest.mark.parametrize(
    "token",
    [
        7,
        "",
        "opaque",
        "a.b.c",
        "\ud800",
        jwt.encode({}, "x" * 32),
        jwt.encode({"exp": "x"}, "x" * 32),
    ],
)
def test_other_values_in_place_of_the_id_token_are_ignored(
    token: Any, google: IdTokenProvider
) -> None:
    assert redirect_login(google, GOOGLE, token).status_code == 201
    assert not Nonce.objects.filter(server_url=ID_TOKENS).exists()


def test_apple_claims_the_id_token_of_a_redirect_login(
    wire: responses.RequestsMock, settings: Any
) -> None:
    apple: IdTokenProvider = PROVIDERS["apple-id"](wire)
    apple.install(settings)
    settings.SOCIAL_AUTH_APPLE_ID_TEAM = settings.SOCIAL_AUTH_APPLE_ID_KEY = "x"
    settings.SOCIAL_AUTH_APPLE_ID_SECRET = private_pem(elliptic_key())
    token = apple.token()

    redirected = redirect_login(apple, "https://appleid.apple.com/auth/token", token)

    assert redirected.status_code == 201, redirected.data
    assert error(apple.sign_in(token)) == (400, "credential_rejected")


@pytest.mark.parametrize(
    "claims", [{"scp": "User.Read"}, {"appidacr": "1"}, {"aud": ["our-azure-id", "x"]}]
)
def test_microsoft_follows_the_same_rules(
    claims: dict[str, Any], wire: responses.RequestsMock, settings: Any
) -> None:
    azure: IdTokenProvider = PROVIDERS["azuread-oauth2"](wire)
    azure.install(settings)
    url = "https://login.microsoftonline.com/common/oauth2/token"

    assert redirect_login(azure, url, azure.token()).status_code == 201
    refused = redirect_login(azure, url, azure.token(**claims))
    assert error(refused) in {(400, "invalid_claim"), (400, "missing_claim")}


@pytest.fixture
def auth0(openid: OpenIDProvider, settings: Any) -> Any:
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.auth0.Auth0OAuth2"]
    settings.SOCIAL_AUTH_AUTH0_KEY = settings.SOCIAL_AUTH_AUTH0_SECRET = OURS
    settings.SOCIAL_AUTH_AUTH0_DOMAIN = "id.example.com"
    keys = {"keys": [public(openid.private_key, openid.kid)]}
    openid.wire.get(f"{ISSUER}/.well-known/jwks.json", json=keys)
    return SimpleNamespace(name="auth0", wire=openid.wire)


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({}, 201),
        ({"aud": [OURS, "their-client-id"], "azp": OURS}, 400),
        ({"azp": "their-client-id"}, 400),
        ({"scope": "openid"}, 400),
        ({"id_token": None}, 400),
    ],
)
def test_auth0_follows_the_same_rules(
    claims: dict[str, Any], status: int, auth0: Any, openid: OpenIDProvider
) -> None:
    token = claims.get("id_token", id_token(openid, iss=f"{ISSUER}/", **claims))

    response = redirect_login(auth0, f"{ISSUER}/oauth/token", token)

    assert response.status_code == status, response.data
    assert UserSocialAuth.objects.exists() is (status == 201)


def test_key_that_auth0_has_removed_does_not_sign_in(auth0: Any, openid: OpenIDProvider) -> None:
    keys, token_url = f"{ISSUER}/.well-known/jwks.json", f"{ISSUER}/oauth/token"
    assert redirect_login(auth0, token_url, id_token(openid, iss=f"{ISSUER}/")).status_code == 201
    openid.wire.replace("GET", keys, json={"keys": [public(other_key(), "2")]})

    refused = redirect_login(auth0, token_url, id_token(openid, iss=f"{ISSUER}/"))

    assert error(refused) == (400, "invalid_signature")
    openid.wire.replace("GET", keys, json={"keys": [{"kty": "RSA"}]})
    refused = redirect_login(auth0, token_url, id_token(openid, iss=f"{ISSUER}/"))
    assert error(refused) == (400, "invalid_claim")


@pytest.mark.parametrize(("backend", "claims"), [(None, 0), ("WithoutNonce", 2)])
def test_nonce_of_the_flow_makes_a_claim_of_the_id_token_unnecessary(
    backend: str | None, claims: int, openid: OpenIDProvider, settings: Any
) -> None:
    if backend:
        settings.AUTHENTICATION_BACKENDS = [f"{HERE}.{backend}"]

    assert Frontend().log_in(openid).status_code == 201
    assert Nonce.objects.exclude(server_url=CLAIMS).count() == claims


def test_connect_claims_the_id_token(
    openid: OpenIDProvider, settings: Any, configure: Configure
) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{HERE}.WithoutNonce"]

    assert by_connecting(openid)().status_code == 201
    assert Nonce.objects.filter(server_url=ID_TOKENS).count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("cause", ["policy", "profile"])
def test_id_token_of_a_refused_redirect_login_does_not_sign_in(
    cause: str, google: IdTokenProvider, settings: Any
) -> None:
    token = google.token()
    if cause == "policy":
        settings.SOCIAL_AUTH_GOOGLE_OAUTH2_WHITELISTED_DOMAINS = ["other.example.com"]
    else:
        google.wire.replace("GET", "https://www.googleapis.com/oauth2/v3/userinfo", status=503)
    assert redirect_login(google, GOOGLE, token).status_code == 400
    settings.SOCIAL_AUTH_GOOGLE_OAUTH2_WHITELISTED_DOMAINS = []

    assert error(google.sign_in(token)) == (400, "credential_rejected")
    assert google.sign_in(google.token(jti="2")).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_one_of_two_simultaneous_ways_signs_in(google: IdTokenProvider) -> None:
    google.sign_in(google.token(jti="first"))
    token = google.token()
    frontends = [Frontend("body") for _ in range(2)]
    begun = [frontend.begin(google.name) for frontend in frontends]
    google.wire.post(GOOGLE, json={"access_token": "x", "token_type": "Bearer", "id_token": token})
    callbacks = [{"code": "1", "state": authorization_params(each)["state"]} for each in begun]

    *redirected, native, again = together(
        [
            *(
                lambda number=number: frontends[number].complete(
                    begun[number], callbacks[number], google.name
                )
                for number in range(2)
            ),
            lambda: google.sign_in(token),
            lambda: google.sign_in(token),
        ]
    )

    by_redirect = {response.status_code for response in redirected}
    natively = sorted(response.status_code for response in (native, again))
    assert (by_redirect, natively) in [({201}, [400, 400]), ({400}, [201, 400])]
