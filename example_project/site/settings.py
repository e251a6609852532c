"""Settings of the site."""

from __future__ import annotations

import os

from django.core.management.utils import get_random_secret_key

from example_project.addresses import HOST, addresses
from example_project.data import database, kept
from example_project.log import to_console
from example_project.provider import demo

SECRET_KEY = kept("site-secret-key", get_random_secret_key)
ALLOWED_HOSTS = [HOST]
ROOT_URLCONF = "example_project.site.urls"
DATABASES = database("site")
LOGGING = to_console("site")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "corsheaders",
    "rest_framework",
    "rest_framework.authtoken",
    "social_django",
    "social_endpoints",
]
MIDDLEWARE = [
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}

# The page on its second origin may call this site, but neither send nor get cookies.
CORS_ALLOWED_ORIGINS = [addresses.second_origin]

# Where a login may end: the callback of the page, on each of its two origins.
SOCIAL_ENDPOINTS = {"ALLOWED_REDIRECT_URIS": addresses.redirect_uris}

# Both providers are the one of this example, spoken to in two ways. With real ones
# this would be, say, "social_core.backends.github.GithubOAuth2" and its key and secret.
AUTHENTICATION_BACKENDS = [
    "example_project.site.backends.DemoOpenIdConnect",
    "example_project.site.backends.DemoOAuth2",
]

SOCIAL_AUTH_DEMO_OIDC_ENDPOINT = addresses.provider
SOCIAL_AUTH_DEMO_KEY = demo.CLIENT_ID
SOCIAL_AUTH_DEMO_SECRET = demo.client_secret()
SOCIAL_AUTH_DEMO_USE_PKCE = True

SOCIAL_AUTH_DEMO_OAUTH2_AUTHORIZATION_URL = f"{addresses.provider}/authorize/"
SOCIAL_AUTH_DEMO_OAUTH2_ACCESS_TOKEN_URL = f"{addresses.provider}/token/"
SOCIAL_AUTH_DEMO_OAUTH2_USERINFO_URL = f"{addresses.provider}/userinfo/"
SOCIAL_AUTH_DEMO_OAUTH2_KEY = demo.CLIENT_ID
SOCIAL_AUTH_DEMO_OAUTH2_SECRET = demo.client_secret()

# How many seconds a user has between the button and the callback. Half an hour is
# social-auth's default; the tests shorten it to see a login expire.
SOCIAL_AUTH_STATE_LIFETIME = int(os.environ.get("EXAMPLE_STATE_LIFETIME", "1800"))
