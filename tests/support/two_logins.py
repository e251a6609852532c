"""Log in twice in a new process: ``python -m tests.support.two_logins PROVIDER CACHES``."""

from __future__ import annotations

import json
import sys

import django
import requests
from django.core.management import call_command
from django.test import override_settings


def main() -> None:
    django.setup()
    from tests.support.frontend import Frontend

    url, caches = sys.argv[1], json.loads(sys.argv[2])
    with override_settings(SOCIAL_AUTH_OIDC_OIDC_ENDPOINT=url, CACHES={"default": caches}):
        call_command("migrate", verbosity=0)
        for _ in range(2):
            frontend = Frontend()
            begun = frontend.begin()
            answer = requests.get(begun.data["authorization_url"], timeout=20).json()
            completed = frontend.complete(begun, answer)
            assert completed.status_code == 201, completed.data


if __name__ == "__main__":
    main()
