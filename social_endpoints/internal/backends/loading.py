"""Load a provider's backend, with the mixins of ``extensions/`` added to its class.

To change what a backend of social-core does, write a mixin in ``extensions/`` and add a row
to one of the two tables below.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import lru_cache
from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest
from social_core.backends.base import BaseAuth

from social_endpoints.conf import import_path, import_setting
from social_endpoints.internal.backends.extensions import (
    authorization_url,
    bases,
    discovery,
    encrypted_tokens,
    handoff,
    login_tokens,
    more_access,
    openid2,
    pipeline,
    pkce,
    provider_quirks,
    refresh,
    revocation,
    saml,
    verified_tokens,
)
from social_endpoints.internal.backends.registry import Provider, is_saml
from social_endpoints.internal.flows.flow import Flow
from social_endpoints.internal.flows.primary import PrimaryUsers
from social_endpoints.internal.network.transport import Transport
from social_endpoints.strategy import Strategy


def _lacks_pkce(backend: type[Any]) -> bool:
    return issubclass(backend, bases.OAuth2) and not issubclass(backend, bases.OAuth2PKCE)


# A base class of the backends that a mixin is for, or a function that recognizes them.
_Condition = type[Any] | Callable[[Any], bool]

# Mixins above the project's class, whose methods they override. The first one is the
# outermost; a mixin must precede the mixins that it inherits from.
_AROUND: tuple[tuple[_Condition, Any], ...] = (
    (bases.Backend, encrypted_tokens.EncryptedTokens),
    (bases.Backend, login_tokens.LoginTokens),
    (bases.OAuth, login_tokens.ReceivedToken),
    (bases.Backend, pipeline.PipelineResult),
    (bases.Backend, pipeline.PausedUser),
    (bases.Backend, revocation.TokenRevocation),
    (bases.Backend, pipeline.DeletedConnection),
    (bases.Backend, pipeline.ResponseValidation),
    (bases.OAuth2, refresh.RefreshRequest),
    (bases.OpenIdConnect, refresh.RefreshedIdToken),
    (bases.Vend, refresh.VendRefresh),
    (bases.Weixin, refresh.WeixinRefresh),
    (bases.OpenIdConnect, verified_tokens.ValidIdToken),
    (bases.Microsoft, verified_tokens.ValidMicrosoftToken),
    (bases.Auth0, verified_tokens.ValidAuth0Token),
    (bases.OAuth2, verified_tokens.SingleUseIdToken),
    (discovery.has_core_discovery, discovery.CachedDiscovery),
    (discovery.has_core_keys, discovery.CachedKeys),
    (discovery.has_core_microsoft_keys, discovery.CachedMicrosoftKeys),
    (bases.Apple, provider_quirks.AppleUser),
    (bases.Pushbullet, provider_quirks.PushbulletUserId),
    (bases.OAuth2, more_access.MoreAccess),
    (_lacks_pkce, pkce.AddedProofKey),
    (bases.OAuth2PKCE, pkce.ProofKey),
    (bases.OpenIdConnect, verified_tokens.VerifiedUserinfo),
    (bases.OAuth2, verified_tokens.VerifiedProfile),
    (bases.Apple, verified_tokens.VerifiedAppleToken),
    (bases.FacebookLimited, verified_tokens.VerifiedLimitedToken),
    (bases.OAuth2, verified_tokens.VerifiedIdToken),
    (bases.OAuth1, authorization_url.RequestTokenState),
    (bases.OpenId, openid2.OpenID2),
    (is_saml, saml.SAML),
)

# Mixins between the project's class, which can override their methods, and the class of
# social-core that they inherit from. The most specific ones come first.
_CORRECTIONS: tuple[tuple[type[Any], Any], ...] = (
    (bases.SciStarter, authorization_url.SciStarterRedirectUri),
    (bases.Soundcloud, authorization_url.SoundcloudQuery),
    (bases.Telegram, provider_quirks.TelegramRedirect),
    (bases.OAuth2, authorization_url.ExactQuery),
    (bases.OAuth2, authorization_url.ExactScopes),
    (bases.OAuth2, authorization_url.StateInTheFuture),
    (bases.OAuth2, handoff.HandoffState),
    (bases.OAuth, authorization_url.ExactRedirectUri),
    (bases.Backend, Transport),
)


def load(
    provider: Provider,
    *,
    request: HttpRequest | None,
    data: Mapping[str, str],
    flow: Flow,
    strategy_class: type[Strategy] | None = None,
) -> tuple[Strategy, BaseAuth[Any]]:
    """Return a strategy for a request and a flow, and the backend that uses it.

    :param data: the request parameters that the backend may see.
    :param strategy_class: by default, the class in the setting ``STRATEGY``.
    """
    strategy = (strategy_class or project_strategy())(storage(), request, data=data, flow=flow)
    backend_class = _extended_class(cast("Hashable", provider.backend))
    strategy.backend = backend_class(strategy, redirect_uri=flow.redirect_uri)
    return strategy, strategy.backend


def extend(backend: BaseAuth[Any]) -> BaseAuth[Any]:
    """Return a backend that other code has loaded, with the extensions and the same strategy."""
    if isinstance(backend, pipeline.PipelineResult):
        return backend
    backend_class = _extended_class(cast("Hashable", type(backend)))
    extended: BaseAuth[Any] = backend_class(backend.strategy, redirect_uri=backend.redirect_uri)
    return extended


def project_strategy() -> type[Strategy]:
    """Return the class that the setting ``STRATEGY`` names.

    :raises ImproperlyConfigured: it cannot be imported, or is not a ``Strategy``.
    """
    strategy: type[Strategy] = import_setting("STRATEGY", Strategy)
    return strategy


def storage() -> Any:
    """Return the project's storage class for python-social-auth.

    :raises ImproperlyConfigured: it cannot be imported.
    """
    setting, default = "SOCIAL_AUTH_STORAGE", "social_django.models.DjangoStorage"
    return import_path(getattr(settings, setting, default), setting)


def users() -> PrimaryUsers:
    """Return the project's user storage, which reads from the primary database."""
    return PrimaryUsers(storage().user)


@lru_cache(maxsize=256)
def _extended_class(backend: Any) -> Any:
    """Return a backend's class with the extensions that apply to it.

    The class is built once. It keeps the name and the module of the project's class, which
    social-core stores in ``user.backend``.
    """
    identity = {"__module__": backend.__module__, "__qualname__": backend.__qualname__}
    above = [*_matches(_AROUND, backend)]
    below: list[Any] = []
    for mixin in _matches(_CORRECTIONS, backend):
        # A mixin must precede its base class, which may be this backend itself.
        (above if issubclass(mixin, backend) else below).append(mixin)
    return type(backend.__name__, (*above, backend, *below), identity)


def _matches(rows: tuple[tuple[_Condition, Any], ...], backend: Any) -> Iterator[Any]:
    for condition, mixin in rows:
        if issubclass(backend, condition) if isinstance(condition, type) else condition(backend):
            yield mixin
