"""Sign in through the real endpoints of the project, with a fake provider."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, router
from django.test import AsyncClient, Client
from django.urls import get_script_prefix
from rest_framework.settings import api_settings
from social_core.utils import setting_name

from social_endpoints.conf import settings
from social_endpoints.internal.flows.redirect_uris import listed_uris
from social_endpoints.management.callback_urls import callback_paths, has_parameter
from social_endpoints.testing.credentials import find_token, set_credentials
from social_endpoints.testing.errors import LoginPaused, SocialLoginError, response_data
from social_endpoints.testing.in_process import FakeProviders
from social_endpoints.testing.messages import AuthorizationResponse
from social_endpoints.testing.provider import FakeProvider

_JSON = "application/json"


@dataclass(frozen=True)
class Begun:
    """A login or a connect that has begun.

    :ivar provider: the name of the provider.
    :ivar path: the path of the endpoint, to which the callback is posted.
    :ivar authorization_url: the URL to which the browser would go.
    :ivar redirect_uri: the URI of the frontend.
    :ivar flow: the flow, if it travels in the body.
    :ivar response: the response of the endpoint.
    """

    provider: str
    path: str
    authorization_url: str
    redirect_uri: str
    flow: str | None
    response: Any

    @property
    def params(self) -> dict[str, str]:
        """The parameters of the authorization request."""
        return dict(parse_qsl(urlsplit(self.authorization_url).query, keep_blank_values=True))


class SocialLogin:
    """The steps of a login in a test.

    :param providers: the fake providers of the test.
    :param redirect_uri: the redirect URI of the frontend. By default, the first entry of
        ``ALLOWED_REDIRECT_URIS``.
    """

    def __init__(self, providers: FakeProviders, redirect_uri: str | None = None) -> None:
        self._providers = providers
        self._redirect_uri = redirect_uri

    def begin(
        self,
        client: Any,
        provider: str,
        /,
        *,
        connect: bool = False,
        redirect_uri: str | None = None,
        **params: str,
    ) -> Begun:
        """Begin a login, or a connect of the signed-in user.

        :param client: a test client of Django or of Django REST framework.
        :param connect: whether to connect an identity to the user of the client.
        :param redirect_uri: the redirect URI of this login.
        :param params: further query parameters, such as ``scope`` of a connect.
        :raises SocialLoginError: the response is not a 200.
        """
        fake = self._providers(provider)
        fake.client.credentials()  # type: ignore[union-attr]  # It has the name of a backend.
        uri = redirect_uri or self._redirect_uri or _first_redirect_uri()
        path = endpoint_path("provider-connect" if connect else "provider-auth", provider)
        data = {"redirect_uri": uri, **params}
        response = _sync(client).get(path, data, secure=_is_secure())
        body = response_data(response)
        if response.status_code != HTTPStatus.OK or "authorization_url" not in body:
            raise SocialLoginError(response, _begin_advice(body))
        url, flow = str(body["authorization_url"]), body.get("flow")
        return Begun(provider, path, url, uri, flow, response)

    def complete(self, client: Any, begun: Begun, /, *, error: str = "", **claims: Any) -> Any:
        """Sign in at the fake provider, and complete what :meth:`begin` has begun.

        After a login, the next requests of the client are authenticated.

        :param error: the error code with which the provider or the person declines, such as
            ``"access_denied"``.
        :param claims: the claims of OpenID Connect of the person; None leaves a claim out.
        :returns: the response of the endpoint: a 201, a 202 if the pipeline has paused, or an
            error.
        :raises ImproperlyConfigured: there is a claim ``email``, but the login does not ask for the
            scope without which the provider sends no address.
        """
        fake = self._providers(begun.provider)
        if not error and {**fake.claims, **claims}.get("email"):
            _require_email_scope(fake, begun)
        authorized = fake.authorize(begun.params, claims, error)
        params = self._deliver(begun, authorized)
        flow = {} if begun.flow is None else {"flow": begun.flow}
        response = post(client, begun.path, {**params, **flow})
        body = response_data(response)
        if body.get("error_code") == "unknown_error":
            _require_database()
        token = find_token(body)
        is_login = begun.path == endpoint_path("provider-auth", begun.provider)
        if is_login and response.status_code == HTTPStatus.CREATED:
            remember(client, token, response)
        return response

    def _deliver(self, begun: Begun, authorized: AuthorizationResponse) -> dict[str, str]:
        """Return the parameters that arrive at the frontend, after the handoff if there is one."""
        address, frontend = (
            uri.partition("?")[0] for uri in (authorized.redirect_uri, begun.redirect_uri)
        )
        if address == frontend and authorized.method == "GET":
            return authorized.callback_params
        parts = urlsplit(authorized.redirect_uri)
        # The provider's page posts from another site, so the browser sends no cookie.
        browser, is_secure = Client(SERVER_NAME=parts.hostname or ""), parts.scheme == "https"
        path = _without_prefix(parts.path)
        send = browser.post if authorized.method == "POST" else browser.get
        response = send(path, authorized.callback_params, secure=is_secure)
        if response.status_code != HTTPStatus.SEE_OTHER:
            raise SocialLoginError(response, "The handoff has failed.")
        query = urlsplit(response.headers["Location"]).query
        return dict(parse_qsl(query, keep_blank_values=True))

    def login(
        self, client: Any, provider: str, /, *, redirect_uri: str | None = None, **claims: Any
    ) -> Any:
        """Sign a client in, and return it.

        It has two new attributes: ``token``, the token in the body of the login or None if the
        login is kept in a cookie; and ``login_response``, the response with the status 201.

        :param claims: the claims of OpenID Connect of the person.
        :raises LoginPaused: a pipeline step has paused the login.
        :raises SocialLoginError: the endpoints refuse the login.
        """
        begun = self.begin(client, provider, redirect_uri=redirect_uri)
        response = self.complete(client, begun, **claims)
        if response.status_code == HTTPStatus.ACCEPTED:
            raise LoginPaused(
                response,
                "A pipeline step has paused the login. Use social_begin() and social_complete(),"
                " and post partial_token and the fields to the same path.",
            )
        if response.status_code != HTTPStatus.CREATED:
            raise SocialLoginError(response)
        return client


def remember(client: Any, token: str | None, response: Any) -> None:
    """Put the result of a login on a client."""
    set_credentials(client, token)
    client.token, client.login_response = token, response


def post(client: Any, path: str, body: dict[str, Any]) -> Any:
    """Post a JSON object, with the CSRF token of the client's cookie if there is one."""
    client = _sync(client)
    host = client.defaults.get("HTTP_HOST") or client.defaults.get("SERVER_NAME", "testserver")
    headers = {"HTTP_REFERER": f"https://{host}/"}  # Under HTTPS, the CSRF check needs it.
    cookie = client.cookies.get(django_settings.CSRF_COOKIE_NAME)
    if cookie is not None:
        headers[django_settings.CSRF_HEADER_NAME] = cookie.value
    return client.post(path, json.dumps(body), content_type=_JSON, secure=_is_secure(), **headers)


def endpoint_path(url_name: str, provider: str) -> str:
    """Return the path of an endpoint, wherever the project has mounted it.

    :raises ImproperlyConfigured: the project does not route it.
    """
    version = api_settings.DEFAULT_VERSION
    parameters = {} if version is None else {str(api_settings.VERSION_PARAM): str(version)}
    paths = callback_paths(provider, url_name, **parameters)
    found = next((path for path in paths if not has_parameter(path)), None)
    if found is None:
        raise ImproperlyConfigured(
            f"No URL is named {url_name!r}. Include 'social_endpoints.urls' in the URLconf."
            if not paths
            else f"The path {paths[0]} has a parameter that is unknown to social_endpoints.testing."
            " A version must be in REST_FRAMEWORK['DEFAULT_VERSION']."
        )
    return _without_prefix(found)


def _without_prefix(path: str) -> str:
    """Return a path without the script prefix, which test clients do not expect."""
    prefix = get_script_prefix()
    return "/" + path.removeprefix(prefix) if prefix != "/" else path


def _first_redirect_uri() -> str:
    if isinstance(settings.ALLOWED_REDIRECT_URIS, str):
        raise ImproperlyConfigured(
            "ALLOWED_REDIRECT_URIS names a callable. Pass redirect_uri=…, or override the fixture"
            " or the attribute 'social_redirect_uri'."
        )
    uris = listed_uris()
    if not uris:
        raise ImproperlyConfigured("ALLOWED_REDIRECT_URIS is empty: no login can begin.")
    return uris[0]


def _begin_advice(body: dict[str, Any]) -> str:
    if str(body.get("error_code", "")).startswith("redirect_uri"):
        return "Pass redirect_uri=…, a URI that ALLOWED_REDIRECT_URIS allows."
    return ""


def _require_email_scope(fake: FakeProvider, begun: Begun) -> None:
    if not fake.sends_email(begun.params):
        name = begun.provider
        raise ImproperlyConfigured(
            f"{name!r} sends no e-mail address, because the login does not ask for the scope"
            f" {fake.email_scopes[0]!r}. Add it to {setting_name(name, 'SCOPE')}, or pass no email."
            " If your provider sends the address without a scope, set"
            f" social_provider({name!r}).email_scopes = ()."
        )


def _require_database() -> None:
    """Raise what Django and pytest-django raise in a test that must not use the database.

    The endpoints hide the exception. Coroutines must not use the database either.
    """
    connections[router.db_for_write(get_user_model())].cursor().close()


def _is_secure() -> bool:
    return bool(django_settings.SECURE_SSL_REDIRECT)


def _sync(client: Any) -> Any:
    """Return a client with methods that are not asynchronous, and with the same headers.

    :raises TypeError: it is not a test client.
    """
    if isinstance(client, AsyncClient):
        headers: Any = client.defaults
        sibling = Client(headers=headers)
        sibling.cookies = client.cookies
        return sibling
    if not isinstance(client, Client):
        raise TypeError(
            f"{type(client).__name__} is not a test client. Use django.test.Client, AsyncClient or"
            " rest_framework.test.APIClient."
        )
    return client
