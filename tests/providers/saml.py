"""Test case for SAML, with responses that are signed when it runs.

Import this module after :mod:`tests.providers.sdist` has added ``social_core.tests``.
"""

from __future__ import annotations

from typing import Any

from social_core.tests.backends.base import BaseBackendTest

from tests.support.saml_provider import respond, saml_settings


class SAML(BaseBackendTest):  # type: ignore[misc]  # not installed
    backend_path = "social_core.backends.saml.SAMLAuth"
    complete_url = "http://myapp.com/complete/saml"
    expected_username = "ada"

    def extra_settings(self) -> dict[str, Any]:
        return {f"SOCIAL_AUTH_SAML_{name}": value for name, value in saml_settings().items()}

    def do_start(self) -> Any:
        self.strategy.set_request_data({"idp": "first"}, self.backend)
        self.strategy.set_request_data(respond(self.backend.start().url), self.backend)
        return self.backend.complete()


CASES = [SAML]

REPLACED = frozenset({"SAMLTest", "SAMLProtocolTest", "SAMLGroupTest"})
"""Cases of social-core with recorded responses, which patch the clock."""
