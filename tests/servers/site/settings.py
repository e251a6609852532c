"""The settings of the example's site, and the providers of the tests."""

from __future__ import annotations

from example_project.data import DATA
from example_project.site.settings import *  # noqa: F403
from example_project.site.settings import AUTHENTICATION_BACKENDS, SOCIAL_ENDPOINTS
from tests.servers import client
from tests.servers.addresses import addresses

SOCIAL_ENDPOINTS = {**SOCIAL_ENDPOINTS, "NATIVE_PROVIDERS": ["openid-connect"]}

AUTHENTICATION_BACKENDS = [
    *AUTHENTICATION_BACKENDS,
    "tests.servers.site.backends.OpenIdConnect",
    "tests.servers.site.backends.OpenIdConnectFormPost",
    "tests.servers.site.backends.OAuth1",
    "social_core.backends.open_id.OpenIdAuth",
    "social_core.backends.saml.SAMLAuth",
]

SOCIAL_AUTH_OPENID_CONNECT_OIDC_ENDPOINT = addresses.openid_connect
SOCIAL_AUTH_OPENID_CONNECT_KEY = client.ID
SOCIAL_AUTH_OPENID_CONNECT_SECRET = client.SECRET
SOCIAL_AUTH_OPENID_CONNECT_USE_PKCE = True
SOCIAL_AUTH_OPENID_CONNECT_AUDIENCE = [client.APP]

SOCIAL_AUTH_OPENID_CONNECT_FORM_POST_OIDC_ENDPOINT = addresses.openid_connect
SOCIAL_AUTH_OPENID_CONNECT_FORM_POST_KEY = client.ID
SOCIAL_AUTH_OPENID_CONNECT_FORM_POST_SECRET = client.SECRET
SOCIAL_AUTH_OPENID_CONNECT_FORM_POST_USE_PKCE = True
SOCIAL_AUTH_OPENID_CONNECT_FORM_POST_AUTH_EXTRA_ARGUMENTS = {"response_mode": "form_post"}

SOCIAL_AUTH_OAUTH1_KEY = client.ID
SOCIAL_AUTH_OAUTH1_SECRET = client.SECRET

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
        "entity_id": f"{addresses.saml}/metadata",
        "url": f"{addresses.saml}/sso",
        "x509cert": (DATA / "saml.crt").read_text(),
    }
}
