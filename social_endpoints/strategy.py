"""python-social-auth's strategy for Django, over request data and a flow."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import cached_property, lru_cache
from functools import partial as bind
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

from django.db import router
from django.http import HttpRequest
from django.utils.crypto import get_random_string
from social_core.backends.base import BaseAuth
from social_core.exceptions import AuthResponseError, AuthSessionError
from social_core.storage import PartialMixin
from social_core.strategy import BaseStrategy
from social_core.utils import setting_name
from social_django.strategy import DjangoStrategy

from social_endpoints.conf import get_seconds
from social_endpoints.internal.accounts.creation import create_account
from social_endpoints.internal.flows.flow import Flow
from social_endpoints.internal.flows.storage import FlowStorage
from social_endpoints.internal.flows.transaction import UnitOfWork
from social_endpoints.questions import Question, confirmation

__all__ = ["Strategy"]

ResponseT = TypeVar("ResponseT")


class Strategy(DjangoStrategy):
    """What a backend and a pipeline see of the project and of the request.

    ``session_get()`` and ``session_set()`` work on the flow, ``request_data()``
    is what the provider sent, and ``request`` is Django's request. A project may
    name a subclass in the setting ``STRATEGY``, to answer ``get_setting(name)``
    from ``self.request``, for example.

    :param storage: the storage class of the project.
    :param request: Django's request.
    :param data: what the provider sent back, or at begin what the project's
        settings let through.
    :param flow: the flow that stands where a session stood.
    """

    def __init__(
        self,
        storage: Any,
        request: HttpRequest | None,
        *,
        data: Mapping[str, str],
        flow: Flow,
    ) -> None:
        # DjangoStrategy.__init__ wants request.session, which a project need not have.
        flow_storage: Any = FlowStorage(storage, flow)
        BaseStrategy.__init__(self, flow_storage)
        self.request = request
        self.flow = flow
        self.session: Any = flow.session
        self.data = dict(data)
        self.backend: BaseAuth[Any] | None = None
        self.revocations: list[Any] | None = None
        self.before_pipeline: Callable[[], None] | None = None
        self.user_relations: tuple[str, ...] = ()
        self._unset: set[str] = set()
        self.unit_of_work = UnitOfWork(router.db_for_write(storage.user))

    @cached_property
    def deadline(self) -> float:
        """When the provider must have answered everything, by ``time.monotonic()``.

        The time begins with the first question.
        """
        return time.monotonic() + get_seconds("LOGIN_TIMEOUT")

    def get_backend(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Return the backend over this strategy if it is that of a provider, else a new one."""
        if self.backend is not None and self.backend.name == name:
            return self.backend
        return super().get_backend(name, *args, **kwargs)

    def setting(self, name: str, default: Any = None, backend: Any = None) -> Any:
        """Return a setting: the backend's own, else the project's.

        Core asks for one of them without the backend that it is about. A login asks for
        some ninety, most of which nobody has set, and core puts their names together and
        looks for them each time.
        """
        if name == "REVOKE_TOKENS_ON_DISCONNECT":
            backend = backend or self.backend
        get: Callable[[str], Any] = self.get_setting
        for each in _setting_names(name, backend.name if backend else None):
            if each in self._unset:
                continue
            try:
                return get(each)
            except (AttributeError, KeyError):
                # A project's own settings may depend on how far the login is.
                if type(self).get_setting is DjangoStrategy.get_setting:
                    self._unset.add(each)
        return default

    def random_string(self, length: int = 12, chars: str = BaseStrategy.ALLOWED_CHARS) -> str:
        """Return random characters; letters and digits, unless others are wanted.

        Django asks the system for each of them. A begin takes some two hundred.
        """
        if chars != BaseStrategy.ALLOWED_CHARS:
            return get_random_string(length, chars)
        text = ""
        while len(text) < length:
            text += secrets.token_bytes(2 * length).translate(_CHARACTERS, _SURPLUS).decode()
        return text[:length]

    def get_request_data(self, merge: bool = True) -> dict[str, Any]:
        """Return the data of this login; there is no second part to merge."""
        return dict(self.data)

    def request_get(self) -> dict[str, Any]:
        """Return the data of this login, if it came in a query."""
        return {} if self._was_posted() else dict(self.data)

    def request_post(self) -> dict[str, Any]:
        """Return the data of this login, if it was posted: as JSON, too, and handed off."""
        return dict(self.data) if self._was_posted() else {}

    def request_is_secure(self) -> bool:
        """Say whether the provider's answer came over HTTPS."""
        return self._answered_at().scheme == "https"

    def request_host(self) -> str:
        """Return the host, with its port, that the provider's answer came to."""
        return self._answered_at().netloc

    def request_path(self) -> str:
        """Return the path that the provider's answer came to."""
        return self._answered_at().path

    def request_port(self) -> int:
        """Return the port that the provider's answer came to."""
        answered = self._answered_at()
        return answered.port or {"https": 443}.get(answered.scheme, 80)

    def _was_posted(self) -> bool:
        return self.request is not None and self.request.method == "POST"

    def _answered_at(self) -> SplitResult:
        """Return the URL of this request, or that of the hand-off that came before it.

        SAML demands that a response is for the very URL that it came to.
        """
        if self.flow.handoff:
            return urlsplit(self.flow.redirect_uri)
        return urlsplit(self._require_request().build_absolute_uri())

    def get_session_id(self) -> None:
        """Return no session's identifier: there is none to come back to (social-core 6)."""

    def restore_session(self, session_id: str, kwargs: Any) -> None:
        """Refuse to put a session in the flow's place, whatever a callback says (social-core 6).

        :raises AuthSessionError: always.
        """
        raise AuthSessionError(code="session_context_missing", stage="callback")

    def absolute_uri(self, path: str | None = None) -> str:
        """Return an absolute URI byte for byte, and complete a path as Django does.

        Not even ``SOCIAL_AUTH_REDIRECT_IS_HTTPS`` may change a redirect URI: it is
        what the project listed and what is registered at the provider.
        """
        if path and urlsplit(path).scheme:
            return path
        return super().absolute_uri(path)

    def authenticate(
        self, backend: BaseAuth[ResponseT], *args: Any, **kwargs: Any
    ) -> Any | ResponseT | None:
        """Run the pipeline, in the transaction of this login.

        A backend calls this once the provider has been asked. It asks the one
        backend that did: ``django.contrib.auth.authenticate()`` would hand the
        provider's answer to all of them, and on failure to a signal.
        """
        answers = [kwargs.get("response"), getattr(backend, "id_token", None)]
        _refuse_null_characters(backend, answers)
        if self.has_known_steps(backend):
            identities: Any = self.storage.user
            identities.relations = self.user_relations
        begun = deepcopy(self.session)

        def pipeline() -> Any:
            self.session.clear()
            self.session.update(deepcopy(begun))
            if self.before_pipeline is not None:
                self.before_pipeline()
            known = {"strategy": self, "storage": self.storage, "backend": backend}
            return backend.authenticate(self.request, *args, **{**kwargs, **known})

        return self.unit_of_work.run(pipeline)

    def has_known_steps(self, backend: BaseAuth[Any]) -> bool:
        """Say whether all steps of a pipeline are core's own.

        Then what was read when it began is true when it ends: the user, say. A step of the
        project's may have changed that meanwhile.
        """
        return all(step.startswith("social_core.") for step in self.get_pipeline(backend))

    def create_user(self, *args: Any, **kwargs: Any) -> Any:
        """Make an account, unless its address or name is taken.

        :raises AuthAssociationError: ``email_in_use`` or ``username_in_use``.
        """
        create = bind(super().create_user, *args, **kwargs)
        return create_account(create, kwargs, self.storage)

    def partial_pipeline_external_resume_confirmation(
        self, backend: BaseAuth[Any], partial: PartialMixin, request_data: dict[str, Any]
    ) -> Question:
        """Ask, as data, for the confirmation that core demands before a link is followed.

        Core's own is a page with a one-time code in it, so that no other site and no
        scanner of links can post it. Here the fresh flow that the question comes with
        is that code.
        """
        return Question(confirmation(_confirmation_parameter(backend))())

    def partial_pipeline_external_resume_confirmed(
        self, backend: BaseAuth[Any], request_data: dict[str, Any]
    ) -> bool:
        """Say whether the confirmation that this flow was asked for is given."""
        serializer = confirmation(_confirmation_parameter(backend))(data=request_data)
        return serializer.is_valid(raise_exception=True)


# Of the 256 values of a byte, as many stand for each character; the rest for none.
_CHARACTERS = (5 * BaseStrategy.ALLOWED_CHARS)[:256].encode()
_SURPLUS = bytes(range(4 * len(BaseStrategy.ALLOWED_CHARS), 256))


@lru_cache(maxsize=4096)
def _setting_names(name: str, backend: str | None) -> tuple[str, ...]:
    """Return where a setting may stand, as core has it."""
    names = (setting_name(name), name)
    return names if backend is None else (setting_name(backend, name), *names)


def _confirmation_parameter(backend: BaseAuth[Any]) -> Any:
    name = "PARTIAL_PIPELINE_EXTERNAL_RESUME_CONFIRMATION_PARAMETER"
    return backend.setting(name, "partial_pipeline_confirm")


def _refuse_null_characters(backend: BaseAuth[Any], answer: Any) -> None:
    # PostgreSQL stores none, SQLite does: what a login may hold is the same everywhere.
    pending = [answer]
    while pending:  # Not recursive: how deep an answer nests is the provider's choice.
        value = pending.pop()
        if isinstance(value, Mapping):
            pending += value.keys()
            pending += value.values()
        elif isinstance(value, (list, tuple)):
            pending += value
        elif isinstance(value, str) and "\0" in value:
            raise AuthResponseError(backend, code="malformed_response", stage="user_info")
