"""Find the login that a callback belongs to.

Each login has a correlation id, which the provider receives and returns. Its form depends on
the protocol.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from social_core.backends.base import BaseAuth
from social_core.backends.discourse import DiscourseAuth
from social_core.backends.oauth import BaseOAuth1, BaseOAuth2
from social_core.backends.open_id import OpenIdAuth

from social_endpoints.internal.backends.extensions.openid2 import MAX_MESSAGE
from social_endpoints.internal.backends.extensions.saml import in_response_to
from social_endpoints.internal.backends.registry import Provider, is_saml
from social_endpoints.internal.flows.flow import Flow
from social_endpoints.internal.flows.handoff_state import open_redirect_uri, split_state


def sent_id(backend: BaseAuth[Any], flow: Flow) -> str:
    """Return the correlation id that a begin has sent, or an empty string if it sent none."""
    name, session = backend.name, flow.session
    if isinstance(backend, BaseOAuth1):
        tokens = session.get(name + backend.UNATHORIZED_TOKEN_SUFIX, [""])
        return _first(tokens[-1], backend.OAUTH_TOKEN_PARAMETER_NAME)
    if isinstance(backend, BaseOAuth2) and not backend.ASSOCIATION_ONLY:
        prefix = backend.transaction_key("")
        return next((key.removeprefix(prefix) for key in session if key.startswith(prefix)), "")
    if isinstance(backend, DiscourseAuth):
        return _text(session.get(f"{name}_nonce"))
    if is_saml(type(backend)):
        return split_state(flow.sent_state)
    # OpenID 2.0, Telegram, and backends that can only be connected.
    state = session.get(f"{name}_state")
    return _text(state.get("state") if isinstance(state, dict) else state)


def returned_id(provider: Provider, params: Mapping[str, str]) -> str | None:
    """Return the correlation id in a callback, or None if it contains none."""
    state = returned_state(provider, params)
    if state and open_redirect_uri(state, provider=provider.name) is not None:
        return split_state(state)
    return state


def returned_state(provider: Provider, params: Mapping[str, str]) -> str | None:
    """Return the value by which a callback names its login, or None if it contains none.

    In a login with a handoff, it also contains the redirect URI.
    """
    backend = provider.backend
    if issubclass(backend, BaseOAuth1):
        # If the user declined, Twitter sends the token as "denied".
        return params.get(backend.OAUTH_TOKEN_PARAMETER_NAME) or params.get("denied")
    if issubclass(backend, DiscourseAuth):
        return _discourse_nonce(params.get("sso", "")) or None
    if issubclass(backend, OpenIdAuth):
        sent = dict(return_to_params(params))
        return params.get("redirect_state") or sent.get("redirect_state")
    if is_saml(backend) and "SAMLResponse" in params:
        # Not verified yet. The backend compares it with the signed part.
        return in_response_to(params["SAMLResponse"])
    params = unpack(provider, params)
    return params.get("state") or params.get("redirect_state")


def unpack(provider: Provider, params: Mapping[str, str]) -> Mapping[str, str]:
    """Return the parameters of a callback, including those inside VK ID's ``payload``.

    VK ID may send all parameters as one JSON object, which its backend parses too.
    """
    if "payload" in params and hasattr(provider.backend, "callback_data"):
        try:
            payload = json.loads(params["payload"])
        except (ValueError, RecursionError):
            return params
        if isinstance(payload, dict):
            return {**params, **{name: text for name, text in payload.items() if _is_text(text)}}
    return params


def return_to_params(params: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the query of OpenID's ``return_to``; an empty list if the value is not a short URL."""
    return_to = params.get("openid.return_to", "")
    if len(return_to) <= MAX_MESSAGE:
        with suppress(ValueError):
            return parse_qsl(urlsplit(return_to).query)
    return []


def decode_base64(text: str) -> str:
    """Decode base64 text in either alphabet, with or without padding.

    :raises ValueError: the text is not base64, or does not encode UTF-8.
    """
    padded = text.replace("+", "-").replace("/", "_") + "=" * (-len(text) % 4)
    return urlsafe_b64decode(padded).decode()


def _discourse_nonce(sso: str) -> str:
    with suppress(ValueError):
        return _first(decode_base64(sso), "nonce")
    return ""


def _first(query: str, name: str) -> str:
    return parse_qs(query).get(name, [""])[0]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _is_text(value: Any) -> bool:
    try:
        return bool(value.encode())
    except (AttributeError, UnicodeEncodeError):  # Not a string, or half of a surrogate pair.
        return False
