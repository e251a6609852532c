"""A view and a task that call the API of a provider."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import requests

from social_endpoints.provider_tokens import (
    AccessToken,
    ProviderAuth,
    ProviderError,
    ProviderTokenError,
    ProviderUnavailable,
    ReauthenticationRequired,
    decrypt_extra_data,
    get_access_token,
)


def list_files(user: Any) -> Any:
    auth = ProviderAuth(user, "google-oauth2", uid="1")
    return requests.get("https://www.googleapis.com/drive/v3/files", auth=auth, timeout=10).json()


def describe(user: Any) -> tuple[str, datetime | None, tuple[str, ...], str]:
    token: AccessToken = get_access_token(user, "github", uid=None, min_lifetime=300)
    return token.token, token.expires_at, token.scopes, token.token_type


def import_files(user: Any) -> int:
    try:
        list_files(user)
    except ReauthenticationRequired:
        return 0
    except ProviderUnavailable as error:
        return error.wait
    except (ProviderError, ProviderTokenError) as error:
        raise RuntimeError(error.cause) from error
    return 0


def bot_token(social: Any) -> str | None:
    extra_data: dict[str, Any] = decrypt_extra_data(social.extra_data)
    token: str | None = extra_data.get("bot", {}).get("bot_access_token")
    return token
