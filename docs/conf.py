"""Sphinx builds the documentation: ``python -m sphinx -W -b html docs docs/_build/html``."""

from __future__ import annotations

import os
import sys
import tomllib
from pathlib import Path

import django
from django.conf import settings
from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "_ext")]
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()
settings.DEBUG = True  # social_endpoints.testing requires it.

project = "django-social-endpoints"
version = release = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

extensions = ["openapi", "sphinx.ext.autodoc"]
exclude_patterns = ["_build", "_ext", "recipes"]
html_extra_path = ["openapi.yaml"]
autodoc_member_order = "bysource"
autodoc_typehints = "description"
nitpicky = True
# Annotations contain classes of other packages and of internal modules, which have no page here.
nitpick_ignore_regex = [("py:.*", ".*")]
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["narrow.css"]
html_show_copyright = False
html_theme_options = {
    "source_repository": "https://github.com/django-social-endpoints/django-social-endpoints/",
    "source_branch": "main",
    "source_directory": "docs/",
}
html_title = f"{project} {version}"


def setup(app: Sphinx) -> None:
    """Add the directives and roles ``errorcode`` and ``check``, which link to entries."""
    app.add_object_type("check", "check", objname="check", indextemplate="pair: %s; system check")
    app.add_object_type(
        "errorcode", "errorcode", objname="error code", indextemplate="pair: %s; error code"
    )
