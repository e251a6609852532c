"""The settings of every site. What a peer does not know it does not read."""

from __future__ import annotations

from benchmarks.peers import REDIRECT_URI
from benchmarks.site import environment
from benchmarks.site.database import configuration
from benchmarks.site.environment import PEER, PROVIDER

HAS_SOCIAL_AUTH = PEER != "bare"

SECRET_KEY = "the benchmarks' own, which keeps nothing secret from anyone"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = f"benchmarks.site.urls.{PEER}"
DATABASES = {"default": configuration()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGGING_CONFIG = None
USE_TZ = True

CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
if environment.SHARED_CACHE:
    CACHES["default"] = {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": environment.SHARED_CACHE,
    }

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "rest_framework",
    "rest_framework.authtoken",
    *(["social_django"] if HAS_SOCIAL_AUTH else []),
    *(["djoser"] if PEER == "djoser" else []),
    *(["social_endpoints"] if PEER == "project" else []),
]
# The same for all, though only the others need sessions.
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
if HAS_SOCIAL_AUTH:
    AUTHENTICATION_BACKENDS += [
        "social_core.backends.open_id_connect.OpenIdConnectAuth",
        "benchmarks.site.backends.Github",
    ]
LOGIN_REDIRECT_URL = "/"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}

SOCIAL_AUTH_OIDC_OIDC_ENDPOINT = PROVIDER
SOCIAL_AUTH_OIDC_KEY = "the-site"
SOCIAL_AUTH_OIDC_SECRET = "shared with the provider"
SOCIAL_AUTH_GITHUB_KEY = SOCIAL_AUTH_OIDC_KEY
SOCIAL_AUTH_GITHUB_SECRET = SOCIAL_AUTH_OIDC_SECRET

SOCIAL_ENDPOINTS = {
    "ALLOWED_REDIRECT_URIS": [REDIRECT_URI],
    "HTTP_POOL": environment.HTTP_POOL,
    "HTTP_POOL_IDLE": environment.HTTP_POOL_IDLE,
}
if PEER == "djoser":
    # By itself it makes two JWT; with this, the same token as the others.
    DJOSER = {
        "SOCIAL_AUTH_ALLOWED_REDIRECT_URIS": [REDIRECT_URI],
        "SOCIAL_AUTH_TOKEN_STRATEGY": "benchmarks.site.djoser_token.TokenStrategy",
    }
