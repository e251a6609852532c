"""Two steps of a pipeline: one asks a new user for an e-mail address, one welcomes the user."""

from __future__ import annotations

from functools import partial as bind
from typing import Any

from django.core.mail import send_mail
from django.db import transaction
from django.http import HttpResponseRedirect
from social_core.pipeline.partial import partial

from social_endpoints.strategy import Strategy


@partial
def require_email(
    strategy: Strategy, details: dict[str, Any], user: Any = None, **kwargs: Any
) -> dict[str, Any] | HttpResponseRedirect | None:
    """Pause until there is an address; stands before ``create_user``."""
    if user is not None or details.get("email"):
        return None
    email = strategy.request_data().get("email")
    if not email:
        return HttpResponseRedirect("/login/email")
    return {"details": {**details, "email": email}}


def welcome(user: Any, is_new: bool = False, **kwargs: Any) -> None:
    """Send one mail, and only once the login is kept; the last step."""
    if is_new:
        mail = bind(send_mail, "Welcome", "Hello!", None, [user.email])
        transaction.on_commit(mail, robust=True)
