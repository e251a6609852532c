"""First logins of several identities with one e-mail address, all at the same time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import responses

from tests.support.concurrency import THREADS, MeetingPoint, together
from tests.support.email_policies import EMAIL
from tests.support.frontend import Frontend, authorization_params
from tests.support.openid_provider import OpenIDProvider


class Newcomers:
    """Several users of GitHub and one of the OpenID provider, who have the same address."""

    def __init__(self, wire: responses.RequestsMock, openid: OpenIDProvider) -> None:
        token = "https://github.com/login/oauth/access_token"
        wire.add_callback("POST", token, callback=self._token)
        wire.add_callback("GET", "https://api.github.com/user", callback=self._user)
        wire.add_callback("GET", "https://api.github.com/user/emails", callback=self._emails)
        openid.userinfo["email_verified"] = True
        openid.before_userinfo = MeetingPoint.at_the_provider
        self.openid = openid

    def log_in(self, logins: int = THREADS) -> list[Any]:
        """Complete all logins at the same time and return the responses."""
        calls = [self._login("github", number) for number in range(1, logins)]
        calls.append(self._login("oidc", logins))
        MeetingPoint.expect(logins)
        return together(calls)

    def _login(self, provider: str, number: int) -> Callable[[], Any]:
        frontend = Frontend("cookie")
        begun = frontend.begin(provider)
        callback = {"code": str(number), "state": authorization_params(begun)["state"]}
        if provider == "oidc":
            callback = self.openid.authorize(begun.data["authorization_url"])
        return lambda: frontend.complete(begun, callback, provider)

    def _token(self, request: Any) -> tuple[int, dict[str, str], str]:
        code = parse_qs(request.body)["code"][0]
        return 200, {}, f'{{"access_token": "{code}"}}'

    def _user(self, request: Any) -> tuple[int, dict[str, str], str]:
        MeetingPoint.at_the_provider()
        number = request.headers["Authorization"].split()[1]
        return 200, {}, f'{{"id": {number}, "login": "ada{number}"}}'

    def _emails(self, request: Any) -> tuple[int, dict[str, str], str]:
        return 200, {}, f'[{{"email": "{EMAIL}", "primary": true, "verified": true}}]'
