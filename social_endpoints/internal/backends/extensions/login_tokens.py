"""The provider's tokens that a login stores: expiry and scopes, and the tokens that it keeps.

The state of an access token is read from the token response, before social-core merges the profile
into it. It is then a keyword argument of the pipeline, so it survives a pause.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from time import time
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from social_core.backends.facebook import FacebookOAuth2
from social_core.backends.oauth import BaseOAuth1, OAuthAuth
from social_core.backends.strava import StravaOAuth

from social_endpoints.internal.backends.extensions.bases import Backend, OAuth
from social_endpoints.internal.backends.extensions.encrypted_tokens import token_aliases
from social_endpoints.internal.backends.id_tokens.refreshed import CONTEXT, first_claims
from social_endpoints.internal.connections.encryption import STATE, as_dictionary, to_plain
from social_endpoints.internal.connections.stored_tokens import is_token
from social_endpoints.internal.connections.token_response import as_scopes, read_token_response
from social_endpoints.internal.connections.token_state import (
    LIFETIMES,
    TokenState,
    describe,
    read_state,
    with_auth_time,
)
from social_endpoints.internal.flows.storage import ASKED_SCOPES

LOGIN: Final = "social_endpoints_login"
"""Keyword argument of a pipeline that describes the login: a dictionary with ``is_native`` and, for
a backend with access tokens, ``received`` (seconds since the epoch), ``expires_at``, ``scopes``."""

_ACCESS_TOKEN: Final = "access_token"
_REFRESH_TOKEN: Final = "refresh_token"

# OpenID Connect Core section 6 and RFC 9126: the parameters are elsewhere.
_REQUEST_OBJECTS = frozenset({"request", "request_uri"})

_LONGEST_COMPLETION = 60  # Seconds. A login that takes longer has paused.

# Providers that report the granted scopes in the callback, and the parameter. The browser can
# change it, so it only removes scopes from those asked for.
_GRANTED_IN_CALLBACK = ((FacebookOAuth2, "granted_scopes"), (StravaOAuth, "scope"))


class LoginTokens(Backend):
    """Merge the tokens of a login or a refresh into the stored ones, with the state of the token.

    Remove parts of it when social-core stores the expiry and the scopes of every access token, and
    does not replace a stored refresh token with None.
    """

    is_native = False
    """Whether this is a native sign-in. An app does not post all that a token endpoint returns,
    so such a login does not replace any stored value with None."""

    received: Mapping[str, Any] | None = None
    received_refresh_token: str | None = None

    def authenticate(self, *args: Any, **kwargs: Any) -> Any:
        response = kwargs.get("response")
        if self.received_refresh_token and isinstance(response, dict):
            # Apple's backend only passes the claims of the ID token on.
            response.setdefault(_REFRESH_TOKEN, self.received_refresh_token)
        login = {"is_native": self.is_native, **(self.received or {})}
        # A resumed login passes the argument that it has paused with.
        return super().authenticate(*args, **{LOGIN: login, **kwargs})

    def extra_data(
        self, user: Any, uid: str, response: Any, details: Any, pipeline_kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the extra data to store.

        :param details: without a login, the stored extra data: ``social.refresh_token()`` of
            social-core calls this with the response of a refresh.
        """
        data = super().extra_data(user, uid, response, details, pipeline_kwargs)
        login = pipeline_kwargs.get(LOGIN, {})
        _require_dictionary(pipeline_kwargs.get("social"))
        if login.get("is_native"):
            data = {name: value for name, value in data.items() if value is not None}
        if isinstance(self, OAuthAuth):
            refresh_token = response.get(_REFRESH_TOKEN) or data.get(_REFRESH_TOKEN)
            data = {**data, _REFRESH_TOKEN: refresh_token}
            if not pipeline_kwargs:
                data = _after_refresh(self, data, response, details)
            elif data.get(_ACCESS_TOKEN):
                data = _with_tokens(self, data, pipeline_kwargs.get("social"), login)
            else:
                data = _without_tokens(self, data, pipeline_kwargs.get("social"))
        return data


class ReceivedToken(OAuth):
    """Read the state of an access token when it is received."""

    def auth_url(self) -> str:
        """Return the authorization URL, and store its scopes if the settings have others."""
        url = str(super().auth_url())
        query = parse_qs(urlsplit(url).query, keep_blank_values=True)
        added = getattr(self, "more_scopes", ())  # Only the begin of a connect adds scopes.
        if _REQUEST_OBJECTS & query.keys():
            asked = tuple(dict.fromkeys([*configured_scopes(self), *added]))
        else:
            asked = as_scopes(query.get(self.SCOPE_PARAMETER_NAME, ()), self.SCOPE_SEPARATOR)
        computed = {*configured_scopes(self)} - {*added}
        if {*asked} != computed:
            is_superset = computed < {*asked}
            more = [scope for scope in asked if not is_superset or scope not in computed]
            listed = getattr(self, "listed_scopes", ())
            flags = "".join("1" if scope in more else "0" for scope in listed)
            others = " ".join(scope for scope in more if scope not in listed)
            self.strategy.session_set(ASKED_SCOPES, [is_superset, flags, others])
        return url

    def do_auth(self, access_token: Any, *args: Any, **kwargs: Any) -> Any:
        # OAuth 1.0a has no other token response. Facebook's backend has a positional argument.
        candidates = (kwargs.get("response"), *args, access_token)
        response = next((each for each in candidates if isinstance(each, Mapping)), {})
        state = read_token_response(
            response, asked=_asked_scopes(self), separator=self.SCOPE_SEPARATOR, now=time()
        )
        expires_at = None if isinstance(self, BaseOAuth1) else state.expires_at
        extended: Any = self
        extended.received = {
            "received": int(time()),
            "expires_at": expires_at,
            "scopes": [*state.scopes],
        }
        token = response.get(_REFRESH_TOKEN)
        extended.received_refresh_token = token if is_token(token) else None
        backend: Any = super()  # OAuthAuth has no such method, but its subclasses have.
        return backend.do_auth(access_token, *args, **kwargs)


def _asked_scopes(backend: Any) -> Iterable[str]:
    """Return the scopes that this login asked for; none in native sign-in, where the app asked."""
    if backend.is_native:
        return ()
    is_superset, flags, others = backend.strategy.session_pop(ASKED_SCOPES) or (True, "", "")
    asked = [*(configured_scopes(backend) if is_superset else ()), *others.split()]
    listed = backend.listed_scopes if flags else ()
    if len(flags) == len(listed):  # The setting may have changed since the begin.
        asked += [scope for scope, flag in zip(listed, flags, strict=True) if flag == "1"]
    names = (name for base, name in _GRANTED_IN_CALLBACK if isinstance(backend, base))
    granted = backend.data.get(next(names, None))
    return asked if granted is None else [each for each in asked if each in as_scopes(granted, ",")]


def configured_scopes(backend: Any) -> tuple[str, ...]:
    """Return the scopes that the settings of a provider ask for in every login."""
    arguments = backend.setting("AUTH_EXTRA_ARGUMENTS") or {}
    scopes = arguments.get(backend.SCOPE_PARAMETER_NAME, backend.get_scope())
    return as_scopes(scopes, backend.SCOPE_SEPARATOR)


def _with_tokens(
    backend: Any, data: dict[str, Any], social: Any, login: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the update of a login with an access token."""
    data = _keep(backend, social, data, _refresh_token_names(backend))
    state = TokenState(login.get("expires_at"), tuple(login.get("scopes", ())))
    received, auth_time = login.get("received"), data.get("auth_time")
    if received and auth_time and auth_time - received > _LONGEST_COMPLETION:
        data = with_auth_time({**data, "auth_time": received}, auth_time)
    outdated = dict.fromkeys({*LIFETIMES, CONTEXT} & _stored(social).keys())
    return {**outdated, **data, STATE: describe(data[_ACCESS_TOKEN], state)}


def _without_tokens(backend: Any, data: dict[str, Any], social: Any) -> dict[str, Any]:
    """Return the update of a sign-in with an ID token alone, which keeps the stored tokens."""
    names = (_ACCESS_TOKEN, *_refresh_token_names(backend), *LIFETIMES, STATE)
    data = _keep(backend, social, {**data, **dict.fromkeys(names)}, names)
    if "auth_time" not in data:
        return data
    stored = with_auth_time(_stored(social), data["auth_time"])
    return {**data, **{name: stored[name] for name in LIFETIMES if name in stored}}


def _after_refresh(
    backend: Any, data: dict[str, Any], response: Mapping[str, Any], stored: Any
) -> dict[str, Any]:
    """Return the update of a refresh. Its response may leave out what has not changed."""
    asked = read_state(stored).scopes
    state = read_token_response(
        response, asked=asked, separator=backend.SCOPE_SEPARATOR, now=time()
    )
    names = _refresh_token_names(backend)
    data = {name: value for name, value in data.items() if value or name not in names}
    return {**data, STATE: describe(data.get(_ACCESS_TOKEN), state)}


def _keep(backend: Any, social: Any, data: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return the update without those of the names that have no value.

    If the row has a value under such a name, another process may have refreshed the token since
    this login read the row. Then the row is locked and read again.
    """
    empty = {name for name in names if not data.get(name)}
    if any(_stored(social).get(name) for name in empty):
        backend.strategy.storage.user.read_extra_data_again(social)
        _require_dictionary(social)
    update = {name: value for name, value in data.items() if name not in empty}
    if _REFRESH_TOKEN in empty and _stored(social).get(_REFRESH_TOKEN):
        # Its ID tokens continue the login that has brought it (OpenID Connect Core section 12.2).
        claims = first_claims(to_plain(social.extra_data))
        update |= {CONTEXT: claims} if claims else {}
    return update


def _refresh_token_names(backend: Any) -> list[str]:
    """Return the names under which the refresh token is stored."""
    return [_REFRESH_TOKEN, *token_aliases(backend, lambda name: name == _REFRESH_TOKEN)]


def _require_dictionary(social: Any) -> None:
    """Convert the text of an old row, which ``set_extra_data()`` would replace as a whole."""
    if isinstance(getattr(social, "extra_data", None), str):
        social.extra_data = as_dictionary(social.extra_data)


def _stored(social: Any) -> dict[str, Any]:
    extra_data = getattr(social, "extra_data", None)
    return extra_data if isinstance(extra_data, dict) else {}
