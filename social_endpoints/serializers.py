"""The shapes of what the endpoints are asked and of what they answer."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from social_endpoints.redirect_uris import is_allowed


class RedirectURIField(serializers.CharField):
    """A redirect URI, given once, that ``ALLOWED_REDIRECT_URIS`` allows for the provider."""

    default_error_messages = {
        "repeated": _("Give this parameter once."),
        "not_allowed": _("This redirect URI is not allowed."),
    }

    def get_value(self, dictionary: Any) -> Any:
        """Return the list of values: a query string may hold several."""
        return dictionary.getlist(str(self.field_name)) or serializers.empty

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Return the redirect URI byte for byte."""
        if data is serializers.empty or data == [""]:
            self.fail("required")
        if len(data) > 1:
            self.fail("repeated")
        request, provider = self.context["request"], self.context["provider"]
        if not is_allowed(data[0], provider=provider, request=request):
            self.fail("not_allowed")
        return data[0]


class BeginSerializer(serializers.Serializer[Any]):
    """The query of a begin."""

    redirect_uri = RedirectURIField(help_text="Where the provider sends the user back to.")


class BegunSerializer(serializers.Serializer[Any]):
    """The answer to a begin."""

    authorization_url = serializers.URLField(help_text="Where to send the user.")
    flow = serializers.CharField(
        required=False, help_text="To be posted back at completion (not with the cookie transport)."
    )


class CallbackSerializer(serializers.Serializer[Any]):
    """The parameters of a completion that most providers send back.

    Whatever else the provider sent is posted under its own name.
    """

    code = serializers.CharField(required=False)
    state = serializers.CharField(required=False)
    flow = serializers.CharField(required=False)
    partial_token = serializers.CharField(required=False)


class PausedSerializer(serializers.Serializer[Any]):
    """The answer of a login that waits for the user to answer something."""

    partial_token = serializers.CharField()
    redirect_to = serializers.CharField(allow_null=True)
    fields = serializers.ListField(  # type: ignore[assignment]  # the name is the contract's
        child=serializers.DictField(), allow_null=True
    )
    flow = serializers.CharField(required=False)


class ErrorSerializer(serializers.Serializer[Any]):
    """The error body."""

    non_field_errors = serializers.ListField(child=serializers.CharField())
    error_code = serializers.CharField()
    error_source = serializers.CharField()
    error_stage = serializers.CharField()
    error_recovery = serializers.CharField()
