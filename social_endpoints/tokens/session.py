"""Django's session, for a frontend on the site itself."""

from __future__ import annotations

from django.contrib.auth import login as django_login
from django.http import HttpRequest
from rest_framework import serializers

from social_endpoints.tokens.base import LoginSerializer
from social_endpoints.types import Login


class SessionSerializer(LoginSerializer):
    """``{"user": "…"}``, and the browser is logged in with ``django.contrib.auth.login``."""

    required_apps = ("django.contrib.sessions",)
    required_middleware = ("django.contrib.sessions.middleware.SessionMiddleware",)
    sets_cookies = True

    user = serializers.CharField(read_only=True)

    def log_in(self, request: HttpRequest, login: Login) -> None:
        """Log the browser in, which tells the project too."""
        try:
            django_login(request, login.user, backend=login.user.backend)
        except Exception:
            # The session lives outside the transaction, and a receiver of the signal
            # that fails must not leave a browser logged in by a login that is not.
            request.session.flush()
            raise
