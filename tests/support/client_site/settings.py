"""The example's settings, with a page at ``/client/`` on both origins."""

from __future__ import annotations

from example_project import local
from example_project.settings import *  # noqa: F403 - a settings module extends another
from example_project.settings import (
    AUTHENTICATION_BACKENDS,
    MIDDLEWARE,
    SOCIAL_AUTH_DEMO_SECRET,
    SOCIAL_ENDPOINTS,
)
from tests.support.pipeline import ASK_NAME, BEFORE_CREATE_USER, DEFAULT_PIPELINE, pipeline_with

PAGES = [f"{origin}/client/" for origin in (local.SITE, local.OTHER_ORIGIN)]

ROOT_URLCONF = "tests.support.client_site.urls"
# Playwright's wait_for_function() calls eval(), which the example's policy does not allow.
MIDDLEWARE = [
    *(name for name in MIDDLEWARE if not name.endswith(".content_security_policy")),
    "tests.support.client_site.middleware.OpenerPolicyMiddleware",
    "tests.support.client_site.middleware.CookieTransportMiddleware",
]
# Each test chooses the policy of the page and of the provider.
SECURE_CROSS_ORIGIN_OPENER_POLICY = None

SOCIAL_ENDPOINTS = {
    **SOCIAL_ENDPOINTS,
    "ALLOWED_REDIRECT_URIS": [f"{page}callback/" for page in PAGES],
    "ALLOWED_LOGOUT_REDIRECT_URIS": PAGES,
    "NATIVE_PROVIDERS": ["demo"],
}

AUTHENTICATION_BACKENDS = [
    *AUTHENTICATION_BACKENDS,
    "tests.support.client_site.backends.PausingOpenIdConnect",
]
# Only the logins of one provider pause.
SOCIAL_AUTH_PIPELINE = DEFAULT_PIPELINE
SOCIAL_AUTH_DEMO_PAUSING_OIDC_ENDPOINT = local.PROVIDER
SOCIAL_AUTH_DEMO_PAUSING_KEY = "example-site-pausing"
SOCIAL_AUTH_DEMO_PAUSING_SECRET = SOCIAL_AUTH_DEMO_SECRET
SOCIAL_AUTH_DEMO_PAUSING_PIPELINE = pipeline_with((BEFORE_CREATE_USER, ASK_NAME))
