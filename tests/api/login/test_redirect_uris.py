"""Which redirect URIs a login may begin with, and how they reach the provider."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import responses
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from rest_framework.test import APIClient

from tests.support.configuration import Configure, configure_endpoints
from tests.support.frontend import REDIRECT_URI, Frontend
from tests.support.openid_provider import OpenIDProvider

LISTED = "https://app.example.com/login/callback"

# Everything that a listed redirect URI may hold (RFC 3986), and what browsers write
# where it may not (RFC 3987).
UNUSUAL = {
    "ampersand": "https://app.example.com/cb?a=1&b=2",
    "encoded ampersand": "https://app.example.com/cb?next=%26state%3Dx",
    "encoded percent": "https://app.example.com/cb?a=%2526",
    "plus": "https://app.example.com/a+b?c=d+e",
    "encoded space": "https://app.example.com/a%20b",
    "semicolon": "https://app.example.com/cb;v=1?a=1;b=2",
    "equals": "https://app.example.com/cb?a==&redirect_uri=https://app.example.com/cb",
    "encoded hash": "https://app.example.com/cb?a=%23b",
    "lower-case escapes": "https://app.example.com/%c3%bc%2f",
    "no ASCII": "https://app.example.com/rückruf?für=dich",
    "no ASCII host": "https://bücher.example/cb",
    "upper case": "HTTPS://App.Example.com/CB",
    "port": "https://app.example.com:8443/cb",
    "no path": "https://app.example.com",
    "dots": "https://app.example.com/a/../b/./c//d",
    "loopback": "http://127.0.0.1:5173/cb?a=1&b=2",
    "private-use scheme": "com.example.app:/callback",
    "private-use scheme with a query": "com.example.app:/callback?a=1&b=%26",
    "private-use scheme with an authority": "myapp://login/callback",
}

# A backend of each kind: core builds the authorization URL of the first two with its
# query unquoted, and appends `redirect_state` for the third and fourth.
CODE_BACKENDS = {
    "github": "social_core.backends.github.GithubOAuth2",
    "gitlab": "social_core.backends.gitlab.GitLabOAuth2",
    "digitalocean": "social_core.backends.digitalocean.DigitalOceanOAuth",
    "line": "social_core.backends.line.LineOAuth2",
}
TOKEN_URLS = {
    "github": "https://github.com/login/oauth/access_token",
    "gitlab": "https://gitlab.com/oauth/token",
    "digitalocean": "https://cloud.digitalocean.com/v1/oauth/token",
    "line": "https://api.line.me/oauth2/v2.1/token",
}


@dataclass
class Policy:
    """A project's own callable, which remembers what it was asked."""

    answer: Any = True
    asked: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, uri: str, *, provider: str, request: HttpRequest) -> Any:
        self.asked.append({"uri": uri, "provider": provider, "request": request})
        return self.answer


policy = Policy()


def previews(uri: str, *, provider: str, request: HttpRequest) -> bool:
    """Allow the previews of a project, as a project would write it down first."""
    return urlsplit(uri).hostname.endswith(".preview.example.com")  # type: ignore[union-attr]


def unfinished(uri: str, *, provider: str, request: HttpRequest) -> bool:
    """Say that the project lacks what the policy needs."""
    raise ImproperlyConfigured("PREVIEW_DOMAIN is missing")


def allow(settings: Any, *uris: str) -> None:
    """List redirect URIs."""
    configure_endpoints(settings, ALLOWED_REDIRECT_URIS=uris)


def begin(uri: str, provider: str = "github") -> Any:
    """Begin with a redirect URI."""
    return APIClient().get(f"/auth/o/{provider}/", {"redirect_uri": uri})


def sent(answer: Any) -> list[str]:
    """Return the redirect URIs in the authorization URL."""
    assert answer.status_code == 200, answer.data
    query = urlsplit(answer.data["authorization_url"]).query
    return parse_qs(query, keep_blank_values=True, strict_parsing=True)["redirect_uri"]


def is_refused(answer: Any) -> bool:
    """Say whether an answer is the field error of the redirect URI and nothing else."""
    return answer.status_code == 400 and list(answer.json()) == ["redirect_uri"]


def test_listed_uri_is_allowed() -> None:
    assert sent(begin(LISTED)) == [LISTED]


@pytest.mark.parametrize("provider", ["github", "oidc"])
@pytest.mark.parametrize(
    "uri",
    [
        LISTED[:-1],
        LISTED + "/",
        LISTED + "/more",
        LISTED + "?a=1",
        LISTED + "?",
        LISTED + "#",
        LISTED + "#fragment",
        LISTED + "%00",
        LISTED + "\0",
        LISTED + "\n",
        LISTED + " ",
        " " + LISTED,
        LISTED + "," + LISTED,
        LISTED.upper(),
        LISTED.replace("https", "HTTPS"),
        LISTED.replace("https", "http"),
        LISTED.replace("https:", ""),
        LISTED.replace("app.", "App."),
        LISTED.replace(".com", ".com:443"),
        LISTED.replace(".com", ".com."),
        LISTED.replace(".com", ".com.evil.com"),
        LISTED.replace(".com", ".com@evil.com"),
        LISTED.replace(".com", ".com:password@evil.com"),
        LISTED.replace("app.", "evil@app."),
        LISTED.replace(".com/", ".com\\@evil.com/"),
        LISTED.replace("https://", "https:\\\\"),
        LISTED.replace("/login/", "\\login\\"),
        LISTED.replace("/login/", "//login/"),
        LISTED.replace("/login/", "/login/../login/"),
        LISTED.replace("/login/", "/%6Cogin/"),
        LISTED.replace("/login/", "%2Flogin%2F"),
        LISTED.replace("a", "а"),  # noqa: RUF001 - the Cyrillic one
        quote(LISTED, safe=""),
        "/login/callback",
        "//app.example.com/login/callback",
        "javascript:alert(1)",
        "x" * 10_000,
    ],
)
def test_anything_else_is_refused(provider: str, uri: str) -> None:
    assert is_refused(begin(uri, provider))


@pytest.mark.parametrize(
    "query",
    [
        f"redirect_uri={LISTED}&redirect_uri={LISTED}",
        f"redirect_uri={LISTED}&redirect_uri=https://evil.com",
        f"redirect_uri=https://evil.com&redirect_uri={LISTED}",
        f"redirect_uri=&redirect_uri={LISTED}",
        f"redirect_uri={LISTED}&redirect_uri=",
        f"redirect_uri={LISTED}&redirect%5Furi={LISTED}",
        "redirect_uri=&redirect_uri=",
    ],
)
def test_uri_is_given_once(query: str, client: APIClient) -> None:
    assert is_refused(client.get(f"/auth/o/github/?{query}"))


@pytest.mark.parametrize(
    "query",
    ["", "redirect_uri=", "redirect_uri", f"redirect_url={LISTED}", f"redirect_uri[]={LISTED}"],
)
def test_uri_is_required(query: str, client: APIClient) -> None:
    answer = client.get(f"/auth/o/github/?{query}")

    assert is_refused(answer)
    assert answer.json() == {"redirect_uri": ["This field is required."]}


def test_refusal_does_not_repeat_the_uri() -> None:
    answer = begin("https://evil.com/<script>")

    assert "evil" not in answer.content.decode()


def test_empty_string_in_the_list_allows_nothing(settings: Any, client: APIClient) -> None:
    allow(settings, "")

    assert is_refused(client.get("/auth/o/github/?redirect_uri="))


class TestLoopback:
    """RFC 8252 section 7.3: a native app listens on whatever port is free."""

    @pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
    @pytest.mark.parametrize("rest", ["", "/", "/cb", "/cb?a=1&b=2", "?a=1", "/c.b+(d)"])
    @pytest.mark.parametrize("port", ["", ":1", ":80", ":8080", ":65535"])
    def test_any_port_is_allowed(self, host: str, rest: str, port: str, settings: Any) -> None:
        allow(settings, f"http://{host}{rest}")
        uri = f"http://{host}{port}{rest}"

        assert sent(begin(uri)) == [uri]

    @pytest.mark.parametrize(
        "port",
        [
            ":",
            ":0",
            ":00",
            ":080",
            ":65536",
            ":99999",
            ":100000",
            ":-1",
            ":+80",
            ":8o",
            ":0x50",
            ": 80",
            ":80 ",
            ":80:80",
            ":80\n",
            ":٨٠",
            ":8０",  # noqa: RUF001 - a full-width digit
            ":80@evil.com",
            "@evil.com:80",
            ".evil.com:80",
        ],
    )
    @pytest.mark.parametrize("rest", ["", "/cb"])
    def test_what_is_no_port_is_refused(self, port: str, rest: str, settings: Any) -> None:
        allow(settings, f"http://127.0.0.1{rest}", f"http://[::1]{rest}")

        assert is_refused(begin(f"http://127.0.0.1{port}{rest}"))
        assert is_refused(begin(f"http://[::1]{port}{rest}"))

    @pytest.mark.parametrize(
        ("listed", "uri"),
        [
            # Everything but the port is equal.
            ("http://127.0.0.1/cb", "http://127.0.0.1:80/cb/"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:80/CB"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:80/"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:80"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:80/cb?a=1"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:80/cb#a"),
            ("http://127.0.0.1/cb", "HTTP://127.0.0.1:80/cb"),
            ("http://127.0.0.1/cb", "https://127.0.0.1:80/cb"),
            ("http://127.0.0.1/cb", "http://[::1]:80/cb"),
            ("http://127.0.0.1/cb", "http://localhost:80/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.2:80/cb"),
            ("http://127.0.0.1/cb", "http://127.1:80/cb"),
            ("http://127.0.0.1/cb", "http://user@127.0.0.1:80/cb"),
            ("http://127.0.0.1", "http://127.0.0.1:80/"),
            ("http://127.0.0.1/c.b", "http://127.0.0.1:80/cxb"),
            # These have no rule.
            ("http://localhost/cb", "http://localhost:80/cb"),
            ("https://127.0.0.1/cb", "https://127.0.0.1:443/cb"),
            ("http://127.0.0.2/cb", "http://127.0.0.2:80/cb"),
            ("http://0.0.0.0/cb", "http://0.0.0.0:80/cb"),
            ("http://[::1%25lo]/cb", "http://[::1%25lo]:80/cb"),
            ("http://[0:0:0:0:0:0:0:1]/cb", "http://[0:0:0:0:0:0:0:1]:80/cb"),
            ("http://app.example.com/cb", "http://app.example.com:80/cb"),
            ("HTTP://127.0.0.1/cb", "HTTP://127.0.0.1:80/cb"),
            ("http://127.0.0.1@evil.com/cb", "http://127.0.0.1:80@evil.com/cb"),
            ("http://127.0.0.1.evil.com/cb", "http://127.0.0.1:80.evil.com/cb"),
            ("http://127.0.0.1.evil.com/cb", "http://127.0.0.1:80"),
            # An entry with a port means that port.
            ("http://127.0.0.1:80/cb", "http://127.0.0.1:81/cb"),
            ("http://127.0.0.1:80/cb", "http://127.0.0.1:81"),
            ("http://127.0.0.1:80/cb", "http://127.0.0.1/cb"),
            ("http://127.0.0.1:/cb", "http://127.0.0.1:80/cb"),
        ],
    )
    def test_nothing_else_may_differ(self, listed: str, uri: str, settings: Any) -> None:
        allow(settings, listed)

        assert is_refused(begin(uri))
        assert sent(begin(listed)) == [listed]


class TestPolicy:
    """A callable of the project's."""

    @pytest.fixture(autouse=True)
    def _policy(self, configure: Configure) -> None:
        name = f"{__name__}.policy"
        configure(ALLOWED_REDIRECT_URIS=name)
        policy.answer = True
        policy.asked.clear()

    def test_is_asked_with_the_provider_and_the_request(self, client: APIClient) -> None:
        uri = "https://branch-7.example.com/cb?a=1&b=%26"
        query = {"redirect_uri": uri, "tenant": "acme"}
        answer = client.get("/auth/o/github/", query, headers={"Host": "localhost"})

        assert sent(answer) == [uri]
        (asked,) = policy.asked
        assert (asked["uri"], asked["provider"]) == (uri, "github")
        assert isinstance(asked["request"], HttpRequest)
        assert asked["request"].get_host() == "localhost"
        assert asked["request"].GET["tenant"] == "acme"

    @pytest.mark.parametrize("answer", [False, None, "", 0])
    def test_may_refuse(self, answer: Any) -> None:
        policy.answer = answer

        assert is_refused(begin(LISTED))

    @pytest.mark.parametrize("query", ["", "?redirect_uri=", "?redirect_uri=a&redirect_uri=b"])
    def test_is_not_asked_of_what_is_no_uri(self, query: str, client: APIClient) -> None:
        assert is_refused(client.get(f"/auth/o/github/{query}"))
        assert policy.asked == []

    def test_is_not_asked_of_an_unknown_provider(self) -> None:
        assert begin(LISTED, "unknown").status_code == 404
        assert policy.asked == []

    @pytest.mark.parametrize("uri", ["https://[", "https://[::1", "nonsense", "mailto:a@b", "\0"])
    def test_that_fails_over_a_malformed_uri_has_refused_it(
        self, uri: str, configure: Configure
    ) -> None:
        """No input may cause a 500."""
        name = f"{__name__}.previews"
        configure(ALLOWED_REDIRECT_URIS=name)

        assert sent(begin("https://a.preview.example.com/")) == ["https://a.preview.example.com/"]
        assert is_refused(begin(uri))

    def test_that_is_misconfigured_is_a_500_with_the_error_body(
        self, configure: Configure, caplog: pytest.LogCaptureFixture
    ) -> None:
        name = f"{__name__}.unfinished"
        configure(ALLOWED_REDIRECT_URIS=name)

        answer = begin(LISTED)

        assert answer.status_code == 500
        assert answer.json()["error_source"] == "configuration"
        assert "PREVIEW_DOMAIN is missing" in caplog.text

    @pytest.mark.parametrize(
        "uri",
        ["https://[", "https://[::1", "nonsense", "\0", "\ud7ff", "https://a/#b", "x" * 9_000],
    )
    @pytest.mark.parametrize("provider", ["github", "oidc"])
    def test_that_allows_everything_causes_no_500(
        self, uri: str, provider: str, openid: OpenIDProvider
    ) -> None:
        assert begin(uri, provider).status_code in {200, 400}


@pytest.mark.django_db
@pytest.mark.parametrize("is_https", [False, True])
@pytest.mark.parametrize("uri", UNUSUAL.values(), ids=UNUSUAL)
class TestByteForByte:
    """What is allowed reaches the provider as it is."""

    def test_with_openid_connect(
        self, uri: str, is_https: bool, frontend: Frontend, openid: OpenIDProvider, settings: Any
    ) -> None:
        allow(settings, uri)
        settings.SOCIAL_AUTH_REDIRECT_IS_HTTPS = is_https

        begun = frontend.begin(redirect_uri=uri)
        callback = openid.authorize(begun.data["authorization_url"])

        assert sent(begun) == [uri]
        # The provider compares the two, as RFC 6749 section 4.1.3 demands.
        assert frontend.complete(begun, callback).status_code == 201

    @pytest.mark.parametrize("provider", CODE_BACKENDS)
    def test_with_oauth2(
        self,
        provider: str,
        uri: str,
        is_https: bool,
        wire: responses.RequestsMock,
        settings: Any,
    ) -> None:
        allow(settings, uri)
        settings.SOCIAL_AUTH_REDIRECT_IS_HTTPS = is_https
        settings.AUTHENTICATION_BACKENDS = [CODE_BACKENDS[provider]]
        settings.SOCIAL_AUTH_KEY = settings.SOCIAL_AUTH_SECRET = "ours"
        wire.post(TOKEN_URLS[provider], json={"error": "invalid_grant"}, status=400)
        frontend = Frontend()

        begun = frontend.begin(provider, redirect_uri=uri)
        state = parse_qs(urlsplit(begun.data["authorization_url"]).query)["state"][0]
        refused = frontend.complete(begun, {"code": "c", "state": state}, provider)

        assert sent(begun) == [uri]
        assert refused.status_code == 400
        (call,) = wire.calls
        assert parse_qs(call.request.body, keep_blank_values=True)["redirect_uri"] == [uri]


def test_each_login_keeps_its_own_uri(
    frontend: Frontend, openid: OpenIDProvider, settings: Any, db: None
) -> None:
    """Two tabs, on two pages of the frontend."""
    other = "https://app.example.com/other"
    allow(settings, REDIRECT_URI, other)

    begun = [frontend.begin(redirect_uri=uri) for uri in (REDIRECT_URI, other)]
    callbacks = [openid.authorize(one.data["authorization_url"]) for one in begun]
    answers = [frontend.complete(*pair) for pair in zip(begun, callbacks, strict=True)]

    assert [answer.status_code for answer in answers] == [201, 201]


def test_uri_that_is_no_longer_allowed_ends_in_what_was_begun(
    frontend: Frontend, openid: OpenIDProvider, settings: Any, db: None
) -> None:
    """The callback names no redirect URI: only the flow knows it."""
    begun = frontend.begin()
    callback = openid.authorize(begun.data["authorization_url"])

    answer = frontend.complete(begun, {**callback, "redirect_uri": "https://evil.com"})

    assert answer.status_code == 201


@pytest.mark.parametrize("provider", ["github", "oidc"])
def test_extra_argument_cannot_bring_a_second_uri(
    provider: str, openid: OpenIDProvider, settings: Any
) -> None:
    """Core unquotes the query of the authorization URL."""
    settings.SOCIAL_AUTH_AUTH_EXTRA_ARGUMENTS = {"login_hint": ""}
    settings.SOCIAL_AUTH_AUTH_EXTRA_ARGUMENTS_OVERRIDE_ALLOWLIST = ["login_hint"]
    hint = "ada&redirect_uri=https://evil.com&state=x"
    query = {"redirect_uri": LISTED, "login_hint": hint}

    answer = APIClient().get(f"/auth/o/{provider}/", query)

    assert sent(answer) == [LISTED]
    asked = parse_qs(urlsplit(answer.data["authorization_url"]).query)
    assert asked["login_hint"] == [hint]
    assert len(asked["state"]) == 1
