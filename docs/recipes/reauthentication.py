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
def store_time_of_login(request: Any, **kwargs: Any) -> None:
    """Store the time in the session of this login."""
    if hasattr(request, "session"):
        request.session["logged_in_at"] = time.time()


def session_is_recent(request: Request) -> bool:
    age = time.time() - request.session.get("logged_in_at", 0)
    return bool(age < MAX_AGE.total_seconds())


def knox_token_is_recent(request: Request) -> bool:
    return bool(timezone.now() - request.auth.created < MAX_AGE)


def last_login_is_recent(request: Request) -> bool:
    last_login = request.user.last_login
    return last_login is not None and timezone.now() - last_login < MAX_AGE
