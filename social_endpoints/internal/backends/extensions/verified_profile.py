"""A login with an access token: the profile is of whom the token is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from social_core.exceptions import AuthResponseError

from social_endpoints.internal.backends.extensions.bases import OAuth2, OpenIdConnect


class VerifiedProfile(OAuth2):
    """A mixin above the backend's class: has a profile confirmed before the pipeline sees it."""

    confirm: Callable[[Mapping[str, Any]], None] | None = None
    """Refuses a profile that is not of the owner of the token; None in any other login."""

    def authenticate(self, *args: Any, **kwargs: Any) -> Any:
        """Run the pipeline over a profile that is confirmed, whatever has fetched it."""
        if self.confirm is not None:
            self.confirm(kwargs["response"])
        return super().authenticate(*args, **kwargs)


class VerifiedUserinfo(VerifiedProfile, OpenIdConnect):
    """The same for OpenID Connect, which compares the profile with an ID token."""

    def validate_userinfo_sub(self, userinfo: Any) -> Any:
        """Compare as the backend does, where there is something to compare with.

        An app's access token may be somebody else's. So UserInfo has to say about whom it is
        ("the sub Claim MUST always be returned", OpenID Connect Core section 5.3.2). Where
        there is no ID token, and the provider did not say whose the access token is, it is
        taken at its word: it is "about the End-User" of that token (section 5.3).
        """
        if self.confirm is not None and isinstance(userinfo, dict):
            if self.id_token is None:
                self.id_token = {"sub": userinfo.get("sub")}
            elif userinfo.get("sub") is None:
                raise AuthResponseError(self, code="invalid_claim", claim="sub", stage="user_info")
        return super().validate_userinfo_sub(userinfo)
