"""Detect a login that sets a cookie although the token serializer does not declare it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest


@contextmanager
def refuse_cookies(request: HttpRequest) -> Iterator[Callable[[Any], None]]:
    """Return a function that refuses a response to this request if it sets a cookie.

    Token serializers, receivers of signals and pipeline steps can set one, directly or by a change
    of Django's session, which its middleware sends later. The cookie of Django's CSRF protection
    and cookies that middleware of the project sets are not the login's. A response that only
    deletes cookies is accepted.
    """
    session = getattr(request, "session", None)
    was_modified = bool(getattr(session, "modified", False))
    if session is not None:
        session.modified = False
    is_refused = False

    def refuse(response: Any) -> None:
        nonlocal is_refused
        is_refused = _sets_cookie(response) or _is_changed(getattr(request, "session", None))
        if is_refused:
            raise ImproperlyConfigured(
                "This login sets a cookie, but the flow came in the body, or the sign-in is native:"
                " another site could sign the user in to the attacker's account. Set sets_cookies ="
                " True in the token serializer, or change nothing in request.session."
            )

    try:
        yield refuse
    finally:
        if is_refused and hasattr(request, "session"):
            request.session.flush()  # Not every session is stored in the database.
        if was_modified and session is not None:
            session.modified = True


def _sets_cookie(response: Any) -> bool:
    if getattr(response, "has_header", lambda name: False)("Set-Cookie"):
        return True
    cookies = getattr(response, "cookies", {}).values()
    return any(cookie.value and cookie["max-age"] != 0 for cookie in cookies)


def _is_changed(session: Any) -> bool:
    # An empty session signs nobody in. django-axes creates one to have a session key.
    return bool(getattr(session, "modified", False)) and bool(session.keys())
