"""The serializers of requests and responses."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from social_endpoints.internal.actions.providers import CAPABILITIES
from social_endpoints.internal.backends.extensions.more_access import connect_scopes
from social_endpoints.internal.backends.listing import provider_title
from social_endpoints.internal.backends.registry import PROTOCOLS, find_or_substitute
from social_endpoints.internal.connections.token_state import (
    as_datetime,
    read_auth_time,
    read_state,
)
from social_endpoints.internal.flows.redirect_uris import is_allowed
from social_endpoints.internal.log.events import add_log_values
from social_endpoints.pipeline import FIELD_TYPES
from social_endpoints.users import PrimaryKeyField

_FLOW = "Flow to include in the next request."


class ProviderSerializer(serializers.Serializer[Any]):
    """A configured provider."""

    name = serializers.CharField(help_text="Name of the provider in the paths.")
    title = serializers.CharField(help_text="Name of the provider for a button.")
    icon = serializers.URLField(allow_null=True, help_text="URL of its icon, or null.")
    protocol = serializers.ChoiceField(choices=PROTOCOLS)
    begin_url = serializers.URLField(
        allow_null=True,
        help_text="URL that starts a login, or null if this provider has no redirect login.",
    )
    capabilities = serializers.ListField(child=serializers.ChoiceField(choices=CAPABILITIES))


class RedirectURIField(serializers.CharField):
    """A redirect URI that is given exactly once and is in ``ALLOWED_REDIRECT_URIS``."""

    setting = "ALLOWED_REDIRECT_URIS"

    default_error_messages = {
        "redirect_uri_missing": serializers.Field.default_error_messages["required"],
        # Translators: For the developer of a frontend. A parameter of the URL.
        "redirect_uri_repeated": _("This parameter must be given exactly once."),
        # Translators: For the developer of a frontend. "Redirect URI" is the term of OAuth 2.0.
        "redirect_uri_not_allowed": _("This redirect URI is not allowed."),
    }

    def get_value(self, dictionary: Any) -> Any:
        """Return the list of values, because a query string can contain several."""
        uri = dictionary.get(str(self.field_name))
        return serializers.empty if uri is None else uri.values

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Return the redirect URI byte for byte."""
        if data is serializers.empty or data == [""]:
            self.fail(f"{self.field_name}_missing")
        if len(data) > 1:
            self.fail(f"{self.field_name}_repeated")
        request, provider = self.context["django_request"], self.context["provider"]
        if not is_allowed(data[0], provider=provider, request=request, setting=self.setting):
            add_log_values(redirect_uri=data[0])
            self.fail(f"{self.field_name}_not_allowed")
        return data[0]


class PostLogoutRedirectURIField(RedirectURIField):
    """Validates a URI in ``ALLOWED_LOGOUT_REDIRECT_URIS``."""

    setting = "ALLOWED_LOGOUT_REDIRECT_URIS"

    default_error_messages = {
        f"post_logout_{code}": message
        for code, message in RedirectURIField.default_error_messages.items()
    }


class BeginSerializer(serializers.Serializer[Any]):
    """The query parameters of begin."""

    redirect_uri = RedirectURIField(
        help_text="URI that the provider sends the user back to, one that the project allows."
    )


class ScopeField(serializers.CharField):
    """Scopes in ``CONNECT_SCOPES``, separated by spaces. The value is a list without repetition."""

    # Translators: For the developer of a frontend. "Scope" is the term of OAuth 2.0.
    default_error_messages = {"scope_not_allowed": _("This scope is not allowed.")}

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Return the scopes; an empty list if the parameter is absent or empty."""
        scopes = [] if data is serializers.empty else [*dict.fromkeys(data.split(" "))]
        scopes = [scope for scope in scopes if scope]
        allowed = connect_scopes(self.context["provider"]) if scopes else ()
        for scope in scopes:
            if scope not in allowed:
                add_log_values(scope=scope)
                self.fail("scope_not_allowed")
        return scopes


class ConnectBeginSerializer(BeginSerializer):
    """The query parameters of begin for a connect."""

    scope = ScopeField(
        required=False,
        allow_blank=True,
        help_text="Scopes to ask the provider for in addition, separated by spaces. "
        "The project lists the allowed ones.",
    )


class BegunSerializer(serializers.Serializer[Any]):
    """The response of begin."""

    authorization_url = serializers.URLField(help_text="URL of the provider to send the user to.")
    flow = serializers.CharField(required=False, help_text=_FLOW)


class ProviderLogoutSerializer(serializers.Serializer[Any]):
    """The query parameters of a logout at the provider."""

    post_logout_redirect_uri = PostLogoutRedirectURIField(
        help_text="URI that the provider sends the user back to, one that the project allows."
    )


class LogoutURLSerializer(serializers.Serializer[Any]):
    """Where to send the user to sign out at the provider."""

    logout_url = serializers.URLField(help_text="URL of the provider to send the user to.")
    state = serializers.CharField(
        help_text="The provider adds it to `post_logout_redirect_uri`. The page compares it."
    )


class LogoutTokenSerializer(serializers.Serializer[Any]):
    """The body of a back-channel logout request."""

    logout_token = serializers.CharField(
        help_text="A signed logout token (OpenID Connect Back-Channel Logout 1.0 section 2.4)."
    )


class CallbackSerializer(serializers.Serializer[Any]):
    """The parameters that most providers send back.

    Other parameters that a provider sends are posted under the names that it uses.
    """

    code = serializers.CharField(required=False, help_text="Code that the provider sent.")
    state = serializers.CharField(required=False, help_text="State that the provider sent back.")
    flow = serializers.CharField(
        required=False, help_text="The `flow` of the last response. It may be in a cookie instead."
    )
    partial_token = serializers.CharField(
        required=False, help_text="The `partial_token` of a paused login, to resume it."
    )


class NativeTokensSerializer(serializers.Serializer[Any]):
    """The tokens that an SDK obtained: an ID token, an access token, or both."""

    id_token = serializers.CharField(required=False, help_text="ID token (OpenID Connect).")
    access_token = serializers.CharField(
        required=False, help_text="Access token. Required if there is no ID token."
    )
    nonce = serializers.CharField(
        required=False,
        trim_whitespace=False,
        help_text="The random value whose SHA-256 is the nonce of the ID token. "
        "Required if the ID token contains a nonce.",
    )
    user = serializers.CharField(
        required=False, help_text="The `user` value of Apple's first response, as object or JSON."
    )


class LogoutSerializer(serializers.Serializer[Any]):
    """The refresh token of a login with Simple JWT."""

    refresh = serializers.CharField(
        required=False,
        help_text="Refresh token to blacklist. Required if a token of Simple JWT in the "
        "`Authorization` header authenticates the request.",
    )


class RefreshSerializer(serializers.Serializer[Any]):
    """The refresh token to exchange."""

    refresh = serializers.CharField(required=False, help_text="The refresh token.")


class RefreshedSerializer(serializers.Serializer[Any]):
    """The new tokens."""

    access = serializers.CharField(help_text="The new access token.")
    refresh = serializers.CharField(
        required=False,
        help_text="The new refresh token, if the project replaces it at each refresh. "
        "The old one is then no longer accepted.",
    )


class ChoiceSerializer(serializers.Serializer[Any]):
    """One choice of a field."""

    value = serializers.JSONField(help_text="Value to post.")
    display_name = serializers.CharField(help_text="Text to show for this value.")


class AskedFieldSerializer(serializers.Serializer[Any]):
    """A form field that a pipeline step requests, in the format of DRF's metadata."""

    name = serializers.CharField(help_text="Name to post the value under.")
    type = serializers.ChoiceField(choices=FIELD_TYPES)
    required = serializers.BooleanField()  # type: ignore[assignment]  # name in the API
    label = serializers.CharField(allow_blank=True)  # type: ignore[assignment]  # the same
    help_text = serializers.CharField(allow_blank=True)  # type: ignore[assignment]  # the same
    choices = ChoiceSerializer(many=True, allow_null=True)
    min_length = serializers.IntegerField(required=False)
    max_length = serializers.IntegerField(required=False)
    min_value = serializers.JSONField(required=False, help_text="Smallest value, usually a number.")
    max_value = serializers.JSONField(required=False, help_text="Largest value, usually a number.")
    max_digits = serializers.IntegerField(required=False)
    decimal_places = serializers.IntegerField(required=False)
    child = serializers.DictField(required=False, help_text="Its items, if it is a list.")
    children = serializers.DictField(required=False, help_text="Its fields, if it is an object.")


class PausedSerializer(serializers.Serializer[Any]):
    """A paused login, which waits for the user."""

    partial_token = serializers.CharField(
        allow_null=True, help_text="Token to resume with, or null if the login cannot be resumed."
    )
    redirect_to = serializers.CharField(
        allow_null=True, help_text="URL that the step redirects the user to, or null."
    )
    fields = AskedFieldSerializer(  # type: ignore[assignment]  # name in the API
        many=True, allow_null=True, help_text="Form fields that the step requests, or null."
    )
    provider = serializers.CharField(help_text="Name of the provider in the paths.")
    flow = serializers.CharField(required=False, help_text=_FLOW)


class LastUsedField(serializers.DateTimeField):
    """The time of the last sign-in with a connection, or of connecting it."""

    def to_representation(self, social: Any) -> Any:
        """Return the ``auth_time`` that social-core stores, or the time of the last change.

        With ``USE_TZ = False``, it is in the time zone of the project, as all its other times.
        """
        at = read_auth_time(social.extra_data)
        moment = social.modified if at is None else as_datetime(at)
        return super().to_representation(moment)


class ConnectionSerializer(serializers.Serializer[Any]):
    """A connection: a row of social_django without its tokens."""

    id = PrimaryKeyField(source="pk", read_only=True)
    provider = serializers.CharField(read_only=True, help_text="Name of the provider.")
    title = serializers.SerializerMethodField(help_text="Name of the provider to show.")
    uid = serializers.CharField(read_only=True, help_text="Identifier of the user at the provider.")
    created = serializers.DateTimeField(
        read_only=True, help_text="Time of the first sign-in, or of connecting."
    )
    last_used = LastUsedField(
        source="*", read_only=True, help_text="Time of the last sign-in, or of connecting."
    )
    scopes = serializers.SerializerMethodField(
        help_text="Scopes that the provider granted. Empty if they are unknown."
    )
    needs_reconnect = serializers.SerializerMethodField(
        help_text="Whether the project can only call the provider after a new login or connect.",
    )

    def get_title(self, social: Any) -> str:
        return provider_title(
            find_or_substitute(social.provider), self.context["view"].django_request
        )

    def get_scopes(self, social: Any) -> list[str]:
        return [*read_state(social.extra_data).scopes]

    def get_needs_reconnect(self, social: Any) -> bool:
        return read_state(social.extra_data).needs_reconnect
