"""The provider by plain OAuth 2, in the way of GitHub."""

from __future__ import annotations

from social_core.backends.github import GithubOAuth2

from benchmarks.site.environment import PROVIDER


class Github(GithubOAuth2):
    AUTHORIZATION_URL = f"{PROVIDER}/authorize"
    ACCESS_TOKEN_URL = f"{PROVIDER}/token"
    API_URL = f"{PROVIDER}/"
