"""A project's strategy, and its steps for SOCIAL_AUTH_PIPELINE."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from typing_extensions import override

from social_endpoints.pipeline import (
    FIELD_TYPES,
    Question,
    associate_by_verified_email,
    is_email_verified,
    local_email_is_verified,
    require_fields,
)
from social_endpoints.strategy import Strategy


class TenantStrategy(Strategy):
    @override
    def get_setting(self, name: str) -> Any:
        return super().get_setting(name)  # type: ignore[no-untyped-call]  # social_django's


class TermsSerializer(serializers.Serializer[Any]):
    accepted = serializers.BooleanField()


class TermsQuestion(Question):
    pass


ask_terms = require_fields(TermsSerializer, when=lambda **kwargs: bool(kwargs["is_new"]))
field_types: list[str] = FIELD_TYPES


def ask(*args: Any, **kwargs: Any) -> Question:
    return TermsQuestion(TermsSerializer())


def associate(**kwargs: Any) -> dict[str, Any] | None:
    if not is_email_verified(kwargs["backend"], kwargs["details"], kwargs["response"]):
        return None
    if not local_email_is_verified(kwargs["user"]):
        return None
    return associate_by_verified_email(**kwargs)
