"""Values that views, actions, hooks and token serializers exchange."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

__all__ = ["Connected", "Login", "Paused"]


@dataclass(frozen=True, slots=True)
class AccessToken:
    """An access token of a provider, for the project's own requests.

    :param token: the access token; for OAuth 1.0a, the ``oauth_token``.
    :param expires_at: when it expires, with a time zone; None if this is unknown or never.
    :param scopes: the granted scopes; empty if they are unknown.
    :param token_type: as the provider names it, for example ``Bearer``; ``OAuth`` for OAuth 1.0a.
    """

    token: str = field(repr=False)
    expires_at: datetime | None = None
    scopes: tuple[str, ...] = ()
    token_type: str = "Bearer"


@dataclass(frozen=True, slots=True)
class SealedFlow:
    """An encrypted flow for the browser.

    :param token: the encrypted flow.
    :param correlation_id: the value that the callback will bring back, such as the state.
    :param lifetime: seconds until the flow expires.
    """

    token: str = field(repr=False)
    correlation_id: str = field(repr=False)
    lifetime: int


@dataclass(frozen=True, slots=True)
class ListedProvider:
    """A configured provider, with the values that a sign-in button needs.

    :param name: the name of its backend, as in the paths.
    :param title: its name for users.
    :param icon: a URL, an absolute path, or None.
    :param protocol: ``oauth2``, ``openid_connect``, ``oauth1``, ``openid2``, ``saml`` or ``other``.
    :param capabilities: what the provider can be used for: ``redirect``, ``id_token``,
        ``access_token``, ``connect``.
    """

    name: str
    title: str
    icon: str | None
    protocol: str
    capabilities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Begun:
    """A login or a connect that the browser continues at the provider.

    :param authorization_url: the URL of the provider to which the browser is sent.
    :param flow: the flow with which the login completes.
    """

    authorization_url: str = field(repr=False)
    flow: SealedFlow


@dataclass(frozen=True, slots=True)
class Login:
    """A completed login, for which a token serializer builds the response.

    :param user: an instance of the project's user model.
    :param social: the ``UserSocialAuth`` row of the identity, or None if the pipeline has not
        set one.
    :param provider: the provider's name.
    :param is_new: whether this login has created the user.
    :param new_association: whether this login has created ``social``.
    """

    user: Any
    social: Any
    provider: str
    is_new: bool
    new_association: bool


@dataclass(frozen=True, slots=True)
class Connected:
    """An identity that is connected to the user who began.

    :param user: an instance of the project's user model.
    :param social: the ``UserSocialAuth`` row of the identity.
    :param provider: the provider's name.
    :param new_association: whether this request has created ``social``.
    """

    user: Any
    social: Any
    provider: str
    new_association: bool


@dataclass(frozen=True, slots=True)
class NativeTokens:
    """The tokens that an SDK has obtained: an ID token, an access token or both.

    :param nonce: the random value whose hash the app gave to the SDK.
    :param user: the JSON that Apple gives to an app at a user's first sign-in.
    """

    id_token: str | None = field(default=None, repr=False)
    access_token: str | None = field(default=None, repr=False)
    nonce: str | None = field(default=None, repr=False)
    user: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Paused:
    """A login, a connect or a disconnect whose pipeline waits for the user.

    :param partial_token: the token to resume with; None after a redirect without one.
    :param redirect_to: the URL to which the step redirects the browser, or None.
    :param fields: the form fields that the step asks for, or None.
    :param provider: the provider's name.
    :param flow: the flow to resume with, or None.
    """

    partial_token: str | None = field(repr=False)
    redirect_to: str | None
    fields: list[dict[str, Any]] | None
    provider: str
    flow: SealedFlow | None


class FormText(str):
    """The last value of a form field; ``values`` contains all its values."""

    __slots__ = ("values",)

    values: list[str]
