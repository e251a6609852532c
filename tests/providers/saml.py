"""Test case for SAML, with responses that are signed when it runs.

Import this module after :mod:`tests.providers.sdist` has added ``social_core.tests``.
"""

from __future__ import annotations

from typing import Any

from social_core.tests.backends.base import BaseBackendTest

from tests.providers.answers import EMAIL
from tests.support.saml_provider import AUDIENCE, ENTITY_ID, SSO_URL, key_and_certificate, respond


class SAML(BaseBackendTest):  # type: ignore[misc]  # not installed
    """A login with a SAML identity provider."""

    backend_path = "social_core.backends.saml.SAMLAuth"
    complete_url = "http://myapp.com/complete/saml"
    expected_username = "ada"

    def extra_settings(self) -> dict[str, Any]:
        contact = {"givenName": "Ada", "emailAddress": EMAIL}
        site = {"name": "site", "displayname": "Site", "url": "https://api.example.com"}
        idp = {
            "entity_id": ENTITY_ID,
            "url": SSO_URL,
            "x509cert": key_and_certificate("idp")[1],
            "attr_user_permanent_id": "username",
            "attr_username": "username",
            "attr_email": "email",
        }
        return {
            "SOCIAL_AUTH_SAML_SP_ENTITY_ID": AUDIENCE,
            "SOCIAL_AUTH_SAML_SP_PUBLIC_CERT": "",
            "SOCIAL_AUTH_SAML_SP_PRIVATE_KEY": "",
            "SOCIAL_AUTH_SAML_ORG_INFO": {"en-US": site},
            "SOCIAL_AUTH_SAML_TECHNICAL_CONTACT": contact,
            "SOCIAL_AUTH_SAML_SUPPORT_CONTACT": contact,
            "SOCIAL_AUTH_SAML_ENABLED_IDPS": {"site": idp},
        }

    def do_start(self) -> Any:
        self.strategy.set_request_data({"idp": "site"}, self.backend)
        self.strategy.set_request_data(respond(self.backend.start().url), self.backend)
        return self.backend.complete()


CASES = [SAML]

REPLACED = frozenset({"SAMLTest", "SAMLProtocolTest", "SAMLGroupTest"})
"""Cases of social-core with recorded responses, which patch the clock."""
