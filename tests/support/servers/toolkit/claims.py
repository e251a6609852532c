"""Claims about a user, for ID tokens and the userinfo endpoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from oauth2_provider import oauth2_validators
from oauthlib.common import Request


class OAuth2Validator(oauth2_validators.OAuth2Validator):
    """Add the standard claims, each under the scope that it belongs to."""

    def get_additional_claims(self) -> dict[str, Callable[[Request], Any]]:
        return {
            "name": lambda request: request.user.get_full_name(),
            "given_name": lambda request: request.user.first_name,
            "family_name": lambda request: request.user.last_name,
            # Not the user name: site and provider share one table of users here.
            "preferred_username": lambda request: request.user.first_name.lower(),
            "email": lambda request: request.user.email,
        }
