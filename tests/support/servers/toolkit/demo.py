"""The provider's only user and only client (the site)."""

from __future__ import annotations

USERNAME = "demo"
PASSWORD = "open-sesame"
FIRST_NAME = "Dana"
LAST_NAME = "Demo"
EMAIL = "dana@example.com"

CLIENT_ID = "example-site"


def create() -> None:
    """Create the user and the client, or update them."""
    # Models can only be imported after django.setup(), and the settings import this module.
    from django.conf import settings
    from django.contrib.auth.models import User
    from oauth2_provider.models import Application

    profile = {"first_name": FIRST_NAME, "last_name": LAST_NAME, "email": EMAIL}
    user, _ = User.objects.update_or_create(username=USERNAME, defaults=profile)
    # Setting a password, even the same one, would end the user's sessions.
    if not user.check_password(PASSWORD):
        user.set_password(PASSWORD)
        user.save()
    Application.objects.update_or_create(
        client_id=CLIENT_ID,
        defaults={
            "name": "Example site",
            "client_secret": settings.SOCIAL_AUTH_DEMO_SECRET,
            "client_type": Application.CLIENT_CONFIDENTIAL,
            "authorization_grant_type": Application.GRANT_AUTHORIZATION_CODE,
            "algorithm": Application.RS256_ALGORITHM,
            "redirect_uris": " ".join(settings.SOCIAL_ENDPOINTS["ALLOWED_REDIRECT_URIS"]),
            "post_logout_redirect_uris": " ".join(
                settings.SOCIAL_ENDPOINTS["ALLOWED_LOGOUT_REDIRECT_URIS"]
            ),
            "skip_authorization": False,
        },
    )
