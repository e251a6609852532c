"""Run a test case of social-core: with social-core alone, and through the endpoints.

A case configures its settings and the provider's responses, calls ``backend.start()``,
simulates the browser at the provider, and calls ``backend.complete()``. A mixin above its
backend's class changes these two methods. ``Direct`` runs them and reports the user, which is
the expected result. ``OverHTTP`` is a frontend that begins and completes over HTTP. No code of
social-core or of this package is replaced.
"""

from __future__ import annotations

import json
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
from social_core.backends.open_id_connect import OpenIdConnectAuth

from social_endpoints.internal.backends.extensions.provider_quirks import PushbulletUserId
from social_endpoints.internal.flows.flow import CONNECT, LOGIN
from social_endpoints.internal.flows.token import open_flow
from tests.support.frontend import REDIRECT_URI, TRANSPORTS, Frontend

HOST = "api.example.com"
"""The site's host name. python3-saml only accepts names with a dot."""

FORM = "application/x-www-form-urlencoded"

TOKEN_AUTHENTICATION = "rest_framework.authentication.TokenAuthentication"

Play = Callable[[Any], object]
"""The method of a case to call."""


class Completed(BaseException):
    """Raised when a case has completed, to skip its further assertions.

    It is not an ``Exception``, so that no case catches it.
    """

    def __init__(self, outcome: Any) -> None:
        self.outcome = outcome


class FormFrontend(Frontend):
    def post(self, body: Any, provider: str = "oidc", **extra: Any) -> Any:
        extra.update(format=None, content_type=FORM)
        return super().post(urlencode(body), provider, **extra)


def _browser() -> APIClient:
    return APIClient(SERVER_NAME=HOST)


ALL_COMBINATIONS: dict[str, Callable[[], Frontend]] = {
    "cookie, JSON": lambda: Frontend("cookie", _browser()),
    "cookie, form": lambda: FormFrontend("cookie", _browser()),
    "body, JSON": lambda: Frontend("body", _browser()),
    "body, form": lambda: FormFrontend("body", _browser()),
}
COMBINATIONS = {
    label: combination
    for label, combination in ALL_COMBINATIONS.items()
    if label.partition(",")[0] in TRANSPORTS
}
"""Those with the transports of the environment."""


CORRECTIONS = {"pushbullet": (PushbulletUserId,)}
"""Mixins without which a login with social-core alone fails. The endpoints add them anyway."""


@dataclass
class Attempt:
    """One login or connect over HTTP.

    :ivar asked: the query of begin besides the redirect URI.
    :ivar begun: the response of begin.
    :ivar handed_off: whether the provider's response went through the handoff.
    """

    frontend: Frontend
    path: str
    asked: Mapping[str, str] = field(default_factory=dict)
    begun: Any = None
    handed_off: bool = False


class Direct:
    """Mixin above a backend's class that reports the user who signed in."""

    strategy: Any

    def complete(self, *args: Any, **kwargs: Any) -> Any:
        """Complete as social-core does."""
        if "SAMLResponse" in self.strategy.newest:
            # With social-core's own views the browser posts the response twice.
            returned = {getattr(self, "BROWSER_RETURN_FIELD", "RelayState"): "1"}
            self.strategy.set_request_data({**returned, **self.strategy.newest}, self)
        result = super().complete(*args, **kwargs)  # type: ignore[misc]  # the backend's
        if hasattr(result, "username") and kwargs.get("user") is None:
            raise Completed(result)
        return result


class OverHTTP:
    """Mixin above a backend's class that begins and completes through the endpoints.

    A case may still call other methods of the backend.
    """

    attempt: Attempt
    strategy: Any
    name: str
    issuer: str | None
    """The issuer of the case's ID tokens. It may differ from that of the case's discovery."""

    def start(self) -> Any:
        """Begin; return an object like social-core's redirect."""
        attempt = self.attempt
        attempt.asked = dict(self.strategy.request_data())
        with self._project():
            attempt.begun = attempt.frontend.begin(self.name, **attempt.asked)
        if attempt.begun.status_code != 200:
            raise Completed(attempt.begun)
        assert self._correlation_id(), "A callback of another login would be accepted."
        return Begun(attempt.begun.data["authorization_url"])

    def complete(self, *args: Any, **kwargs: Any) -> Any:
        """Post the callback that the case received, through the handoff if necessary."""
        callback = dict(self.strategy.newest)
        attempt = self.attempt
        if isinstance(self, OpenIdConnectAuth):
            _add_subject(self.userinfo_url())
        with self._project():
            if _was_given_callback(attempt.begun, self.name):
                callback = self._hand_off(callback)
            raise Completed(attempt.frontend.complete(attempt.begun, callback, self.name))

    def _correlation_id(self) -> str:
        frontend = self.attempt.frontend
        cookies = (cookie.value for cookie in frontend.client.cookies.values())
        tokens = [self.attempt.begun.data.get("flow"), *cookies]
        purpose = CONNECT if frontend.below else LOGIN
        flows = (open_flow(each, provider=self.name, purpose=purpose) for each in tokens if each)
        return next(flow.correlation_id for flow in flows if flow)

    def _hand_off(self, callback: dict[str, str]) -> dict[str, str]:
        # The provider's page posts from another site, so the browser sends no cookie.
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
        """Apply the case's settings, with this provider only."""
        settings = self.strategy.settings()
        settings.pop("SOCIAL_AUTH_AUTHENTICATION_BACKENDS", None)
        if self.issuer:
            prefix = f"SOCIAL_AUTH_{self.name.upper().replace('-', '_')}"
            settings[f"{prefix}_ID_TOKEN_ISSUER"] = self.issuer
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


def _add_subject(userinfo_url: str) -> None:
    """Add ``sub`` to UserInfo (OpenID Connect Core section 5.3.2), which some cases leave out."""
    for response in responses.registered():
        if response.url == userinfo_url and isinstance(response, responses.Response):
            profile = json.loads(response.body)
            response.body = json.dumps({"sub": "1234", **profile})


def _was_given_callback(begun: Any, name: str) -> bool:
    query = dict(parse_qsl(urlsplit(begun.data["authorization_url"]).query))
    callback = f"https://{HOST}/auth/o/{name}/callback/"
    return query.get("redirect_uri") == callback or "SAMLRequest" in query


@dataclass
class Begun:
    """The result of ``start()``: a URL and, for OpenID 2.0, a form with its parameters."""

    url: str

    @property
    def content(self) -> str:
        """Return a form with the parameters of the URL."""
        address, _, query = self.url.partition("?")
        fields = "".join(
            f'<input name="{_escaped(name)}" value="{_escaped(value)}">'
            for name, value in parse_qsl(query)
        )
        return f'<form action="{_escaped(address)}">{fields}</form>'


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;")


def drive(case_class: type[Any], play: Play, stand_in: type[Any], **attributes: Any) -> Any:
    """Run a case until it completes; return its result, or None if it does not complete.

    :param play: called with the case after its ``setUp()``.
    :param stand_in: :class:`Direct` or :class:`OverHTTP`.
    :param attributes: class attributes for ``stand_in``.
    :raises Exception: the case fails before it completes.
    """
    with _set_up(case_class) as case:
        kind = type(case.backend)
        redirect_uri = case.backend.redirect_uri
        case.strategy = _recording(case.strategy, urlsplit(redirect_uri or "").path)
        corrections = CORRECTIONS.get(kind.name, ()) if stand_in is Direct else ()
        extended = type(kind.__name__, (stand_in, *corrections, kind), attributes)
        extended.issuer = getattr(case, "issuer", None)
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
    except Exception:  # It may have started to intercept requests.
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
    # The private key of social-core's cases has no primes. Computing them takes a third of a
    # second for each signature.
    whole: dict[str, Any] = RSAAlgorithm.to_jwk(RSAAlgorithm.from_jwk(dict(key)), as_dict=True)
    return {**dict(key), **whole}


def _recording(strategy: Any, path: str) -> Any:
    """Return the case's strategy, which also records the latest parameters of the provider.

    :param path: the path of the request with the provider's response.
    """
    from social_core.tests.strategy import TestStrategy  # downloaded by sdist

    class Recording(TestStrategy):  # type: ignore[misc]  # not installed
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
