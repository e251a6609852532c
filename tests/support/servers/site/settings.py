"""The settings of the example, and the providers of the tests."""

from __future__ import annotations

from urllib.parse import urlsplit

from social_core.pipeline import DEFAULT_AUTH_PIPELINE

from example_project.local import DATA
from example_project.settings import *  # noqa: F403 - a settings module extends another
from example_project.settings import AUTHENTICATION_BACKENDS, OAUTH2_PROVIDER, SOCIAL_ENDPOINTS
from tests.support.servers.addresses import CLIENT_ID, CLIENT_SECRET, NATIVE_APP, addresses

# The logins of the tests do not pause.
SOCIAL_AUTH_PIPELINE = DEFAULT_AUTH_PIPELINE

SOCIAL_ENDPOINTS = {**SOCIAL_ENDPOINTS, "NATIVE_PROVIDERS": ["openid-connect"]}

AUTHENTICATION_BACKENDS = [
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

# The site refreshes a token that lives less than a minute.
OAUTH2_PROVIDER = {**OAUTH2_PROVIDER, "ACCESS_TOKEN_EXPIRE_SECONDS": 30}

# The default hasher takes most of the time of a login at the demo provider.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
