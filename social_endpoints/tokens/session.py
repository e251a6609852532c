"""Django's session, for a frontend on the same site."""

from __future__ import annotations

from django.contrib.auth import login as django_login
from django.contrib.sessions.backends.base import UpdateError
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from rest_framework import serializers

from social_endpoints.internal.http.login_session import store_csrf_token
from social_endpoints.tokens.base import LoginSerializer
from social_endpoints.types import Login


class SessionSerializer(LoginSerializer):
    """``{"user": "…"}``, with the user signed in by ``django.contrib.auth.login()``."""

    required_apps = ("django.contrib.sessions",)
    required_middleware = ("django.contrib.sessions.middleware.SessionMiddleware",)
    sets_cookies = True
    authentication_classes = ("rest_framework.authentication.SessionAuthentication",)

    user = serializers.CharField(read_only=True)

    def log_in(self, request: HttpRequest, login: Login) -> None:
        """Sign the user in to Django's session, which sends ``user_logged_in``, and store it.

        :raises ImproperlyConfigured: the request has no session.
        """
        if not hasattr(request, "session"):
            raise ImproperlyConfigured("SessionSerializer needs Django's SessionMiddleware.")
        django_login(request, login.user, backend=login.user.backend)
        store_csrf_token(request)
        try:
            request.session.save()
        except UpdateError:  # The user was signed in. A logout in another tab has deleted it.
            request.session.cycle_key()
