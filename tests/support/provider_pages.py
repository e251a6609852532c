"""The pages about providers in docs/providers/, and a simulated provider with their examples."""

from __future__ import annotations

import json
import re
import textwrap
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import jwt
import responses
from django.utils.module_loading import import_string
from social_core.backends.oauth import BaseOAuth1, BaseOAuth2
from social_core.backends.open_id import OpenIdAuth
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_django.utils import load_backend, load_strategy

from tests.support.frontend import REDIRECT_URI, Frontend
from tests.support.handoff import handoff_params, post_to_callback
from tests.support.keys import elliptic_key, private_pem, public, signing_key
from tests.support.pages import DOCS

FOLDER = DOCS / "providers"
OTHER_PAGES = {"index", "backends"}
SECTIONS = [
    "At a glance",
    "Register the application",
    "Redirect URI",
    "Settings",
    "Scopes",
    "What the provider sends",
    "Native tokens",
    "PKCE",
    "Signing out and revocation",
    "Traps",
    "Check it",
]
FIELDS = [
    "Backend",
    "Class",
    "Protocol",
    "Handoff",
    "PKCE",
    "E-mail",
    "Native sign-in",
    "Scopes",
    "Revocation",
    "Logout",
]
ACCOUNT_FIELDS = ["uid", "Username", "E-mail", "Name"]
HOST = "api.example.com"

_DISCOVERED = "https://id.example.com"
_DISCOVERY = re.compile(r"https://.+/\.well-known/openid-configuration")


@dataclass
class Backend:
    """A backend that a page describes: one field list of the section "At a glance"."""

    fields: dict[str, str]

    def __getitem__(self, name: str) -> str:
        """Return the value of a field up to the first period that ends a sentence."""
        return re.split(r"\.(?:\s|$)", self.fields[name])[0]

    @property
    def name(self) -> str:
        return self["Backend"].strip("`")

    @property
    def scopes(self) -> list[str]:
        return literals(self["Scopes"])

    @property
    def path(self) -> str:
        return self["Class"].strip("`").replace("myproject.", "docs.recipes.")


class ProviderPage:
    """A page about a provider."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text()
        titles = re.split(r"^(.+)\n=+\n", self.text, flags=re.MULTILINE)[1:]
        parts = list(zip(titles[::2], titles[1::2], strict=True))
        self.title = parts[0][0]
        self.sections = dict(parts[1:])
        self.section_titles = [title for title, _ in parts[1:]]

    @property
    def backends(self) -> list[Backend]:
        """Return the backends of "At a glance", in their order."""
        return [Backend(fields) for fields in field_lists(self.sections["At a glance"])]

    @property
    def settings_blocks(self) -> list[str]:
        """Return the blocks with all settings that a project needs."""
        found = blocks(self.sections["Settings"], "python")
        pattern = re.compile(r"^AUTHENTICATION_BACKENDS\b", re.MULTILINE)
        return [block.text for block in found if pattern.search(block.text)]

    def settings_of(self, name: str, directory: Path) -> dict[str, Any]:
        """Run the block that configures a backend; return the settings.

        :param directory: of the settings module. It contains the key files that a block reads.
        """
        for block in self.settings_blocks:
            settings = run(block, directory)
            if name in configured_names(settings):
                return settings
        raise AssertionError(f"No block configures {name}.")

    @property
    def examples(self) -> dict[str, Any]:
        """Return the JSON that the provider sends, by the captions of the blocks."""
        found = blocks(self.sections["What the provider sends"], "json")
        return {block.caption: json.loads(block.text) for block in found if block.caption}

    @property
    def account(self) -> dict[str, str]:
        """Return the field list of the account that a login with the examples creates."""
        (fields,) = field_lists(self.sections["What the provider sends"])
        return fields


@dataclass
class Block:
    caption: str
    text: str


def run(block: str, directory: Path) -> dict[str, Any]:
    """Run a block of settings; return them."""
    for file in re.findall(r'with_name\("(\S+)"\)', block):
        (directory / file).write_text(private_pem(elliptic_key()))
    names: dict[str, Any] = {"__file__": str(directory / "settings.py")}
    exec(block.replace("myproject.", "docs.recipes."), names)
    return {key: value for key, value in names.items() if key.isupper()}


def apply_settings(settings: Any, page: ProviderPage, name: str, directory: Path) -> None:
    """Configure a project with the block of a page for a backend.

    :param settings: pytest-django's fixture.
    """
    settings.ALLOWED_HOSTS = [HOST, "testserver"]
    del settings.SOCIAL_AUTH_OIDC_USE_PKCE  # Of the test project.
    for setting, value in page.settings_of(name, directory).items():
        setattr(settings, setting, value)


def configured_names(settings: dict[str, Any]) -> list[str]:
    """Return the names of the providers."""
    classes = [import_string(path) for path in settings["AUTHENTICATION_BACKENDS"]]
    return [each.name for each in classes if getattr(each, "name", "")]


def blocks(text: str, language: str) -> list[Block]:
    """Return the code blocks in a text."""
    pattern = rf"^( *)\.\. code-block:: {language}\n((?:\1 +.*\n|\n)+)"
    found = []
    for _, block in re.findall(pattern, text + "\n", re.MULTILINE):
        options, _, code = textwrap.dedent(block).partition("\n\n")
        if options.startswith(":caption:"):
            found.append(Block(options.removeprefix(":caption:").strip(), code.strip("\n") + "\n"))
        else:
            found.append(Block("", textwrap.dedent(block).strip("\n") + "\n"))
    return found


def field_lists(text: str) -> list[dict[str, str]]:
    """Return the field lists in a text, which begin at the margin."""
    found: list[dict[str, str]] = []
    name = None
    for line in text.splitlines():
        match = re.match(r":([^:`]+): *(.*)$", line)
        if match:
            if name is None:
                found.append({})
            name = match[1]
            found[-1][name] = match[2]
        elif name is not None and line.startswith(" "):
            found[-1][name] += f" {line.strip()}"
        else:
            name = None
    return found


def literals(text: str) -> list[str]:
    return re.findall(r"``(.+?)``", text)


def provider_pages() -> list[ProviderPage]:
    """Return the pages of docs/providers/, without the index and the table."""
    paths = sorted(path for path in FOLDER.glob("*.rst") if path.stem not in OTHER_PAGES)
    return [ProviderPage(path) for path in paths]


@dataclass
class ExampleProvider:
    """The provider of a page on the simulated network, which sends the examples of the page.

    :param examples: by caption; see the comment in docs/providers/index.rst.
    :param tokens: status and body of the token response, in place of tokens.
    """

    wire: responses.RequestsMock
    name: str
    examples: dict[str, Any] = field(default_factory=dict)
    nonce: str | None = None
    has_revocation: bool = False
    tokens: tuple[int, dict[str, Any]] | None = None

    def __post_init__(self) -> None:
        self.backend: Any = load_backend(load_strategy(), self.name, REDIRECT_URI)
        self.wire.add_callback("GET", _DISCOVERY, callback=self._discovery)
        for caption, example in self.examples.items():
            method, _, url = caption.partition(" ")
            if method == "GET":
                self.wire.get(url, json=example)
        for url in (f"{_DISCOVERED}/jwks", "https://appleid.apple.com/auth/keys"):
            self.wire.get(url, json={"keys": [public(signing_key(), alg="RS256")]})
        if isinstance(self.backend, OpenIdAuth):
            self._add_openid2()
        if isinstance(self.backend, BaseOAuth1):
            token = "oauth_token=token&oauth_token_secret=secret&oauth_callback_confirmed=true"
            self.wire.add(
                self.backend.REQUEST_TOKEN_METHOD, self.backend.REQUEST_TOKEN_URL, body=token
            )

    def begin(self, **query: str) -> Any:
        """Begin a login, as a frontend does."""
        self.frontend = Frontend("body")
        self.frontend.client.defaults["HTTP_HOST"] = HOST
        return self.frontend.begin(self.name, **query)

    def log_in(self) -> Any:
        """Begin a login, let the user agree at the provider, and complete it."""
        begun = self.begin()
        params = dict(parse_qsl(urlsplit(begun.data["authorization_url"]).query))
        self.nonce = params.get("nonce")
        self.client_id = params["client_id"]
        self.wire.add_callback(
            self.backend.ACCESS_TOKEN_METHOD, self._token_url(), callback=self._tokens
        )
        callback = {"code": "code", "state": params["state"]}
        if params["redirect_uri"] != REDIRECT_URI:
            for name, value in self.examples.get("Form post", {}).items():
                callback[name] = value if isinstance(value, str) else json.dumps(value)
            path = urlsplit(params["redirect_uri"]).path
            callback = handoff_params(post_to_callback(callback, path))
        return self.frontend.complete(begun, callback, self.name)

    def sent_after(self, count: int) -> list[str]:
        """Return the URLs of the requests to the provider after the first ones."""
        return [str(call.request.url) for call in self.wire.calls][count:]

    def _token_url(self) -> str:
        inherits = type(self.backend).access_token_url is OpenIdConnectAuth.access_token_url
        if inherits and not self.backend.ACCESS_TOKEN_URL:
            return f"{_DISCOVERED}/token"
        return str(self.backend.access_token_url()).partition("?")[0]

    def _tokens(self, request: Any) -> tuple[int, dict[str, str], str]:
        if self.tokens:
            return self.tokens[0], {"Content-Type": "application/json"}, json.dumps(self.tokens[1])
        tokens = {"access_token": "token", "token_type": "bearer", "expires_in": 3600}
        if "ID token" in self.examples:
            tokens["id_token"] = self.id_token()
        for caption, example in self.examples.items():
            if caption.startswith("POST "):
                tokens.update(example)
        return 200, {"Content-Type": "application/json"}, json.dumps(tokens)

    def id_token(self) -> str:
        now = int(time.time())
        nonce = {"nonce": self.nonce} if self.nonce else {}
        claims = {"aud": self.client_id, "iat": now, "exp": now + 300, **nonce}
        claims |= {"iss": self._issuer(), **self.examples["ID token"]}
        return jwt.encode(claims, signing_key(), "RS256", headers={"kid": "1"})

    def _issuer(self) -> str:
        issuer = (
            getattr(self.backend, "ID_TOKEN_ISSUER", "")
            or getattr(self.backend, "oidc_endpoint", lambda: "")()
        )
        return str(issuer)

    def _discovery(self, request: Any) -> tuple[int, dict[str, str], str]:
        url, _, _ = request.url.partition("?")
        issuer = url.removesuffix("/.well-known/openid-configuration")
        if "ID token" in self.examples:
            issuer = self.examples["ID token"].get("iss", issuer)
        urls = [caption.removeprefix("GET ") for caption in self.examples if "GET " in caption]
        document = {
            "issuer": issuer,
            "authorization_endpoint": f"{_DISCOVERED}/authorize",
            "token_endpoint": f"{_DISCOVERED}/token",
            "userinfo_endpoint": urls[0] if urls else f"{_DISCOVERED}/userinfo",
            "jwks_uri": f"{_DISCOVERED}/jwks",
            "code_challenge_methods_supported": ["S256"],
            **({"revocation_endpoint": f"{_DISCOVERED}/revoke"} if self.has_revocation else {}),
        }
        return 200, {"Content-Type": "application/json"}, json.dumps(document)

    def _add_openid2(self) -> None:
        from tests.support.openid2_provider import XRDS

        body = XRDS.format(
            type="http://specs.openid.net/auth/2.0/server", endpoint=self.backend.openid_url()
        )
        self.wire.get(self.backend.openid_url(), body=body, content_type="application/xrds+xml")


def asked_scopes(backend: Any, params: dict[str, str]) -> list[str]:
    """Return the scopes in the query of an authorization URL."""
    if not isinstance(backend, BaseOAuth2):
        return []
    scopes = params.get(backend.SCOPE_PARAMETER_NAME, "")
    return [scope for scope in re.split(r"[ ,]", scopes) if scope]


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
