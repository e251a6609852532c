"""How a flow travels between browser and server: in a cookie, in the body, or in both."""

from __future__ import annotations

import base64
import hashlib
import logging
import re
from collections.abc import Iterator

from django.conf import settings as django_settings
from django.core.exceptions import DisallowedHost, ImproperlyConfigured
from django.http import HttpRequest
from rest_framework.response import Response

from social_endpoints.conf import settings
from social_endpoints.exceptions import FlowExpired, FlowMissing, FlowNotSent
from social_endpoints.internal.flows.flow import Flow
from social_endpoints.internal.flows.redirect_uris import is_allowed_origin, origin_of
from social_endpoints.internal.flows.token import has_expired, open_flow, sealed_at
from social_endpoints.internal.log.events import add_log_values, log_event
from social_endpoints.types import SealedFlow

# Limits for the flow cookies of one browser. Servers refuse requests with 8 KB of cookies.
MAX_COOKIES = 5
MAX_COOKIE_BYTES = 4_000

# A cookie's name ends with this many bytes of a digest, in base64url.
_DIGEST_BYTES = 12
_DIGEST = re.compile(r"[A-Za-z0-9_-]{16}")


class FlowTransport:
    """Issues, finds and drops the flows of one request, according to ``FLOW_TRANSPORT``.

    :param request: Django's request.
    :param sets_cookies: whether the token serializer signs in with a cookie. If so, only flows
        in a cookie are accepted, because another site can post a flow (login CSRF).
    :raises ImproperlyConfigured: ``FLOW_TRANSPORT`` is ``"body"`` and ``sets_cookies`` is true.
    """

    def __init__(self, request: HttpRequest, *, sets_cookies: bool) -> None:
        self._request = request
        self._transport = "cookie" if sets_cookies else settings.FLOW_TRANSPORT
        if sets_cookies and settings.FLOW_TRANSPORT == "body":
            raise ImproperlyConfigured(
                "FLOW_TRANSPORT is 'body', but the token serializer signs in with a cookie. Set"
                " FLOW_TRANSPORT to 'auto' or 'cookie'."
            )
        self._secure = request.is_secure() or django_settings.SESSION_COOKIE_SECURE
        # Browsers accept a cookie with the prefix "__Host-" only from this host, so a sibling
        # subdomain cannot plant one (RFC 6265bis section 4.1.3.2). Django's error reports hide
        # the values of cookies with "auth" in their name.
        self._prefix = ("__Host-" if self._secure else "") + "auth_flow_"
        self._found: str | None = None
        self.has_flow_cookie = False
        """Whether :meth:`find` has returned a flow from a cookie."""
        self.missing_flow: FlowMissing = FlowNotSent(self._transport)
        """The exception to raise if :meth:`find` has returned None."""

    def issue(self, flow: SealedFlow, response: Response, *, redirect_uri: str) -> None:
        """Add a flow to the response: as a cookie, in its body, or as both.

        A page of a foreign origin does not get a cookie.

        :param redirect_uri: the redirect URI of the login.
        """
        if self._transport != "cookie":
            response.data["flow"] = flow.token
        if self._transport == "body" or not self._is_script_request():
            return
        if not (self.has_flow_cookie or self._is_trusted(redirect_uri)):
            # With "auto", the page may use the flow in the body.
            level = logging.WARNING if self._transport == "cookie" else logging.INFO
            log_event("flow cookie refused", level, origin=self._request.headers.get("Origin"))
            return
        name = self._get_name(flow.correlation_id)
        self._drop_oldest(len(name) + len(flow.token), response)
        if name == self._found:
            self._found = None  # This response replaces the cookie, so drop() must not delete it.
        response.set_cookie(
            name,
            flow.token,
            # The cookie outlives its flow, so that a late completion is reported as expired
            # and not as sent without credentials.
            max_age=2 * flow.lifetime,
            secure=self._secure,
            httponly=True,
            samesite=django_settings.SESSION_COOKIE_SAMESITE,
        )

    def find(
        self, posted: str | None, correlation_id: str | None, *, provider: str, purpose: str
    ) -> Flow | None:
        """Return the open flow that a callback belongs to, or None.

        :param posted: the flow in the body, if the request contains one.
        :param correlation_id: value in the callback that identifies the flow's cookie
            (``state``, for example). If None, the newest flow is returned.
        """
        for name, token, is_posted in self._get_candidates(posted, correlation_id):
            flow = open_flow(token, provider=provider, purpose=purpose)
            if flow is None:
                if has_expired(token):
                    self.missing_flow = FlowExpired()
                continue
            # After a handoff, the redirect URI is the server's.
            is_trusted = self._is_trusted(None if flow.handoff else flow.redirect_uri)
            if is_trusted or is_posted:
                add_log_values(origin=None)
                self._found = name if is_trusted else None
                self.has_flow_cookie = not is_posted
                return flow
            add_log_values(origin=self._request.headers.get("Origin"))
        return None

    @property
    def has_cookie(self) -> bool:
        """Whether the request contains a flow cookie. Its flow may have expired."""
        return self._transport != "body" and bool(self._get_cookies())

    def drop(self, response: Response) -> None:
        """Delete the cookie of the flow that :meth:`find` returned, if it came from a cookie."""
        if self._found is not None:
            self._delete(self._found, response)

    def is_flow(self, name: str) -> bool:
        """Return whether this class issues cookies with this name."""
        digest = name.removeprefix(self._prefix)
        return name.startswith(self._prefix) and bool(_DIGEST.fullmatch(digest))

    def _is_script_request(self) -> bool:
        # Fetch Metadata: another site can make the browser load any URL in a frame or an image.
        # Such a request must neither plant a flow cookie nor evict others.
        mode = self._request.headers.get("Sec-Fetch-Mode", "cors")
        return mode in {"cors", "same-origin"}

    def _is_trusted(self, redirect_uri: str | None) -> bool:
        """Return whether the page that sends this request may use flow cookies.

        SameSite and ``__Host-`` do not stop a page of a sibling subdomain from sending requests
        with the cookies of this host. A request without ``Origin`` and without Fetch Metadata
        comes from an old browser or from a client that is not a browser.
        """
        site, origin = map(self._request.headers.get, ("Sec-Fetch-Site", "Origin"))
        if site == "same-origin":
            return True  # Also if a proxy has changed the Host header.
        if origin is None:
            return site in {None, "none"}
        canonical = origin_of(origin) if origin.isascii() else None
        return canonical is not None and (
            canonical == self._own_origin()
            or is_allowed_origin(canonical, redirect_uri=redirect_uri)
        )

    def _own_origin(self) -> str | None:
        try:
            return origin_of(f"{self._request.scheme}://{self._request.get_host()}")
        except DisallowedHost:
            return None

    def _get_candidates(
        self, posted: str | None, correlation_id: str | None
    ) -> Iterator[tuple[str | None, str, bool]]:
        """Yield the possible flows: cookie name or None, token, whether it came in the body."""
        cookies = self._get_cookies() if self._transport != "body" else []
        name = None if correlation_id is None else self._get_name(correlation_id)
        if cookies or posted:
            self.missing_flow = FlowMissing()
        if posted and self._transport != "cookie":
            yield (name if any(name == each for each, _ in cookies) else None), posted, True
        for cookie_name, token in cookies:
            if correlation_id is None or cookie_name == name:
                yield cookie_name, token, False

    def _drop_oldest(self, length: int, response: Response) -> None:
        """Delete the oldest cookies, so that a new one of ``length`` bytes fits the limits."""
        others = [cookie for cookie in self._get_cookies() if cookie[0] != self._found]
        for count, (name, token) in enumerate(others, start=2):
            length += len(name) + len(token)
            if count > MAX_COOKIES or length > MAX_COOKIE_BYTES:
                self._delete(name, response)

    def _get_cookies(self) -> list[tuple[str, str]]:
        """Return the names and tokens of the request's flow cookies, newest first.

        A name may occur several times: over plain HTTP, a subdomain can set a cookie with the
        name of another one. Names that this class does not issue are ignored.
        """
        # Not request.COOKIES: Django strips Unicode white space from cookie names. A subdomain
        # can set a cookie whose name starts with such a character and then with our prefix.
        header = self._request.META.get("HTTP_COOKIE", "")
        pairs = (pair.strip(" \t").partition("=") for pair in header.split(";"))
        cookies = [(name, token) for name, _, token in pairs if self.is_flow(name)]
        return sorted(cookies, key=lambda cookie: sealed_at(cookie[1]), reverse=True)

    def _delete(self, name: str, response: Response) -> None:
        response.delete_cookie(name, samesite=django_settings.SESSION_COOKIE_SAMESITE)

    def _get_name(self, correlation_id: str) -> str:
        # Hashed, because a correlation ID may contain characters that a cookie name may not.
        digest = hashlib.sha256(correlation_id.encode()).digest()[:_DIGEST_BYTES]
        return self._prefix + base64.urlsafe_b64encode(digest).decode()
