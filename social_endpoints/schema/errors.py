"""The error bodies in the OpenAPI document.

Each body has an ``error_code``. The codes of the three bodies are disjoint, so a client can
distinguish the bodies by the code.
"""

from __future__ import annotations

from collections.abc import Iterable

from drf_spectacular.plumbing import ComponentRegistry
from rest_framework.settings import api_settings

from social_endpoints.exceptions import (
    ERROR_CODES,
    ERROR_RECOVERIES,
    ERROR_SOURCES,
    ERROR_STAGES,
)
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

OAUTH_ERRORS = ("invalid_request", "server_error", "temporarily_unavailable")

_CODE = "Stable and machine-readable. New versions may add codes, so keep a default branch."
_ENUMS = {
    "error_source": ("SocialErrorSource", ERROR_SOURCES, "Where the cause is."),
    "error_stage": ("SocialErrorStage", ERROR_STAGES, "How far the login has come."),
    "error_recovery": ("SocialErrorRecovery", ERROR_RECOVERIES, "What helps."),
}


def register_errors(
    registry: ComponentRegistry, bodies: Iterable[str], *, is_for_provider: bool
) -> list[Schema]:
    """Add error bodies to the document, and return the references to them.

    :param bodies: ``ERROR``, ``FIELD_ERRORS``, ``DETAIL``.
    :param is_for_provider: whether the bodies also contain the ``error`` that OpenID Connect
        Back-Channel Logout 1.0 requires in section 2.8.
    """
    prefix = "SocialBackchannel" if is_for_provider else "Social"
    for body in bodies:
        schema = _build(registry, body)
        if is_for_provider:
            text = "The code that the specification of back-channel logout requires."
            enum = register_enum(registry, "SocialBackchannelErrorCode", OAUTH_ERRORS, text)
            schema["properties"]["error"] = enum
            schema["required"].append("error")
        register(registry, f"{prefix}{body}", schema)
    return [reference(f"{prefix}{body}") for body in bodies]


def _build(registry: ComponentRegistry, body: str) -> Schema:
    enums = {field: register_enum(registry, *arguments) for field, arguments in _ENUMS.items()}
    name = f"Social{body.removesuffix('s')}Code"
    code = register_enum(registry, name, sorted(CODES[body]), _CODE)
    text = "Random. The log of the server contains it, so a user can quote it to the support."
    error_id = {"type": "string", "description": text}
    text = "The text, safe to show to the user. It may change and be translated."
    texts = {api_settings.NON_FIELD_ERRORS_KEY: {**_texts(), "description": text}}
    everywhere = {
        "error_code": code,
        "error_recovery": enums.pop("error_recovery"),
        "error_id": error_id,
    }
    if body == DETAIL:
        detail = {"type": "string", "description": text}
        return _object("The request was refused.", {"detail": detail, **everywhere})
    if body == FIELD_ERRORS:
        schema = _object(
            "A parameter is missing or not valid. Its texts are stored under its name.",
            everywhere,
            optional={**texts, **enums},
        )
        return {**schema, "additionalProperties": _texts()}
    debug = {"type": "string", "description": "Only with `DEBUG`: the exception of the project."}
    return _object(
        "The login has failed, or another use of the provider.",
        {**texts, **everywhere, **enums},
        optional={"debug": debug},
    )


def _texts() -> Schema:
    return {"type": "array", "items": {"type": "string"}}


def _object(description: str, required: Schema, optional: Schema | None = None) -> Schema:
    return {
        "type": "object",
        "description": description,
        "properties": {**required, **(optional or {})},
        "required": sorted(required),
    }
