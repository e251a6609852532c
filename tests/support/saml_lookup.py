"""A backend of a project that keeps its SAML identity providers in a place of its own."""

from __future__ import annotations

from typing import Any

from social_core.backends.saml import SAMLAuth, SAMLIdentityProvider

from tests.support.saml_provider import identity_provider


class LookedUp(SAMLAuth):
    """Knows any identity provider by its name."""

    def get_idp(self, idp_name: str | None) -> Any:
        return SAMLIdentityProvider(self, str(idp_name), **identity_provider())
