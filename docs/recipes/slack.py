# myproject/slack.py
from typing import Any

from social_core.backends.open_id_connect import OpenIdConnectAuth


class SlackOpenIdConnect(OpenIdConnectAuth):
    """Sign in with Slack."""

    name = "slack-openidconnect"
    title = "Slack"
    OIDC_ENDPOINT = "https://slack.com"

    def get_user_id(self, details: Any, response: Any) -> str:
        """Return workspace and user. Slack's ids of users are unique within a workspace."""
        return f"{response.get('https://slack.com/team_id', '')}:{response['sub']}"
