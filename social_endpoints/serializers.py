"""The shapes of what the endpoints are asked and of what they answer."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from social_endpoints.pipeline import TYPES
from social_endpoints.providers.capabilities import CAPABILITIES
from social_endpoints.providers.protocols import PROTOCOLS
from social_endpoints.redirect_uris import is_allowed


class ProviderSerializer(serializers.Serializer[Any]):
    """A configured provider."""

    name = serializers.CharField(help_text="As it stands in the paths.")
    title = serializers.CharField(help_text="To show.")
    icon = serializers.URLField(allow_null=True, help_text="An image, where one is served.")
    protocol = serializers.ChoiceField(choices=PROTOCOLS)
    begin_url = serializers.URLField(
        allow_null=True, help_text="Where a login begins; null where none can."
    )
    capabilities = serializers.ListField(child=serializers.ChoiceField(choices=CAPABILITIES))


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


class ChoiceSerializer(serializers.Serializer[Any]):
    """One of the values that a field takes."""

    value = serializers.JSONField(help_text="What to post.")
    display_name = serializers.CharField(help_text="What to show.")


class AskedFieldSerializer(serializers.Serializer[Any]):
    """A field that a step asks for, as DRF describes it; where it has limits, these too."""

    name = serializers.CharField(help_text="The name to post the answer under.")
    type = serializers.ChoiceField(choices=TYPES)
    required = serializers.BooleanField()  # type: ignore[assignment]  # the same
    label = serializers.CharField(  # type: ignore[assignment]  # the name is the contract's
        allow_blank=True
    )
    help_text = serializers.CharField(  # type: ignore[assignment]  # the name is the contract's
        allow_blank=True
    )
    choices = ChoiceSerializer(many=True, allow_null=True)
    min_length = serializers.IntegerField(required=False)
    max_length = serializers.IntegerField(required=False)
    min_value = serializers.JSONField(required=False, help_text="A number, mostly.")
    max_value = serializers.JSONField(required=False, help_text="A number, mostly.")
    max_digits = serializers.IntegerField(required=False)
    decimal_places = serializers.IntegerField(required=False)
    child = serializers.DictField(required=False, help_text="What the list is made of.")
    children = serializers.DictField(required=False, help_text="What the object is made of.")


class PausedSerializer(serializers.Serializer[Any]):
    """The answer of a login that waits for the user to answer something."""

    partial_token = serializers.CharField(
        allow_null=True, help_text="Names the paused login; null where nothing is to continue."
    )
    redirect_to = serializers.CharField(
        allow_null=True, help_text="Where the step wants to send the user."
    )
    fields = AskedFieldSerializer(  # type: ignore[assignment]  # the name is the contract's
        many=True, allow_null=True, help_text="What the step asks for."
    )
    flow = serializers.CharField(
        required=False, help_text="To be posted back (not with the cookie transport)."
    )


class ErrorSerializer(serializers.Serializer[Any]):
    """The error body."""

    non_field_errors = serializers.ListField(child=serializers.CharField())
    error_code = serializers.CharField()
    error_source = serializers.CharField()
    error_stage = serializers.CharField()
    error_recovery = serializers.CharField()
