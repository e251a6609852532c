"""Corrections and additions for the backends of single providers."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode, urlsplit

from social_core.exceptions import (
    AuthConfigurationError,
    AuthCredentialError,
    AuthInputError,
    ErrorStage,
)

from social_endpoints.internal.backends.extensions.bases import Apple, Pushbullet, Telegram
from social_endpoints.internal.backends.id_tokens.issuers import own_client_ids
from social_endpoints.internal.flows.redirect_uris import with_parameters
from social_endpoints.internal.flows.storage import claim_assertion

_TELEGRAM_URL = "https://oauth.telegram.org/auth"
_TELEGRAM_LIFETIME = 86_400
"""Seconds for which social-core accepts a signature of Telegram."""


class AppleUser(Apple):
    """Validate ``user``, which Apple sends through the browser at a user's first login.

    social-core passes the parameter to ``json.loads()`` and reads its fields without a check, so
    anyone could cause a 500. Remove when ``AppleIdAuth`` raises ``AuthInputError`` instead.
    """

    def auth_complete(self, *args: Any, **kwargs: Any) -> Any:
        """Validate ``user`` and complete a redirect login.

        :raises AuthInputError: ``user`` is not JSON of the form ``{"name": {"firstName": …,
            "lastName": …}, "email": …}`` (Apple, "Request an authorization to the Sign in with
            Apple server").
        """
        self._validate_user("callback")
        return super().auth_complete(*args, **kwargs)

    def do_auth(self, *args: Any, **kwargs: Any) -> Any:
        """Validate ``user``, which a native app may send, and sign in with a token.

        :raises AuthInputError: see ``auth_complete()``.
        """
        self._validate_user("token_validation")
        backend: Any = super()  # This method of social-core has no annotations.
        return backend.do_auth(*args, **kwargs)

    def get_audience(self) -> list[str]:
        """Return all client ids of the project.

        social-core leaves ``CLIENT`` out if ``AUDIENCE`` is set. Remove when it does not.
        """
        return sorted(own_client_ids(self))

    def _validate_user(self, stage: ErrorStage) -> None:
        if not _is_apple_user(self.data.get("user", "{}")):
            raise AuthInputError(self, parameter="user", stage=stage)


def _is_apple_user(text: str) -> bool:
    try:
        user = json.loads(text)
        # JSON can contain half of a surrogate pair, which databases cannot store.
        json.dumps(user, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return False
    name = user.get("name", {}) if isinstance(user, dict) else None
    return isinstance(name, dict) and all(
        value is None or (isinstance(value, str) and "\0" not in value) for value in name.values()
    )


class PushbulletUserId(Pushbullet):
    """Encode the access token before social-core passes it to ``b64encode()``.

    social-core's backend passes a ``str``, which raises ``TypeError`` in every login. Remove
    when ``PushbulletOAuth2.get_user_id()`` encodes it.
    """

    def get_user_id(self, details: Any, response: Any) -> Any:
        encoded = {**details, "username": str(details["username"]).encode()}
        return super().get_user_id(encoded, response)  # type: ignore[no-untyped-call]  # core's


class TelegramRedirect(Telegram):
    """Add a redirect login to Telegram's backend, and bind Telegram's assertion to it.

    social-core's backend only supports Telegram's login widget. The redirect opens the same page
    as the widget. Telegram signs no state, and its signature is valid for a day. So a state is
    part of the redirect URI, and an assertion signs in once. Remove when ``TelegramAuth`` has an
    ``auth_url()`` and a state, and rejects a replay.
    """

    def auth_url(self) -> str:
        """Return the URL of Telegram's login page.

        :raises AuthConfigurationError: ``BOT_TOKEN`` is not of the form ``<number>:<secret>``
            that Telegram's BotFather issues.
        """
        bot, colon, _ = str(self.setting("BOT_TOKEN")).partition(":")
        if not (colon and bot.isdigit()):
            raise AuthConfigurationError(self, parameter="BOT_TOKEN", stage="begin")
        state = self.strategy.random_string(32)
        self.strategy.session_set(f"{self.name}_state", state)
        page = urlsplit(str(self.redirect_uri))
        parameters = {
            "bot_id": bot,
            "origin": f"{page.scheme}://{page.netloc}",
            "return_to": with_parameters(str(self.redirect_uri), {"state": state}),
            **self.auth_extra_arguments(),
        }
        return f"{_TELEGRAM_URL}?{urlencode(parameters)}"

    def verify_data(self, response: Any) -> None:
        """Require a valid signature of Telegram that was not used before.

        :raises AuthCredentialError: the signature was used before.
        """
        super().verify_data(response)
        expires = int(response["auth_date"]) + _TELEGRAM_LIFETIME
        if not claim_assertion(response["hash"], expires, self.strategy.storage):
            raise AuthCredentialError(
                self, source="request", stage="callback", recovery="restart_login"
            )
