"""Which login a callback belongs to.

A begun login has a key: what its provider is sent, and brings back in one form or another.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

from social_core.backends.base import BaseAuth
from social_core.backends.discourse import DiscourseAuth
from social_core.backends.oauth import BaseOAuth1, BaseOAuth2
from social_core.backends.open_id import OpenIdAuth

from social_endpoints.internal.backends.extensions.saml_response import in_response_to
from social_endpoints.internal.backends.kinds import SAML, is_kind
from social_endpoints.internal.backends.registry import Provider
from social_endpoints.internal.flows.flow import Flow


def sent_key(backend: BaseAuth[Any], flow: Flow) -> str:
    """Return the key of a login that is about to begin; empty where the backend has sent none."""
    name, session = backend.name, flow.session
    if isinstance(backend, BaseOAuth1):
        tokens = session.get(name + backend.UNATHORIZED_TOKEN_SUFIX, [""])
        return _first(tokens[-1], backend.OAUTH_TOKEN_PARAMETER_NAME)
    if isinstance(backend, BaseOAuth2) and not backend.ASSOCIATION_ONLY:
        prefix = backend.transaction_key("")
        return next((key.removeprefix(prefix) for key in session if key.startswith(prefix)), "")
    if isinstance(backend, DiscourseAuth):
        return _text(session.get(f"{name}_nonce"))
    if is_kind(type(backend), SAML):
        return _text(next((session[key] for key in session if key.endswith("_request_id")), ""))
    state = session.get(f"{name}_state")  # Of OpenID 2.0, and of what only links accounts.
    return _text(state.get("state") if isinstance(state, dict) else state)


def returned_key(provider: Provider, data: Mapping[str, str]) -> str | None:
    """Return the key that a callback brought back, or None where it brought none."""
    backend = provider.backend
    if issubclass(backend, BaseOAuth1):
        # Twitter says "denied", with the token, where the user has declined.
        return data.get(backend.OAUTH_TOKEN_PARAMETER_NAME) or data.get("denied")
    if issubclass(backend, DiscourseAuth):
        return _nonce(data.get("sso", "")) or None
    if issubclass(backend, OpenIdAuth):
        return data.get("redirect_state") or _return_to_state(data) or None
    if is_kind(backend, SAML) and "SAMLResponse" in data:
        # What the response itself says, whatever stands beside it. The backend verifies
        # it, and that what is signed of it says the same.
        return in_response_to(data["SAMLResponse"])
    answer = unpacked(provider, data)
    return answer.get("state") or answer.get("redirect_state")


def unpacked(provider: Provider, data: Mapping[str, str]) -> Mapping[str, str]:
    """Return the parameters of a callback, also of one that has them all inside one.

    VK ID may bring everything inside one JSON parameter, which its backend unpacks.
    """
    if "payload" in data and hasattr(provider.backend, "callback_data"):
        try:
            payload = json.loads(data["payload"])
        except (ValueError, RecursionError):
            return data
        if isinstance(payload, dict):
            return {**data, **{name: text for name, text in payload.items() if _is_text(text)}}
    return data


def from_base64(text: str) -> str:
    """Return what base64 stands for, in either alphabet and with or without padding.

    :raises ValueError: it is no base64, or stands for no text.
    """
    padded = text.replace("+", "-").replace("/", "_") + "=" * (-len(text) % 4)
    return urlsafe_b64decode(padded).decode()


def _return_to_state(data: Mapping[str, str]) -> str:
    with suppress(ValueError):  # No URL.
        return _first(urlsplit(data.get("openid.return_to", "")).query, "redirect_state")
    return ""


def _nonce(sso: str) -> str:
    with suppress(ValueError):
        return _first(from_base64(sso), "nonce")
    return ""


def _first(query: str, name: str) -> str:
    return parse_qs(query).get(name, [""])[0]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _is_text(value: Any) -> bool:
    try:
        return bool(value.encode())
    except (AttributeError, UnicodeEncodeError):  # No string, or half a surrogate pair in it.
        return False
