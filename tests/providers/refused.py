"""Backends that cannot be used to sign in: the expected response, and the reason."""

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
    """An expected refusal.

    :ivar play: the part of a login that a frontend can run.
    :ivar status: the status of the last response.
    :ivar code: its error code.
    """

    reason: str
    status: int
    code: str | None = None
    play: Callable[[Any], object] = _begin


def _no_provider(reason: str) -> Refusal:
    return Refusal(reason, 404, "provider_not_supported")


_LEGACY = _no_provider("accepts the name that a client sends without a proof")
_WIDGET = _no_provider("begins in a widget or a frame, without a redirect")
_SDK = _no_provider("begins in an SDK, without a redirect")
_ASSOCIATION_ONLY = Refusal(
    "can only be connected (``ASSOCIATION_ONLY``)", 400, "authentication_disallowed"
)
_NO_ID = Refusal(
    "social-core refuses it: the provider sends no permanent identifier",
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
