"""The example's settings, for the plain page of the guide on an origin of its own."""

from __future__ import annotations

import os

from example_project.settings import *  # noqa: F403 - a settings module extends another
from example_project.settings import SOCIAL_ENDPOINTS

PAGE = os.environ["PLAIN_PAGE"]

SOCIAL_ENDPOINTS = {**SOCIAL_ENDPOINTS, "ALLOWED_REDIRECT_URIS": [f"{PAGE}/callback.html"]}
CORS_ALLOWED_ORIGINS = [PAGE]
