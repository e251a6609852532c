"""The code for Flutter, iOS and Android sends requests that the API accepts.

Their SDKs exist only on devices. So each request is sent as the code builds it, and the names in
the code are compared with those of the responses.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import responses
from django.urls import resolve

from tests.support import id_token_providers
from tests.support.configuration import Configure
from tests.support.frontend import browser
from tests.support.openid_provider import OpenIDProvider
from tests.support.pages import DOCS, code_blocks
from tests.support.pipeline import AFTER_SOCIAL_USER, pipeline_with

pytestmark = pytest.mark.django_db
ASK_TERMS = "docs.recipes.sign_up.ask_terms"
CALLBACK = "com.example.app://login/callback"
FILES = {
    "flutter": ["social_api.dart", "sign_in.dart"],
    "ios": ["SocialAPI.swift", "SignInView.swift"],
    "android": ["SocialApi.kt", "SignInActivity.kt"],
}
# How each language writes a random value, and its expression for the SHA-256 in lowercase digits.
NONCES: dict[str, tuple[Callable[[], str], str]] = {
    "flutter": (
        lambda: urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "sha256.convert(utf8.encode(value)).toString()",
    ),
    "ios": (
        lambda: secrets.token_hex(32),
        'SHA256.hash(data: Data(value.utf8)).map { String(format: "%02x", $0) }.joined()',
    ),
    "android": (
        lambda: secrets.token_hex(32),
        'toHex(MessageDigest.getInstance("SHA-256").digest(value.toByteArray()))',
    ),
}

# How each language adds the flow of the app. It replaces one in the URL of the callback, which
# anyone can open in the app.
OWN_FLOWS = {
    "flutter": "{...callback.queryParameters, 'flow': begun.flow}",
    "ios": 'body[item.name] = item.value ?? "" } body["flow"] = begun.flow',
    "android": 'JSONObject(callback).put("flow", flow)',
}


def code(platform: str) -> str:
    directory = DOCS / "recipes" / platform
    return "\n".join((directory / name).read_text() for name in FILES[platform])


def paths(platform: str) -> set[str]:
    """Return the paths below ``/auth/`` in the code, with ``oidc`` as the provider."""
    found = re.findall(r"""["']((?:o/[^"'?]*|me/|logout/)(?:\w+'\]\}/)?)""", code(platform))
    return {re.sub(r"^o/.*?(/token)?/?$", r"o/oidc\1/", path) for path in found}


def names(platform: str) -> set[str]:
    """Return the names with an underscore that the code reads and writes."""
    text = re.sub(r"\W?https?:\S+", "", code(platform))
    found = set(re.findall(r"""["']([a-z]+(?:_[a-z]+)+)["']""", text))
    # Swift's decoder turns them into names with capital letters.
    properties = re.findall(r"^ +let ([a-z]+(?:[A-Z][a-z]+)+): ", text, re.MULTILINE)
    if platform == "ios":
        found |= {re.sub(r"([A-Z])", lambda match: f"_{match[0].lower()}", n) for n in properties}
    return found


class App:
    """An app: it has no cookies, sends no ``Origin``, and keeps the flow itself."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def send(self, method: str, path: str, body: Any = None, token: str = "") -> Any:
        headers = {"Authorization": f"Token {token}"} if token else {}
        data = {} if body is None else {"data": body, "format": "json"}
        send = getattr(browser(), method.lower())
        response = send(f"/auth/{path}", headers=headers, secure=True, **data)
        self._record(body)
        self._record(response.data)
        return response

    def _record(self, content: Any) -> None:
        if isinstance(content, dict):
            self.names |= content.keys()
            for each in content.values():
                self._record(each)
        elif isinstance(content, list):
            for each in content:
                self._record(each)

    def log_in(self, openid: OpenIDProvider) -> Any:
        begun = self.send("GET", f"o/oidc/?redirect_uri={CALLBACK}")
        callback = f"{CALLBACK}?" + "&".join(
            f"{name}={value}"
            for name, value in openid.authorize(begun.data["authorization_url"]).items()
        )
        body = {**dict(parse_qsl(urlsplit(callback).query)), "flow": begun.data["flow"]}
        return self.send("POST", "o/oidc/", body)

    def resume(self, paused: Any, **values: Any) -> Any:
        body = {name: paused.data[name] for name in ("partial_token", "flow")}
        return self.send("POST", f"o/{paused.data['provider']}/", {**values, **body})


@pytest.fixture
def app() -> App:
    return App()


def configure_page(platform: str, settings: Any, configure: Configure) -> None:
    """Use the settings of the page."""
    project: dict[str, Any] = {}
    exec(code_blocks(DOCS / f"frontend/{platform}.rst", "python")[0], project)
    configure(**project["SOCIAL_ENDPOINTS"])
    for name, value in project.items():
        if name.startswith("SOCIAL_AUTH_"):
            setattr(settings, name, value)


@pytest.mark.parametrize("platform", FILES)
def test_paths_are_endpoints(platform: str) -> None:
    found = paths(platform)

    assert {"o/oidc/", "o/oidc/token/", "me/", "logout/"} == found
    for path in found:
        resolve(f"/auth/{path}")


@pytest.mark.parametrize("platform", FILES)
def test_flow_in_the_callback_is_not_used(platform: str) -> None:
    assert OWN_FLOWS[platform] in " ".join(code(platform).split())


@pytest.mark.parametrize("platform", FILES)
def test_app_signs_in_with_the_browser(
    platform: str, app: App, openid: OpenIDProvider, settings: Any, configure: Configure
) -> None:
    configure_page(platform, settings, configure)
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((AFTER_SOCIAL_USER, ASK_TERMS))

    paused = app.log_in(openid)
    assert paused.status_code == 202
    refused = app.resume(paused, terms=False, plan="free")
    assert refused.status_code == 400
    response = app.resume(paused, terms=True, plan="free")

    assert response.status_code == 201
    token = response.data["token"]
    assert app.send("GET", "me/", token=token).data["username"] == "ada"
    assert app.send("POST", "logout/", token=token).status_code == 204
    assert app.send("GET", "me/", token=token).status_code == 401
    unknown = app.send("POST", "o/oidc/", {"code": "1", "state": "2", "flow": "3"})
    assert "non_field_errors" in unknown.data
    # Names of requests with a token of an SDK, values, and properties of Swift.
    others = {"id_token", "redirect_uri", "unexpected_response", "retry_later"}
    others |= {"error_description", "on_result"}
    assert names(platform) - others <= app.names


@pytest.fixture
def google(wire: responses.RequestsMock) -> Any:
    return id_token_providers.google("google-oauth2", "google.GoogleOAuth2")(wire)


@pytest.mark.parametrize("platform", FILES)
def test_app_signs_in_with_token_of_google(
    platform: str, app: App, google: Any, settings: Any, configure: Configure
) -> None:
    google.install(settings)
    configure_page(platform, settings, configure)
    new_nonce, expression = NONCES[platform]
    assert expression in " ".join(code(platform).split())
    nonce = new_nonce()
    digest = hashlib.sha256(nonce.encode()).hexdigest()
    path = "o/google-oauth2/token/"

    wrong = app.send("POST", path, {"id_token": google.token(nonce=digest), "nonce": digest})
    missing = app.send("POST", path, {"id_token": google.token(nonce=digest)})
    body = {"id_token": google.token(nonce=digest), "nonce": nonce}
    response = app.send("POST", path, body)
    repeated = app.send("POST", path, body)
    again = app.send("POST", path, {**body, "id_token": google.token(nonce=digest, at="2")})

    assert (wrong.status_code, missing.status_code) == (400, 400)
    assert missing.data["error_code"] == "missing_parameter"
    assert response.status_code == 201, response.data
    assert repeated.data["error_code"] == "credential_rejected"
    # Flutter's package uses one nonce until the app starts again.
    assert again.status_code == 201


def test_app_resumes_a_login_with_token_of_an_sdk(
    app: App, google: Any, settings: Any, configure: Configure
) -> None:
    google.install(settings)
    configure_page("android", settings, configure)
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((AFTER_SOCIAL_USER, ASK_TERMS))

    paused = app.send("POST", "o/google-oauth2/token/", {"id_token": google.token()})
    response = app.resume(paused, terms=True, plan="free")

    assert paused.status_code == 202
    assert response.status_code == 201, response.data


@pytest.mark.parametrize("platform", ["flutter", "ios"])
@pytest.mark.parametrize("user", [None, {"firstName": "Ada", "lastName": "Lovelace"}])
def test_app_signs_in_with_token_of_apple(
    platform: str,
    user: Any,
    app: App,
    wire: responses.RequestsMock,
    settings: Any,
    configure: Configure,
) -> None:
    apple = id_token_providers.apple(wire)
    apple.install(settings)
    configure_page(platform, settings, configure)
    nonce = NONCES[platform][0]()
    bundle_id = settings.SOCIAL_AUTH_APPLE_ID_AUDIENCE[0]
    digest = hashlib.sha256(nonce.encode()).hexdigest()
    body = {"id_token": apple.token(nonce=digest, aud=bundle_id), "nonce": nonce}
    if user:
        body["user"] = {"name": user}

    response = app.send("POST", "o/apple-id/token/", body)

    assert response.status_code == 201, response.data
    profile = app.send("GET", "me/", token=response.data["token"]).data
    assert profile["name"] == ("Ada Lovelace" if user else "")


def test_flow_is_missing_with_cookie_transport(
    app: App, openid: OpenIDProvider, configure: Configure
) -> None:
    """The pages name this cause of an error in ``begin()``."""
    configure(ALLOWED_REDIRECT_URIS=[CALLBACK], FLOW_TRANSPORT="cookie")

    begun = app.send("GET", f"o/oidc/?redirect_uri={CALLBACK}")

    assert begun.data.keys() == {"authorization_url"}
