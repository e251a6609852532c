"""The components of the OpenAPI document: their names, their enums and their exact types.

All names begin with "Social", so that they differ from those of a project's own serializers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import IntegerField, UUIDField
from drf_spectacular.contrib.djangorestframework_camel_case import camelize_serializer_fields
from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent
from drf_spectacular.settings import spectacular_settings

from social_endpoints.conf import import_setting, settings
from social_endpoints.internal.actions.providers import CAPABILITIES
from social_endpoints.internal.backends.loading import users
from social_endpoints.internal.backends.registry import PROTOCOLS
from social_endpoints.pipeline import FIELD_TYPES

Schema = dict[str, Any]


@dataclass(frozen=True)
class Component:
    """How a serializer is described.

    :ivar name: name of the component. With ``COMPONENT_SPLIT_REQUEST``, "Request" is added.
    :ivar description: Markdown, in place of the docstring.
    :ivar finish: corrects the schema that drf-spectacular derives from the fields.
    """

    name: str
    description: str
    finish: Callable[[Schema, ComponentRegistry], None] | None = None


def reference(name: str, group: str = "schemas") -> Schema:
    """Return a reference to a component."""
    return {"$ref": f"#/components/{group}/{name}"}


def register(
    registry: ComponentRegistry, name: str, schema: Schema, group: str = "schemas"
) -> None:
    """Add a component to the document, unless it is there."""
    if group == ResolvedComponent.SCHEMA:
        schema = keep_names(schema)
    build: Any = ResolvedComponent  # Its constructor has no annotations.
    registry.register_on_missing(build(name=name, type=group, schema=schema, object=name))


def keep_names(schema: Schema) -> Schema:
    """Return a schema whose properties a project's hook for camel case does not rename.

    Our views do not use the project's renderer, which renames them in responses. The hook renames
    only what is directly in the schema of a component.
    """
    is_renamed = camelize_serializer_fields in spectacular_settings.POSTPROCESSING_HOOKS
    return {"allOf": [schema]} if is_renamed and "properties" in schema else schema


def register_enum(
    registry: ComponentRegistry, name: str, values: Iterable[str], description: str
) -> Schema:
    """Add an enum of strings to the document, and return the reference to it."""
    enum = {"type": "string", "enum": list(values), "description": description}
    register(registry, name, enum)
    return reference(name)


def is_cookie_only() -> bool:
    """Return whether flows travel only in a cookie."""
    if import_setting("TOKEN_SERIALIZER").sets_cookies:
        return True
    return settings.FLOW_TRANSPORT == "cookie"


def connection_id() -> Schema:
    """Return the type of a connection's id, which depends on the model."""
    return _key_type(users().primary_key)


def user_id() -> Schema:
    """Return the type of a user's id, which depends on the model."""
    return _key_type(get_user_model()._meta.pk)


def _key_type(key: Any) -> Schema:
    if len(getattr(key, "columns", ())) > 1:  # A composite key.
        return {"type": "array", "items": {}}
    while key is not None and key.is_relation:  # The model inherits from one with a table.
        key = key.target_field
    if key is None or isinstance(key, IntegerField):
        return {"type": "integer"}
    uuid = {"format": "uuid"} if isinstance(key, UUIDField) else {}
    return {"type": "string", **uuid}


def _finish_provider(schema: Schema, registry: ComponentRegistry) -> None:
    text = "The protocol. `other` is a protocol of the provider's own."
    fields = schema["properties"]
    fields["protocol"] = register_enum(registry, "SocialProtocol", PROTOCOLS, text)
    text = "`redirect`: a login can begin at `begin_url`. `id_token` and `access_token`: an app can"
    text += " sign in with such a token of an SDK. `connect`: it can be connected to an account."
    items = register_enum(registry, "SocialCapability", CAPABILITIES, text)
    fields["capabilities"] = {"type": "array", "items": items}


def _finish_field(schema: Schema, registry: ComponentRegistry) -> None:
    text = "The type of a form field, as in the metadata of Django REST framework."
    enum = register_enum(registry, "SocialFieldType", FIELD_TYPES, text)
    schema["properties"]["type"] = enum


def _finish_begun(schema: Schema, registry: ComponentRegistry) -> None:
    if is_cookie_only():
        _remove_flow(schema, registry)
    else:
        schema["required"] = sorted({*schema["required"], "flow"})


def _remove_flow(schema: Schema, registry: ComponentRegistry) -> None:
    if is_cookie_only():
        schema["properties"].pop("flow", None)


def _finish_callback(schema: Schema, registry: ComponentRegistry) -> None:
    _remove_flow(schema, registry)
    schema["additionalProperties"] = {}


def _finish_tokens(schema: Schema, registry: ComponentRegistry) -> None:
    user = schema["properties"]["user"]
    del user["type"]
    user.pop("minLength", None)
    user["oneOf"] = [{"type": "string"}, {"type": "object", "additionalProperties": {}}]


def _finish_connection(schema: Schema, registry: ComponentRegistry) -> None:
    schema["properties"]["id"] = {**connection_id(), "readOnly": True}


def _finish_user(schema: Schema, registry: ComponentRegistry) -> None:
    schema["properties"]["id"] = {**user_id(), "readOnly": True}


_SERIALIZERS = "social_endpoints.internal.http.serializers"
_TOKENS = "social_endpoints.tokens"

COMPONENTS = {
    f"{_SERIALIZERS}.ProviderSerializer": Component(
        "SocialProvider", "A configured provider, for a button.", _finish_provider
    ),
    f"{_SERIALIZERS}.BegunSerializer": Component(
        "SocialAuthorization", "Where to send the user to sign in or to connect.", _finish_begun
    ),
    f"{_SERIALIZERS}.CallbackSerializer": Component(
        "SocialCallback",
        "Everything that the provider added to the URL of the callback page, under the names that "
        "it uses. Or `partial_token` with the requested fields, to resume a paused login.",
        _finish_callback,
    ),
    f"{_SERIALIZERS}.NativeTokensSerializer": Component(
        "SocialNativeTokens",
        "The tokens that an SDK obtained: an ID token, an access token, or both.",
        _finish_tokens,
    ),
    f"{_SERIALIZERS}.PausedSerializer": Component(
        "SocialPaused", "A paused login, which waits for the user.", _remove_flow
    ),
    f"{_SERIALIZERS}.AskedFieldSerializer": Component(
        "SocialField", "A form field that a paused login requests.", _finish_field
    ),
    f"{_SERIALIZERS}.ChoiceSerializer": Component("SocialChoice", "One choice of a field."),
    f"{_SERIALIZERS}.ConnectionSerializer": Component(
        "SocialConnection",
        "An identity at a provider that is connected to the user.",
        _finish_connection,
    ),
    f"{_SERIALIZERS}.LogoutURLSerializer": Component(
        "SocialLogoutURL", "Where to send the user to sign out at the provider."
    ),
    f"{_SERIALIZERS}.LogoutSerializer": Component(
        "SocialLogout", "The refresh token of a login with Simple JWT."
    ),
    f"{_SERIALIZERS}.RefreshSerializer": Component("SocialRefresh", "The refresh token."),
    f"{_SERIALIZERS}.RefreshedSerializer": Component(
        "SocialRefreshed", "The new tokens. The access token is for `Authorization: Bearer …`."
    ),
    "social_endpoints.users.UserSerializer": Component(
        "SocialUser", "The signed-in user.", _finish_user
    ),
    f"{_SERIALIZERS}.LogoutTokenSerializer": Component(
        "SocialLogoutToken", "What a provider posts when a user has signed out there."
    ),
    f"{_TOKENS}.djoser.DjoserSerializer": Component(
        "SocialDjoserToken", "The token, as the project's strategy returns it."
    ),
    f"{_TOKENS}.drf.TokenSerializer": Component(
        "SocialToken", "The token for the header `Authorization: Token …`."
    ),
    f"{_TOKENS}.jwt.JWTSerializer": Component(
        "SocialJWT",
        "The access token for the header `Authorization: Bearer …`, the refresh token, and the "
        "user.",
    ),
    f"{_TOKENS}.jwt.JWTCookieSerializer": Component(
        "SocialJWTCookie", "The user. The tokens are in cookies that scripts cannot read."
    ),
    f"{_TOKENS}.knox.KnoxTokenSerializer": Component(
        "SocialKnoxToken", "The token for the header `Authorization: Token …`, and its expiry."
    ),
    f"{_TOKENS}.base.LoginSerializer": Component("SocialLogin", "The response of a login."),
    f"{_TOKENS}.session.SessionSerializer": Component(
        "SocialSession", "The user, who is signed in by the session cookie."
    ),
}
"""How to describe serializers, by the paths of their classes."""


def find_component(serializer: type[Any]) -> Component | None:
    """Return the description of a shipped serializer, or None for a class of a project."""
    return COMPONENTS.get(f"{serializer.__module__}.{serializer.__qualname__}")
