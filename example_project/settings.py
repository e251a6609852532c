"""Settings of the example: a site, and the fake provider in place of real ones."""

from __future__ import annotations

import secrets
from pathlib import Path

from django.core.management.utils import get_random_secret_key

from example_project import local

# The fake provider works only with DEBUG. The site is only reachable from this machine.
DEBUG = True
SECRET_KEY = local.generated("secret-key", get_random_secret_key)
ALLOWED_HOSTS = [local.HOST, "localhost"]
ROOT_URLCONF = "example_project.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": local.DATA / "example.sqlite3",
        # Parallel logins wait for each other instead of failing with "database is locked".
        "OPTIONS": {"transaction_mode": "IMMEDIATE"},
    }
}
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.staticfiles",
    "corsheaders",
    "drf_spectacular",  # only for the OpenAPI document
    "rest_framework",
    "rest_framework.authtoken",
    "social_django",
    "social_endpoints",
]
# The handoff of Apple needs no shared cache, because there is only one process.
SILENCED_SYSTEM_CHECKS = ["social_endpoints.W005"]
STATIC_URL = "/static/"
# The icons in the list of providers: those of this site's backends, and those of social-core's.
STATICFILES_DIRS = [Path(__file__).parent / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "social_django.finders.SocialAuthIconFinder",
]
# The view of the page with popups sets this header. A popup that returns to the callback keeps its
# opener only if that page does not have it.
SECURE_CROSS_ORIGIN_OPENER_POLICY = None
# The site works without sessions.
MIDDLEWARE = [
    "example_project.site.middleware.content_security_policy",
    "example_project.site.middleware.known_addresses",
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"without_query": {"()": "example_project.log.WithoutQuery"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "filters": ["without_query"]}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        # The request log already contains every refusal.
        "django.request": {"level": "ERROR"},
        "django.server": {"handlers": ["console"], "level": "INFO", "propagate": False},
    },
}

# The site

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS = {"TITLE": "The example's API", "VERSION": "1"}

# The page on the other origin may call the API, but it can neither send nor receive cookies.
CORS_ALLOWED_ORIGINS = [local.OTHER_ORIGIN]
CORS_URLS_REGEX = r"^/(api|auth)/"

# A login may end at the callback of the page, on each of its two origins, and a logout at the page.
SOCIAL_ENDPOINTS = {
    "ALLOWED_REDIRECT_URIS": local.REDIRECT_URIS,
    "ALLOWED_LOGOUT_REDIRECT_URIS": local.LOGOUT_REDIRECT_URIS,
    "ENCRYPT_PROVIDER_TOKENS": True,
}

# The fake provider is in the URLs of this project. It stands in for providers that need an account
# and a registered client, and for one that social-core does not support.
SOCIAL_ENDPOINTS["FAKE_PROVIDERS"] = {
    "demo-oauth2": local.PROVIDER,
    "google-oauth2": local.PROVIDER,
    "github": local.PROVIDER,
    "apple-id": local.PROVIDER,
}

# Where the site asks for the profile of a user, with the token that a login has stored.
PROFILE_URL = f"{local.PROVIDER}/userinfo"

AUTHENTICATION_BACKENDS = [
    "example_project.site.backends.DemoOpenIdConnect",
    "example_project.site.backends.DemoOAuth2",
    "social_core.backends.google.GoogleOAuth2",
    "social_core.backends.github.GithubOAuth2",
    "social_core.backends.apple.AppleIdAuth",
]

# The default pipeline of social-core, with two steps of the site.
SOCIAL_AUTH_PIPELINE = [
    "social_core.pipeline.social_auth.social_details",
    "social_core.pipeline.social_auth.social_names",
    "social_core.pipeline.social_auth.social_uid",
    "social_core.pipeline.social_auth.auth_allowed",
    "social_core.pipeline.social_auth.social_user",
    "example_project.site.pipeline.ask_display_name",
    "social_core.pipeline.user.get_username",
    "social_core.pipeline.user.create_user",
    "example_project.site.pipeline.save_display_name",
    "social_core.pipeline.social_auth.associate_user",
    "social_core.pipeline.social_auth.load_extra_data",
    "social_core.pipeline.user.user_details",
]
# A later login does not replace the display name with the provider's.
SOCIAL_AUTH_IMMUTABLE_USER_FIELDS = ["first_name"]

CLIENT_SECRET = local.generated("client-secret", secrets.token_urlsafe)

# The address of the fake provider is also the issuer of a generic OpenID Connect provider.
SOCIAL_AUTH_DEMO_OIDC_ENDPOINT = local.PROVIDER
SOCIAL_AUTH_DEMO_KEY = "example-site"
SOCIAL_AUTH_DEMO_SECRET = CLIENT_SECRET
SOCIAL_AUTH_DEMO_USE_PKCE = True

SOCIAL_AUTH_DEMO_OAUTH2_KEY = "example-site-oauth2"
SOCIAL_AUTH_DEMO_OAUTH2_SECRET = CLIENT_SECRET

# A real project sets here what the consoles of Google, GitHub and Apple show.
SOCIAL_AUTH_GOOGLE_OAUTH2_KEY = "example-site.apps.googleusercontent.com"
SOCIAL_AUTH_GOOGLE_OAUTH2_SECRET = CLIENT_SECRET
SOCIAL_AUTH_GITHUB_KEY = "example-site-github"
SOCIAL_AUTH_GITHUB_SECRET = CLIENT_SECRET
SOCIAL_AUTH_GITHUB_SCOPE = ["user:email"]
SOCIAL_AUTH_APPLE_ID_CLIENT = "com.example.site"
SOCIAL_AUTH_APPLE_ID_TEAM = "TEAM123456"
SOCIAL_AUTH_APPLE_ID_KEY = "KEY1234567"
SOCIAL_AUTH_APPLE_ID_SECRET = local.generated("apple-key.pem", local.new_apple_key)
SOCIAL_AUTH_APPLE_ID_SCOPE = ["email", "name"]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / "site" / "templates"],
    }
]
