"""The settings of the example, and the providers of the tests.

One of them is in the process of the site, with the user model of the site.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from social_core.pipeline import DEFAULT_AUTH_PIPELINE

from example_project import local
from example_project.local import DATA
from example_project.settings import *  # noqa: F403 - a settings module extends another
from example_project.settings import (
    AUTHENTICATION_BACKENDS,
    INSTALLED_APPS,
    MIDDLEWARE,
    SOCIAL_AUTH_DEMO_SECRET,
    SOCIAL_ENDPOINTS,
    TEMPLATES,
)
from tests.support.keys import key_and_certificate
from tests.support.servers.addresses import CLIENT_ID, CLIENT_SECRET, NATIVE_APP, addresses
from tests.support.servers.toolkit import demo

TOOLKIT = f"{local.OTHER_ORIGIN}/toolkit"

# The logins of the tests do not pause.
SOCIAL_AUTH_PIPELINE = DEFAULT_AUTH_PIPELINE

# No provider of these tests is the fake one.
SOCIAL_ENDPOINTS = {
    **SOCIAL_ENDPOINTS,
    "FAKE_PROVIDERS": None,
    "NATIVE_PROVIDERS": ["openid-connect"],
}

AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",  # only for the login page of the toolkit
    *AUTHENTICATION_BACKENDS,
    "tests.support.servers.site.backends.OpenIdConnect",
    "tests.support.servers.site.backends.OpenIdConnectFormPost",
    "tests.support.servers.site.backends.OAuth1",
    "social_core.backends.open_id.OpenIdAuth",
    "social_core.backends.saml.SAMLAuth",
]

SOCIAL_AUTH_OPENID_CONNECT_OIDC_ENDPOINT = addresses.provider("openid-connect")
SOCIAL_AUTH_OPENID_CONNECT_KEY = CLIENT_ID
SOCIAL_AUTH_OPENID_CONNECT_SECRET = CLIENT_SECRET
SOCIAL_AUTH_OPENID_CONNECT_USE_PKCE = True
SOCIAL_AUTH_OPENID_CONNECT_AUDIENCE = [NATIVE_APP]

SOCIAL_AUTH_OPENID_CONNECT_FORM_POST_OIDC_ENDPOINT = addresses.provider("openid-connect")
SOCIAL_AUTH_OPENID_CONNECT_FORM_POST_KEY = CLIENT_ID
SOCIAL_AUTH_OPENID_CONNECT_FORM_POST_SECRET = CLIENT_SECRET
SOCIAL_AUTH_OPENID_CONNECT_FORM_POST_USE_PKCE = True
SOCIAL_AUTH_OPENID_CONNECT_FORM_POST_AUTH_EXTRA_ARGUMENTS = {"response_mode": "form_post"}

SOCIAL_AUTH_OAUTH1_KEY = CLIENT_ID
SOCIAL_AUTH_OAUTH1_SECRET = CLIENT_SECRET

# The providers of the tests are inside this network.
SOCIAL_AUTH_OPENID_INTERNAL_HOSTS = [
    urlsplit(addresses.provider(name)).netloc for name in ("openid2", "other-openid2")
]

PERSON = {"givenName": "Ada", "emailAddress": "ada@example.com"}
SOCIAL_AUTH_SAML_SP_ENTITY_ID = addresses.site
SOCIAL_AUTH_SAML_SP_PUBLIC_CERT = (DATA / "site.crt").read_text()
SOCIAL_AUTH_SAML_SP_PRIVATE_KEY = (DATA / "site.key").read_text()
SOCIAL_AUTH_SAML_ORG_INFO = {
    "en-US": {"name": "tests", "displayname": "The tests", "url": addresses.site}
}
SOCIAL_AUTH_SAML_TECHNICAL_CONTACT = PERSON
SOCIAL_AUTH_SAML_SUPPORT_CONTACT = PERSON
SOCIAL_AUTH_SAML_ENABLED_IDPS = {
    "tests": {
        "entity_id": f"{addresses.provider('saml')}/metadata",
        "url": f"{addresses.provider('saml')}/sso",
        "x509cert": (DATA / "saml.crt").read_text(),
    }
}

# The provider in the process of the site

ROOT_URLCONF = "tests.support.servers.site.urls"
INSTALLED_APPS = [*INSTALLED_APPS, "django.contrib.sessions", "oauth2_provider"]
MIDDLEWARE = [
    *MIDDLEWARE,
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
TEMPLATES = [
    {
        **TEMPLATES[0],
        "DIRS": [*TEMPLATES[0]["DIRS"], Path(__file__).parents[1] / "toolkit" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.contrib.auth.context_processors.auth"]},
    }
]
LOGIN_URL = "login"
PROFILE_URL = f"{TOOLKIT}/userinfo/"

SOCIAL_AUTH_DEMO_OIDC_ENDPOINT = TOOLKIT
SOCIAL_AUTH_DEMO_KEY = demo.CLIENT_ID
SOCIAL_AUTH_DEMO_OAUTH2_AUTHORIZATION_URL = f"{TOOLKIT}/authorize/"
SOCIAL_AUTH_DEMO_OAUTH2_ACCESS_TOKEN_URL = f"{TOOLKIT}/token/"
SOCIAL_AUTH_DEMO_OAUTH2_USERINFO_URL = f"{TOOLKIT}/userinfo/"
SOCIAL_AUTH_DEMO_OAUTH2_KEY = demo.CLIENT_ID
SOCIAL_AUTH_DEMO_OAUTH2_SECRET = SOCIAL_AUTH_DEMO_SECRET

OAUTH2_PROVIDER = {
    "OIDC_ENABLED": True,
    "OIDC_ISS_ENDPOINT": TOOLKIT,
    "OIDC_RSA_PRIVATE_KEY": local.generated(
        "toolkit-key.pem", lambda: key_and_certificate("toolkit")[0]
    ),
    "OAUTH2_VALIDATOR_CLASS": "tests.support.servers.toolkit.claims.OAuth2Validator",
    "OIDC_RP_INITIATED_LOGOUT_ENABLED": True,
    "OIDC_RP_INITIATED_LOGOUT_ALWAYS_PROMPT": False,
    "PKCE_REQUIRED": True,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    # The site refreshes a token that lives less than a minute.
    "ACCESS_TOKEN_EXPIRE_SECONDS": 30,
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

# The default hasher takes most of the time of a login at the demo provider.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
