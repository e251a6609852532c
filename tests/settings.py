"""Settings of the test project, which has only what the endpoints need."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from tempfile import gettempdir
from uuid import uuid4

SECRET_KEY = "a secret key of the tests, long enough for every algorithm"
USE_TZ = True
ROOT_URLCONF = "tests.urls"
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

DATABASES = {
    "sqlite": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": ":memory:",
        # A file, so that the threads of a test have connections of their own.
        "TEST": {"NAME": str(Path(gettempdir()) / f"social_endpoints_{uuid4().hex}.sqlite3")},
        # The order is reversed to find code and tests that rely on it without an ORDER BY.
        "OPTIONS": {
            "init_command": "PRAGMA synchronous = OFF; PRAGMA reverse_unordered_selects = ON"
        },
    },
    "postgresql": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": f"social_endpoints_{os.getpid()}",
        "HOST": "127.0.0.1",
        "USER": os.environ.get("PGUSER", "postgres"),
        "OPTIONS": {"options": "-c synchronous_commit=off"},  # The tests commit often.
    },
    "mariadb": {
        "ENGINE": "django.db.backends.mysql",
        "NAME": f"social_endpoints_{os.getpid()}",
        "HOST": "127.0.0.1",
        "USER": os.environ.get("MARIADB_USER", "root"),
        "TEST": {"CHARSET": "utf8mb4"},
    },
}
DATABASES = {"default": DATABASES[os.environ.get("TEST_DATABASE", "sqlite")]}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.TokenAuthentication"]
}

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "rest_framework",
    "rest_framework.authtoken",
    "social_django",
    "social_endpoints",
    *(name for name in ("drf_spectacular", "knox") if find_spec(name)),
    # Simple JWT decides when it is imported whether it uses this app.
    *(
        ["rest_framework_simplejwt.token_blacklist"]
        if find_spec("rest_framework_simplejwt")
        else []
    ),
]

# A login needs no sessions, no CSRF protection and no authentication.
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]

TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]

AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "social_core.backends.open_id_connect.OpenIdConnectAuth",
    "social_core.backends.github.GithubOAuth2",
    "social_core.backends.email.EmailAuth",
    "social_core.backends.username.UsernameAuth",
]

SOCIAL_ENDPOINTS = {"ALLOWED_REDIRECT_URIS": ["https://app.example.com/login/callback"]}

SOCIAL_AUTH_OIDC_OIDC_ENDPOINT = "https://id.example.com"
SOCIAL_AUTH_OIDC_KEY = "our-client-id"
SOCIAL_AUTH_OIDC_SECRET = "our-client-secret"
SOCIAL_AUTH_OIDC_USE_PKCE = True
SOCIAL_AUTH_GITHUB_KEY = "our-github-id"
SOCIAL_AUTH_GITHUB_SECRET = "our-github-secret"

# Django 6.1 warns if mail is sent without it, and ignores EMAIL_BACKEND of Django 5.2.
MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
