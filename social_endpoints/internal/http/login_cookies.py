"""Detect a login that sets a cookie although the token serializer does not declare it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest


class LoginCookieGuard:
    """Detects the cookies that a login sets.

    Token serializers, receivers of signals, pipeline steps and subclasses of the views can set one,
    directly or by a change of Django's session, which its middleware sends later. The cookie of
    Django's CSRF protection and cookies that middleware of the project sets are not the login's.
    A response that only deletes cookies sets none.

    :param request: Django's request, before the view handles it.
    """

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._initial_session = self._changed_session()  # Middleware may have changed it.

    def refuse(self, response: Any, is_flow: Callable[[str], bool]) -> None:
        """Refuse a response that sets a cookie.

        :param is_flow: returns whether a cookie with this name is a flow.
        :raises ImproperlyConfigured: the response or a change of the session sets a cookie.
        """
        if self._changes_session() or _sets_cookie(response, is_flow):
            raise ImproperlyConfigured(
                "This login sets a cookie, but the flow came in the body, or the sign-in is native:"
                " another site could sign the user in to the attacker's account. Set sets_cookies ="
                " True in the token serializer, or do not change request.session."
            )

    def _changes_session(self) -> bool:
        # An empty session contains no user. django-axes creates one to have a session key.
        return self._changed_session() not in ({}, self._initial_session)

    def _changed_session(self) -> dict[str, Any]:
        session: Any = getattr(self._request, "session", None)
        return dict(session.items()) if getattr(session, "modified", False) else {}


def _sets_cookie(response: Any, is_flow: Callable[[str], bool]) -> bool:
    return response.has_header("Set-Cookie") or any(
        cookie.value and cookie["max-age"] != 0 and not is_flow(name)
        for name, cookie in response.cookies.items()
    )


def remove_cookies(response: Any, is_flow: Callable[[str], bool]) -> None:
    """Remove all cookies but flows from the response to a failed login."""
    del response["Set-Cookie"]
    for name in [*response.cookies]:
        if not is_flow(name):
            del response.cookies[name]
