"""python-social-auth's storage, as far as a flow takes its place.

What core writes when a login begins (a nonce row for the state or for Discourse, an
association row for the nonce of OpenID Connect) stands in the flow, so it is answered
from there and a begin writes nothing. A completion writes one row: its claim.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import IntegrityError, router, transaction
from django.db.models.signals import post_save, pre_save
from social_core.backends.open_id_connect import OpenIdConnectAssociation
from social_core.storage import AssociationMixin
from social_core.utils import PARTIAL_TOKEN_SESSION_NAME

from social_endpoints.internal.flows.flow import Flow

CLAIMS = "social_endpoints.flow"
"""The scope (``server_url``) of the claims in social_django's nonce table."""

ID_TOKENS = "social_endpoints.id_token"
"""The scope of the claims of ID tokens that have signed in."""

_LATEST = 2**31 - 1  # what the column of a nonce's time holds

_OAUTH2_STATES = "social_core.oauth2."  # what core's BaseOAuth2 scopes its states with
_ASSOCIATION = "oidc_association"
_NONCES = "nonces"


def claim(flow: Flow, storage: Any) -> bool:
    """Claim a flow for this completion; False where another has claimed it.

    One INSERT under the unique constraint of the nonce table decides, whatever
    server or database connection the other one came through. The row is dated
    with the flow's expiry, so that ``clearsocial`` keeps it for as long as the
    flow could be sent again.
    """
    return _claim(storage, CLAIMS, flow.id, flow.expires)


def claim_id_token(digest: str, expires: int, storage: Any) -> bool:
    """Claim an ID token for this login; False where it has signed in already.

    :param digest: what no other token has; at most 65 characters.
    :param expires: from when on it signs in no more, in seconds since the epoch.
    """
    return _claim(storage, ID_TOKENS, digest, min(expires, _LATEST))


def _claim(storage: Any, scope: str, salt: str, timestamp: int) -> bool:
    nonces = storage.nonce.objects
    nonces = nonces.using(router.db_for_write(nonces.model))
    within = not transaction.get_autocommit(nonces.db)
    try:
        # A transaction has to go on after a refusal; alone, one INSERT is one already.
        with transaction.atomic(using=nonces.db) if within else nullcontext():
            nonces.create(server_url=scope, timestamp=timestamp, salt=salt)
    except IntegrityError:
        return False
    return True


class FlowStorage:
    """The project's storage, with the flow in place of what a begin would write.

    :param storage: the storage class of the project (``SOCIAL_AUTH_STORAGE``).
    """

    def __init__(self, storage: Any, flow: Flow) -> None:
        self._storage = storage
        self.user = FlowUsers(storage.user)
        self.nonce = FlowNonces(flow, storage.nonce)
        self.association = FlowAssociations(flow.session, storage.association)
        self.partial = FlowPartials(flow.session, storage.partial)

    def __getattr__(self, name: str) -> Any:
        return _delegated(self, "_storage", name)


def _delegated(holder: Any, attribute: str, name: str) -> Any:
    if name.startswith("_"):  # Or copying would look for its own hooks without an end.
        raise AttributeError(name)
    return getattr(getattr(holder, attribute), name)


@dataclass
class FlowUsers:
    """The project's identities.

    ``relations`` are one-to-one relations of the user model that the answer to a login
    reads. They are read with the identity and its user, in one query.
    """

    _project: Any
    relations: tuple[str, ...] = ()

    def get_social_auth(self, *args: Any, **kwargs: Any) -> Any:
        """Return an identity as the project's storage does, or None."""
        find = self._project.get_social_auth
        using = router.db_for_write(self._project.user_model())
        names = [f"user__{name}" for name in self.relations if self._is_joined(name, using)]
        if not names or find.__module__ != "social_django.models":
            return find(*args, **kwargs)
        # No replica: it may still have a token that is deleted.
        identities = self._project.objects.using(using)
        # A receiver may change what would have been read before.
        if any(signal.has_listeners(identities.model) for signal in (pre_save, post_save)):
            return find(*args, **kwargs)
        # All that it takes of its class is the manager.
        joined = identities.select_related(*names)
        return find.__func__(SimpleNamespace(objects=joined), *args, **kwargs)

    def _is_joined(self, name: str, using: str) -> bool:
        """Say whether users have such a relation, and to what is in their own database."""
        try:
            relation = self._project.user_model()._meta.get_field(name)
        except FieldDoesNotExist:
            return False
        return bool(relation.one_to_one) and router.db_for_write(relation.related_model) == using

    def __getattr__(self, name: str) -> Any:
        return _delegated(self, "_project", name)


@dataclass(frozen=True)
class FlowNonce:
    """A nonce of one login."""

    server_url: str
    salt: str


@dataclass(frozen=True)
class FlowNonces:
    """The nonces with which the login has begun, kept in the flow; else the project's.

    Those of OAuth 2 are its states, which stand in the flow anyway.
    """

    flow: Flow
    _project: Any

    def use(self, server_url: str, timestamp: float, salt: str) -> Any:
        if server_url.startswith(_OAUTH2_STATES):
            return True
        if self.flow.is_begun:
            return self._project.use(server_url, timestamp, salt)
        self.flow.session.setdefault(_NONCES, []).append([server_url, salt])
        return True

    def get(self, server_url: str, salt: str) -> Any:
        if [server_url, salt] in self.flow.session.get(_NONCES, []):
            return FlowNonce(server_url, salt)
        return self._project.get(server_url, salt)

    def delete(self, nonce: Any) -> None:
        if isinstance(nonce, FlowNonce):
            self.flow.session[_NONCES].remove([nonce.server_url, nonce.salt])
        else:
            self._project.delete(nonce)

    def consume(self, server_url: str, timestamp: int, salt: str) -> bool:
        if server_url.startswith(_OAUTH2_STATES):
            return True
        return bool(self._project.consume(server_url, timestamp, salt))

    def __getattr__(self, name: str) -> Any:
        return _delegated(self, "_project", name)


@dataclass(frozen=True)
class FlowAssociations:
    """The nonce of OpenID Connect, kept in the flow; else the project's associations."""

    session: dict[str, Any]
    _project: Any

    def store(self, server_url: str, association: Any) -> None:
        if isinstance(association, OpenIdConnectAssociation):
            nonce, state = association.handle, association.assoc_type
            self.session[_ASSOCIATION] = [nonce, state, association.issued, association.lifetime]
        else:
            self._project.store(server_url, association)

    def get(self, **wanted: str) -> Any:
        nonce, *rest = self.session.get(_ASSOCIATION, [None])
        if nonce is None or nonce != wanted.get("handle"):
            return self._project.get(**wanted)
        return [FlowAssociation(nonce, *rest)]

    def remove(self, ids_to_delete: list[Any]) -> None:
        if self.session.get(_ASSOCIATION, [None])[0] in ids_to_delete:
            del self.session[_ASSOCIATION]
        else:
            self._project.remove(ids_to_delete)

    def __getattr__(self, name: str) -> Any:
        return _delegated(self, "_project", name)


@dataclass(frozen=True)
class FlowPartials:
    """The project's paused pipelines; the flow knows which one is its own.

    Core leaves that to the step (``save_to_session``), but a login continues only from
    the browser that began it.
    """

    session: dict[str, Any]
    _project: Any

    def store(self, partial: Any) -> Any:
        self.session[PARTIAL_TOKEN_SESSION_NAME] = partial.token
        return self._project.store(partial)

    def __getattr__(self, name: str) -> Any:
        return _delegated(self, "_project", name)


@dataclass
class FlowAssociation(AssociationMixin):
    """The nonce of one OpenID Connect login, in the shape of an association."""

    handle: str
    assoc_type: str
    issued: int
    lifetime: int

    @property
    def id(self) -> str:
        """Return what ``remove()`` takes: the nonce is its own key."""
        return self.handle
