"""The python-social-auth strategy, which uses a flow in place of the session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import deepcopy
from functools import partial as bind
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

from django.db import router
from django.http import HttpRequest
from social_core.backends.base import BaseAuth
from social_core.exceptions import AuthResponseError, AuthSessionError, SocialAuthBaseException
from social_core.pipeline import DEFAULT_AUTH_PIPELINE
from social_core.storage import PartialMixin
from social_core.strategy import BaseStrategy
from social_django.strategy import DjangoStrategy

from social_endpoints.exceptions import DRF_EXCEPTIONS, InactiveUser
from social_endpoints.internal.accounts.creation import create_account
from social_endpoints.internal.accounts.emails import lock_address
from social_endpoints.internal.connections.encryption import (
    LostToken,
    as_dictionary,
    convert,
    decrypt,
    to_paused,
)
from social_endpoints.internal.errors.redaction import secret_texts, texts
from social_endpoints.internal.flows.columns import MAX_DEPTH, replace_unstorable
from social_endpoints.internal.flows.flow import Flow
from social_endpoints.internal.flows.storage import FlowStorage
from social_endpoints.internal.flows.transaction import UnitOfWork
from social_endpoints.internal.flows.usernames import HIDDEN_SETTINGS
from social_endpoints.internal.network.sessions import begin_pipeline
from social_endpoints.internal.retries import retry_once
from social_endpoints.internal.translation import as_api_exception
from social_endpoints.pipeline import Question, confirmation_serializer

__all__ = ["Strategy"]

ResponseT = TypeVar("ResponseT")

_MAX_NUMBER = 10**64

_SECRET_SETTINGS = ("SECRET", "BOT_TOKEN", "API_KEY", "SP_PRIVATE_KEY")


class Strategy(DjangoStrategy):
    """Gives backends and pipelines access to the settings, the request and the flow.

    ``session_get()`` and ``session_set()`` work on the flow, ``request_data()`` returns the
    parameters of the provider, and ``request`` is Django's request. Name a subclass in the
    setting ``STRATEGY``, for example one whose ``get_setting(name)`` depends on the tenant in
    ``self.request``.

    :param storage: the project's storage class.
    :param request: Django's request.
    :param data: the parameters from the provider; at begin, the allowed query parameters.
    :param flow: used in place of the session.
    """

    def __init__(
        self,
        storage: Any,
        request: HttpRequest | None,
        *,
        data: Mapping[str, str],
        flow: Flow,
    ) -> None:
        # DjangoStrategy.__init__() needs request.session, which a project may not have.
        flow_storage: Any = FlowStorage(storage, flow)
        BaseStrategy.__init__(self, flow_storage)
        self.request = request
        self.flow = flow
        self.session: Any = flow.session
        self.data = dict(data)
        self.backend: BaseAuth[Any] | None = None
        self.revocations: list[Any] | None = None
        self.before_pipeline: Callable[[], None] | None = None
        self.unit_of_work = UnitOfWork(router.db_for_write(storage.user), self._get_secrets)
        self.provider_response: Any = None
        flow_storage.user.get_setting = self._get_username_setting
        flow_storage.user.session = flow.session
        flow_storage.partial.to_stored, flow_storage.partial.to_plain = to_paused, _to_plain
        flow_storage.user.lock_address = bind(lock_address, storage=flow_storage)

    def get_backend(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Return this login's backend if it has this name, else a new one."""
        if self.backend is not None and self.backend.name == name:
            return self.backend
        return super().get_backend(name, *args, **kwargs)

    def setting(self, name: str, default: Any = None, backend: Any = None) -> Any:
        """Return a setting of the backend or, if it is not set, of the project.

        social-core reads ``REVOKE_TOKENS_ON_DISCONNECT`` without naming the backend. Remove when
        its disconnect pipeline names it. Two settings for usernames are applied by the storage.

        An exception of ``get_setting()`` is reported as an error of the project, even while a
        provider is contacted. social-core treats a KeyError or an AttributeError as an unset
        setting.
        """
        if name == "REVOKE_TOKENS_ON_DISCONNECT":
            backend = backend or self.backend
        if name in HIDDEN_SETTINGS:
            return HIDDEN_SETTINGS[name]
        try:
            # A project may store its settings in the database.
            return retry_once(bind(super().setting, name, default, backend))
        except (SocialAuthBaseException, *DRF_EXCEPTIONS):
            raise
        except Exception as error:
            raise as_api_exception(error) from error

    def _get_username_setting(self, name: str, default: Any) -> Any:
        return super().setting(name, default, self.backend)

    def get_request_data(self, merge: bool = True) -> dict[str, Any]:
        """Return the parameters of this login. Query and body are already merged."""
        return dict(self.data)

    def request_get(self) -> dict[str, Any]:
        """Return the parameters of this login unless the request is a POST."""
        return {} if self._is_post() else dict(self.data)

    def request_post(self) -> dict[str, Any]:
        """Return the parameters of this login if the request is a POST of any content type."""
        return dict(self.data) if self._is_post() else {}

    def request_is_secure(self) -> bool:
        return self._callback_url().scheme == "https"

    def request_host(self) -> str:
        return self._callback_url().netloc

    def request_path(self) -> str:
        return self._callback_url().path

    def request_port(self) -> int:
        url = self._callback_url()
        return url.port or {"https": 443}.get(url.scheme, 80)

    def _is_post(self) -> bool:
        return self.request is not None and self.request.method == "POST"

    def _callback_url(self) -> SplitResult:
        """Return the URL of this request or, after a handoff, the URL of the handoff.

        A SAML response names the URL that it is sent to.
        """
        if self.flow.handoff:
            return urlsplit(self.flow.redirect_uri)
        return urlsplit(self.request.build_absolute_uri() if self.request else "")

    def get_session_id(self) -> None:
        """Return None: there is no session to restore (social-core 6)."""

    def restore_session(self, session_id: str, kwargs: Any) -> None:
        """Refuse to replace the flow with a session that a callback names (social-core 6).

        :raises AuthSessionError: always.
        """
        raise AuthSessionError(code="session_context_missing", stage="callback")

    def absolute_uri(self, path: str | None = None) -> str:
        """Return an absolute URI unchanged, or the absolute URI of a path.

        ``SOCIAL_AUTH_REDIRECT_IS_HTTPS`` does not change a redirect URI, because the provider
        compares it with the registered one.
        """
        if path and urlsplit(path).scheme:
            return path
        return super().absolute_uri(path)

    def authenticate(
        self, backend: BaseAuth[ResponseT], *args: Any, **kwargs: Any
    ) -> Any | ResponseT | None:
        """Run the pipeline in the transaction of this login.

        A backend calls this after it has asked the provider. ``authenticate()`` of
        ``django.contrib.auth`` is not used: it would pass the provider's response to all
        backends and, after a failure, to a signal.
        """
        for content in (kwargs.get("response"), getattr(backend, "id_token", None)):
            replace_unstorable(content)
            _require_storable(backend, content)
        kwargs.pop("request", None)  # As in DjangoStrategy. It is passed below.
        session = deepcopy(self.session)

        def pipeline() -> Any:
            self.session.clear()
            self.session.update(deepcopy(session))
            if self.before_pipeline is not None:
                self.before_pipeline()
            context: dict[str, Any] = {"strategy": self, "storage": self.storage}
            context.update(backend=backend, **self._read_user_again(backend, kwargs.get("user")))
            return backend.authenticate(self.request, *args, **{**kwargs, **context})

        begin_pipeline()
        return self.unit_of_work.run(pipeline)

    def _read_user_again(self, backend: BaseAuth[Any], user: Any) -> dict[str, Any]:
        """Return the stored state of the user who connects.

        The user was read before the provider was contacted. The pipeline saves the row, which would
        undo a change since then, for example a deactivation.
        """
        users: Any = self.storage.user
        if not isinstance(user, users.user_model()) or user._state.adding:
            return {}
        stored = users.read_again(user)
        if stored is None:
            raise InactiveUser(backend, stage="pipeline")
        return {"user": stored}

    def _get_secrets(self) -> list[str]:
        """Return the values of this login that no log may contain."""
        secrets = [*texts([self.session, self.data, self.flow.id, self.flow.correlation_id])]
        secrets += secret_texts(self.provider_response)
        secrets += texts([self.setting(name, backend=self.backend) for name in _SECRET_SETTINGS])
        secrets += texts([revocation.token for revocation in self.revocations or ()])
        return secrets

    def has_default_pipeline(self, backend: BaseAuth[Any]) -> bool:
        """Return whether this login runs social-core's default pipeline."""
        return tuple(self.get_pipeline(backend)) == DEFAULT_AUTH_PIPELINE

    def create_user(self, *args: Any, **kwargs: Any) -> Any:
        """Create an account.

        :raises AuthAssociationError: ``email_in_use`` or ``username_in_use``.
        :raises AuthResponseError: the provider did not send a required value, or sent one that
            identifies the user and does not fit its column.
        """
        return create_account(bind(super().create_user, *args), kwargs, self.storage)

    def partial_pipeline_external_resume_confirmation(
        self, backend: BaseAuth[Any], partial: PartialMixin, request_data: dict[str, Any]
    ) -> Question:
        """Ask for the confirmation that social-core requires before a link resumes a login.

        social-core's own page contains a one-time code, so that neither another site nor a link
        scanner can confirm. Here the new flow in the 202 serves this purpose.
        """
        return Question(confirmation_serializer(_confirmation_parameter(backend))())

    def partial_pipeline_external_resume_confirmed(
        self, backend: BaseAuth[Any], request_data: dict[str, Any]
    ) -> bool:
        """Return whether the request contains the confirmation."""
        serializer_class = confirmation_serializer(_confirmation_parameter(backend))
        return serializer_class(data=request_data).is_valid(raise_exception=True)


def _to_plain(data: Any) -> dict[str, Any] | None:
    """Return the data of a paused pipeline with its tokens in clear; None if one of them is lost.

    A step cannot run without some of its arguments.
    """
    with suppress(LostToken):
        return convert(as_dictionary(data), decrypt)
    return None


def _confirmation_parameter(backend: BaseAuth[Any]) -> Any:
    name = "PARTIAL_PIPELINE_EXTERNAL_RESUME_CONFIRMATION_PARAMETER"
    return backend.setting(name, "partial_pipeline_confirm")


def _require_storable(backend: BaseAuth[Any], response: Any) -> None:
    """Refuse a response that some databases cannot store, so that all databases behave alike.

    It must not be nested too deeply. An integer of hundreds of digits is neither an identifier nor
    a time. See also :func:`replace_unstorable`.
    """
    if isinstance(response, (str, int, float, list)):  # JSON, but not an object.
        raise AuthResponseError(backend, code="malformed_response", stage="user_info")
    pending = [(response, 0)]
    while pending:  # Not recursive, because a response may be nested deeply.
        value, depth = pending.pop()
        if isinstance(value, Mapping):
            inner = [*value.keys(), *value.values()]
        else:
            inner = [*value] if isinstance(value, (list, tuple)) else []
        pending += [(each, depth + 1) for each in inner]
        is_huge = isinstance(value, int) and abs(value) >= _MAX_NUMBER
        if is_huge or (inner and depth > MAX_DEPTH):
            raise AuthResponseError(backend, code="malformed_response", stage="user_info")
