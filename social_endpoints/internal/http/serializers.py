"""The shapes of what the endpoints are asked and of what they answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from social_endpoints.internal.actions.capabilities import CAPABILITIES
from social_endpoints.internal.backends.protocols import PROTOCOLS
from social_endpoints.internal.backends.removed import find_or_recall
from social_endpoints.internal.backends.titles import title
from social_endpoints.internal.flows.redirect_uris import is_allowed
from social_endpoints.questions import TYPES

_YEAR_9999 = 253_370_764_800  # in seconds since the epoch; no datetime is later than that year


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


class NativeTokensSerializer(serializers.Serializer[Any]):
    """What a native app posts: an ID token, an access token, or both."""

    id_token = serializers.CharField(required=False)
    access_token = serializers.CharField(required=False)
    nonce = serializers.CharField(
        required=False, help_text="What the ID token was asked for with; needed where it has one."
    )
    user = serializers.CharField(
        required=False, help_text="What Apple tells of a new user, as JSON or as an object."
    )


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


class PrimaryKeyField(serializers.IntegerField):
    """The primary key of a row: a number, unless the project's model has another kind."""

    def to_representation(self, value: Any) -> Any:
        """Return a number as it is, and anything else as text."""
        return value if isinstance(value, int) else str(value)


class LastUsedField(serializers.DateTimeField):
    """When an identity signed in last, or was linked."""

    def to_representation(self, social: Any) -> Any:
        """Return the moment that social-core writes at each login, else that of the last change."""
        moment = social.modified
        stored = social.extra_data  # Older versions have left texts there.
        at = stored.get("auth_time") if isinstance(stored, dict) else None
        if isinstance(at, int) and 0 < at < _YEAR_9999:
            moment = datetime.fromtimestamp(at, UTC)
        return super().to_representation(moment)


class ConnectionSerializer(serializers.Serializer[Any]):
    """An identity that is linked to a user: a row of social_django, without its tokens."""

    id = PrimaryKeyField(source="pk", read_only=True)
    provider = serializers.CharField(read_only=True, help_text="Name of the backend.")
    title = serializers.SerializerMethodField(help_text="What to show.")
    uid = serializers.CharField(read_only=True, help_text="Who the user is at the provider.")
    created = serializers.DateTimeField(read_only=True)
    last_used = LastUsedField(
        source="*", read_only=True, help_text="When it signed in last, or was linked."
    )

    def get_title(self, social: Any) -> str:
        """Return the provider's title."""
        return title(find_or_recall(social.provider), self.context["request"]._request)


class ErrorSerializer(serializers.Serializer[Any]):
    """The error body."""

    non_field_errors = serializers.ListField(child=serializers.CharField())
    error_code = serializers.CharField()
    error_source = serializers.CharField()
    error_stage = serializers.CharField()
    error_recovery = serializers.CharField()
