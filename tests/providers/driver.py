"""Drives a test case of social-core: by social-core itself, and through the endpoints.

A case sets its settings and the answers of the provider, asks its backend to start,
plays the browser at the provider, and asks its backend to complete. Here the backend
of the case is one of two stand-ins over the same class. The first lets social-core
do it and says who signed in: that is what is expected. The second is a frontend,
which begins and posts over HTTP. Neither replaces anything of social-core or of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import responses
from django.core.cache import cache
from django.test import override_settings
from jwt.algorithms import RSAAlgorithm
from rest_framework.test import APIClient

from social_endpoints.internal.backends.extensions.provider_quirks import PushbulletUserId
from tests.support.frontend import REDIRECT_URI, Frontend

HOST = "api.example.com"
"""The project's own: python3-saml takes no name without a dot for one."""

FORM = "application/x-www-form-urlencoded"

TOKEN_AUTHENTICATION = "rest_framework.authentication.TokenAuthentication"

Play = Callable[[Any], object]
"""What a case is asked to do."""


class Completed(BaseException):
    """A case has completed; nothing that it would look at afterwards concerns us.

    No case may catch it, so it is no ``Exception``.
    """

    def __init__(self, outcome: Any) -> None:
        self.outcome = outcome


class FormFrontend(Frontend):
    """A frontend that posts a form where others post JSON."""

    def post(self, body: Any, provider: str = "oidc", **extra: Any) -> Any:
        """Post a body."""
        extra.update(format=None, content_type=FORM)
        return super().post(urlencode(body), provider, **extra)


def _browser() -> APIClient:
    return APIClient(SERVER_NAME=HOST)


COMBINATIONS: dict[str, Callable[[], Frontend]] = {
    "cookie, JSON": lambda: Frontend("cookie", _browser()),
    "cookie, form": lambda: FormFrontend("cookie", _browser()),
    "body, JSON": lambda: Frontend("body", _browser()),
    "body, form": lambda: FormFrontend("body", _browser()),
}


MENDS = {"pushbullet": (PushbulletUserId,)}
"""What social-core by itself signs nobody in without. (The endpoints add it anyway.)"""


@dataclass
class Attempt:
    """One login over HTTP, or one link, and what came of it.

    ``asked`` is what the frontend says at begin beside the redirect URI, ``begun``
    the answer to that, and ``handed_off`` says whether the provider has posted its
    answer to the server.
    """

    frontend: Frontend
    path: str
    asked: Mapping[str, str] = field(default_factory=dict)
    begun: Any = None
    handed_off: bool = False


class Natively:
    """A mixin above a backend's class: tells who signed in."""

    strategy: Any

    def complete(self, *args: Any, **kwargs: Any) -> Any:
        """Complete as social-core does."""
        if "SAMLResponse" in self.strategy.newest:
            # In social-core's own views the browser posts once more, from its own page.
            returned = {getattr(self, "BROWSER_RETURN_FIELD", "RelayState"): "1"}
            self.strategy.set_request_data({**returned, **self.strategy.newest}, self)
        result = super().complete(*args, **kwargs)  # type: ignore[misc]  # the backend's
        if hasattr(result, "username") and kwargs.get("user") is None:
            raise Completed(result)
        return result


class OverHTTP:
    """A mixin above a backend's class: begins and completes through the endpoints.

    Whatever else the case asks its backend, where its endpoints are for example, the
    backend answers.
    """

    attempt: Attempt
    strategy: Any
    name: str

    def start(self) -> Any:
        """Begin; return what the case takes for social-core's redirect."""
        attempt = self.attempt
        attempt.asked = dict(self.strategy.request_data())
        with self._project():
            attempt.begun = attempt.frontend.begin(self.name, **attempt.asked)
        if attempt.begun.status_code != 200:
            raise Completed(attempt.begun)
        return Begun(attempt.begun.data["authorization_url"])

    def complete(self, *args: Any, **kwargs: Any) -> Any:
        """Post what the case has taken from the provider; by way of the hand-off if need be."""
        callback = dict(self.strategy.newest)
        attempt = self.attempt
        with self._project():
            if _was_given_callback(attempt.begun, self.name):
                callback = self._hand_off(callback)
            raise Completed(attempt.frontend.complete(attempt.begun, callback, self.name))

    def _hand_off(self, callback: dict[str, str]) -> dict[str, str]:
        # The provider's page posts from another site: no cookie comes along.
        answer = _browser().post(
            f"/auth/o/{self.name}/callback/", urlencode(callback), content_type=FORM, secure=True
        )
        location = answer.headers.get("Location", "")
        if answer.status_code != 303 or not location.startswith(REDIRECT_URI + "?"):
            raise Completed(answer)
        self.attempt.handed_off = True
        return dict(parse_qsl(urlsplit(location).query))

    @contextmanager
    def _project(self) -> Iterator[None]:
        """Be the project that the case's settings describe, with this one provider."""
        settings = self.strategy.settings()
        settings.pop("SOCIAL_AUTH_AUTHENTICATION_BACKENDS", None)
        endpoints = {
            "ALLOWED_REDIRECT_URIS": [REDIRECT_URI],
            "FLOW_TRANSPORT": self.attempt.frontend.transport,
        }
        with override_settings(
            **settings,
            ALLOWED_HOSTS=[HOST],
            AUTHENTICATION_BACKENDS=[self.attempt.path],
            REST_FRAMEWORK={"DEFAULT_AUTHENTICATION_CLASSES": [TOKEN_AUTHENTICATION]},
            SOCIAL_ENDPOINTS=endpoints,
        ):
            yield


def _was_given_callback(begun: Any, name: str) -> bool:
    query = dict(parse_qsl(urlsplit(begun.data["authorization_url"]).query))
    callback = f"https://{HOST}/auth/o/{name}/callback/"
    return query.get("redirect_uri") == callback or "SAMLRequest" in query


@dataclass
class Begun:
    """What the case gets for a start: a URL, and for OpenID 2.0 the same as a form."""

    url: str

    @property
    def content(self) -> str:
        """Return a form that sends what the URL sends."""
        address, _, query = self.url.partition("?")
        fields = "".join(
            f'<input name="{_escaped(name)}" value="{_escaped(value)}">'
            for name, value in parse_qsl(query)
        )
        return f'<form action="{_escaped(address)}">{fields}</form>'


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;")


def drive(case_class: type[Any], play: Play, stand_in: type[Any], **attributes: Any) -> Any:
    """Let a case play up to its completion; return what it completed with, or None.

    :param play: called with the case, once it is set up.
    :param stand_in: :class:`Natively` or :class:`OverHTTP`.
    :param attributes: the class attributes that the stand-in needs.
    :raises Exception: whatever the case raises before it completes.
    """
    with _set_up(case_class) as case:
        kind = type(case.backend)
        redirect_uri = case.backend.redirect_uri
        case.strategy = _recording(case.strategy, urlsplit(redirect_uri or "").path)
        mends = MENDS.get(kind.name, ()) if stand_in is Natively else ()
        extended = type(kind.__name__, (stand_in, *mends, kind), attributes)
        case.backend = extended(case.strategy, redirect_uri=redirect_uri)
        try:
            play(case)
        except Completed as completed:
            return completed.outcome
    return None


@contextmanager
def _set_up(case_class: type[Any]) -> Iterator[Any]:
    cache.clear()
    case = case_class("run")
    try:
        case.setUp()
    except Exception:  # It may have put itself between us and the network already.
        responses.stop(allow_assert=False)
        responses.reset()
        raise
    try:
        if "d" in getattr(case, "key", ()):
            case.key = _with_primes(tuple(case.key.items()))
        yield case
    finally:
        case.tearDown()
        case.doCleanups()


@lru_cache
def _with_primes(key: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    # The private key of social-core's cases stands there without its primes, and to
    # find them takes a third of a second for each signature.
    whole: dict[str, Any] = RSAAlgorithm.to_jwk(RSAAlgorithm.from_jwk(dict(key)), as_dict=True)
    return {**dict(key), **whole}


def _recording(strategy: Any, path: str) -> Any:
    """Return the case's strategy, which also knows what the provider sent last.

    :param path: of the request in which the provider's answer comes.
    """
    from social_core.tests.strategy import TestStrategy  # only there once it is downloaded

    class Recording(TestStrategy):  # type: ignore[misc]  # it is not there for the type checker
        newest: Mapping[str, Any] = {}

        def set_request_data(self, values: Mapping[str, Any], backend: Any) -> None:
            self.newest = dict(values)
            super().set_request_data(values, backend)

        def request_path(self) -> str:
            return path

        def new_request(self) -> Any:
            return _continued(super().new_request())

        def settings(self) -> dict[str, Any]:
            return dict(self._settings)

    def _continued(other: Any) -> Any:
        continued = Recording(other.storage)
        vars(continued).update(vars(other))
        return continued

    return _continued(strategy)
