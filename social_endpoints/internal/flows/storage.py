"""python-social-auth's storage during a login.

The flow stores what social-core would write at begin: a nonce for the state, and an association
for the nonce of OpenID Connect. So a begin writes nothing, and a completion writes one nonce,
which claims the flow. Reads that decide a login go to the primary database.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import chain
from typing import Any

from django.db import IntegrityError, router, transaction
from social_core.backends.oauth import BaseOAuth1
from social_core.backends.open_id_connect import OpenIdConnectAssociation
from social_core.storage import AssociationMixin
from social_core.utils import PARTIAL_TOKEN_SESSION_NAME

from social_endpoints.internal.flows.columns import LATEST_TIMESTAMP
from social_endpoints.internal.flows.flow import Flow
from social_endpoints.internal.flows.primary import PrimaryCodes, StorageProxy, on_primary
from social_endpoints.internal.flows.usernames import BoundedUsers
from social_endpoints.internal.retries import retry_query

CLAIM_PREFIX = "social_endpoints."
"""Start of ``server_url`` of all claims in social_django's nonce table."""

CLAIMS = f"{CLAIM_PREFIX}flow"
"""``server_url`` of the claims of flows in social_django's nonce table."""

ID_TOKENS = f"{CLAIM_PREFIX}id_token"
"""``server_url`` of the claims of ID tokens that have signed in."""

REDIRECT_ID_TOKENS = f"{CLAIM_PREFIX}id_token.redirect"
"""``server_url`` of the second claim of ID tokens that a redirect login has received."""

LOGOUT_TOKENS = f"{CLAIM_PREFIX}logout_token"
"""``server_url`` of the claims of logout tokens."""

ATTEMPTS = f"{CLAIM_PREFIX}attempt"
"""``server_url`` of the attempts to resume paused logins."""

MAX_ATTEMPTS = 10
"""Attempts to resume one step of a paused login. A step may ask for a code of six digits."""

ASSERTIONS = f"{CLAIM_PREFIX}assertion"
"""``server_url`` of the claims of other signed assertions that have signed in."""

PAUSED_USER = "social_endpoints_user"
"""Keyword argument of a pipeline that contains the user's primary key as text."""

ASKED_SCOPES = "social_endpoints_scope"
"""In the flow, only if the authorization URL has other scopes than the settings: whether they are
asked for in addition to those of the settings, a digit for each scope in ``CONNECT_SCOPES``, and
the other scopes as text. The names of several scopes could make the cookie too long."""

_OAUTH2_STATES = "social_core.oauth2."  # social-core's server_url for the states of OAuth 2
_ASSOCIATION = "oidc_association"
_NONCES = "nonces"

# In the flow: the id of the first flow of a login, the timestamp of the rows that count its
# attempts, and its paused step.
_ATTEMPTS_SESSION_NAME = "social_endpoints_paused"
_DAY = 86_400  # seconds

# The lists that are stored in a flow's session, with the types of their items.
_SESSION_LISTS: dict[str, tuple[Any, ...]] = {
    _ASSOCIATION: (str, str | None, int, int),
    _ATTEMPTS_SESSION_NAME: (str, int, int),
    ASKED_SCOPES: (bool, str, str),
}


def has_session_form(session: dict[str, Any]) -> bool:
    """Return whether a flow's session has the form that this module and social-core read.

    social-core checks what it stores for OAuth 2, but not the request tokens of OAuth 1.
    """
    suffix = BaseOAuth1.UNATHORIZED_TOKEN_SUFIX
    request_tokens = [value for name, value in session.items() if name.endswith(suffix)]
    nonces, partial_token = session.get(_NONCES, []), session.get(PARTIAL_TOKEN_SESSION_NAME, "")
    if not all(isinstance(each, list) for each in (nonces, *request_tokens)):
        return False
    texts = [partial_token, *chain.from_iterable(request_tokens)]
    lists = [(session[name], types) for name, types in _SESSION_LISTS.items() if name in session]
    lists += [(nonce, (str, str)) for nonce in nonces]
    return all(isinstance(each, str) for each in texts) and all(
        isinstance(values, list)
        and len(values) == len(types)
        and all(map(isinstance, values, types))
        and all(abs(each) <= LATEST_TIMESTAMP for each in values if isinstance(each, int))
        for values, types in lists
    )


def claim_flow(flow: Flow, storage: Any) -> bool:
    """Claim a flow for this completion; return False if it has been claimed before.

    The unique constraint of the nonce table lets only one INSERT of all servers succeed. The
    row's timestamp is the flow's expiry, so ``clearsocial`` keeps it while the flow is valid.

    If the connection is lost before the database responds, the INSERT is sent again. It may have
    been stored the first time. Then this returns False: the person has to begin again, but no
    flow completes twice.
    """
    return _claim(storage, CLAIMS, flow.id, flow.expires)


def release_flow(flow: Flow, storage: Any) -> None:
    """Undo :func:`claim_flow`, because the provider was not asked.

    A DELETE that is sent again could delete the claim of another completion.
    """
    _nonces(storage).filter(server_url=CLAIMS, timestamp=flow.expires, salt=flow.id).delete()


def claim_id_token(digest: str, expires: int, storage: Any, *, is_native: bool) -> bool:
    """Claim an ID token for this login; return False if it has signed in before.

    A redirect login is refused only if the token was used in native sign-in. Two redirect logins in
    one second may receive the same token from a provider that puts no nonce into it.

    :param digest: identifies the token; at most 65 characters.
    :param expires: when the token becomes invalid, in seconds since the epoch.
    """
    expires = min(expires, LATEST_TIMESTAMP)
    if is_native:
        return _claim(storage, ID_TOKENS, digest, expires)
    received = {"server_url": REDIRECT_ID_TOKENS, "timestamp": expires, "salt": digest}
    is_first = _claim(storage, ID_TOKENS, digest, expires, REDIRECT_ID_TOKENS)
    return is_first or _nonces(storage).filter(**received).exists()


def claim_attempt(flow: Flow, storage: Any) -> bool:
    """Count an attempt to resume a paused login; return False if there were too many.

    Call it before the transaction of the login, so that a refusal does not undo it. A step that
    pauses again has a new flow but the same count.
    """
    # The unique constraint includes the timestamp, so all rows of a login have the same one.
    login_id, timestamp, step = flow.session.get(_ATTEMPTS_SESSION_NAME, (flow.id, flow.expires, 0))
    salts = (f"{login_id}:{step}:{number}" for number in range(MAX_ATTEMPTS))
    return any(_claim(storage, ATTEMPTS, salt, timestamp) for salt in salts)


def claim_assertion(digest: str, expires: int, storage: Any) -> bool:
    """Claim a signed assertion that contains no nonce, as :func:`claim_id_token` does."""
    return _claim(storage, ASSERTIONS, digest, min(expires, LATEST_TIMESTAMP))


def claim_logout_token(digest: str, expires: int, storage: Any) -> bool:
    """Claim a logout token; return False if one with its identifier was used before.

    The unique constraint includes the timestamp, so it does not refuse another token with the same
    identifier. Each claim begins as a row with the timestamp 0. Until the transaction ends, this
    row makes simultaneous claims of the identifier wait. Roll the transaction back if the result
    is False.

    :param digest: identifies the token; at most 65 characters.
    :param expires: when the token becomes invalid, in seconds since the epoch.
    """
    if not _claim(storage, LOGOUT_TOKENS, digest, 0):
        return False
    claims = _nonces(storage).filter(server_url=LOGOUT_TOKENS, salt=digest)
    if claims.filter(timestamp__gte=int(time.time())).exists():
        return False
    claims.filter(timestamp=0).update(timestamp=min(expires, LATEST_TIMESTAMP))
    return True


def _claim(storage: Any, scope: str, salt: str, timestamp: int, *more_scopes: str) -> bool:
    nonces = _nonces(storage)

    def insert() -> None:
        is_single = transaction.get_autocommit(nonces.db) and not more_scopes
        # A savepoint lets a surrounding transaction continue after the IntegrityError.
        with nullcontext() if is_single else transaction.atomic(using=nonces.db):
            for each in (scope, *more_scopes):
                nonces.create(server_url=each, timestamp=timestamp, salt=salt)

    try:
        retry_query(nonces.db, insert)
    except IntegrityError:
        return False
    return True


def _nonces(storage: Any) -> Any:
    nonces = storage.nonce.objects
    return nonces.using(router.db_for_write(nonces.model))


class _FlowStorageProxy(StorageProxy):
    """Proxy for a storage class of the project. The flow replaces some of its rows."""

    def __init__(self, project: Any, flow: Flow) -> None:
        super().__init__(project)
        self.flow = flow


class FlowStorage(_FlowStorageProxy):
    """The project's storage, with the flow in place of the rows that a begin would write.

    :param storage: the project's storage class (``SOCIAL_AUTH_STORAGE``).
    """

    def __init__(self, storage: Any, flow: Flow) -> None:
        super().__init__(storage, flow)
        self.user = BoundedUsers(storage.user)
        self.code = PrimaryCodes(storage.code)
        self.nonce = FlowNonces(storage.nonce, flow)
        self.association = FlowAssociations(storage.association, flow)
        self.partial = FlowPartials(storage.partial, flow)


class FlowNonces(_FlowStorageProxy):
    """The nonces of this login, stored in the flow; other nonces are the project's.

    The states of OAuth 2 are not stored again: the flow's session contains them.
    """

    def use(self, server_url: str, timestamp: float, salt: str) -> Any:
        if server_url.startswith(_OAUTH2_STATES):
            return True
        if self.flow.is_begun:
            return self._project.use(server_url, timestamp, salt)
        self.flow.session.setdefault(_NONCES, []).append([server_url, salt])
        return True

    def get(self, server_url: str, salt: str) -> Any:
        if [server_url, salt] in self.flow.session.get(_NONCES, []):
            return (server_url, salt)
        if not self._inherits("get"):
            return self._project.get(server_url, salt)
        rows = on_primary(self._project.objects)
        return rows.filter(server_url=server_url, salt=salt).first()

    def delete(self, nonce: Any) -> None:
        if isinstance(nonce, tuple):
            self.flow.session[_NONCES].remove([*nonce])
        else:
            self._project.delete(nonce)

    def consume(self, server_url: str, timestamp: int, salt: str) -> bool:
        if server_url.startswith(_OAUTH2_STATES):
            return True
        return bool(self._project.consume(server_url, timestamp, salt))


class FlowAssociations(_FlowStorageProxy):
    """The nonce of OpenID Connect, stored in the flow; other associations are the project's."""

    def store(self, server_url: str, association: Any) -> None:
        if isinstance(association, OpenIdConnectAssociation):
            attributes = ("handle", "assoc_type", "issued", "lifetime")
            self.flow.session[_ASSOCIATION] = [getattr(association, name) for name in attributes]
        else:
            self._project.store(server_url, association)

    def get(self, **lookup: str) -> Any:
        nonce, *rest = self.flow.session.get(_ASSOCIATION, [None])
        if nonce is not None and nonce == lookup.get("handle"):
            return [FlowAssociation(nonce, *rest)]
        if not self._inherits("get"):
            return self._project.get(**lookup)
        return on_primary(self._project.objects).filter(**lookup)

    def remove(self, ids_to_delete: list[Any]) -> None:
        if self.flow.session.get(_ASSOCIATION, [None])[0] in ids_to_delete:
            del self.flow.session[_ASSOCIATION]
        else:
            self._project.remove(ids_to_delete)


@dataclass
class FlowAssociation(AssociationMixin):
    """The nonce of one OpenID Connect login, with the attributes of an association."""

    handle: str
    assoc_type: str
    issued: int
    lifetime: int

    @property
    def id(self) -> str:
        return self.handle


class FlowPartials(_FlowStorageProxy):
    """The project's paused pipelines, each tied to the flow of its login.

    social-core lets a step decide this (``save_to_session``). Here only the browser that began
    can resume a login.

    :ivar to_stored: returns the data of a paused pipeline as it is stored, with encrypted tokens.
    :ivar to_plain: reverses it; returns None if a token cannot be decrypted.
    """

    to_stored: Callable[[dict[str, Any]], dict[str, Any]]
    to_plain: Callable[[Any], dict[str, Any] | None]

    def store(self, partial: Any) -> Any:
        session = self.flow.session
        session[PARTIAL_TOKEN_SESSION_NAME] = partial.token
        first = (self.flow.id, int(time.time()) + _DAY, 0)
        login_id, timestamp, _ = session.get(_ATTEMPTS_SESSION_NAME, first)
        session[_ATTEMPTS_SESSION_NAME] = [login_id, timestamp, partial.next_step]
        plain, partial.data = partial.data, self.to_stored(partial.data)
        try:
            return self._project.store(partial)
        finally:
            partial.data = plain

    def load(self, token: str) -> Any:
        inherits = self._inherits("load")
        partial = self._stored(token).first() if inherits else self._project.load(token)
        plain = None if partial is None else self.to_plain(partial.data)
        if plain is None:
            return None
        partial.data = plain
        if PAUSED_USER in partial.kwargs:
            partial.kwargs["user"] = partial.kwargs[PAUSED_USER]
        return partial

    def destroy(self, token: str) -> None:
        if not self._inherits("destroy"):
            self._project.destroy(token)
        else:
            self._stored(token).delete()

    def _stored(self, token: str) -> Any:
        return on_primary(self._project.objects).filter(token=token)
