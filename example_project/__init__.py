"""A site that uses ``social_endpoints``, and an OpenID Connect provider to sign in with."""

from pathlib import Path

PAGE = Path(__file__).parent / "page"
