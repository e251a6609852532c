"""Who cannot sign in, how that is answered, and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


def _begin(case: Any) -> object:
    return case.backend.start()


def _log_in(case: Any) -> object:
    return case.do_start()


@dataclass(frozen=True)
class Refusal:
    """How a login ends that cannot be.

    ``play`` goes as far as a frontend gets; ``status`` and ``code`` are what it is
    answered with there.
    """

    reason: str
    status: int
    code: str | None = None
    play: Callable[[Any], object] = _begin


def _no_provider(reason: str) -> Refusal:
    return Refusal(reason, 404)


_LEGACY = _no_provider("proves nothing: whoever posts the name would be in")
_WIDGET = _no_provider("begins in a widget or inside the provider's page, without a redirect")
_SDK = _no_provider("begins in an SDK, without a redirect")
_ASSOCIATION_ONLY = Refusal(
    "links an account and signs nobody in (``ASSOCIATION_ONLY``)", 400, "authentication_disallowed"
)
_NO_ID = Refusal(
    "social-core refuses: the provider sends no identifier that stays",
    400,
    "missing_claim",
    _log_in,
)

REFUSED = {
    "drip": _ASSOCIATION_ONLY,
    "email": _LEGACY,
    "facebook-app": _WIDGET,
    "facebook-limited-login": _SDK,
    "google-onetap": _SDK,
    "lastfm": _ASSOCIATION_ONLY,
    "loginradius": _WIDGET,
    "mineid": _NO_ID,
    "mixcloud": _ASSOCIATION_ONLY,
    "odnoklassniki-app": _WIDGET,
    "twilio": _ASSOCIATION_ONLY,
    "upwork": _NO_ID,
    "username": _LEGACY,
    "vk-app": _WIDGET,
    "vk-openapi": _WIDGET,
}
