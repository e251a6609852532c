"""Settings of a project that uses all of the packages at once."""

from __future__ import annotations

from tests import settings as base

SECRET_KEY = base.SECRET_KEY
USE_TZ = True
ALLOWED_HOSTS = base.ALLOWED_HOSTS
PASSWORD_HASHERS = base.PASSWORD_HASHERS
DATABASES = base.DATABASES
TEMPLATES = base.TEMPLATES
MAILERS = base.MAILERS
ROOT_URLCONF = "tests.support.neighbours.urls"
LOGIN_URL = "/login/"

INSTALLED_APPS = [
    *base.INSTALLED_APPS,
    "allauth",
    "allauth.account",
    "allauth.headless",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.apple",
    "allauth.socialaccount.providers.discord",
    "allauth.socialaccount.providers.facebook",
    "allauth.socialaccount.providers.github",
    "allauth.socialaccount.providers.google",
    "allauth.socialaccount.providers.microsoft",
    "allauth.socialaccount.providers.openid_connect",
    "axes",
    "corsheaders",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "drf_standardized_errors",
]

MIDDLEWARE = [
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "djangorestframework_camel_case.middleware.CamelCaseMiddleWare",
    "allauth.account.middleware.AccountMiddleware",
    "axes.middleware.AxesMiddleware",
]

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    *base.AUTHENTICATION_BACKENDS,
]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.SessionAuthentication",
        "rest_framework.authentication.TokenAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["djangorestframework_camel_case.render.CamelCaseJSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "djangorestframework_camel_case.parser.CamelCaseFormParser",
        "djangorestframework_camel_case.parser.CamelCaseMultiPartParser",
        "djangorestframework_camel_case.parser.CamelCaseJSONParser",
    ],
    "EXCEPTION_HANDLER": "drf_standardized_errors.handler.exception_handler",
    "DEFAULT_SCHEMA_CLASS": "drf_standardized_errors.openapi.AutoSchema",
}

# The frontend's origin, which is also that of the redirect URI.
CORS_ALLOWED_ORIGINS = ["https://app.example.com"]
CORS_ALLOW_CREDENTIALS = True

AXES_FAILURE_LIMIT = 3

SOCIAL_ENDPOINTS = {**base.SOCIAL_ENDPOINTS, "NATIVE_PROVIDERS": ["oidc"]}
SOCIAL_AUTH_OIDC_OIDC_ENDPOINT = base.SOCIAL_AUTH_OIDC_OIDC_ENDPOINT
SOCIAL_AUTH_OIDC_KEY = base.SOCIAL_AUTH_OIDC_KEY
SOCIAL_AUTH_OIDC_SECRET = base.SOCIAL_AUTH_OIDC_SECRET
SOCIAL_AUTH_OIDC_USE_PKCE = True
SOCIAL_AUTH_GITHUB_KEY = base.SOCIAL_AUTH_GITHUB_KEY
SOCIAL_AUTH_GITHUB_SECRET = base.SOCIAL_AUTH_GITHUB_SECRET
