"""Steps that ask a new user for an e-mail address and for the terms."""

from __future__ import annotations

from functools import partial as bind
from typing import Any
from urllib.parse import urlencode

from django.core.mail import send_mail
from django.db import transaction
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from social_endpoints.pipeline import require_fields


class EmailSerializer(serializers.Serializer[Any]):
    email = serializers.EmailField(label=_("E-mail address"), max_length=254)


class TermsSerializer(serializers.Serializer[Any]):
    terms = serializers.BooleanField(label=_("I accept the terms."))
    plan = serializers.ChoiceField(choices=[("free", _("Free")), ("team", _("Team"))])

    def validate_terms(self, value: bool) -> bool:
        if not value:
            raise serializers.ValidationError(_("Please accept the terms."))
        return value


def has_no_email(details: dict[str, Any], user: Any = None, **kwargs: Any) -> bool:
    return user is None and not details.get("email")


def is_new(user: Any = None, **kwargs: Any) -> bool:
    return user is None


ask_email = require_fields(EmailSerializer, when=has_no_email)
ask_terms = require_fields(TermsSerializer, when=is_new)


def use_email(
    details: dict[str, Any], answers: dict[str, Any] | None = None, **kwargs: Any
) -> dict[str, Any] | None:
    """Use the address for the account. The next step, ``mail_validation``, verifies it."""
    if answers and "email" in answers:
        return {"details": {**details, "email": answers["email"]}}
    return None


def save_plan(user: Any, answers: dict[str, Any] | None = None, **kwargs: Any) -> None:
    """Store the plan in the new account."""
    if answers and "plan" in answers:
        user.plan = answers["plan"]
        user.save()


def send_link(strategy: Any, backend: Any, code: Any, partial_token: str) -> None:
    """Send the link of ``mail_validation`` when the pause is stored. It opens the frontend."""
    query = {
        "provider": backend.name,
        "partial_token": partial_token,
        "verification_code": code.code,
    }
    link = f"https://app.example.com/login/continue?{urlencode(query)}"
    mail = bind(send_mail, "Your address", link, None, [code.email])
    transaction.on_commit(mail, robust=True)
