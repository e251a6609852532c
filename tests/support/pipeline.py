"""Pipelines of the tests' project, and steps for them."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import ValidationError
from social_core.pipeline.partial import partial

DEFAULT_PIPELINE = [
    "social_core.pipeline.social_auth.social_details",
    "social_core.pipeline.social_auth.social_uid",
    "social_core.pipeline.social_auth.auth_allowed",
    "social_core.pipeline.social_auth.social_user",
    "social_core.pipeline.user.get_username",
    "social_core.pipeline.user.create_user",
    "social_core.pipeline.social_auth.associate_user",
    "social_core.pipeline.social_auth.load_extra_data",
    "social_core.pipeline.user.user_details",
]
"""The default pipeline of social-core, without ``social_names``."""

BEFORE_SOCIAL_USER = 3
AFTER_SOCIAL_USER = 4
AFTER_GET_USERNAME = BEFORE_CREATE_USER = 5
AFTER_CREATE_USER = 6
AFTER_ASSOCIATE_USER = 7
LAST = 9

ASK_NAME = "tests.support.pipeline.ask_name"


def pipeline_with(*steps: tuple[int, str]) -> list[str]:
    """Return the default pipeline with steps inserted at positions of the default pipeline.

    :param steps: pairs of a position and a dotted path, in ascending order of position.
    """
    pipeline = list(DEFAULT_PIPELINE)
    for position, path in reversed(steps):
        pipeline.insert(position, path)
    return pipeline


def record_request(strategy: Any, user: Any, **kwargs: Any) -> None:
    """Store in the user what a step sees of the begin request and of the current request."""
    strategy.session_set("seen", True)
    assert strategy.session_get("seen") is True
    user.first_name = strategy.session_get("invitation")
    user.last_name = strategy.request.path
    user.save()


@partial
def ask_name(strategy: Any, details: Any, **kwargs: Any) -> Any:
    """Pause until the request contains ``name``, and use it as the first name."""
    params = strategy.request_data()
    if "name" not in params:
        return strategy.redirect("https://app.example.com/name")
    if not isinstance(params["name"], str) or not params["name"]:
        raise ValidationError({"name": ["Enter a name."]})
    return {"details": {**details, "first_name": params["name"]}}
