"""Settings of a project in development, for the command ``fake_provider`` as a process."""

from __future__ import annotations

import os

from tests.settings import *  # noqa: F403 - a settings module extends another

DEBUG = os.environ.get("FAKE_PROJECT_DEBUG") != "off"
ALLOWED_HOSTS = ["api.example.com"]
AUTHENTICATION_BACKENDS = [
    "social_core.backends.open_id_connect.OpenIdConnectAuth",
    "social_core.backends.github.GithubOAuth2",
    "social_core.backends.google.GoogleOAuth2",
    "social_core.backends.discord.DiscordOAuth2",
    "social_core.backends.twitter.TwitterOAuth",
]
if "FAKE_PROJECT_EMPTY" in os.environ:
    AUTHENTICATION_BACKENDS = []
SOCIAL_AUTH_OIDC_KEY = SOCIAL_AUTH_GITHUB_KEY = SOCIAL_AUTH_DISCORD_KEY = "client-id"
SOCIAL_AUTH_OIDC_SECRET = SOCIAL_AUTH_GITHUB_SECRET = "client-secret"
SOCIAL_AUTH_DISCORD_SECRET = "client-secret"
SOCIAL_ENDPOINTS: dict[str, object] = {
    "ALLOWED_REDIRECT_URIS": ["https://app.example.com/login/callback"],
    "FAKE_PROVIDERS": {"github": os.environ.get("FAKE_PROJECT_ADDRESS", "http://localhost:9000")},
}
if "FAKE_PROJECT_LIST" in os.environ:
    SOCIAL_ENDPOINTS["FAKE_PROVIDERS"] = ["github"]
# Settings that would get in the way of a server without HTTPS.
SECURE_SSL_REDIRECT = CSRF_COOKIE_SECURE = CSRF_USE_SESSIONS = True
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware"]
