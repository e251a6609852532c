"""Brings the provider's database to what this start needs; running it again is harmless."""

from __future__ import annotations

import os

import django
from django.core.management import call_command


def prepare() -> None:
    call_command("migrate", verbosity=0)
    create_user()
    create_client()


def create_user() -> None:
    from django.contrib.auth.models import User

    from example_project.provider import demo

    user, _ = User.objects.update_or_create(
        username=demo.USERNAME,
        defaults={
            "first_name": demo.FIRST_NAME,
            "last_name": demo.LAST_NAME,
            "email": demo.EMAIL,
        },
    )
    # Setting a password, even the same, would log the user out of the provider.
    if not user.check_password(demo.PASSWORD):
        user.set_password(demo.PASSWORD)
        user.save()


def create_client() -> None:
    from oauth2_provider.models import Application

    from example_project.addresses import addresses
    from example_project.provider import demo

    Application.objects.update_or_create(
        client_id=demo.CLIENT_ID,
        defaults={
            "name": "Example site",
            "client_secret": demo.client_secret(),
            "client_type": Application.CLIENT_CONFIDENTIAL,
            "authorization_grant_type": Application.GRANT_AUTHORIZATION_CODE,
            "algorithm": Application.RS256_ALGORITHM,
            "redirect_uris": " ".join(addresses.redirect_uris),
            "skip_authorization": False,
        },
    )


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "example_project.provider.settings"
    django.setup()
    prepare()
