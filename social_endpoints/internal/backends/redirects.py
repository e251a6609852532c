"""Which backends have no redirect to begin a login with, though they have a URL."""

from __future__ import annotations

from typing import Any

from social_core.backends.base import BaseAuth
from social_core.backends.oauth import OAuthAuth

from social_endpoints.internal.backends.kinds import BackendClass, is_kind

# The others say so themselves: they have no `auth_url()`, or an answer in HTML.
_NONE = {
    "social_core.backends.vk.VKAppOAuth2": "an application inside a frame of vk.com",
    "social_core.backends.google_onetap.GoogleOneTap": "a widget of Google's in the page",
    "social_core.backends.facebook_limited.FacebookLimitedLogin": "an SDK of Facebook's in an app",
}


def why_none(backend: BackendClass) -> str | None:
    """Return what a login with a backend begins in, if that is no redirect; else None."""
    return next((reason for path, reason in _NONE.items() if is_kind(backend, path)), None)


def has_redirect(backend: BaseAuth[Any]) -> bool:
    """Say whether a backend has a URL to send the user to. Nobody is asked for it."""
    kind = type(backend)
    if why_none(kind) or kind.auth_url is BaseAuth.auth_url:
        return False
    # That of OpenID 2.0 asks the provider, and a begin does not look at it.
    return not isinstance(backend, OAuthAuth) or backend.uses_redirect()
