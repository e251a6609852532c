"""The class of a backend, extended with the mixins of ``extensions/``.

To change what a backend of social-core does, write a mixin in ``extensions/`` and add a row
to one of the two tables below.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from functools import lru_cache
from typing import Any, cast

from social_core.backends.apple import AppleIdAuth
from social_core.backends.base import BaseAuth
from social_core.backends.facebook_limited import FacebookLimitedLogin
from social_core.backends.oauth import BaseOAuth1, BaseOAuth2, BaseOAuth2PKCE, OAuthAuth
from social_core.backends.open_id import OpenIdAuth
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.backends.pushbullet import PushbulletOAuth2
from social_core.backends.scistarter import SciStarterOAuth2
from social_core.backends.soundcloud import SoundcloudOAuth2
from social_core.backends.telegram import TelegramAuth

from social_endpoints.internal.backends.extensions.authorization_url import (
    ExactQuery,
    ExactRedirectUri,
    RequestTokenState,
    SciStarterRedirectUri,
    SoundcloudQuery,
)
from social_endpoints.internal.backends.extensions.discovery import (
    CachedDiscovery,
    CachedKeys,
    CachedMicrosoftKeys,
    has_core_discovery,
    has_core_keys,
    has_core_microsoft_keys,
)
from social_endpoints.internal.backends.extensions.openid2 import OpenID2
from social_endpoints.internal.backends.extensions.pipeline import (
    DeletedConnection,
    NativeExtraData,
    PipelineResult,
)
from social_endpoints.internal.backends.extensions.pkce import AddedProofKey, ProofKey
from social_endpoints.internal.backends.extensions.provider_quirks import (
    AppleUser,
    PushbulletUserId,
    TelegramRedirect,
)
from social_endpoints.internal.backends.extensions.revocation import TokenRevocation
from social_endpoints.internal.backends.extensions.saml import SAML
from social_endpoints.internal.backends.extensions.verified_tokens import (
    VerifiedAppleToken,
    VerifiedIdToken,
    VerifiedLimitedToken,
    VerifiedProfile,
    VerifiedUserinfo,
)
from social_endpoints.internal.backends.registry import BackendClass, is_saml
from social_endpoints.internal.network.pool.transport import PooledTransport
from social_endpoints.internal.network.transport import Transport


def _lacks_pkce(backend: BackendClass) -> bool:
    return issubclass(backend, BaseOAuth2) and not issubclass(backend, BaseOAuth2PKCE)


# A base class of the backends that a mixin is for, or a function that recognises them.
_Condition = type[Any] | Callable[[Any], bool]

# Mixins around the whole backend, including the methods of a project's subclass. The first
# one is the outermost; a mixin must stand above the mixins that it inherits from.
_AROUND: tuple[tuple[_Condition, Any], ...] = (
    (BaseAuth, Transport),
    (BaseAuth, PipelineResult),
    (BaseAuth, TokenRevocation),
    (BaseAuth, NativeExtraData),
    (BaseAuth, DeletedConnection),
    (has_core_discovery, CachedDiscovery),
    (has_core_keys, CachedKeys),
    (has_core_microsoft_keys, CachedMicrosoftKeys),
    (AppleIdAuth, AppleUser),
    (PushbulletOAuth2, PushbulletUserId),
    (_lacks_pkce, AddedProofKey),
    (BaseOAuth2PKCE, ProofKey),
    (OpenIdConnectAuth, VerifiedUserinfo),
    (BaseOAuth2, VerifiedProfile),
    (AppleIdAuth, VerifiedAppleToken),
    (FacebookLimitedLogin, VerifiedLimitedToken),
    (BaseOAuth2, VerifiedIdToken),
    (BaseOAuth1, RequestTokenState),
    (OpenIdAuth, OpenID2),
    (is_saml, SAML),
)

# Mixins directly above the class of social-core that they inherit from. A project's subclass
# overrides their methods, and calls them with ``super()``. The most specific ones come first.
_CORRECTIONS: tuple[tuple[type[Any], Any], ...] = (
    (SciStarterOAuth2, SciStarterRedirectUri),
    (SoundcloudOAuth2, SoundcloudQuery),
    (TelegramAuth, TelegramRedirect),
    (BaseOAuth2, ExactQuery),
    (OAuthAuth, ExactRedirectUri),
    (BaseAuth, PooledTransport),
)


def extended(backend: BackendClass) -> Any:
    """Return a backend's class with the extensions that apply to it.

    The class is built once. It keeps the name and the module of the project's class, because
    social-core caches discovery documents by class.
    """
    return _extended(cast("Hashable", backend))


@lru_cache(maxsize=256)
def _extended(backend: Any) -> Any:
    identity = {"__module__": backend.__module__, "__qualname__": backend.__qualname__}
    above = [*_matches(_AROUND, backend)]
    below: list[Any] = []
    for mixin in _matches(_CORRECTIONS, backend):
        # A class cannot precede its own subclass: this backend is social-core's class itself.
        (above if issubclass(mixin, backend) else below).append(mixin)
    return type(backend.__name__, (*above, backend, *below), identity)


def _matches(rows: tuple[tuple[_Condition, Any], ...], backend: Any) -> Iterator[Any]:
    for condition, mixin in rows:
        if issubclass(backend, condition) if isinstance(condition, type) else condition(backend):
            yield mixin
