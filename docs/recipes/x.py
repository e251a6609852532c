# myproject/x.py
from typing import Any

from social_core.backends.twitter_oauth2 import TwitterOAuth2


class XWithEmail(TwitterOAuth2):
    """X with the e-mail address of the user."""

    DEFAULT_SCOPE = [*TwitterOAuth2.DEFAULT_SCOPE, "users.email"]

    def user_data(self, access_token: str, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        email = self.get_json(
            "https://api.twitter.com/2/users/me",
            params={"user.fields": "confirmed_email"},
            headers={"Authorization": f"Bearer {access_token}"},
        )
        profile = super().user_data(access_token, *args, **kwargs) or {}
        return {**profile, "email": email["data"].get("confirmed_email", "")}

    def get_user_details(self, response: Any) -> dict[str, Any]:
        return {**super().get_user_details(response), "email": response["email"]}
