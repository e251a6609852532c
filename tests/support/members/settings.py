"""Settings of a project with its own user model."""

from __future__ import annotations

import os

from tests import settings
from tests.settings import *  # noqa: F403 - a settings module extends another

USER_MODEL = os.environ.get("USER_MODEL", "Member")
AUTH_USER_MODEL = f"members.{USER_MODEL}"
INSTALLED_APPS = ["tests.support.members", *settings.INSTALLED_APPS]
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"

KEYS = {"Clerk": "number", "Member": "key", "Author": "email", "Visitor": "username"}
SIMPLE_JWT = {"USER_ID_FIELD": KEYS.get(USER_MODEL, "id")}
SOCIAL_AUTH_USERNAME_IS_FULL_EMAIL = USER_MODEL in {"Member", "Author"}
if USER_MODEL in {"Member", "Author", "Guest"}:
    SOCIAL_AUTH_USER_FIELDS = ["username"]
