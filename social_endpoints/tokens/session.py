"""Django's session, for a frontend on the same site."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import login as django_login
from django.contrib.auth import logout as django_logout
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from rest_framework import serializers
from rest_framework.request import Request

from social_endpoints.exceptions import LoginNotEnded
from social_endpoints.internal.accounts.logins import (
    delete_session,
    end_sessions,
    is_signed_in,
    lists_sessions,
)
from social_endpoints.internal.http.login_session import save_session, store_csrf_token
from social_endpoints.tokens.base import LoginSerializer
from social_endpoints.types import Login


class SessionSerializer(LoginSerializer):
    """``{"user": "…"}``, with the user signed in by ``django.contrib.auth.login()``."""

    required_apps = ("django.contrib.sessions",)
    required_middleware = ("django.contrib.sessions.middleware.SessionMiddleware",)
    sets_cookies = True
    authentication_classes = ("rest_framework.authentication.SessionAuthentication",)

    user = serializers.CharField(read_only=True)

    _was_signed_in = False

    def log_in(self, request: HttpRequest, login: Login) -> None:
        """Sign the user in to Django's session, which sends ``user_logged_in``, and store it.

        :raises ImproperlyConfigured: the request has no session.
        """
        if not hasattr(request, "session"):
            raise ImproperlyConfigured("SessionSerializer needs SessionMiddleware in MIDDLEWARE.")
        session, key = request.session, request.session.session_key
        django_login(request, login.user, backend=login.user.backend)
        store_csrf_token(request)
        if session.session_key == key:  # This user was signed in already.
            save_session(session, if_deleted=session.cycle_key)

    def log_out(self, request: Request) -> None:
        """End the session with ``django.contrib.auth.logout()``, which sends ``user_logged_out``.

        ``SessionMiddleware`` deletes its cookie.

        :raises LoginNotEnded: the user of the request is not signed in to the session.
        """
        django_request = self._django_request(request)
        session: Any = getattr(django_request, "session", {})
        # If this runs again after a collision, the session may have ended: it is read again.
        self._was_signed_in = self._was_signed_in or is_signed_in(request.user, session)
        if not self._was_signed_in:
            raise LoginNotEnded
        key = session.session_key
        django_logout(django_request)
        if lists_sessions():
            delete_session(key)  # Django's method reads the row, perhaps from a replica.

    def revoke(self, user: Any) -> None:
        """Delete the user's sessions if ``SESSION_ENGINE`` stores them in the database.

        The engines are ``db`` and ``cached_db``, and engines of projects that derive from them.
        Other engines cannot list their sessions, so this method does nothing.
        """
        end_sessions(user)
