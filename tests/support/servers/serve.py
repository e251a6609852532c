"""Serve a Django project: ``python -m tests.support.servers.serve PORT --settings=MODULE``

A project that consists of one URLconf is served with ``--urlconf=MODULE``.
"""

from __future__ import annotations

import argparse
import os
import threading

import django
from django.conf import settings
from django.core.servers.basehttp import run
from django.core.wsgi import get_wsgi_application


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    project = parser.add_mutually_exclusive_group(required=True)
    project.add_argument("--settings")
    project.add_argument("--urlconf")
    options = parser.parse_args()
    threading.Thread(target=end_with_parent, daemon=True).start()
    if options.settings:
        os.environ["DJANGO_SETTINGS_MODULE"] = options.settings
    else:
        settings.configure(
            SECRET_KEY="a provider that signs nothing with it",
            ROOT_URLCONF=options.urlconf,
            ALLOWED_HOSTS=["localhost"],
        )
    django.setup()
    run("127.0.0.1", options.port, get_wsgi_application(), threading=True)


def end_with_parent() -> None:
    """End this process when the system closes its standard input with the parent process."""
    os.read(0, 1)
    os._exit(0)


if __name__ == "__main__":
    main()
