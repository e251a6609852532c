"""Callables for ``REAUTHENTICATION``: whether the login of a request is recent."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.utils import timezone
from rest_framework.request import Request

MAX_AGE = timedelta(minutes=10)


@receiver(user_logged_in)
def store_login(request: Any, user: Any, **kwargs: Any) -> None:
    """Store user and time in the session that the login has just begun.

    A login that issues a token sends the signal as well. It must not change a session: that would
    set a cookie, and the session may belong to another user.
    """
    if hasattr(request, "session") and request.session.modified:
        request.session["recent_login"] = {"user": str(user.pk), "at": time.time()}


def session_is_recent(request: Request) -> bool:
    login = request.session.get("recent_login", {})
    is_own = login.get("user") == str(request.user.pk)
    return is_own and time.time() - login["at"] < MAX_AGE.total_seconds()


def knox_token_is_recent(request: Request) -> bool:
    return bool(timezone.now() - request.auth.created < MAX_AGE)


def last_login_is_recent(request: Request) -> bool:
    last_login = request.user.last_login
    return last_login is not None and timezone.now() - last_login < MAX_AGE
