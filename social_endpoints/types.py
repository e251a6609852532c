"""The values that cross from one room to the next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Connected", "Login", "Paused"]


@dataclass(frozen=True, slots=True)
class SealedFlow:
    """A flow as the browser carries it.

    ``token`` is the encrypted flow, ``key`` what the callback will bring back
    (the state, say), and ``lifetime`` the seconds until it expires.
    """

    token: str = field(repr=False)
    key: str = field(repr=False)
    lifetime: int


@dataclass(frozen=True, slots=True)
class ListedProvider:
    """A configured provider, as a page needs it for a button.

    ``icon`` is a URL or an absolute path, or None. ``capabilities`` are of those that
    :data:`social_endpoints.internal.actions.capabilities.CAPABILITIES` has.
    """

    name: str
    title: str
    icon: str | None
    protocol: str
    capabilities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Begun:
    """A login that can be continued at the provider."""

    authorization_url: str = field(repr=False)
    flow: SealedFlow


@dataclass(frozen=True, slots=True)
class Login:
    """A completed login, which a token serializer answers.

    ``social`` is the row of social_django that links ``user`` to the identity
    at ``provider`` (None where a pipeline leaves none), ``is_new`` says that
    this login created the user, and ``new_association`` that it created the
    link.
    """

    user: Any
    social: Any
    provider: str
    is_new: bool
    new_association: bool


@dataclass(frozen=True, slots=True)
class Connected:
    """An identity that is linked to the user who began.

    ``social`` is the row of social_django, and ``new_association`` says that it has
    just been created.
    """

    user: Any
    social: Any
    provider: str
    new_association: bool


@dataclass(frozen=True, slots=True)
class NativeTokens:
    """What a native app holds of a login at a provider.

    An ID token, an access token, or both; the ``nonce`` that the app has asked for the
    ID token with; and ``user``, what Apple tells an app of a new user, as JSON.
    """

    id_token: str | None = field(default=None, repr=False)
    access_token: str | None = field(default=None, repr=False)
    nonce: str | None = field(default=None, repr=False)
    user: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Paused:
    """A login whose pipeline waits for the user to answer something.

    ``redirect_to`` is where the step wanted to send the browser, ``fields``
    what it asks for, as data; either is None where the step did not say.
    ``partial_token`` and ``flow`` are None where the step has only sent the
    browser away, and there is nothing to continue.
    """

    partial_token: str | None = field(repr=False)
    redirect_to: str | None
    fields: list[dict[str, Any]] | None
    flow: SealedFlow | None


class FormText(str):
    """A text of a form: the last of its values, as ever, and ``values``, all of them."""

    __slots__ = ("values",)

    values: list[str]
