"""Which providers answer to the server with a POST, and not to the page in its URL."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from social_core.backends.apple import AppleIdAuth
from social_core.backends.base import BaseAuth
from social_core.backends.oauth import OAuthAuth

from social_endpoints.internal.backends.kinds import SAML, BackendClass, is_kind

# OAuth 2.0 Form Post Response Mode.
_PARAMETER, _FORM_POST = "response_mode", "form_post"


def always_posts(backend: BackendClass) -> bool:
    """Say whether the protocol knows no other answer: SAML, as social-core speaks it."""
    return is_kind(backend, SAML)


def is_asked_to_post(authorization_url: str) -> bool:
    """Say whether an authorization URL asks the provider to post its answer."""
    if _PARAMETER not in authorization_url:
        return False  # As most do not; reading all of it takes longer.
    return parse_qs(urlsplit(authorization_url).query).get(_PARAMETER) == [_FORM_POST]


def may_post(backend: BaseAuth[Any]) -> bool:
    """Say whether a login with this backend will be answered by a POST, as it is configured."""
    if always_posts(type(backend)):
        return True
    if not isinstance(backend, OAuthAuth):
        return False
    mode = _mode_of_apple(backend) if isinstance(backend, AppleIdAuth) else None
    return backend.auth_extra_arguments().get(_PARAMETER, mode) == _FORM_POST


def _mode_of_apple(backend: AppleIdAuth[Any]) -> str | None:
    return backend.RESPONSE_MODE or (_FORM_POST if backend.get_scope() else None)
