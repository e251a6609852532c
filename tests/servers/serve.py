"""Serves one Django project: ``python -m tests.servers.serve LABEL PORT --settings=MODULE``

A project that is no more than a URLconf is served with ``--urlconf=MODULE``.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading

import django
from django.conf import settings
from django.core.servers.basehttp import run
from django.core.wsgi import get_wsgi_application

from example_project.addresses import HOST
from example_project.log import to_console


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("label")
    parser.add_argument("port", type=int)
    project = parser.add_mutually_exclusive_group(required=True)
    project.add_argument("--settings")
    project.add_argument("--urlconf")
    options = parser.parse_args()
    threading.Thread(target=end_with_the_tests, daemon=True).start()
    if options.settings:
        os.environ["DJANGO_SETTINGS_MODULE"] = options.settings
    else:
        configure(options.urlconf, options.label)
    django.setup()
    run(HOST, options.port, get_wsgi_application(), threading=True)


def configure(urlconf: str, label: str) -> None:
    settings.configure(
        SECRET_KEY="of a provider that signs nothing with it",
        ROOT_URLCONF=urlconf,
        ALLOWED_HOSTS=["localhost"],
        LOGGING=to_console(label),
    )


def end_with_the_tests() -> None:
    """End this process when whoever started it ends, however that happens."""
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()
