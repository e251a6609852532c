"""The redirect URI of begin: which ones are allowed, and how they reach the provider."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from rest_framework.test import APIClient

from social_endpoints.testing import FakeProviders
from tests.support.configuration import Configure
from tests.support.frontend import REDIRECT_URI, Frontend, authorization_params, error
from tests.support.openid_provider import OpenIDProvider


def begin(uri: str, provider: str = "github") -> Any:
    return APIClient().get(f"/auth/o/{provider}/", {"redirect_uri": uri})


def sent(response: Any) -> list[str]:
    assert response.status_code == 200, response.data
    query = urlsplit(response.data["authorization_url"]).query
    return parse_qs(query, keep_blank_values=True, strict_parsing=True)["redirect_uri"]


def is_rejected(response: Any) -> bool:
    """Return whether a response is the field error of the redirect URI."""
    return response.status_code == 400 and "redirect_uri" in response.json()


@pytest.mark.parametrize("provider", ["github", "oidc"])
@pytest.mark.parametrize(
    "uri",
    [
        REDIRECT_URI[:-1],
        REDIRECT_URI + "/",
        REDIRECT_URI + "/more",
        REDIRECT_URI + "?a=1",
        REDIRECT_URI + "?",
        REDIRECT_URI + "#",
        REDIRECT_URI + "#fragment",
        REDIRECT_URI + "%00",
        REDIRECT_URI + "\0",
        REDIRECT_URI + "\n",
        REDIRECT_URI + " ",
        " " + REDIRECT_URI,
        REDIRECT_URI + "," + REDIRECT_URI,
        REDIRECT_URI.upper(),
        REDIRECT_URI.replace("https", "HTTPS"),
        REDIRECT_URI.replace("https", "http"),
        REDIRECT_URI.replace("https:", ""),
        REDIRECT_URI.replace("app.", "App."),
        REDIRECT_URI.replace(".com", ".com:443"),
        REDIRECT_URI.replace(".com", ".com."),
        REDIRECT_URI.replace(".com", ".com.evil.com"),
        REDIRECT_URI.replace(".com", ".com@evil.com"),
        REDIRECT_URI.replace(".com", ".com:password@evil.com"),
        REDIRECT_URI.replace("app.", "evil@app."),
        REDIRECT_URI.replace(".com/", ".com\\@evil.com/"),
        REDIRECT_URI.replace("https://", "https:\\\\"),
        REDIRECT_URI.replace("/login/", "\\login\\"),
        REDIRECT_URI.replace("/login/", "//login/"),
        REDIRECT_URI.replace("/login/", "/login/../login/"),
        REDIRECT_URI.replace("/login/", "/%6Cogin/"),
        REDIRECT_URI.replace("/login/", "%2Flogin%2F"),
        REDIRECT_URI.replace("a", "а"),  # noqa: RUF001 - the Cyrillic one
        quote(REDIRECT_URI, safe=""),
        "/login/callback",
        "//app.example.com/login/callback",
        "javascript:alert(1)",
        "x" * 10_000,
    ],
)
def test_uri_that_differs_from_a_listed_one_is_rejected(provider: str, uri: str) -> None:
    assert is_rejected(begin(uri, provider))


@pytest.mark.parametrize(
    "query",
    [
        f"redirect_uri={REDIRECT_URI}&redirect_uri={REDIRECT_URI}",
        f"redirect_uri={REDIRECT_URI}&redirect_uri=https://evil.com",
        f"redirect_uri=https://evil.com&redirect_uri={REDIRECT_URI}",
        f"redirect_uri=&redirect_uri={REDIRECT_URI}",
        f"redirect_uri={REDIRECT_URI}&redirect_uri=",
        f"redirect_uri={REDIRECT_URI}&redirect%5Furi={REDIRECT_URI}",
        "redirect_uri=&redirect_uri=",
    ],
)
def test_repeated_uri_is_rejected(query: str, client: APIClient) -> None:
    assert is_rejected(client.get(f"/auth/o/github/?{query}"))


@pytest.mark.parametrize(
    "query",
    [
        "",
        "redirect_uri=",
        "redirect_uri",
        f"redirect_url={REDIRECT_URI}",
        f"redirect_uri[]={REDIRECT_URI}",
    ],
)
def test_missing_uri_is_rejected(query: str, client: APIClient) -> None:
    response = client.get(f"/auth/o/github/?{query}")

    assert is_rejected(response)
    assert response.json()["redirect_uri"] == ["This field is required."]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "redirect_uri_missing"),
        ("redirect_uri=a&redirect_uri=b", "redirect_uri_repeated"),
        ("redirect_uri=https://evil.com/%0A%1b%5B2J", "redirect_uri_not_allowed"),
    ],
)
def test_rejection_has_a_code_and_the_log_has_the_uri(
    query: str, code: str, client: APIClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="social_endpoints")

    response = client.get(f"/auth/o/github/?{query}")

    assert error(response) == (400, code)
    (message,) = [each.getMessage() for each in caplog.records if each.name == "social_endpoints"]
    assert code in message
    assert response.data["error_id"] in message
    assert ('"https://evil.com/\\n\\u001b[2J"' in message) is (code == "redirect_uri_not_allowed")


def test_rejected_uri_is_logged_in_part(caplog: pytest.LogCaptureFixture) -> None:
    begin("https://evil.com/" + "a" * 5_000)

    assert len(caplog.messages[0]) < 500


def test_rejection_does_not_repeat_the_uri() -> None:
    response = begin("https://evil.com/<script>")

    assert "evil" not in response.content.decode()


def test_empty_entry_of_the_list_allows_nothing(client: APIClient, configure: Configure) -> None:
    configure(ALLOWED_REDIRECT_URIS=[""])

    assert is_rejected(client.get("/auth/o/github/?redirect_uri="))


class TestLoopback:
    """An http entry with a loopback address and no port (RFC 8252 section 7.3)."""

    @pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
    @pytest.mark.parametrize("rest", ["", "/", "/cb", "/cb?a=1&b=2", "?a=1", "/c.b+(d)"])
    @pytest.mark.parametrize("port", ["", ":1", ":80", ":8080", ":65535"])
    def test_any_port_is_allowed(
        self, host: str, rest: str, port: str, configure: Configure
    ) -> None:
        configure(ALLOWED_REDIRECT_URIS=[f"http://{host}{rest}"])
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
    def test_invalid_port_is_rejected(self, port: str, rest: str, configure: Configure) -> None:
        configure(ALLOWED_REDIRECT_URIS=[f"http://127.0.0.1{rest}", f"http://[::1]{rest}"])

        assert is_rejected(begin(f"http://127.0.0.1{port}{rest}"))
        assert is_rejected(begin(f"http://[::1]{port}{rest}"))

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
            # The rule does not apply to these entries.
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
            # An entry with a port allows that port only.
            ("http://127.0.0.1:80/cb", "http://127.0.0.1:81/cb"),
            ("http://127.0.0.1:80/cb", "http://127.0.0.1:81"),
            ("http://127.0.0.1:80/cb", "http://127.0.0.1/cb"),
            ("http://127.0.0.1:/cb", "http://127.0.0.1:80/cb"),
        ],
    )
    def test_other_difference_is_rejected(
        self, listed: str, uri: str, configure: Configure
    ) -> None:
        configure(ALLOWED_REDIRECT_URIS=[listed])

        assert is_rejected(begin(uri))
        assert sent(begin(listed)) == [listed]


# --- How a redirect URI reaches the provider ------------------------------------------

# The characters that a URI may contain (RFC 3986), and the ones that browsers write as well
# (RFC 3987).
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

# Backends, and their token endpoints. social-core does not quote the authorization URL of the
# first two, and appends a `redirect_state` for the other ones.
OAUTH2 = {
    "github": "social_core.backends.github.GithubOAuth2",
    "gitlab": "social_core.backends.gitlab.GitLabOAuth2",
    "digitalocean": "social_core.backends.digitalocean.DigitalOceanOAuth",
    "line": "social_core.backends.line.LineOAuth2",
}


@pytest.fixture(
    params=[
        *((uri, False) for uri in UNUSUAL.values()),
        *((UNUSUAL[name], True) for name in ("loopback", "plus", "private-use scheme")),
    ],
    ids=lambda param: "-".join(map(str, param)),
)
def uri(request: pytest.FixtureRequest, configure: Configure, settings: Any) -> str:
    """Allow a redirect URI and return it; social-core's REDIRECT_IS_HTTPS must not change it."""
    uri, settings.SOCIAL_AUTH_REDIRECT_IS_HTTPS = request.param
    configure(ALLOWED_REDIRECT_URIS=[uri])
    return str(uri)


@pytest.mark.django_db
def test_uri_reaches_an_openid_provider_byte_for_byte(
    uri: str, frontend: Frontend, openid: OpenIDProvider
) -> None:
    begun = frontend.begin(redirect_uri=uri)
    callback = openid.authorize(begun.data["authorization_url"])

    assert sent(begun) == [uri]
    # The provider compares the URIs of both requests (RFC 6749 section 4.1.3).
    assert frontend.complete(begun, callback).status_code == 201


@pytest.mark.django_db
@pytest.mark.parametrize("provider", OAUTH2)
def test_uri_reaches_an_oauth2_provider_byte_for_byte(
    provider: str, uri: str, social_provider: FakeProviders, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [OAUTH2[provider]]
    settings.SOCIAL_AUTH_KEY = settings.SOCIAL_AUTH_SECRET = "ours"
    fake, frontend = social_provider(provider), Frontend()

    begun = frontend.begin(provider, redirect_uri=uri)
    callback = fake.authorize(authorization_params(begun)).callback_params
    completed = frontend.complete(begun, callback, provider)

    assert sent(begun) == [uri]
    assert completed.status_code == 201
    assert fake.requests[0].params["redirect_uri"] == uri


@pytest.mark.django_db
def test_redirect_uri_in_a_callback_is_ignored(frontend: Frontend, openid: OpenIDProvider) -> None:
    begun, callback = frontend.authorize(openid)

    response = frontend.complete(begun, {**callback, "redirect_uri": "https://evil.com"})

    assert response.status_code == 201
