"""Which backends have no redirect to begin a login with, though they have a URL."""

from __future__ import annotations

from social_endpoints.providers.kinds import BackendClass, is_kind

# The others say so themselves: they have no `auth_url()`, or an answer in HTML.
_NONE = {
    "social_core.backends.vk.VKAppOAuth2": "an application inside a frame of vk.com",
    "social_core.backends.google_onetap.GoogleOneTap": "a widget of Google's in the page",
    "social_core.backends.facebook_limited.FacebookLimitedLogin": "an SDK of Facebook's in an app",
}


def why_none(backend: BackendClass) -> str | None:
    """Return what a login with a backend begins in, if that is no redirect; else None."""
    return next((reason for path, reason in _NONE.items() if is_kind(backend, path)), None)
