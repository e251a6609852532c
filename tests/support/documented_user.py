"""Settings of a project that follows the guide for custom user models."""

from __future__ import annotations

from tests import settings
from tests.settings import *  # noqa: F403 - a settings module extends another
from tests.support.pages import run_block

globals().update(run_block("backend/user_models.rst", "AUTH_USER_MODEL"))

AUTH_USER_MODEL = "user_models.User"
INSTALLED_APPS = ["docs.recipes.user_models", *settings.INSTALLED_APPS]
