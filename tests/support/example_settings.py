"""The example's settings for the browser tests: logins that can expire."""

from __future__ import annotations

import os

from example_project.settings import *  # noqa: F403 - a settings module extends another

SOCIAL_AUTH_STATE_LIFETIME = int(os.environ.get("E2E_STATE_LIFETIME", "1800"))
