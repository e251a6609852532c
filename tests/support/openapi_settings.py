"""The default configuration, of which ``docs/openapi.yaml`` is the OpenAPI document."""

from __future__ import annotations

import tomllib
from pathlib import Path

from tests import settings as base
from tests.settings import *  # noqa: F403 - a settings module extends another

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"

REST_FRAMEWORK = {
    **base.REST_FRAMEWORK,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "django-social-endpoints",
    "DESCRIPTION": "Social login over REST, in the default configuration.",
    "VERSION": tomllib.loads(PYPROJECT.read_text())["project"]["version"],
}
