"""Telegram's login as a redirect."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from social_core.exceptions import AuthConfigurationError

from social_endpoints.internal.backends.extensions.bases import Telegram

_AUTHORIZATION_URL = "https://oauth.telegram.org/auth"


class TelegramRedirect(Telegram):
    """A mixin above the backend's class: begins on the page that the widget opens.

    The backend knows the widget alone, which a page may use as well.
    """

    def auth_url(self) -> str:
        """Return the URL of Telegram's page, which sends the user back to the redirect URI.

        :raises AuthConfigurationError: ``BOT_TOKEN`` is not as Telegram's BotFather
            gives it: the bot's number, a colon, a secret.
        """
        bot, colon, _ = str(self.setting("BOT_TOKEN")).partition(":")
        if not (colon and bot.isdigit()):
            raise AuthConfigurationError(self, parameter="BOT_TOKEN", stage="begin")
        page = urlsplit(str(self.redirect_uri))
        parameters = {
            "bot_id": bot,
            "origin": f"{page.scheme}://{page.netloc}",
            "return_to": self.redirect_uri,
            **self.auth_extra_arguments(),
        }
        return f"{_AUTHORIZATION_URL}?{urlencode(parameters)}"
