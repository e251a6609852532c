"""A connect that asks for more scopes than a login: those in ``CONNECT_SCOPES``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from time import time
from typing import Any
from urllib.parse import unquote_plus

from django.core.exceptions import ImproperlyConfigured
from social_core.backends.azuread import AzureADOAuth2
from social_core.backends.facebook import FacebookOAuth2
from social_core.backends.github import GithubOAuth2
from social_core.backends.google import GoogleOAuth2
from social_core.backends.microsoft import MicrosoftOAuth2
from social_core.backends.oauth import BaseOAuth2

from social_endpoints.conf import NAME, settings
from social_endpoints.internal.backends.extensions.bases import OAuth2
from social_endpoints.internal.backends.extensions.login_tokens import LOGIN as LOGIN_STATE
from social_endpoints.internal.backends.extensions.login_tokens import configured_scopes
from social_endpoints.internal.backends.registry import BackendClass
from social_endpoints.internal.connections.encryption import to_plain
from social_endpoints.internal.connections.token_response import is_scope
from social_endpoints.internal.connections.token_state import read_state
from social_endpoints.internal.flows.flow import LOGIN

CONNECT_SCOPES = f"{NAME}['CONNECT_SCOPES']"
"""The setting, as messages name it."""

# Providers whose tokens also give the access that the user granted before. Google does so if the
# request contains ``include_granted_scopes`` ("Incremental authorization"), Microsoft always
# ("Incremental and dynamic user consent").
_INCREMENTAL = (GoogleOAuth2, AzureADOAuth2, MicrosoftOAuth2)

_GOOGLE = {"include_granted_scopes": "true"}

# Otherwise, Facebook does not ask again for a permission that the user has declined.
_FACEBOOK = {"auth_type": "rerequest"}


def connect_scopes(provider: str) -> Collection[str]:
    """Return the scopes that ``CONNECT_SCOPES`` lists for a provider.

    :raises ImproperlyConfigured: the setting is not a dictionary of lists.
    """
    scopes = settings.CONNECT_SCOPES or {}
    if not isinstance(scopes, Mapping):
        raise ImproperlyConfigured(f"{CONNECT_SCOPES} must be a dictionary.")
    listed = scopes.get(provider, ())
    # A string is refused, because `in` would find substrings of it.
    if not isinstance(listed, (list, tuple, set, frozenset)):
        raise ImproperlyConfigured(f"{CONNECT_SCOPES}[{provider!r}] must be a list of scopes.")
    return listed


def require_scopes(backend: BackendClass) -> None:
    """Require a backend to have scopes.

    :raises ImproperlyConfigured: its protocol is not OAuth 2.0.
    """
    if not has_scopes(backend):
        raise ImproperlyConfigured(
            f"{CONNECT_SCOPES} contains {backend.name!r}, which does not use OAuth 2.0."
        )


def has_scopes(backend: BackendClass) -> bool:
    """Return whether the protocol of a backend has scopes: OAuth 2.0 or OpenID Connect."""
    return issubclass(backend, BaseOAuth2)


class MoreAccess(OAuth2):
    """Add scopes to the authorization request of a connect.

    :ivar more_scopes: the added scopes; empty unless :meth:`ask_for` was called.
    """

    more_scopes: tuple[str, ...] = ()

    @property
    def listed_scopes(self) -> list[str]:
        """The scopes that a client may ask for, in a fixed order."""
        return sorted(map(str, connect_scopes(self.name)))

    def ask_for(self, scopes: Iterable[str], granted: Iterable[str]) -> None:
        """Add the scopes that a client asks for.

        :param granted: the scopes that the user granted before. Unless the provider adds them, they
            are asked for again: the new token replaces the stored one.
        """
        separator = self._separator()
        again = [each for each in granted if is_scope(each) and separator not in each]
        more = scopes if self._adds_granted() else [*again, *scopes]
        self.more_scopes = tuple(dict.fromkeys(more))

    def get_scope(self) -> list[str]:
        scopes = super().get_scope()
        present = " ".join(scopes).split() if self.more_scopes else ()
        return [*scopes, *(each for each in self.more_scopes if each not in present)]

    def get_scope_argument(self) -> dict[str, str]:
        """Return the parameter with all scopes, even if a backend has its own ``get_scope()``."""
        backend: Any = super()  # This method of social-core has no annotations.
        return self._with_more_scopes(backend.get_scope_argument())

    def auth_extra_arguments(self) -> dict[str, str]:
        """Return the extra parameters, of which ``scope`` replaces the parameter."""
        extra = super().auth_extra_arguments()
        if isinstance(self, GoogleOAuth2) and connect_scopes(self.name):
            # A login also needs it, because its token replaces the stored one.
            extra = {**extra, **_GOOGLE}
        if isinstance(self, FacebookOAuth2) and self.more_scopes:
            extra = {**_FACEBOOK, **extra}
        return self._with_more_scopes(extra) if self.SCOPE_PARAMETER_NAME in extra else extra

    def extra_data(
        self, user: Any, uid: str, response: Any, details: Any, pipeline_kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the extra data to store, without a token that would take access away."""
        data = super().extra_data(user, uid, response, details, pipeline_kwargs)
        return {**data, "access_token": None} if self._keeps_token(pipeline_kwargs) else data

    def _keeps_token(self, pipeline_kwargs: Mapping[str, Any]) -> bool:
        """Return whether the stored token remains, because it has more access than a login's.

        It is replaced by a connect, or by a login after it has expired or was rejected. It is also
        replaced if the provider has added the scopes that are granted now.
        """
        social, login = pipeline_kwargs.get("social"), pipeline_kwargs.get(LOGIN_STATE)
        strategy: Any = self.strategy
        if not (social and login) or strategy.flow.purpose != LOGIN:
            return False
        if not login.get("is_native") and self._login_adds_granted():
            return False
        scopes = {*login.get("scopes", ())}
        if not connect_scopes(self.name) or not _has_more(social, scopes):
            return False
        # Another process may have refreshed the token, or its refresh may have been rejected.
        strategy.storage.user.read_extra_data_again(social)
        return _has_more(social, scopes)

    def _login_adds_granted(self) -> bool:
        """Return whether the provider adds the scopes granted before to those of a login.

        GitHub does so if the request has no scope ("Authorizing OAuth apps").
        """
        is_github = isinstance(self, GithubOAuth2)
        return self._adds_granted() or (is_github and not configured_scopes(self))

    def _adds_granted(self) -> bool:
        return isinstance(self, _INCREMENTAL)

    def _with_more_scopes(self, parameters: Mapping[str, str]) -> dict[str, str]:
        name, separator = self.SCOPE_PARAMETER_NAME, self._separator()
        present = [each for each in parameters.get(name, "").split(separator) if each]
        missing = [each for each in self.more_scopes if each not in present]
        return {**parameters, **({name: separator.join([*present, *missing])} if missing else {})}

    def _separator(self) -> str:
        return unquote_plus(self.SCOPE_SEPARATOR)


def _has_more(social: Any, scopes: set[str]) -> bool:
    """Return whether a stored access token has more than these scopes and can be used."""
    state = read_state(social.extra_data)
    if state.needs_reconnect or not scopes < {*state.scopes}:
        return False
    is_live = state.expires_at is None or state.expires_at > time()
    return is_live or bool(to_plain(social.extra_data).get("refresh_token"))
