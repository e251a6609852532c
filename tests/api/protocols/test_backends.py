"""Every OAuth 2 and OpenID Connect backend of social-core begins as the contract says."""

from __future__ import annotations

import hmac
import inspect
import json
import pkgutil
import re
import time
from base64 import b64decode, b64encode
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import responses
import social_core.backends
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from openid.association import Association as OpenIdAssociation
from social_core.backends.base import BaseAuth
from social_core.backends.oauth import BaseOAuth2
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.exceptions import AuthInputError
from social_core.store import OpenIdStore
from social_core.utils import setting_name
from social_django.models import Association, Nonce, UserSocialAuth

from tests.support.frontend import Frontend

pytestmark = pytest.mark.django_db
REDIRECT_URI = "https://app.example.com/cb?next=%2Fa%26b&x=1+2/"

# A page of the project's, a widget or an SDK stands where others have a redirect.
NO_REDIRECT = {"facebook-app", "facebook-limited-login", "loginradius", "vk-app"}
# They link an account to somebody who is logged in, and log nobody in.
ASSOCIATION_ONLY = {"drip", "mixcloud"}

# What some backends build their URLs from.
URL_SETTINGS = ("URL", "API_URL", "OIDC_ENDPOINT", "HOST", "POOL_DOMAIN", "BASE_URL")
SETTINGS = ("KEY", "SECRET", "CLIENT", "TEAM", "TENANT_ID", "DOMAIN", "SUBDOMAIN")


def _oauth2_backends() -> dict[str, type[Any]]:
    backends = {}
    for module in pkgutil.iter_modules(social_core.backends.__path__):
        try:
            found = vars(import_module(f"social_core.backends.{module.name}"))
        except ImportError:
            continue  # It needs a package of its own: python3-saml, ShopifyAPI, google-auth.
        for value in found.values():
            if inspect.isclass(value) and issubclass(value, BaseOAuth2) and value.name:
                backends[value.name] = value
    return backends


BACKENDS = _oauth2_backends()


def test_there_are_backends() -> None:
    assert len(BACKENDS) > 150


@pytest.fixture
def discovery(wire: responses.RequestsMock) -> None:
    """Answer every discovery, whatever provider it is for."""
    document = {
        "issuer": "https://id.example.com",
        "authorization_endpoint": "https://id.example.com/authorize",
        "token_endpoint": "https://id.example.com/token",
    }
    wire.get(re.compile(r".*/\.well-known/.*"), json=document)


@pytest.mark.parametrize("name", sorted(BACKENDS.keys() - NO_REDIRECT - ASSOCIATION_ONLY))
def test_begin(
    name: str,
    discovery: None,
    settings: Any,
    django_assert_num_queries: Any,
) -> None:
    configure_backend(settings, name)

    query = {"shop": "acme"} if name == "shopify" else {}
    with django_assert_num_queries(0):
        begun = Frontend("cookie").begin(name, redirect_uri=REDIRECT_URI, **query)

    assert begun.status_code == 200, begun.data
    url = urlsplit(begun.data["authorization_url"])
    assert url.scheme in {"http", "https"}
    query = parse_qs(url.query, strict_parsing=True)
    sent = query.get("redirect_uri") or query["redirect_url"]
    if BACKENDS[name].STATE_PARAMETER:
        assert sent == [REDIRECT_URI]
        assert len(query["state"]) == 1
    else:
        assert sent[0].startswith(REDIRECT_URI + "&redirect_state=")
    assert len(str(begun.cookies)) < 700


@pytest.mark.parametrize("name", sorted(NO_REDIRECT & BACKENDS.keys()))
def test_backends_without_a_redirect(name: str, settings: Any) -> None:
    configure_backend(settings, name)

    answer = Frontend("cookie").begin(name, redirect_uri=REDIRECT_URI)

    assert answer.status_code == 404


@pytest.mark.parametrize("name", sorted(ASSOCIATION_ONLY))
def test_backends_that_log_nobody_in(name: str, settings: Any) -> None:
    configure_backend(settings, name)

    answer = Frontend("cookie").begin(name, redirect_uri=REDIRECT_URI)

    assert (answer.status_code, answer.data["error_code"]) == (400, "authentication_disallowed")
    assert answer.data["error_recovery"] == "use_existing_account"


def configure_backend(settings: Any, name: str) -> None:
    backend = BACKENDS[name]
    settings.AUTHENTICATION_BACKENDS = [f"{backend.__module__}.{backend.__qualname__}"]
    settings.SOCIAL_ENDPOINTS = {"ALLOWED_REDIRECT_URIS": [REDIRECT_URI]}
    for setting in SETTINGS:
        setattr(settings, setting_name(name, setting), "value")
    for setting in URL_SETTINGS:
        if not getattr(backend, setting, None):
            setattr(settings, setting_name(name, setting), "https://id.example.com")
    for setting in ("AUTHORIZATION_URL", "ACCESS_TOKEN_URL"):
        if not getattr(backend, setting) and not issubclass(backend, OpenIdConnectAuth):
            setattr(settings, setting_name(name, setting), f"https://id.example.com/{setting}")
    settings.SOCIAL_AUTH_AZUREAD_B2C_OAUTH2_POLICY = "b2c_policy"
    if name == "apple-id":
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        setattr(settings, setting_name(name, "SECRET"), pem.decode())


class Unnamed(BaseAuth):
    """A backend whose errors name what is no name."""

    name = "unnamed"

    def auth_url(self) -> str:
        raise AuthInputError(self, parameter=["shop"], stage="begin")


def test_a_parameter_that_is_no_name(frontend: Frontend, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = ["tests.api.protocols.test_backends.Unnamed"]

    answer = frontend.begin("unnamed")

    assert (answer.status_code, answer.data["error_code"]) == (400, "invalid_parameter")


class Named(BaseAuth):
    """A backend that cannot parse what it is given, or what it gives itself."""

    name = "named"

    def auth_url(self) -> str:
        raise ValueError


@pytest.mark.parametrize(
    ("query", "code"),
    [({"openid_identifier": "x"}, "invalid_parameter"), ({}, "unknown_error")],
)
def test_whose_fault_it_is_that_a_begin_fails(
    query: dict[str, str], code: str, frontend: Frontend, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["tests.api.protocols.test_backends.Named"]

    answer = frontend.begin("named", **query)

    assert (answer.status_code, answer.data["error_code"]) == (400, code)
    assert ("openid_identifier" in answer.data) is bool(query)


def test_pushbullet_is_asked_with_the_token(
    frontend: Frontend, wire: responses.RequestsMock, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.pushbullet.PushbulletOAuth2"]
    settings.SOCIAL_AUTH_PUSHBULLET_KEY = settings.SOCIAL_AUTH_PUSHBULLET_SECRET = "value"
    wire.post("https://api.pushbullet.com/oauth2/token", json={"access_token": "token"})
    asked = wire.get("https://api.pushbullet.com/v2/users/me", json={"iden": "user-7"})
    begun = frontend.begin("pushbullet")
    redirect_uri = parse_qs(urlsplit(begun.data["authorization_url"]).query)["redirect_uri"][0]
    state = parse_qs(urlsplit(redirect_uri).query)["redirect_state"][0]

    answer = frontend.complete(begun, {"code": "code", "redirect_state": state}, "pushbullet")

    assert answer.status_code == 201, answer.data
    assert asked.calls[0].request.headers["Authorization"] == "Basic dG9rZW4="
    assert UserSocialAuth.objects.get().uid == "user-7"


class Hoarder(BaseOAuth2):
    """A backend that uses all of the storage, as OpenID 2.0 does."""

    name = "hoarder"
    AUTHORIZATION_URL = "https://id.example.com/authorize"
    ACCESS_TOKEN_URL = "https://id.example.com/token"

    def user_data(self, access_token: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        server = "https://openid.example.com"
        store = OpenIdStore(self.strategy)
        lasting = OpenIdAssociation("handle", b"secret", int(time.time()), 60, "HMAC-SHA1")
        store.storeAssociation(server, lasting)
        assert store.getAssociation(server, "handle").handle == "handle"
        assert self.strategy.storage.association.get(server_url=server).count() == 1
        assert store.useNonce(server, int(time.time()), "salt")
        store.removeAssociation(server, "handle")
        nonces = self.strategy.storage.nonce
        assert nonces.get(server, "salt") is not None
        assert nonces.consume(server, 1, "another") is False
        assert self.strategy.storage.association.oids(server) == []
        return {"id": "ada", "username": "ada"}

    def get_user_details(self, response: Any) -> dict[str, Any]:
        return {"username": response["username"]}


def test_what_is_no_flows_stays_in_the_projects_storage(
    frontend: Frontend, wire: responses.RequestsMock, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["tests.api.protocols.test_backends.Hoarder"]
    settings.SOCIAL_AUTH_HOARDER_KEY = settings.SOCIAL_AUTH_HOARDER_SECRET = "value"
    wire.post("https://id.example.com/token", json={"access_token": "token"})
    begun = frontend.begin("hoarder")
    state = parse_qs(urlsplit(begun.data["authorization_url"]).query)["state"][0]

    answer = frontend.complete(begun, {"code": "code", "state": state}, "hoarder")

    assert answer.status_code == 201
    assert Nonce.objects.filter(server_url="https://openid.example.com").count() == 1
    assert not Association.objects.exists()


@pytest.mark.parametrize(
    ("payload", "status"),
    [
        ({"code": "code", "device_id": "d"}, 201),
        ({"code": "code"}, 400),
        ({"device_id": "d"}, 400),
        ({"code": "\ud800", "device_id": "d"}, 400),
        ({"code": 5, "device_id": "d"}, 400),
        ([], 400),
        ("text", 400),
        (None, 400),
    ],
)
def test_vk_id_brings_everything_in_one_parameter(
    payload: Any, status: int, frontend: Frontend, wire: responses.RequestsMock, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.vk.VKIDOAuth2"]
    settings.SOCIAL_AUTH_VK_ID_KEY = "key"
    begun = frontend.begin("vk-id")
    state = parse_qs(urlsplit(begun.data["authorization_url"]).query)["state"][0]
    if isinstance(payload, dict):
        payload = {**payload, "state": state}
    wire.post(
        "https://id.vk.ru/oauth2/auth",
        json={"access_token": "token", "user_id": 7, "state": state, "token_type": "Bearer"},
    )
    wire.post("https://id.vk.ru/oauth2/user_info", json={"user": {"user_id": "7"}})
    text = json.dumps(payload) if payload is not None else "{"

    answer = frontend.complete(begun, {"payload": text}, "vk-id")

    assert answer.status_code == status, answer.data


@pytest.fixture
def apple(settings: Any, wire: responses.RequestsMock) -> str:
    """Configure Sign in with Apple; return the URL of its token endpoint."""
    configure_backend(settings, "apple-id")
    settings.SOCIAL_ENDPOINTS = {"ALLOWED_REDIRECT_URIS": [REDIRECT_URI], "FLOW_TRANSPORT": "body"}
    return "https://appleid.apple.com/auth/token"


def test_apple_is_asked_in_the_name_of_the_projects_client(
    apple: str, wire: responses.RequestsMock
) -> None:
    exchange = wire.post(apple, json={"error": "invalid_grant"}, status=400)
    frontend = Frontend("body")
    begun = frontend.begin("apple-id", redirect_uri=REDIRECT_URI, client_id="evil")
    state = parse_qs(urlsplit(begun.data["authorization_url"]).query)["state"][0]

    answer = frontend.complete(
        begun, {"code": "code", "state": state, "client_id": "evil"}, "apple-id"
    )

    assert answer.data["error_code"] == "authorization_code_rejected"
    assert parse_qs(str(exchange.calls[0].request.body))["client_id"] == ["value"]


def test_apples_user_that_is_no_json(apple: str, wire: responses.RequestsMock) -> None:
    wire.post(apple, json={"access_token": "token", "id_token": "a.b.c"})
    frontend = Frontend("body")
    begun = frontend.begin("apple-id", redirect_uri=REDIRECT_URI)
    state = parse_qs(urlsplit(begun.data["authorization_url"]).query)["state"][0]

    answer = frontend.complete(begun, {"code": "code", "state": state, "user": "{"}, "apple-id")

    assert answer.status_code == 400


@pytest.mark.parametrize("status", [302, 307, 308])
@pytest.mark.parametrize(
    ("location", "follows"),
    [
        ("https://github.com/login/oauth/elsewhere", True),
        ("/login/oauth/elsewhere", True),
        ("https://evil.example.com/login/oauth/elsewhere", False),
        ("http://github.com/login/oauth/elsewhere", False),
        ("https://github.com:444/login/oauth/elsewhere", False),
    ],
)
def test_a_secret_follows_no_redirect_to_another_origin(
    status: int,
    location: str,
    follows: bool,
    frontend: Frontend,
    wire: responses.RequestsMock,
) -> None:
    wire.post(
        "https://github.com/login/oauth/access_token", status=status, headers={"Location": location}
    )
    elsewhere = re.compile(r"https?://[^/]+/login/oauth/elsewhere")
    posted = wire.post(elsewhere, json={"error": "invalid_grant"})
    got = wire.get(elsewhere, json={"error": "invalid_grant"})
    begun = frontend.begin("github")
    state = parse_qs(urlsplit(begun.data["authorization_url"]).query)["state"][0]

    answer = frontend.complete(begun, {"code": "code", "state": state}, "github")

    assert answer.status_code == 400
    if status == 302:  # The POST becomes a GET, without a body.
        assert (posted.call_count, got.calls[0].request.body) == (0, None)
    else:
        assert posted.call_count == follows
        assert got.call_count == 0


def test_a_secret_of_apples_that_is_no_key_is_the_projects_mistake(
    apple: str, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SOCIAL_AUTH_APPLE_ID_SECRET = "no key"

    answer = Frontend("body").begin("apple-id", redirect_uri=REDIRECT_URI)

    assert (answer.status_code, answer.data["error_code"]) == (500, "invalid_setting")
    assert "invalid_setting SECRET" in caplog.text
    assert "no key" not in caplog.text


def test_an_authorization_url_that_is_none_is_the_projects_mistake(settings: Any) -> None:
    configure_backend(settings, "github")
    settings.SOCIAL_AUTH_GITHUB_AUTHORIZATION_URL = "/authorize"

    answer = Frontend("body").begin("github", redirect_uri=REDIRECT_URI)

    assert (answer.status_code, answer.data["error_code"]) == (500, "invalid_setting")


class PageOfTheProject(BaseAuth):
    """A backend that begins on a page of the project's."""

    name = "page"

    def auth_url(self) -> str:
        return "/login/form"


class NoPage(BaseAuth):
    """A backend that begins nowhere."""

    name = "no-page"

    def auth_url(self) -> str:
        return "http://["


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("social_core.backends.vk.VKontakteOpenAPI", "vk-openapi"),
        ("social_core.backends.odnoklassniki.OdnoklassnikiApp", "odnoklassniki-app"),
        ("tests.api.protocols.test_backends.PageOfTheProject", "page"),
        ("tests.api.protocols.test_backends.NoPage", "no-page"),
    ],
)
def test_other_backends_without_a_redirect(path: str, name: str, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [path]

    assert Frontend("body").begin(name).status_code == 404


def test_a_provider_that_speaks_neither_oauth_nor_openid(frontend: Frontend, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.discourse.DiscourseAuth"]
    settings.SOCIAL_AUTH_DISCOURSE_SECRET = "secret"
    settings.SOCIAL_AUTH_DISCOURSE_SERVER_URL = "https://discourse.example.com"
    begun = frontend.begin("discourse")
    asked = parse_qs(urlsplit(begun.data["authorization_url"]).query)["sso"][0]
    nonce = parse_qs(b64decode(asked).decode())["nonce"][0]
    said = urlencode({"nonce": nonce, "external_id": "7", "username": "ada", "email": "a@b.c"})
    sso = b64encode(said.encode()).decode()
    sig = hmac.new(b"secret", sso.encode(), "sha256").hexdigest()

    answer = frontend.complete(begun, {"sso": sso, "sig": sig}, "discourse")

    assert answer.status_code == 201, answer.data
    assert frontend.complete(begun, {"sso": sso, "sig": sig}, "discourse").status_code == 400


@pytest.mark.parametrize("lifetime", ["soon", 0, -1, True, 1.5])
def test_a_lifetime_that_is_none_where_core_looks_at_none(lifetime: Any, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.discourse.DiscourseAuth"]
    settings.SOCIAL_AUTH_DISCOURSE_SECRET = "secret"
    settings.SOCIAL_AUTH_DISCOURSE_SERVER_URL = "https://discourse.example.com"
    settings.SOCIAL_AUTH_DISCOURSE_STATE_LIFETIME = lifetime

    answer = Frontend("body").begin("discourse")

    assert (answer.status_code, answer.data["error_code"]) == (500, "invalid_setting")
