"""The scenarios of the soak: logins of all kinds, some of them wrong or abandoned."""

from __future__ import annotations

import hashlib
import random
import re
import secrets
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests

from tests.soak.provider import Provider
from tests.support.keys import other_key

SERIALIZERS = ("TokenSerializer", "JWTSerializer", "KnoxTokenSerializer", "SessionSerializer")
REDIRECT_URI = "https://app.example.com/login/callback"
SESSION = len(SERIALIZERS) - 1  # Its login is a cookie, so its flows travel in cookies.
FEW = 60  # Users that sign in again and again.
LATE = {"state_mismatch", "session_context_missing"}


class Violation(Exception):
    """A response that the contract excludes."""


@dataclass
class Soak:
    """The state of a run.

    :ivar owners: for each identity that has been answered with a 201, the owner of its account.
    """

    provider: Provider
    failing: Provider
    ports: list[int]
    counts: Counter[tuple[str, int, str]] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    owners: dict[tuple[str, str], str] = field(default_factory=dict)
    posts: int = 0
    paused: int = 0
    scenarios: int = 0
    lock: Any = field(default_factory=threading.Lock)
    forged_key: Any = field(default_factory=other_key)


class Browser:
    """A browser or an app with its own cookies."""

    def __init__(self, soak: Soak) -> None:
        self.soak = soak
        self.session = requests.Session()
        self.session.trust_env = False
        self.home = random.randrange(len(SERIALIZERS))
        self.transport = "cookie" if self.home == SESSION else random.choice(["cookie", "body"])
        self.authorization: dict[str, str] = {}

    def ask(self, method: str, path: str, *expected: int, codes: Any = None, **kwargs: Any) -> Any:
        """Send a request; raise a Violation unless the status and the error code are expected."""
        # Any server can continue what another one began, but each has its own serializer.
        kwargs.setdefault("headers", self.authorization)
        server = kwargs.pop("server", self.home)
        url = f"http://127.0.0.1:{self.soak.ports[server]}/auth/{path}"
        if self.transport == "body":
            self.session.cookies.clear()
        response = self.session.request(method, url, timeout=60, allow_redirects=False, **kwargs)
        is_json = response.headers.get("Content-Type", "").startswith("application/json")
        body = response.json() if is_json and response.content else {}
        code = body.get("error_code", "") if isinstance(body, dict) else ""
        with self.soak.lock:
            name = f"{method} {re.sub('/[0-9]+/', '/<id>/', path)}"
            self.soak.counts[name, response.status_code, code] += 1
            self.soak.posts += method == "POST"
        is_expected = response.status_code in expected and (not code or not codes or code in codes)
        if not is_expected or (response.status_code >= 400 and not code):
            text = f"{method} {path}: {response.status_code} {response.text[:300]}"
            raise Violation(f"{text}, expected {expected} {codes or ''}")
        return body if response.status_code != 303 else response.headers["Location"]

    def begin(self, provider: str, user: str, below: str = "") -> tuple[Any, dict[str, str]]:
        others = [SESSION] if self.home == SESSION else range(SESSION)
        server = self.home if below else random.choice(others)
        query = {"redirect_uri": REDIRECT_URI}
        begun = self.ask("GET", f"o/{provider}/{below}", 200, params=query, server=server)
        side = self.soak.failing if provider == "failing" else self.soak.provider
        return begun, side.authorize(begun["authorization_url"], user)

    def complete(
        self, provider: str, begun: Any, callback: Any, *expected: int, **kwargs: Any
    ) -> Any:
        flow = {"flow": begun["flow"]} if self.transport == "body" else {}
        path = f"o/{provider}/{kwargs.pop('below', '')}"
        return self.ask("POST", path, *expected, json={**callback, **flow}, **kwargs)

    def log_in(self, provider: str, user: str) -> Any:
        body = self.complete(provider, *self.begin(provider, user), 201)
        return self.signed_in(provider, user, body)

    def signed_in(self, provider: str, user: str, body: Any) -> Any:
        """Note that an identity has an account, and use the token of the response."""
        with self.soak.lock:
            self.soak.owners.setdefault((provider, user), f"{provider} {user}")
        token = body.get("token") or body.get("access")
        scheme = "Bearer" if SERIALIZERS[self.home] == "JWTSerializer" else "Token"
        self.authorization = {"Authorization": f"{scheme} {token}"} if token else {}
        return body


# --- Scenarios ------------------------------------------------------------------------


def someone(prefix: str = "") -> str:
    """Return a user who signs in again and again, or a new one."""
    known = random.random() < 0.6
    return f"{prefix}u{random.randrange(FEW)}" if known else f"{prefix}n{secrets.token_hex(6)}"


def redirect(browser: Browser) -> None:
    provider, user = random.choice(["oauth2", "oidc", "x"]), someone()
    browser.log_in(provider, user)
    found = browser.ask("GET", "connections/", 200)
    rows = found["results"] if isinstance(found, dict) else found
    if not any(each["provider"] == provider and each["uid"] == user for each in rows):
        raise Violation(f"{provider} {user} is signed in to another account: {rows}")


def native(browser: Browser) -> None:
    user, nonce = someone(), secrets.token_urlsafe(16)
    if random.random() < 0.5:
        posted = {"access_token": browser.soak.provider.access_token(user)}
        browser.signed_in("oidc", user, browser.ask("POST", "o/oidc/token/", 201, json=posted))
        return
    digest = hashlib.sha256(nonce.encode()).hexdigest()
    token = browser.soak.provider.id_token(user, nonce=digest, jti=nonce)
    posted = {"id_token": token, "nonce": nonce}
    browser.signed_in("oidc", user, browser.ask("POST", "o/oidc/token/", 201, json=posted))
    again = {"credential_rejected"}
    browser.ask("POST", "o/oidc/token/", 400, codes=again, json=posted, headers={})


def handoff(browser: Browser) -> None:
    user = someone("p")  # This pipeline associates by e-mail address. No other account has it.
    begun, posted = browser.begin("posting", user)
    location = Browser(browser.soak).ask("POST", "o/posting/callback/", 303, data=posted)
    callback = dict(parse_qsl(urlsplit(location).query))
    browser.signed_in("posting", user, browser.complete("posting", begun, callback, 201))


def pause(browser: Browser) -> None:
    user = f"n{secrets.token_hex(6)}"
    paused = browser.complete("pausing", *browser.begin("pausing", user), 202)
    if random.random() < 0.3:
        with browser.soak.lock:
            browser.soak.paused += 1
        return
    answers = {"partial_token": paused["partial_token"], "name": "Ada"}
    wrong = {**answers, "partial_token": "wrong"}
    if random.random() < 0.3 and browser.transport == "body":
        browser.complete("pausing", paused, wrong, 400, codes=LATE)
    browser.signed_in("pausing", user, browser.complete("pausing", paused, answers, 201))
    if browser.transport == "body":
        browser.complete("pausing", paused, answers, 400, codes=LATE, headers={})


def connect(browser: Browser) -> None:
    if browser.home == SESSION:  # Connecting with a session needs a CSRF token.
        return redirect(browser)
    user = f"n{secrets.token_hex(6)}"
    browser.log_in("oauth2", user)
    begun, callback = browser.begin("oidc", f"c{user}", "connect/")
    made = browser.complete("oidc", begun, callback, 201, below="connect/")
    if random.random() < 0.5:
        browser.ask("DELETE", f"connections/{made['id']}/", 204)
        (row,) = browser.ask("GET", "connections/", 200)
        last = {"disconnect_disallowed"}
        return browser.ask("DELETE", f"connections/{row['id']}/", 400, codes=last)
    with browser.soak.lock:
        browser.soak.owners["oidc", f"c{user}"] = f"oauth2 {user}"
    other = Browser(browser.soak)
    other.home = browser.home
    other.log_in("x", f"n{secrets.token_hex(6)}")
    begun, callback = other.begin("oidc", f"c{user}", "connect/")
    used = {"identity_in_use"}
    return other.complete("oidc", begun, callback, 400, codes=used, below="connect/")


def abandon(browser: Browser) -> None:
    browser.begin(random.choice(["oauth2", "oidc", "x", "posting"]), "nobody")


def forge(browser: Browser) -> None:
    provider, jti = browser.soak.provider, secrets.token_hex(8)
    forged = provider.id_token("victim", browser.soak.forged_key, jti=jti)
    foreign = provider.id_token("victim", aud="another client", jti=jti)
    for token, code in ((forged, "invalid_signature"), (foreign, "invalid_claim")):
        browser.ask("POST", "o/oidc/token/", 400, codes={code}, json={"id_token": token})


def decline(browser: Browser) -> None:
    """Decline, and sign in with the same flow: an error in a callback does not use it up."""
    user = someone()
    begun, callback = browser.begin("oauth2", user)
    declined = {"error": "access_denied", "state": callback["state"]}
    codes = {"authorization_declined"}
    browser.complete("oauth2", begun, declined, 400, codes=codes)
    browser.signed_in("oauth2", user, browser.complete("oauth2", begun, callback, 201))


def refuse_begin(browser: Browser) -> None:
    browser.ask("GET", "o/", 200)
    evil = {"redirect_uri": "https://evil.example.com/"}
    browser.ask("GET", "o/oidc/", 400, codes={"redirect_uri_not_allowed"}, params=evil)
    browser.ask("GET", "o/unknown/", 404, params={"redirect_uri": REDIRECT_URI})
    browser.ask("GET", "connections/", 401, 403)


def wrong_state(browser: Browser) -> None:
    begun, callback = browser.begin("oidc", "nobody")
    browser.complete("oidc", begun, {**callback, "state": "wrong"}, 400, codes=LATE)


def foreign_flow(browser: Browser) -> None:
    """Complete another browser's login: login CSRF."""
    browser.transport, browser.home = "body", 0
    begun, _ = browser.begin("oauth2", "nobody")
    other = Browser(browser.soak)
    _, callback = other.begin("oauth2", "nobody")
    browser.complete("oauth2", begun, callback, 400, codes=LATE)


def reuse(browser: Browser) -> None:
    browser.transport, browser.home, user = "body", 0, someone()
    begun, callback = browser.begin("oauth2", user)
    browser.signed_in("oauth2", user, browser.complete("oauth2", begun, callback, 201))
    browser.complete("oauth2", begun, callback, 400, codes=LATE, headers={})


def fail(browser: Browser) -> None:
    user = someone()
    body = browser.complete("failing", *browser.begin("failing", user), 201, 400)
    if "error_code" not in body:
        browser.signed_in("failing", user, body)
    elif body["error_recovery"] != "retry_later":
        raise Violation(f"a provider that fails is told as {body}")


SCENARIOS: dict[Callable[[Browser], Any], int] = {
    redirect: 8, native: 4, handoff: 2, pause: 2, connect: 2, fail: 3,
    abandon: 1, decline: 1, refuse_begin: 1, forge: 1, wrong_state: 1, foreign_flow: 1, reuse: 1,
}  # fmt: skip
