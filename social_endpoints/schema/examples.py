"""The examples in the OpenAPI document. The tests validate each one against its schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rest_framework.settings import api_settings

from social_endpoints.conf import get_names
from social_endpoints.schema.components import (
    Schema,
    connection_id,
    find_component,
    is_cookie_only,
    user_id,
)

FLOW = "gAAGYPfJ3n8sLw…"

PROVIDER = {
    "name": "github",
    "title": "GitHub",
    "icon": "https://api.example.com/static/social_auth/icons/github.svg",
    "protocol": "oauth2",
    "begin_url": "https://api.example.com/auth/o/github/",
    "capabilities": ["redirect", "connect"],
}
NATIVE_TOKENS = {"id_token": "eyJhbGciOiJSUzI1NiIs…", "nonce": "dBjftJeZ4CVPmB92K27uhbUJU1p1r_wW"}
LOGOUT = REFRESH = {"refresh": "eyJhbGciOiJIUzI1NiIs…"}
REFRESHED = {"access": "eyJhbGciOiJIUzI1NiIs…"}
USER = {"id": 1, "username": "ada", "email": "ada@example.com", "name": "Ada Lovelace"}
LOGOUT_URL = {
    "logout_url": "https://id.example.com/logout?client_id=web&state=Yv0PBqXU",
    "state": "Yv0PBqXU",
}
LOGOUT_TOKEN = {"logout_token": "eyJhbGciOiJSUzI1NiIsInR5cCI6ImxvZ291dCtqd3QifQ…"}
CALLBACK_FORM = {"code": "c1f2.0.abcd", "state": "Yv0PBqXU"}
ERROR_PAGE = '<!doctype html><html lang="en">…<h1>Signing in failed</h1>…</html>'

_TOKENS: dict[str, Schema] = {
    "SocialDjoserToken": {"token": "eyJhbGciOiJIUzI1NiIs…"},
    "SocialJWTCookie": {"user": "ada"},
    "SocialJWT": {
        "access": "eyJhbGciOiJIUzI1NiIs…",
        "refresh": "eyJhbGciOiJIUzI1NiIs…",
        "user": "ada",
    },
    "SocialKnoxToken": {"token": "e7e0909c4fde7cf1…", "expiry": "2026-11-24T20:26:00Z"},
    "SocialSession": {"user": "ada"},
    "SocialToken": {"token": "e7e0909c4fde7cf105a7747f790716dd2861ad34"},
}


def authorization() -> Schema:
    """Return the response of a begin."""
    url = "https://github.com/login/oauth/authorize?client_id=web&state=Yv0PBqXU"
    return _with_flow({"authorization_url": url})


def callback() -> Schema:
    """Return the request that completes a login."""
    return _with_flow({"code": "7d5e1c0b", "state": "Yv0PBqXU"})


def paused() -> Schema:
    """Return the response of a paused login."""
    email = {
        "name": "email",
        "type": "email",
        "required": True,
        "label": "Email address",
        "help_text": "",
        "choices": None,
    }
    return _with_flow(
        {
            "partial_token": "11d5b07514e04038b19ba19c9f961055",
            "redirect_to": None,
            "fields": [email],
            "provider": "github",
        }
    )


def paused_disconnect() -> Schema:
    """Return the response of a disconnect that sends the user to a page first."""
    return {
        "partial_token": None,
        "redirect_to": "https://app.example.com/disconnected",
        "fields": None,
        "provider": "github",
    }


def connection() -> Schema:
    """Return a connection."""
    is_integer = connection_id()["type"] == "integer"
    return {
        "id": 7 if is_integer else "0b9a2a3e-5d0c-4f5e-9a53-3c1f1e0c2f61",
        "provider": "github",
        "title": "GitHub",
        "uid": "583231",
        "created": "2026-11-24T10:26:00Z",
        "last_used": "2026-11-24T10:26:00Z",
        "scopes": ["read:user"],
        "needs_reconnect": False,
    }


def token_body(serializer: type[Any]) -> Schema | None:
    """Return the body of a shipped token serializer, or None for another one."""
    component = find_component(serializer)
    body = _TOKENS.get(component.name) if component else None
    return body and {**body, **dict.fromkeys(get_names("TOKEN_FIELDS"), True), **profile()}


def profile() -> Schema:
    """Return the field ``profile`` of a login, if the setting ``TOKEN_FIELDS`` adds it."""
    return {"profile": user()} if "profile" in get_names("TOKEN_FIELDS") else {}


def user() -> Schema:
    """Return a user."""
    schema = user_id()
    uuid = "0b9a2a3e-5d0c-4f5e-9a53-3c1f1e0c2f61"
    key = {"integer": 1, "string": uuid}.get(schema.get("type", ""), [1, 1])
    return {**USER, "id": key}


def _with_flow(body: Schema) -> Schema:
    return body if is_cookie_only() else {**body, "flow": FLOW}


@dataclass(frozen=True)
class ErrorExample:
    """An error body.

    :ivar source: ``error_source``. Without one, the text is stored under ``detail`` or under the
        name of a parameter.
    :ivar parameter: name of the parameter that contains the text.
    :ivar code: ``error_code``, if it is not the name of the example.
    """

    text: str
    recovery: str
    source: str = ""
    stage: str = ""
    parameter: str = ""
    code: str = ""


_CORRECT, _CONTACT, _LATER = "correct_input", "contact_administrator", "retry_later"
_NOT_ALLOWED = "This redirect URI is not allowed."
_CALLBACK_LOST = "The authentication response does not match the session."

_ERRORS = {
    "authentication_failed": ErrorExample("Invalid token.", "reauthenticate"),
    "backchannel_logout_disabled": ErrorExample("Provider 'oidc' not supported", _CONTACT),
    "body_too_large": ErrorExample("The request body is too large.", _CORRECT),
    "connection_failed": ErrorExample(
        "The authentication provider could not be reached.", _LATER, "provider_response", "begin"
    ),
    "disconnect_disallowed": ErrorExample(
        "This account cannot be disconnected without another authentication method.",
        "none",
        "local_policy",
        "disconnect",
    ),
    "identity_in_use": ErrorExample(
        "This identity is already associated with another account.",
        "use_existing_account",
        "storage",
        "pipeline",
    ),
    "invalid_parameter": ErrorExample("This field is required.", _CORRECT, parameter="code"),
    "invalid_signature": ErrorExample(
        "The authentication response signature could not be verified.",
        _CONTACT,
        "provider_response",
        "token_validation",
    ),
    "logout_not_supported": ErrorExample("Provider 'github' not supported", _CONTACT),
    "login_not_ended": ErrorExample(
        "The server cannot end this login.", _CONTACT, code="logout_not_supported"
    ),
    "malformed_request": ErrorExample("Malformed request.", _CORRECT, code="parse_error"),
    "method_not_allowed": ErrorExample('Method "PUT" not allowed.', _CORRECT),
    "missing_setting": ErrorExample(
        "Authentication configuration is incomplete.", _CONTACT, "configuration", "begin"
    ),
    "native_sign_in_disabled": ErrorExample("Provider 'github' not supported", _CONTACT),
    "nonce_not_hashed": ErrorExample(
        "The ID token contains this nonce in clear.", _CORRECT, parameter="nonce"
    ),
    "not_authenticated": ErrorExample(
        "Authentication credentials were not provided.", "reauthenticate"
    ),
    "not_found": ErrorExample("Not found.", _CORRECT),
    "parse_error": ErrorExample("The request body is not valid JSON.", _CORRECT),
    "permission_denied": ErrorExample("CSRF Failed: CSRF token missing.", _CONTACT),
    "post_logout_redirect_uri_not_allowed": ErrorExample(
        _NOT_ALLOWED, _CORRECT, parameter="post_logout_redirect_uri"
    ),
    "provider_not_supported": ErrorExample("Provider 'github' not supported", _CONTACT),
    "reauthentication_required": ErrorExample(
        "Please sign in again to continue.", "reauthenticate", "local_policy", "begin"
    ),
    "redirect_uri_not_allowed": ErrorExample(_NOT_ALLOWED, _CORRECT, parameter="redirect_uri"),
    "refresh_not_supported": ErrorExample("Logins of this server have no refresh token.", _CONTACT),
    "refresh_token_invalid": ErrorExample("Please sign in again to continue.", "reauthenticate"),
    "refresh_missing": ErrorExample(
        "This field is required.", _CORRECT, parameter="refresh", code="invalid_parameter"
    ),
    "scope_not_allowed": ErrorExample("This scope is not allowed.", _CORRECT, parameter="scope"),
    "state_mismatch": ErrorExample(_CALLBACK_LOST, "restart_login", "session", "callback"),
    "storage_unavailable": ErrorExample(
        "The service is temporarily unavailable. Please try again.", _LATER, "storage", "pipeline"
    ),
    "throttled": ErrorExample(
        "There were too many requests. Please try again in 30 seconds.", _LATER
    ),
    "unsupported_media_type": ErrorExample(
        'Unsupported media type "text/plain" in request.', _CORRECT
    ),
}


def error(name: str) -> Schema:
    """Return the error body of an example. Its name is usually its error code."""
    example = _ERRORS[name]
    body: Schema = {"detail": example.text}
    if example.source:
        body = {
            api_settings.NON_FIELD_ERRORS_KEY: [example.text],
            "error_source": example.source,
            "error_stage": example.stage,
        }
    elif example.parameter:
        body = {example.parameter: [example.text]}
    always = {"error_recovery": example.recovery, "error_id": "q7Zk3vJw"}
    return {**body, "error_code": example.code or name, **always}
