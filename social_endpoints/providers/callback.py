"""What the callback of a provider must bring, and which login it belongs to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from social_core.backends.apple import AppleIdAuth
from social_core.backends.base import BaseAuth
from social_core.backends.oauth import BaseOAuth2

from social_endpoints.flow import Flow
from social_endpoints.providers.registry import Provider

# How the callbacks of social-core's backends say that they bring no code.
_ERRORS = frozenset({"error", "error_code", "denied"})


def seen(provider: Provider, data: Mapping[str, str]) -> dict[str, str]:
    """Return what the backend may see of a callback: what the provider sends, and no more.

    Apple's backend takes its own client id from there where it stands, and Apple
    sends none.
    """
    hidden = {"client_id"} if issubclass(provider.backend, AppleIdAuth) else set()
    return {name: text for name, text in data.items() if name not in hidden}


def sent_state(backend: BaseAuth[Any], flow: Flow) -> str | None:
    """Return the state that a begun flow expects back, or None where none was sent."""
    if not isinstance(backend, BaseOAuth2):
        return None
    prefix = backend.transaction_key("")
    return next((key.removeprefix(prefix) for key in flow.session if key.startswith(prefix)), None)


def returned_state(provider: Provider, data: Mapping[str, str]) -> str | None:
    """Return the state that a callback brought back, or None where it brought none."""
    answer = _answer(provider, data)
    return answer.get("state") or answer.get("redirect_state")


def missing_parameters(provider: Provider, data: Mapping[str, str]) -> list[str]:
    """Return what a callback of this provider must bring and this one does not.

    RFC 6749 section 4.1.2: ``code``, and ``state`` where one was sent. A callback
    that brings an error instead (section 4.1.2.1) brings no code, and not every
    provider brings the state with it.
    """
    backend, answer = provider.backend, _answer(provider, data)
    if not issubclass(backend, BaseOAuth2) or _ERRORS & answer.keys():
        return []
    expected = ["code"]
    if backend.STATE_PARAMETER:
        expected.append("state")
    elif backend.REDIRECT_STATE:
        expected.append("redirect_state")
    return [name for name in expected if not answer.get(name)]


def _answer(provider: Provider, data: Mapping[str, str]) -> Mapping[str, str]:
    # VK ID may bring everything inside one JSON parameter, which its backend unpacks.
    if "payload" in data and hasattr(provider.backend, "callback_data"):
        try:
            payload = json.loads(data["payload"])
        except (ValueError, RecursionError):
            return data
        if isinstance(payload, dict):
            return {**data, **{name: text for name, text in payload.items() if _is_text(text)}}
    return data


def _is_text(value: Any) -> bool:
    try:
        return bool(value.encode())
    except (AttributeError, UnicodeEncodeError):  # No string, or half a surrogate pair in it.
        return False
