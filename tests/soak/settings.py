"""Settings of one server process. Each process has its own token serializer.

The environment variables are set by ``tests.soak.__main__``.
"""

from __future__ import annotations

import os

from tests import settings
from tests.settings import *  # noqa: F403 - a settings module extends another
from tests.support.pipeline import (
    AFTER_SOCIAL_USER,
    ASK_NAME,
    BEFORE_CREATE_USER,
    pipeline_with,
)

SERIALIZER = os.environ.get("SOAK_SERIALIZER", "TokenSerializer")
PROVIDER = os.environ["SOAK_PROVIDER"]

ROOT_URLCONF = "tests.urls"
DATABASES = {
    "default": {
        **settings.DATABASES["default"],
        "NAME": os.environ["SOAK_DATABASE"],
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "TEST": {"CHARSET": "utf8mb4"} if os.environ["TEST_DATABASE"] == "mariadb" else {},
    }
}
if os.environ["TEST_DATABASE"] == "sqlite":
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL",
        "timeout": 20,
    }
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": os.environ["SOAK_REDIS"],
        "KEY_PREFIX": os.environ["SOAK_DATABASE"],
        "OPTIONS": {"socket_timeout": 5, "socket_connect_timeout": 5},
    }
}
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    *settings.MIDDLEWARE,
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
AUTHENTICATION = {
    "TokenSerializer": "rest_framework.authentication.TokenAuthentication",
    "JWTSerializer": "rest_framework_simplejwt.authentication.JWTAuthentication",
    "KnoxTokenSerializer": "knox.auth.TokenAuthentication",
    "SessionSerializer": "rest_framework.authentication.SessionAuthentication",
}
REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": [AUTHENTICATION[SERIALIZER]]}

SOCIAL_ENDPOINTS = {
    **settings.SOCIAL_ENDPOINTS,
    "TOKEN_SERIALIZER": f"social_endpoints.tokens.{SERIALIZER}",
    "NATIVE_PROVIDERS": ["oidc"],
    "HTTP_POOL_IDLE": 2,
    "PROVIDER_PAUSE": 1,
    "RELEASE_DATABASE_CONNECTIONS": SERIALIZER == "KnoxTokenSerializer",
}
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "social_core.backends.open_id_connect.OpenIdConnectAuth",
    *(f"tests.soak.backends.{name}" for name in ("OAuth2", "Pausing", "Failing", "Posting", "X")),
]
SOCIAL_AUTH_OIDC_OIDC_ENDPOINT = SOCIAL_AUTH_POSTING_OIDC_ENDPOINT = PROVIDER
SOCIAL_AUTH_POSTING_AUTH_EXTRA_ARGUMENTS = {"response_mode": "form_post"}
SOCIAL_AUTH_POSTING_KEY = settings.SOCIAL_AUTH_OIDC_KEY
SOCIAL_AUTH_POSTING_SECRET = settings.SOCIAL_AUTH_OIDC_SECRET
for _name in ("OAUTH2", "PAUSING", "FAILING", "X"):
    globals()[f"SOCIAL_AUTH_{_name}_URL"] = PROVIDER
    globals()[f"SOCIAL_AUTH_{_name}_KEY"] = _name
    globals()[f"SOCIAL_AUTH_{_name}_SECRET"] = "a secret of the soak"
SOCIAL_AUTH_POSTING_PIPELINE = pipeline_with(
    (AFTER_SOCIAL_USER, "social_endpoints.pipeline.associate_by_verified_email")
)
SOCIAL_AUTH_PAUSING_PIPELINE = pipeline_with((BEFORE_CREATE_USER, ASK_NAME))
SOCIAL_AUTH_FAILING_URL = os.environ["SOAK_FAILING_PROVIDER"]
SOCIAL_AUTH_FAILING_REQUESTS_TIMEOUT = 0.4
SOCIAL_AUTH_REQUESTS_TIMEOUT = 20  # The other providers respond, however busy the machine is.

LOGGING = {
    "version": 1,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["stderr"], "level": "ERROR"},
}
