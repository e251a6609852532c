"""Settings of the example: first the site, then its own OpenID Connect provider."""

from __future__ import annotations

import secrets
from pathlib import Path

from django.core.management.utils import get_random_secret_key

from example_project import local
from example_project.provider import demo

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
    "django.contrib.sessions",  # only for the provider
    "django.contrib.staticfiles",
    "corsheaders",
    "drf_spectacular",  # only for the OpenAPI document
    "oauth2_provider",  # only for the provider
    "rest_framework",
    "rest_framework.authtoken",
    "social_django",
    "social_endpoints",
]
STATIC_URL = "/static/"
# The icons in the list of providers: those of this site's backends, and those of social-core's.
STATICFILES_DIRS = [Path(__file__).parent / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "social_django.finders.SocialAuthIconFinder",
]
# The view of the page with popups sets this header. A popup at the provider, and then at the
# callback, keeps its opener only if these pages do not have it.
SECURE_CROSS_ORIGIN_OPENER_POLICY = None
MIDDLEWARE = [
    "example_project.site.middleware.content_security_policy",
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    # Only for the provider. The site works without sessions.
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
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
        # The response explains which addresses work.
        "django.security.DisallowedHost": {"level": "CRITICAL"},
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

# The site uses its provider in two ways. A real project would list, for example,
# "social_core.backends.github.GithubOAuth2" and set its key and secret.
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",  # only for the provider's login page
    "example_project.site.backends.DemoOpenIdConnect",
    "example_project.site.backends.DemoOAuth2",
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

SOCIAL_AUTH_DEMO_OIDC_ENDPOINT = local.PROVIDER
SOCIAL_AUTH_DEMO_KEY = demo.CLIENT_ID
SOCIAL_AUTH_DEMO_SECRET = local.generated("client-secret", secrets.token_urlsafe)
SOCIAL_AUTH_DEMO_USE_PKCE = True

SOCIAL_AUTH_DEMO_OAUTH2_AUTHORIZATION_URL = f"{local.PROVIDER}/authorize/"
SOCIAL_AUTH_DEMO_OAUTH2_ACCESS_TOKEN_URL = f"{local.PROVIDER}/token/"
SOCIAL_AUTH_DEMO_OAUTH2_USERINFO_URL = f"{local.PROVIDER}/userinfo/"
SOCIAL_AUTH_DEMO_OAUTH2_KEY = demo.CLIENT_ID
SOCIAL_AUTH_DEMO_OAUTH2_SECRET = SOCIAL_AUTH_DEMO_SECRET


# The provider

LOGIN_URL = "login"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / side / "templates" for side in ("provider", "site")],
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.contrib.auth.context_processors.auth"]},
    }
]
OAUTH2_PROVIDER = {
    "OIDC_ENABLED": True,
    "OIDC_ISS_ENDPOINT": local.PROVIDER,
    "OIDC_RSA_PRIVATE_KEY": local.generated("provider-signing-key.pem", local.new_signing_key),
    "OAUTH2_VALIDATOR_CLASS": "example_project.provider.claims.OAuth2Validator",
    "OIDC_RP_INITIATED_LOGOUT_ENABLED": True,
    "OIDC_RP_INITIATED_LOGOUT_ALWAYS_PROMPT": False,
    "PKCE_REQUIRED": True,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "SCOPES": {
        "openid": "Know that it is you",
        "profile": "Read your name",
        "email": "Read your e-mail address",
    },
    # RFC 9700, Best Current Practice for OAuth 2.0 Security
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
}
