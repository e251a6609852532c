"""The error bodies in the OpenAPI document.

Each body has an ``error_code``. The codes of the three bodies are disjoint, so a client can
distinguish the bodies by the code.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from drf_spectacular.plumbing import ComponentRegistry
from rest_framework.settings import api_settings

from social_endpoints.exceptions import ERROR_CODES, ERROR_RECOVERIES, ERROR_SOURCES, ERROR_STAGES
from social_endpoints.internal.http.serializers import (
    CallbackSerializer,
    ConnectBeginSerializer,
    LogoutSerializer,
    LogoutTokenSerializer,
    NativeTokensSerializer,
    ProviderLogoutSerializer,
    RefreshSerializer,
)
from social_endpoints.schema import examples
from social_endpoints.schema.components import Schema, reference, register, register_enum

ERROR = "Error"
FIELD_ERRORS = "FieldErrors"
DETAIL = "ErrorDetail"

FIELD_CODES = frozenset(
    {
        "invalid_parameter",
        "missing_parameter",
        "nonce_not_hashed",
        "post_logout_redirect_uri_missing",
        "post_logout_redirect_uri_not_allowed",
        "post_logout_redirect_uri_repeated",
        "redirect_uri_missing",
        "redirect_uri_not_allowed",
        "redirect_uri_repeated",
        "scope_not_allowed",
    }
)
"""The codes of errors whose texts are stored under the name of a parameter."""

DETAIL_CODES = frozenset(
    {
        "authentication_failed",
        "backchannel_logout_disabled",
        "body_too_large",
        "logout_not_supported",
        "method_not_allowed",
        "native_sign_in_disabled",
        "not_acceptable",
        "not_authenticated",
        "not_found",
        "parse_error",
        "permission_denied",
        "provider_not_supported",
        "refresh_not_supported",
        "refresh_token_invalid",
        "throttled",
        "token_not_valid",  # The code of Simple JWT.
        "unsupported_media_type",
    }
)
"""The codes of errors with one text under ``detail``."""

CODES = {
    ERROR: ERROR_CODES - FIELD_CODES - DETAIL_CODES,
    FIELD_ERRORS: FIELD_CODES,
    DETAIL: DETAIL_CODES,
}

_SERIALIZERS: tuple[type[Any], ...] = (
    CallbackSerializer,
    ConnectBeginSerializer,
    LogoutSerializer,
    LogoutTokenSerializer,
    NativeTokensSerializer,
    ProviderLogoutSerializer,
    RefreshSerializer,
)
_PARAMETERS = sorted({name for serializer in _SERIALIZERS for name in serializer().fields})

_OAUTH = ("invalid_request", "server_error", "temporarily_unavailable")

TEXT = "The text, safe to show to the user. It may change and be translated."
CODE = "Stable and machine-readable. New versions may add codes, so keep a default branch."
_RECOVERY = """What helps:

- `restart_login`: begin again.
- `retry_later`: try again in a moment, after `Retry-After` seconds if the response has the header.
- `reauthenticate`: sign in again.
- `reconnect`: connect the provider again.
- `check_provider_profile`: the user completes the profile at the provider.
- `use_existing_account`: the user signs in as before.
- `correct_input`: correct the request, or ask the user again.
- `contact_administrator`: show the text. Trying again does not help.
- `none`: show the sign-in page."""


class ErrorBodies:
    """The error bodies of this package, for one operation.

    :param is_for_provider: whether the bodies also contain the ``error`` that OpenID Connect
        Back-Channel Logout 1.0 requires in section 2.8.
    """

    def __init__(self, registry: ComponentRegistry, *, is_for_provider: bool = False) -> None:
        self.registry = registry
        self.is_for_provider = is_for_provider

    def get_schemas(self, status: int, bodies: Iterable[str]) -> list[Schema]:
        """Return references to the possible bodies of a response, and add them to the document.

        :param bodies: ``ERROR``, ``FIELD_ERRORS`` or ``DETAIL``.
        """
        return [self.register(body, self._build(body)) for body in bodies]

    def get_example(self, status: int, name: str) -> Schema:
        """Return the body of an example."""
        return self.add_oauth_error(examples.error(name), status)

    def register(self, name: str, schema: Schema) -> Schema:
        """Add a body to the document, and return the reference to it."""
        if self.is_for_provider:
            text = "The code that the specification of back-channel logout requires."
            name = f"Backchannel{name}"
            schema["properties"]["error"] = self.register_enum("BackchannelCode", _OAUTH, text)
            schema["required"].append("error")
        register(self.registry, f"Social{name}", schema)
        return reference(f"Social{name}")

    def register_enum(self, name: str, values: Iterable[str], description: str) -> Schema:
        """Add an enum to the document, and return the reference to it."""
        return register_enum(self.registry, f"Social{name}", values, description)

    def add_oauth_error(self, body: Schema, status: int) -> Schema:
        """Return an example with the code for the provider, if it is for a provider."""
        code = {500: "server_error", 503: "temporarily_unavailable"}.get(status, "invalid_request")
        return {**body, "error": code} if self.is_for_provider else body

    def _build(self, body: str) -> Schema:
        code = self.register_enum(f"{body.removesuffix('s')}Code", sorted(CODES[body]), CODE)
        source = self.register_enum("ErrorSource", ERROR_SOURCES, "What caused the error.")
        stage = self.register_enum("ErrorStage", ERROR_STAGES, "The step that failed.")
        recovery = self.register_enum("ErrorRecovery", ERROR_RECOVERIES, _RECOVERY)
        text = "Random. The log of the server contains it, so a user can quote it in a question."
        error_id = {"type": "string", "description": text}
        texts = {api_settings.NON_FIELD_ERRORS_KEY: {**_texts(), "description": TEXT}}
        origin = {"error_source": source, "error_stage": stage}
        always = {"error_code": code, "error_recovery": recovery, "error_id": error_id}
        if body == DETAIL:
            detail = {"type": "string", "description": TEXT}
            return build_object("The request was refused.", {"detail": detail, **always})
        if body == FIELD_ERRORS:
            schema = build_object(
                "A parameter is missing or not valid. Its texts are stored under its name.",
                always,
                optional={**{name: _texts() for name in _PARAMETERS}, **texts, **origin},
            )
            return {**schema, "additionalProperties": self._register_field_texts()}
        text = "Only with `DEBUG`: the exception of the project."
        return build_object(
            "A login, a connect or another request has failed.",
            {**texts, **always, **origin},
            optional={"debug": {"type": "string", "description": text}},
        )

    def _register_field_texts(self) -> Schema:
        """Describe the texts of a form field that a project requests."""
        nested = {"type": "object", "additionalProperties": {}}
        text = {"type": "string"}
        schema = {
            "oneOf": [{"type": "array", "items": {"oneOf": [text, nested]}}, nested, text],
            "description": "The texts of a form field, usually a list. If the field is an object "
            "or a list, the texts can be stored under the names or the positions of its items.",
        }
        register(self.registry, "SocialFieldTexts", schema)
        return reference("SocialFieldTexts")


def build_object(description: str, required: Schema, optional: Schema | None = None) -> Schema:
    """Return the schema of an object with these properties."""
    return {
        "type": "object",
        "description": description,
        "properties": {**required, **(optional or {})},
        "required": sorted(required),
    }


def _texts() -> Schema:
    return {"type": "array", "items": {"type": "string"}}
