"""First logins of several identities with one e-mail address, all at the same time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import responses

from social_endpoints.testing import FakeProvider, ProviderRequest, ProviderResponse
from tests.support.concurrency import THREADS, MeetingPoint, together
from tests.support.email_policies import EMAIL
from tests.support.frontend import Frontend, authorization_params
from tests.support.openid_provider import OpenIDProvider
from tests.support.wire import connect


class MeetingGithub(FakeProvider):
    """GitHub, where all logins ask for the profile at the same time."""

    def respond(self, request: ProviderRequest) -> ProviderResponse:
        if request.path == "/user":
            MeetingPoint.at_the_provider()
        return super().respond(request)


class Newcomers:
    """Several users of GitHub and one of the OpenID provider, who have the same address."""

    def __init__(self, wire: responses.RequestsMock, openid: OpenIDProvider) -> None:
        self.github = MeetingGithub("github", email=EMAIL)
        connect(self.github, wire, r"https://(api\.)?github\.com/")
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
        if provider == "oidc":
            callback = self.openid.authorize(begun.data["authorization_url"])
        else:
            claims = {"sub": str(number), "preferred_username": f"ada{number}"}
            callback = self.github.authorize(authorization_params(begun), claims).callback_params
        return lambda: frontend.complete(begun, callback, provider)
