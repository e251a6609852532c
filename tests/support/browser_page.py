"""A page in a browser: CORS, cookies and Fetch Metadata of the requests that its scripts send."""

from __future__ import annotations

from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlsplit

from tests.support.frontend import browser


class BlockedByCORS(Exception):
    """The browser does not send the request, or does not show its response to the page."""


def site_of(origin: str) -> tuple[str, str]:
    """Return scheme and registrable domain. All domains of the tests have two labels."""
    scheme, _, host = origin.partition("://")
    return scheme, ".".join(host.partition(":")[0].split(".")[-2:])


@dataclass
class Page:
    """A page whose scripts call an API with ``fetch()``, as Safari and Firefox allow it.

    :param origin: origin of the page.
    :param api: origin to which it sends its requests.
    :param server: origin that the API sees, if a development server forwards the requests.
    :param credentials: whether the page passes ``credentials: "include"``.
    """

    origin: str
    api: str
    server: str = ""
    credentials: bool = False
    cookies: SimpleCookie = field(default_factory=SimpleCookie)
    has_sent_cookies: bool = False

    @property
    def is_cross_origin(self) -> bool:
        return self.origin != self.api

    @property
    def has_cookies(self) -> bool:
        """Whether requests carry cookies. They are blocked between sites."""
        is_same_site = site_of(self.origin) == site_of(self.api)
        return is_same_site and (self.credentials or not self.is_cross_origin)

    def csrf_token(self) -> str | None:
        """Return the CSRF token, if the page can read the cookie."""
        cookie = self.cookies.get("csrftoken")
        if cookie is None or cookie["httponly"]:
            return None
        host = urlsplit(self.origin).hostname or ""
        domain = cookie["domain"].lstrip(".") or urlsplit(self.api).hostname
        is_readable = host == domain or (cookie["domain"] and host.endswith(f".{domain}"))
        return cookie.value if is_readable else None

    def fetch(
        self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None
    ) -> Any:
        """Send a request with JSON.

        :raises BlockedByCORS: if the API does not allow the request or its response.
        """
        headers = dict(headers or {})
        if self.is_cross_origin and (headers or body is not None or method == "DELETE"):
            names = sorted(name.lower() for name in [*headers, *(["content-type"] if body else [])])
            self._preflight(method, path, names)
        site = "same-origin"
        if self.is_cross_origin:
            is_same_site = site_of(self.origin) == site_of(self.api)
            site = "same-site" if is_same_site else "cross-site"
        headers |= {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}
        if self.is_cross_origin or method != "GET":
            headers["Origin"] = self.origin
        response = self._send(method, path, body, headers)
        if self.is_cross_origin:
            self._check(response)
        return response

    def _preflight(self, method: str, path: str, names: list[str]) -> None:
        headers = {
            "Origin": self.origin,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": ",".join(names),
        }
        response = self._send("OPTIONS", path, None, headers, is_preflight=True)
        self._check(response)
        allowed = response.headers.get("Access-Control-Allow-Headers", "").split(", ")
        methods = response.headers.get("Access-Control-Allow-Methods", "").split(", ")
        if response.status_code != 200 or method not in methods or not {*names} <= {*allowed}:
            raise BlockedByCORS(names)

    def _check(self, response: Any) -> None:
        if response.headers.get("Access-Control-Allow-Origin") != self.origin:
            raise BlockedByCORS(self.origin)
        is_allowed = response.headers.get("Access-Control-Allow-Credentials") == "true"
        if self.credentials and not is_allowed:
            raise BlockedByCORS("credentials")

    def _send(
        self,
        method: str,
        path: str,
        body: Any,
        headers: dict[str, str],
        *,
        is_preflight: bool = False,
    ) -> Any:
        api = urlsplit(self.server or self.api)
        client = browser(
            SERVER_NAME=api.hostname, SERVER_PORT=str(api.port or 443), enforce_csrf_checks=True
        )
        sends_cookies = self.has_cookies and not is_preflight
        if sends_cookies:
            client.cookies = SimpleCookie(
                {name: each.value for name, each in self.cookies.items() if each.value}
            )
            self.has_sent_cookies = self.has_sent_cookies or bool(client.cookies)
        send = getattr(client, method.lower())
        data = {} if body is None else {"data": body, "format": "json"}
        is_secure = api.scheme == "https"
        response = send(path, headers=headers, secure=is_secure, **data)
        for name, cookie in response.cookies.items():
            is_accepted = is_secure or not cookie["secure"]
            if sends_cookies and is_accepted:
                self.cookies[name] = cookie
        return response
