"""The package for tests and development cannot be imported in production."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.interpreter import LOADS_PLUGIN, python

SET_UP = """
import os
for name in ("PYTEST_VERSION", "PYTEST_CURRENT_TEST"):
    os.environ.pop(name, None)
import django
from django.conf import settings
settings.configure(DEBUG={debug}, SECRET_KEY="x", INSTALLED_APPS=["django.contrib.contenttypes"])
django.setup()
{statement}
import social_endpoints.testing
"""

BEGIN = "from django.test.utils import setup_test_environment as begin; begin()"


@pytest.mark.parametrize(
    ("debug", "statement"),
    [
        (True, ""),
        (False, "import pytest; os.environ['PYTEST_VERSION'] = pytest.__version__"),
        (False, "os.environ['PYTEST_CURRENT_TEST'] = 'test'"),
        (False, BEGIN),
        (False, f"import django.test.runner; {BEGIN}; settings.ALLOWED_HOSTS = ['example.com']"),
    ],
)
def test_package_is_imported_with_debug_or_in_test(debug: bool, statement: str) -> None:
    outcome = python("-c", SET_UP.format(debug=debug, statement=statement), settings="")

    assert outcome.returncode == 0, outcome.stderr


@pytest.mark.parametrize(
    "statement",
    [
        "",
        "import django.core.mail",
        "import pytest, django.test",
        "os.environ['PYTEST_VERSION'] = '8.4.2'",
        "import pytest; os.environ['PYTEST_VERSION'] = '1.2.3'",
        "from django.core.mail.backends.locmem import EmailBackend; EmailBackend()",
    ],
)
def test_package_is_refused_in_production(statement: str) -> None:
    outcome = python("-c", SET_UP.format(debug=False, statement=statement), settings="")

    last_line = outcome.stderr.splitlines()[-1]
    assert last_line.startswith("django.core.exceptions.ImproperlyConfigured: social_endpoints.tes")


def test_package_is_refused_after_test_run_has_ended() -> None:
    statement = (
        "from django.test.utils import setup_test_environment as begin\n"
        "from django.test.utils import teardown_test_environment as end\n"
        "begin(); end()"
    )
    outcome = python("-c", SET_UP.format(debug=False, statement=statement), settings="")

    assert "ImproperlyConfigured" in outcome.stderr


def test_test_module_can_import_package_with_old_pytest(tmp_path: Path) -> None:
    (tmp_path / "old.py").write_text("import os\nos.environ.pop('PYTEST_VERSION')\n")
    (tmp_path / "test_project.py").write_text(
        "import os, pytest\n"
        "from django.conf import settings\n"
        "settings.configure(DEBUG=False)\n"
        "import social_endpoints.testing\n"
        "def test_version(): assert os.environ['PYTEST_VERSION'] == pytest.__version__\n"
    )
    plugins = ("-p", "old", *LOADS_PLUGIN, "-p", "no:django")
    main = f"import pytest; pytest.main(['-c', '/dev/null', *{plugins!r}, 'test_project.py'])"
    arguments = ("-c", f"import os; {main}; print(os.environ.get('PYTEST_VERSION'))")

    outcome = python(*arguments, path=tmp_path, folder=tmp_path, settings="", PYTEST_VERSION="8.0")

    assert "1 passed" in outcome.stdout, outcome.stdout + outcome.stderr
    assert outcome.stdout.endswith("8.0\n")
