"""End the logins of a user whom the provider has signed out.

The protocol is OpenID Connect Back-Channel Logout 1.0.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from django.http import HttpRequest
from social_core.exceptions import SocialAuthBaseException

from social_endpoints import signals
from social_endpoints.conf import get_names
from social_endpoints.exceptions import BackchannelLogoutDisabled, EndpointError
from social_endpoints.internal.backends import loading
from social_endpoints.internal.backends.extensions.discovery import document_renewal
from social_endpoints.internal.backends.extensions.encrypted_tokens import token_aliases
from social_endpoints.internal.backends.id_tokens.issuers import find_issuer
from social_endpoints.internal.backends.id_tokens.logout_tokens import claim_once, verified_claims
from social_endpoints.internal.backends.registry import OPENID_CONNECT, Provider, find, protocol
from social_endpoints.internal.backends.setting_types import require_valid_settings
from social_endpoints.internal.connections.encryption import find_tokens
from social_endpoints.internal.flows.flow import LOGIN, Flow
from social_endpoints.internal.log.events import log_completed
from social_endpoints.internal.native.access_token import input_error
from social_endpoints.internal.native.id_token import MAX_TOKEN_LENGTH
from social_endpoints.internal.network.sessions import ProviderRequests
from social_endpoints.internal.translation import translate_errors

LOGOUT_TOKEN = "logout_token"

_SUBJECT = "sub"
_SERVER_ERROR = 500


def find_backchannel_provider(name: str) -> Provider:
    """Return a configured provider that ``BACKCHANNEL_LOGOUT_PROVIDERS`` lists.

    :raises ProviderNotSupported: no configured provider has this name.
    :raises BackchannelLogoutDisabled: the list does not contain it, or its backend is not for
        OpenID Connect.
    :raises ImproperlyConfigured: the setting is not a list.
    """
    names, provider = get_names("BACKCHANNEL_LOGOUT_PROVIDERS"), find(name)
    if name not in names or protocol(provider.backend) != OPENID_CONNECT:
        raise BackchannelLogoutDisabled(name)
    return provider


def log_out_by_provider(
    *, provider: Provider, logout_token: str, request: HttpRequest, revoke: Callable[[Any], None]
) -> None:
    """Verify a logout token and end the logins of its user.

    An unknown user is not an error. The claim of the token, the end of the logins and the signal
    are one transaction. If it fails, the provider can send the token again.

    :param revoke: ends the logins of a user; called inside the transaction.
    :raises EndpointError: the token is not valid or was used before, or the provider failed.
    :raises ConfigurationError: the project's settings are wrong.
    """
    with translate_errors("token_validation"):
        flow = Flow(provider.name, LOGIN, "")
        strategy, backend = loading.load(provider, request=request, data={}, flow=flow)
        claims = _verify(backend, logout_token)
        end_logins = partial(_end_logins, provider, backend, claims, request, revoke)
        with strategy.unit_of_work as work:
            users = work.finish(work.run(end_logins), list)
    if not users:
        log_completed("backchannel logout")
    for user in users:
        log_completed("backchannel logout", user=user.pk)


def is_provider_failure(error: EndpointError) -> bool:
    """Return whether a token could not be verified because its keys could not be fetched."""
    cause: Any = error.__cause__
    return error.status_code < _SERVER_ERROR and (
        error.body["error_recovery"] == "retry_later"
        or error.body["error_code"] == "malformed_response"  # discovery, keys
        or "host" in getattr(cause, "context", {})
        or getattr(cause, "claim", None) in {"issuer", "jwks_uri"}  # discovery
    )


def _verify(backend: Any, logout_token: str) -> dict[str, Any]:
    require_valid_settings(backend, "token_validation")
    if len(logout_token) > MAX_TOKEN_LENGTH or not logout_token.isascii():
        raise input_error(backend, "invalid_parameter", LOGOUT_TOKEN)
    issuer: Any = find_issuer(backend)  # Each backend for OpenID Connect has one.
    with ProviderRequests(), document_renewal(backend):
        return verified_claims(issuer, logout_token)


def _end_logins(
    provider: Provider,
    backend: Any,
    claims: dict[str, Any],
    request: HttpRequest,
    revoke: Callable[[Any], None],
) -> list[Any]:
    """Claim the token, end the logins of its users, and return the users."""
    claim_once(backend, claims)
    connections = {social.user.pk: social for social in _find_connections(backend, claims)}
    aliases = token_aliases(backend)
    # The strategy hides these tokens in the log: an exception of the project may contain them.
    tokens = [find_tokens(social.extra_data, aliases) for social in connections.values()]
    backend.strategy.provider_response = {"tokens": tokens}
    for social in connections.values():
        revoke(social.user)
        signals.logged_out_by_provider.send(
            sender=type(social.user),
            request=request,
            user=social.user,
            social=social,
            provider=provider.name,
        )
    return [social.user for social in connections.values()]


def _find_connections(backend: Any, claims: dict[str, Any]) -> list[Any]:
    """Return the connections of a subject, of inactive users as well.

    The identifier of a connection is the subject, unless ``ID_KEY`` names another claim or the
    connection is older than the subject as its identifier. Then social-core has stored the subject
    in ``extra_data``.
    """
    users, id_key = backend.strategy.storage.user, backend.id_key()
    for uid in _user_ids(backend, claims):
        for stored_key in (id_key, ""):  # Rows of older versions have an empty key.
            social = users.get_social_auth(backend.name, uid, id_key=stored_key)
            if social is not None:
                return [social]
    has_legacy_ids = backend.LEGACY_ID_KEYS or backend.setting("LEGACY_ID_KEYS")
    if id_key == _SUBJECT and not has_legacy_ids:
        return []  # The query below has no index.
    names = backend.get_stored_user_id_keys(_SUBJECT)
    found: list[Any] = users.get_social_auths_by_extra_data(backend.name, names, claims[_SUBJECT])
    return found


def _user_ids(backend: Any, claims: dict[str, Any]) -> list[str]:
    """Return the identifier that the backend builds from the subject, if it needs nothing else."""
    subject = {_SUBJECT: claims[_SUBJECT]}
    backend.id_token = dict(subject)
    # A backend of the project may read any part of a profile.
    with suppress(SocialAuthBaseException, AttributeError, LookupError, TypeError):
        if uid := backend.get_user_id({}, dict(subject)):
            return [str(uid)]
    return []
