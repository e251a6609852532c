"""How a provider's backend is loaded, with what this app adds to it."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from functools import lru_cache
from typing import Any, cast

from django.conf import settings as django_settings
from django.http import HttpRequest
from social_core.backends.apple import AppleIdAuth
from social_core.backends.base import BaseAuth
from social_core.backends.facebook_limited import FacebookLimitedLogin
from social_core.backends.oauth import BaseOAuth1, BaseOAuth2, BaseOAuth2PKCE, OAuthAuth
from social_core.backends.open_id import OpenIdAuth
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.backends.pushbullet import PushbulletOAuth2
from social_core.backends.telegram import TelegramAuth
from social_core.exceptions import AuthConfigurationError, SocialAuthBaseException

from social_endpoints.conf import import_path, import_setting
from social_endpoints.internal.backends import kinds
from social_endpoints.internal.backends.credentials import missing
from social_endpoints.internal.backends.extensions.apple import AppleUser
from social_endpoints.internal.backends.extensions.discovery import RememberedDiscovery, discovers
from social_endpoints.internal.backends.extensions.exact_parameters import ExactParameters
from social_endpoints.internal.backends.extensions.kept import KeptExtraData
from social_endpoints.internal.backends.extensions.openid2 import OpenID
from social_endpoints.internal.backends.extensions.pkce import AddedProofKey, ProofKey
from social_endpoints.internal.backends.extensions.pushbullet import PushbulletUserId
from social_endpoints.internal.backends.extensions.recorded_pipeline import RecordedPipeline
from social_endpoints.internal.backends.extensions.revocation import Revoking
from social_endpoints.internal.backends.extensions.signing_keys import remembering
from social_endpoints.internal.backends.extensions.telegram import TelegramRedirect
from social_endpoints.internal.backends.extensions.unlinked import StaysUnlinked
from social_endpoints.internal.backends.extensions.verified_profile import (
    VerifiedProfile,
    VerifiedUserinfo,
)
from social_endpoints.internal.backends.extensions.verified_token import (
    VerifiedAppleToken,
    VerifiedIdToken,
    VerifiedLimitedToken,
)
from social_endpoints.internal.backends.kinds import is_kind
from social_endpoints.internal.backends.registry import Provider
from social_endpoints.internal.flows.flow import Flow
from social_endpoints.internal.network.pool.transport import PooledTransport
from social_endpoints.internal.network.transport import Transport
from social_endpoints.strategy import Strategy


def load(
    provider: Provider, *, request: HttpRequest | None, data: Mapping[str, str], flow: Flow
) -> tuple[Strategy, BaseAuth[Any]]:
    """Return a strategy over the data of a request and a flow, and the backend over that.

    :param data: what the backend may see of the request.
    """
    strategy_class: type[Strategy] = import_setting("STRATEGY", Strategy)
    strategy = strategy_class(storage(), request, data=data, flow=flow)
    backend_class = _extended(cast("Hashable", provider.backend))
    strategy.backend = backend_class(strategy, redirect_uri=flow.redirect_uri)
    return strategy, strategy.backend


def require_client(backend: BaseAuth[Any]) -> None:
    """Refuse a backend that would send the user to the provider with ``client_id=None``.

    :raises AuthConfigurationError: a setting without which no login can begin is
        missing, or is of no use; ``parameter`` names it.
    """
    for name in missing(backend, to_begin=True):
        raise AuthConfigurationError(backend, code="missing_setting", parameter=name, stage="begin")
    try:
        backend.get_key_and_secret()
    except SocialAuthBaseException:
        raise  # The backend knows what is wrong.
    except Exception as error:  # To sign Apple's secret with what is no key raises anything.
        raise AuthConfigurationError(backend, parameter="SECRET", stage="begin") from error


def storage() -> Any:
    """Return python-social-auth's storage class of this project.

    :raises ImproperlyConfigured: it cannot be imported.
    """
    setting, default = "SOCIAL_AUTH_STORAGE", "social_django.models.DjangoStorage"
    return import_path(getattr(django_settings, setting, default), setting)


@lru_cache(maxsize=256)
def _extended(backend: Any) -> Any:
    """Return the backend's class with what this app adds to it.

    Built once for each class, under the name and module that the project
    configured, because social-core caches discovery by class. What stands for
    ``BaseAuth.request()`` is last of the bases, and so below the backend's own.
    """
    identity = {"__module__": backend.__module__, "__qualname__": backend.__qualname__}
    if issubclass(backend, BaseOAuth1):
        # The token says which login it is. A parameter in the redirect URI would make it
        # another one, and providers compare.
        identity["REDIRECT_STATE"] = False
    return type(backend.__name__, (*_additions(backend), backend, PooledTransport), identity)


def _additions(backend: Any) -> Iterator[Any]:
    if issubclass(backend, OAuthAuth):
        yield ExactParameters
    yield Transport
    yield RecordedPipeline
    yield Revoking
    yield KeptExtraData
    yield StaysUnlinked
    if discovers(backend):
        yield RememberedDiscovery
    yield from remembering(backend)
    if issubclass(backend, AppleIdAuth):
        yield AppleUser
    if issubclass(backend, PushbulletOAuth2):
        yield PushbulletUserId
    if issubclass(backend, BaseOAuth2):
        yield ProofKey if issubclass(backend, BaseOAuth2PKCE) else AddedProofKey
        yield VerifiedUserinfo if issubclass(backend, OpenIdConnectAuth) else VerifiedProfile
        yield _verified_token(backend)
    if issubclass(backend, OpenIdAuth):
        yield OpenID
    if issubclass(backend, TelegramAuth):
        yield TelegramRedirect
    if is_kind(backend, kinds.SAML):
        # Not before a project has it: it needs a package of its own.
        from social_endpoints.internal.backends.extensions.saml import SAML

        yield SAML


def _verified_token(backend: Any) -> Any:
    if issubclass(backend, AppleIdAuth):
        return VerifiedAppleToken
    if issubclass(backend, FacebookLimitedLogin):
        return VerifiedLimitedToken
    return VerifiedIdToken
