"""The helpers as methods of a test case, for projects without pytest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unittest import TestCase

from social_endpoints.testing.in_process import FakeProviders
from social_endpoints.testing.login import Begun, SocialLogin

if TYPE_CHECKING:
    _Base = TestCase
else:
    _Base = object


class SocialLoginMixin(_Base):
    """A mixin for the test cases of Django and of Django REST framework."""

    social_redirect_uri: str | None = None
    """The redirect URI of the frontend. By default, the first entry of
    ``ALLOWED_REDIRECT_URIS``."""

    _social_providers: FakeProviders | None = None

    @property
    def social_provider(self) -> FakeProviders:
        """The fake providers of the test. Call it with the name of a provider to get its fake."""
        if self._social_providers is None:
            self._social_providers = providers = FakeProviders()
            self.addCleanup(setattr, self, "_social_providers", None)
            self.addCleanup(providers.close)
        return self._social_providers

    def social_login(
        self, client: Any, provider: str, /, *, redirect_uri: str | None = None, **claims: Any
    ) -> Any:
        """Sign a client in and return it. See :meth:`SocialLogin.login`."""
        return self._social_login().login(client, provider, redirect_uri=redirect_uri, **claims)

    def social_begin(
        self,
        client: Any,
        provider: str,
        /,
        *,
        connect: bool = False,
        redirect_uri: str | None = None,
        **params: str,
    ) -> Begun:
        """Begin a login or a connect. See :meth:`SocialLogin.begin`."""
        begin = self._social_login().begin
        return begin(client, provider, connect=connect, redirect_uri=redirect_uri, **params)

    def social_complete(
        self, client: Any, begun: Begun, /, *, error: str = "", **claims: Any
    ) -> Any:
        """Complete a login or a connect. See :meth:`SocialLogin.complete`."""
        return self._social_login().complete(client, begun, error=error, **claims)

    def _social_login(self) -> SocialLogin:
        return SocialLogin(self.social_provider, self.social_redirect_uri)
