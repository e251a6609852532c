"""A Django project that is both a site with ``social_endpoints`` and its own OpenID provider."""
