"""How a flow travels: in a cookie of its own, in the body, or in either."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from rest_framework.response import Response

from social_endpoints.conf import settings
from social_endpoints.internal.flows.flow import Flow, open_flow, sealed_at
from social_endpoints.types import SealedFlow

MOST_COOKIES = 5
"""Logins that one browser can have open."""

MOST_BYTES = 4_000
"""Of all their cookies together: servers refuse a browser that sends 8 KB of them."""


class Carrier:
    """Carries flows for one request.

    :param request: Django's request.
    :param sets_cookies: whether the token serializer logs the browser in by a cookie.
        Then a flow counts only from a cookie: one that another site can post is
        login CSRF.
    :raises ImproperlyConfigured: ``FLOW_TRANSPORT`` does not go with that.
    """

    def __init__(self, request: HttpRequest, *, sets_cookies: bool) -> None:
        self._request = request
        self._transport = _transport(sets_cookies)
        self._secure = request.is_secure() or django_settings.SESSION_COOKIE_SECURE
        # The browser takes a cookie with this prefix from this very host alone, so
        # that no sister subdomain can plant one (RFC 6265bis section 4.1.3.2). With
        # "auth" in its name, Django's error reports hide its value.
        self._prefix = ("__Host-" if self._secure else "") + "auth_flow_"
        self._found: str | None = None
        self.was_sent = False

    def hand_out(self, flow: SealedFlow, response: Response) -> None:
        """Give the browser a flow: in the response's cookie, its body, or both."""
        if self._transport != "cookie":
            response.data["flow"] = flow.token
        if self._transport != "body" and self._is_asked_by_a_script():
            name = self._name(flow.key)
            self._make_room(len(name) + len(flow.token), response)
            if name == self._found:
                self._found = None  # The same login, under the same partial token.
            response.set_cookie(
                name,
                flow.token,
                # It outlives the flow, so that who comes too late is told so, and not
                # that the page forgot to send its credentials.
                max_age=2 * flow.lifetime,
                secure=self._secure,
                httponly=True,
                samesite=django_settings.SESSION_COOKIE_SAMESITE,
            )

    def find(
        self, posted: str | None, key: str | None, *, provider: str, purpose: str
    ) -> Flow | None:
        """Return the flow that a callback belongs to, or None where there is none open.

        :param posted: the flow in the body, if there is one.
        :param key: what the callback brought back. Where it brings back nothing, the
            newest flow of the provider and purpose is meant.
        """
        for name, token in self._candidates(posted, key):
            self.was_sent = True
            flow = open_flow(token, provider=provider, purpose=purpose)
            if flow is not None:
                self._found = name
                return flow
        return None

    def drop(self, response: Response) -> None:
        """Remove the cookie of the flow that was found, if it came in one."""
        if self._found is not None:
            self._delete(self._found, response)

    def _is_asked_by_a_script(self) -> bool:
        # Fetch Metadata: another site can have the browser open any URL, in a frame or an
        # image, too, but not in these modes. Else it could plant a flow, or push others out.
        mode = self._request.headers.get("Sec-Fetch-Mode", "cors")
        return mode in {"cors", "same-origin"}

    def _candidates(self, posted: str | None, key: str | None) -> Iterator[tuple[str | None, str]]:
        cookies = self._newest_first() if self._transport != "body" else {}
        self.was_sent = bool(cookies or posted)
        if posted and self._transport != "cookie":
            name = self._name(key) if key else None
            yield (name if name in cookies else None), posted
        for name, token in cookies.items():
            if key is None or name == self._name(key):
                yield name, token

    def _make_room(self, length: int, response: Response) -> None:
        others = {
            name: token for name, token in self._newest_first().items() if name != self._found
        }
        for number, (name, token) in enumerate(others.items(), start=2):
            length += len(name) + len(token)
            if number > MOST_COOKIES or length > MOST_BYTES:
                self._delete(name, response)

    def _newest_first(self) -> dict[str, str]:
        # Not request.COOKIES: Django strips white space of any script from the names,
        # and a browser lets every subdomain set a cookie whose name begins with that.
        header = self._request.META.get("HTTP_COOKIE", "")
        pairs = (pair.strip(" \t").partition("=") for pair in header.split(";"))
        mine = [(name, token) for name, _, token in pairs if name.startswith(self._prefix)]
        return dict(sorted(mine, key=lambda cookie: sealed_at(cookie[1]), reverse=True))

    def _delete(self, name: str, response: Response) -> None:
        response.delete_cookie(name, samesite=django_settings.SESSION_COOKIE_SAMESITE)

    def _name(self, key: str) -> str:
        # A hash, because a provider's token may hold what a cookie's name may not.
        digest = hashlib.sha256(key.encode()).digest()[:12]
        return self._prefix + base64.urlsafe_b64encode(digest).decode()


def _transport(sets_cookies: bool) -> str:
    transport = settings.FLOW_TRANSPORT
    if not sets_cookies:
        return transport
    if transport == "body":
        raise ImproperlyConfigured(
            "FLOW_TRANSPORT is 'body', and the token serializer logs the browser in by a cookie."
        )
    return "cookie"
