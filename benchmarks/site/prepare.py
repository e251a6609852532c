"""Makes a site's database: ``python -m benchmarks.site.prepare``, or drops it: ``… drop``"""

from __future__ import annotations

import os
import sys

from benchmarks.site import database

USER = "returning"


def main() -> None:
    if sys.argv[1:] == ["drop"]:
        database.drop()
        return
    # The settings read what stands in the environment.
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.site.settings"
    import django

    database.create()
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from django.conf import settings

    if settings.ROOT_URLCONF.endswith(".bare"):
        from django.contrib.auth.models import User
        from rest_framework.authtoken.models import Token

        Token.objects.create(user=User.objects.create_user(USER))


if __name__ == "__main__":
    main()
