"""A frontend and its user, over real HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit
from uuid import uuid4

import requests
from lxml import html

from tests.support.servers.addresses import Addresses
from tests.support.servers.toolkit import demo

# Field values for the forms of all providers. A button's name with a value means a click on it.
ALLOW = {
    "username": demo.USERNAME,
    "password": demo.PASSWORD,
    "login": "ada",
    "user": "ada",
    "answer": "allow",
    "allow": "true",
    "logout": "yes",
    "action": "confirm",
}
DENY = {**ALLOW, "answer": "deny"}
MAX_STEPS = 15
TIMEOUT = 30


def as_user(name: str) -> dict[str, str]:
    """Return what a user with this name enters at a provider."""
    return {**ALLOW, "user": name, "login": name}


def new_name() -> str:
    """Return a user name that no provider has seen yet."""
    return f"user-{uuid4().hex[:8]}"


@dataclass(frozen=True)
class Step:
    """One request of a browser: a link, a redirect or a form.

    :ivar origin: the origin of the page with the form.
    """

    method: str
    url: str
    fields: dict[str, str] = field(default_factory=dict)
    origin: str = ""

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))


def next_step(response: requests.Response, fill: dict[str, str]) -> Step:
    """Return what a browser does next: it follows a redirect, or submits the form of a page."""
    if "Location" in response.headers:
        return Step("GET", urljoin(response.url, response.headers["Location"]))
    form = html.fromstring(response.content).forms[0]
    names = {element.get("name") for element in form.iter("input", "button")}
    fields = dict(form.form_values()) | {name: fill[name] for name in names & fill.keys()}
    url = urljoin(response.url, form.action or response.url)
    return Step(form.method, url, fields, urljoin(response.url, "/").rstrip("/"))


def new_browser() -> requests.Session:
    browser = requests.Session()
    browser.headers["Accept"] = "text/html"
    return browser


@dataclass
class User:
    """A person with a browser who follows every redirect and submits every form."""

    browser: requests.Session = field(default_factory=new_browser)

    def follow(self, url: str, *, until: str, fill: dict[str, str] = ALLOW) -> Step:
        """Return the step that leads to a URL that starts with ``until``. It is not sent."""
        step = Step("GET", url)
        for _ in range(MAX_STEPS):
            if step.url.startswith(until):
                return step
            response = self.send(step)
            assert response.status_code < 400, response.text
            step = next_step(response, fill)
        raise AssertionError(f"no step led to {until}")

    def submit(self, url: str, fill: dict[str, str]) -> requests.Response:
        """Open a page, and submit its form."""
        response = self.send(Step("GET", url))
        return self.send(next_step(response, fill))

    def send(self, step: Step) -> requests.Response:
        return self.browser.request(
            step.method,
            step.url,
            data=step.fields,
            headers={"Origin": step.origin} if step.origin else {},
            allow_redirects=False,
            timeout=TIMEOUT,
        )


@dataclass
class Frontend:
    """A page that calls the site, with one transport and one encoding.

    With ``token`` a user is signed in, and the page connects instead of signing in.
    """

    addresses: Addresses
    transport: str = "cookie"
    encoding: str = "json"
    client: requests.Session = field(default_factory=requests.Session)
    token: str = ""

    def fresh(self, **changes: Any) -> Frontend:
        return replace(self, client=requests.Session(), **changes)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Token {self.token}"} if self.token else {}

    @property
    def redirect_uri(self) -> str:
        """The page is on its API's origin with the cookie, and on another with the body."""
        return self.addresses.redirect_uris[self.transport == "body"]

    def endpoint(self, provider: str) -> str:
        suffix = "connect/" if self.token else ""
        return f"{self.addresses.site}/auth/o/{provider}/{suffix}"

    def begin(self, provider: str, **query: str) -> dict[str, str]:
        """Begin a login; return the body of the response."""
        response = self.get(provider, **query)
        assert response.status_code == 200, response.text
        return dict(response.json())

    def get(self, provider: str, **query: str) -> requests.Response:
        if provider == "openid":
            query.setdefault("openid_identifier", f"{self.addresses.provider('openid2')}/ada")
        return self.client.get(
            self.endpoint(provider),
            params={"redirect_uri": self.redirect_uri, **query},
            headers=self.headers,
            timeout=TIMEOUT,
        )

    def complete(
        self, provider: str, begun: dict[str, str], callback: dict[str, str]
    ) -> requests.Response:
        """Post what the provider sent back, with the flow of this begin."""
        body = dict(callback)
        if self.transport == "body":
            self.client.cookies.clear()
            body["flow"] = begun["flow"]
        encoded: Any = {"json": body} if self.encoding == "json" else {"data": body}
        return self.client.post(
            self.endpoint(provider), headers=self.headers, timeout=TIMEOUT, **encoded
        )

    def authorize(
        self, begun: dict[str, str], user: User | None = None, fill: dict[str, str] = ALLOW
    ) -> dict[str, str]:
        """Send the user to the provider; return the parameters of the callback."""
        url = begun["authorization_url"]
        return (user or User()).follow(url, until=self.redirect_uri, fill=fill).query

    def provider_post(
        self, provider: str, begun: dict[str, str], *, lie: str = "", user: str = "ada"
    ) -> Step:
        """Send the user to a provider with a handoff; return its POST, which is not sent yet."""
        url = begun["authorization_url"] + (f"&lie={lie}" if lie else "")
        return User().follow(url, until=self.addresses.handoff(provider), fill=as_user(user))

    def sign_in(
        self, provider: str, name: str = "ada", user: User | None = None, **query: str
    ) -> requests.Response:
        """Sign in, or connect; return the response of complete.

        :param user: the person at the browser; a new browser if None.
        """
        if provider == "openid":
            query["openid_identifier"] = f"{self.addresses.provider('openid2')}/{name}"
        begun = self.begin(provider, **query)
        return self.complete(provider, begun, self.authorize(begun, user, as_user(name)))

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send a request of the signed-in user to the site."""
        url = f"{self.addresses.site}/{path}"
        return self.client.request(method, url, headers=self.headers, timeout=TIMEOUT, **options)

    def connections(self) -> list[dict[str, Any]]:
        response = self.call("GET", "auth/connections/")
        assert response.status_code == 200, response.text
        return list(response.json())

    def disconnect(self, connection: dict[str, Any]) -> requests.Response:
        return self.call("DELETE", f"auth/connections/{connection['id']}/")

    def email(self, token: str) -> str:
        headers = {"Authorization": f"Token {token}"}
        url = f"{self.addresses.site}/api/me/"
        return str(self.client.get(url, headers=headers, timeout=TIMEOUT).json()["email"])
