"""A project's SAML backend with its own source of identity providers."""

from __future__ import annotations

from typing import Any

from social_core.backends.saml import SAMLAuth, SAMLIdentityProvider

from tests.support.saml_provider import identity_provider


class LookupSAMLAuth(SAMLAuth):
    """Accepts every name of an identity provider."""

    def get_idp(self, idp_name: str | None) -> Any:
        return SAMLIdentityProvider(self, str(idp_name), **identity_provider())
