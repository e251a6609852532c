"""What the provider says about a person, in ID tokens and at its userinfo endpoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from oauth2_provider import oauth2_validators
from oauthlib.common import Request


class OAuth2Validator(oauth2_validators.OAuth2Validator):
    """The standard claims, each of them only under its scope."""

    def get_additional_claims(self) -> dict[str, Callable[[Request], Any]]:
        return {
            "name": lambda request: request.user.get_full_name(),
            "given_name": lambda request: request.user.first_name,
            "family_name": lambda request: request.user.last_name,
            "preferred_username": lambda request: request.user.username,
            "email": lambda request: request.user.email,
        }
