"""A frontend and its user, over real HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import requests
from lxml import html

from example_project.provider import demo
from tests.servers.addresses import Addresses

# What a user fills in at any of the providers. Of a button, it says that it was pressed.
ALLOW = {
    "username": demo.USERNAME,
    "password": demo.PASSWORD,
    "login": "ada",
    "user": "ada",
    "answer": "allow",
    "allow": "true",
}
DENY = {**ALLOW, "answer": "deny"}
MOST_STEPS = 15


@dataclass
class User:
    """Somebody with a browser, who goes where a page sends him."""

    browser: requests.Session = field(default_factory=requests.Session)

    def follow(self, url: str, *, until: str, fill: dict[str, str] | None = None) -> Step:
        """Open a URL, fill in every form, until the browser is sent to a URL; return that step.

        That step itself is not done.
        """
        step = Step("GET", url)
        for _ in range(MOST_STEPS):
            if step.url.startswith(until):
                return step
            answer = self.send(step)
            assert answer.status_code < 400, answer.text
            step = next_step(answer, ALLOW if fill is None else fill)
        raise AssertionError(f"never sent to {until}")

    def send(self, step: Step) -> requests.Response:
        return self.browser.request(
            step.method, step.url, data=step.fields, allow_redirects=False, timeout=30
        )


@dataclass(frozen=True)
class Step:
    """One request of a browser: a link, a redirect or a form."""

    method: str
    url: str
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))


def next_step(answer: requests.Response, fill: dict[str, str]) -> Step:
    """Return what a browser does with an answer: it follows it, or submits its form."""
    if "Location" in answer.headers:
        return Step("GET", urljoin(answer.url, answer.headers["Location"]))
    form = html.fromstring(answer.content).forms[0]
    names = {element.get("name") for element in form.iter("input", "button")}
    fields = dict(form.form_values()) | {name: fill[name] for name in names & fill.keys()}
    return Step(form.method, urljoin(answer.url, form.action or answer.url), fields)


@dataclass
class Frontend:
    """A page that calls the site, in one transport and one encoding.

    With ``token`` a user is logged in there, and what it begins and completes are links.
    """

    addresses: Addresses
    transport: str = "cookie"
    encoding: str = "json"
    client: requests.Session = field(default_factory=requests.Session)
    token: str = ""

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Token {self.token}"} if self.token else {}

    def endpoint(self, provider: str) -> str:
        below = "connect/" if self.token else ""
        return f"{self.addresses.site}/auth/o/{provider}/{below}"

    @property
    def redirect_uri(self) -> str:
        """The page is beside its API with the cookie, and on another origin with the body."""
        return self.addresses.redirect_uris[self.transport == "body"]

    def begin(self, provider: str, **query: str) -> dict[str, str]:
        """Begin a login; return what the site answers."""
        answer = self.get(provider, **query)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def get(self, provider: str, **query: str) -> requests.Response:
        return self.client.get(
            self.endpoint(provider),
            params={"redirect_uri": self.redirect_uri, **query},
            headers=self.headers,
            timeout=30,
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
            self.endpoint(provider), headers=self.headers, timeout=30, **encoded
        )

    def authorize(
        self, begun: dict[str, str], user: User, fill: dict[str, str] | None = None
    ) -> dict[str, str]:
        """Send the user to the provider; return what comes back to the page."""
        url = begun["authorization_url"]
        return user.follow(url, until=self.redirect_uri, fill=fill).query

    def provider_answer(
        self, provider: str, begun: dict[str, str], *, lie: str = "", user: str = "ada"
    ) -> Step:
        """Send the user to a provider that posts its answer; return that step, not yet done."""
        url = begun["authorization_url"] + (f"&lie={lie}" if lie else "")
        return User().follow(
            url, until=self.addresses.handoff(provider), fill={**ALLOW, "user": user, "login": user}
        )

    def log_in(self, provider: str, **query: str) -> requests.Response:
        """Log a user in who has just opened the browser; return the last answer."""
        begun = self.begin(provider, **query)
        return self.complete(provider, begun, self.authorize(begun, User()))

    def me(self, token: str) -> dict[str, str]:
        headers = {"Authorization": f"Token {token}"}
        answer = self.client.get(f"{self.addresses.site}/api/me/", headers=headers, timeout=30)
        return dict(answer.json())
