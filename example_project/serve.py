"""Prepare the database and serve the example: ``python -m example_project.serve``"""

from __future__ import annotations

import os

import django
from django.core.management import call_command
from django.core.servers.basehttp import run
from django.core.wsgi import get_wsgi_application

from example_project import local
from example_project.provider import demo

GREETING = f"""
  The example is running. Open one of these addresses and sign in:

    {local.SITE}/         the page on the same origin as its API
    {local.OTHER_ORIGIN}/         the same page on another origin
    {local.OTHER_ORIGIN}/popup/   sign-in in a popup, on another origin

  The demo user at the provider:

    user name   {demo.USERNAME}
    password    {demo.PASSWORD}

  Press Ctrl-C to stop.
"""


def main() -> None:
    settings = os.environ.get("EXAMPLE_SETTINGS", "example_project.settings")
    os.environ["DJANGO_SETTINGS_MODULE"] = settings
    django.setup()
    call_command("migrate", verbosity=0)
    demo.create()
    # What "runserver" does, without its own greeting.
    run(
        local.HOST,
        local.PORT,
        get_wsgi_application(),
        threading=True,
        on_bind=lambda port: print(GREETING, flush=True),
    )


if __name__ == "__main__":
    main()
