"""Whether code for tests and for development may run in this process."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


def is_test_run() -> bool:
    """Return whether this process runs tests, with pytest or with Django's test runner."""
    return _is_pytest_run() or _is_django_run()


def _is_pytest_run() -> bool:
    # For each test. Processes that the test starts inherit it.
    if os.environ.get("PYTEST_CURRENT_TEST"):
        return True
    # For the whole run. Images for production may contain a variable of this name, to choose the
    # version that is installed. So pytest itself must be here as well.
    version = os.environ.get("PYTEST_VERSION")
    return bool(version) and version == getattr(sys.modules.get("pytest"), "__version__", None)


def _is_django_run() -> bool:
    # Django's setup_test_environment() sets the attribute "outbox". In other processes, Django may
    # not have imported the module.
    if not hasattr(sys.modules.get("django.core.mail"), "outbox"):
        return False
    # The e-mail backend "locmem" sets the attribute as well, also in production.
    return "django.test.runner" in sys.modules or "testserver" in settings.ALLOWED_HOSTS


def is_deployment_check() -> bool:
    """Return whether this process is ``manage.py check --deploy``.

    It serves nothing. Its messages show a forgotten URL or import better than an exception, after
    which Django runs no other check.
    """
    program, *arguments = sys.argv or [""]
    is_django = Path(program).stem in {"manage", "django-admin", "__main__"}
    return is_django and arguments[:1] == ["check"] and "--deploy" in arguments


def require_test_or_debug(subject: str) -> None:
    """Refuse to work in production.

    :param subject: what must not be used there, for the message.
    :raises ImproperlyConfigured: ``DEBUG`` is off and no test runs.
    """
    if not is_test_run() and not settings.DEBUG:
        raise ImproperlyConfigured(
            f"{subject} is only for tests and for development: it signs in anyone without a"
            " password. DEBUG is off and no test runs."
        )
