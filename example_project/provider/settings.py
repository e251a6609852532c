"""Settings of the provider."""

from __future__ import annotations

from pathlib import Path

from django.core.management.utils import get_random_secret_key

from example_project.addresses import HOST, addresses
from example_project.data import database, kept
from example_project.log import to_console
from example_project.provider.signing_key import new_signing_key

SECRET_KEY = kept("provider-secret-key", get_random_secret_key)
ALLOWED_HOSTS = [HOST]
ROOT_URLCONF = "example_project.provider.urls"
DATABASES = database("provider")
LOGGING = to_console("provider")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "oauth2_provider",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.contrib.auth.context_processors.auth"]},
    }
]

# Cookies are kept by host, whatever the port, so the site would overwrite these.
SESSION_COOKIE_NAME = "provider_sessionid"
CSRF_COOKIE_NAME = "provider_csrftoken"

LOGIN_URL = "login"

OAUTH2_PROVIDER = {
    "OIDC_ENABLED": True,
    "OIDC_ISS_ENDPOINT": addresses.provider,
    "OIDC_RSA_PRIVATE_KEY": kept("provider-signing-key.pem", new_signing_key),
    "OAUTH2_VALIDATOR_CLASS": "example_project.provider.claims.OAuth2Validator",
    "PKCE_REQUIRED": True,
    "SCOPES": {
        "openid": "Know that it is you",
        "profile": "Read your name",
        "email": "Read your e-mail address",
    },
    # The Best Current Practice for OAuth 2.0 Security: no implicit grant, no password
    # grant, PKCE by S256 alone, the issuer named in every answer.
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
}
