"""What the callback of a provider must bring, and what of it the backend may see."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from social_core.backends.apple import AppleIdAuth
from social_core.backends.base import BaseAuth
from social_core.backends.discourse import DiscourseAuth
from social_core.backends.oauth import BaseOAuth1, BaseOAuth2, OAuthAuth
from social_core.backends.open_id import OpenIdAuth
from social_core.backends.telegram import TelegramAuth
from social_core.exceptions import AuthCanceled
from social_core.utils import provider_error

from social_endpoints.internal.backends.correlation import from_base64, unpacked
from social_endpoints.internal.backends.kinds import SAML, is_kind
from social_endpoints.internal.backends.registry import Provider
from social_endpoints.internal.flows.flow import Flow

# How the callbacks of social-core's backends say that they bring nothing else.
_ERRORS = frozenset({"error", "error_code", "denied", "oauth_problem"})

_TELEGRAM_RESULT = "tgAuthResult"


def missing_parameters(provider: Provider, data: Mapping[str, str]) -> list[str]:
    """Return what a callback of this provider must bring and this one does not.

    A callback that brings an error instead (RFC 6749 section 4.1.2.1) brings no code,
    and not every provider brings the state with it.
    """
    answer = unpacked(provider, data)
    if any(answer.get(name) for name in _ERRORS):
        return []
    return [name for name in _expected(provider.backend, answer) if not answer.get(name)]


def _expected(backend: type[BaseAuth[Any]], answer: Mapping[str, str]) -> list[str]:
    if issubclass(backend, BaseOAuth2):  # RFC 6749 section 4.1.2
        if backend.STATE_PARAMETER:
            return ["code", "state"]
        return ["code", "redirect_state"] if backend.REDIRECT_STATE else ["code"]
    if issubclass(backend, BaseOAuth1):
        # Not the verifier of RFC 5849 section 2.2: there are providers of OAuth 1.0.
        return [backend.OAUTH_TOKEN_PARAMETER_NAME]
    if issubclass(backend, OpenIdAuth):  # OpenID Authentication 2.0 section 10
        return ["openid.mode"]
    if issubclass(backend, DiscourseAuth):
        return ["sso", "sig"]
    if issubclass(backend, TelegramAuth) and _TELEGRAM_RESULT not in answer:
        return ["id", "auth_date", "hash"]
    if is_kind(backend, SAML) and "SAMLResponse" not in answer:
        return ["code", "state"]  # Of the hand-off.
    return []


def seen(provider: Provider, data: Mapping[str, str], flow: Flow) -> dict[str, str]:
    """Return what the backend may see of a callback: what the provider sent, and no more.

    Some backends verify a signature over every parameter, or refuse one that they do
    not expect, so what the frontend has in its own URL must not be among them.
    """
    backend = provider.backend
    if issubclass(backend, OpenIdAuth):
        return _openid_arguments(data)
    own = parse_qsl(urlsplit(flow.redirect_uri).query, keep_blank_values=True)
    sent = {name: text for name, text in data.items() if (name, text) not in own}
    if issubclass(backend, AppleIdAuth):
        # Its backend takes the project's client id from there; Apple sends none.
        sent.pop("client_id", None)
    if issubclass(backend, TelegramAuth):
        return _telegram_fields(sent)
    if is_kind(backend, SAML) and "SAMLResponse" in sent:
        # Or core would answer with a page that posts the same to the same place.
        sent[getattr(backend, "BROWSER_RETURN_FIELD", "psa_saml_browser_return")] = "1"
    return sent


def refuse_error(backend: BaseAuth[Any]) -> None:
    """Refuse a callback that says ``error``, in whatever protocol.

    :raises SocialAuthBaseException: the error, as social-core classifies it.
    """
    if isinstance(backend, OAuthAuth):  # Others have a response of their own to look at.
        backend.process_error(backend.data)
    if isinstance(backend, BaseOAuth1) and backend.data.get("denied"):
        raise AuthCanceled(backend, stage="callback")
    error = provider_error(backend, backend.data, stage="callback")
    if error is not None:
        raise error


def _openid_arguments(data: Mapping[str, str]) -> dict[str, str]:
    """Return the arguments of OpenID, and those that stand in its ``return_to``.

    The consumer demands the latter one by one, and refuses any other.
    """
    try:
        return_to = urlsplit(data.get("openid.return_to", ""))
    except ValueError:
        return dict(data)
    expected = {name for name, _ in parse_qsl(return_to.query)} | {"redirect_state"}
    return {
        name: text for name, text in data.items() if name.startswith("openid.") or name in expected
    }


def _telegram_fields(data: Mapping[str, str]) -> dict[str, str]:
    """Return the fields that Telegram has signed.

    Its widget sends them one by one; its page for logins sends them as base64url of
    JSON, in the fragment of the redirect URI, and "false" where the user has declined.
    """
    result = data.get(_TELEGRAM_RESULT)
    if not result:
        return dict(data)
    try:
        fields = json.loads(from_base64(result))
        # JSON can write half a surrogate pair, which no answer of ours could hold.
        json.dumps(fields, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        fields = None
    if fields is False:
        return {"error": "access_denied"}
    if not isinstance(fields, dict):  # The backend says what is missing.
        return {}
    return {name: str(value) for name, value in fields.items()}
