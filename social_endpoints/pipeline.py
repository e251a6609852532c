"""Steps for a project's pipeline, and what a project makes steps of."""

from __future__ import annotations

from social_endpoints.internal.accounts.linking import (
    associate_by_verified_email,
    is_email_verified,
    local_email_is_verified,
)
from social_endpoints.questions import TYPES, Question, confirmation, require_fields

__all__ = [
    "TYPES",
    "Question",
    "associate_by_verified_email",
    "confirmation",
    "is_email_verified",
    "local_email_is_verified",
    "require_fields",
]
