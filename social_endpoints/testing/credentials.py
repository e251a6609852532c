"""Put the token of a login on a test client, so that its next requests are authenticated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings as django_settings
from django.test import AsyncClient
from django.utils.module_loading import import_string
from rest_framework.authentication import (
    BaseAuthentication,
    BasicAuthentication,
    SessionAuthentication,
)
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.test import APIClient, APIRequestFactory

from social_endpoints.conf import get_dictionary, import_setting
from social_endpoints.tokens.base import LoginSerializer

TOKEN_FIELDS = ("access", "token", "auth_token", "access_token", "key")
"""Fields of the body of a login that may contain the token, in order."""

_HEADER = "HTTP_AUTHORIZATION"


def find_token(body: dict[str, Any]) -> str | None:
    """Return the token in the body of a login, or None if the login is kept in a cookie."""
    serializer: type[LoginSerializer] = import_setting("TOKEN_SERIALIZER", LoginSerializer)
    values = () if serializer.sets_cookies else map(body.get, TOKEN_FIELDS)
    return next((value for value in values if isinstance(value, str) and value), None)


def set_credentials(client: Any, token: str | None) -> None:
    """Send a token with all further requests of a client. Without one, it only has cookies."""
    if token is None:
        return
    name, value = _header(token)
    if isinstance(client, APIClient):
        client.credentials(**{name: value})
    elif isinstance(client, AsyncClient):
        defaults: dict[str, Any] = client.defaults  # type: ignore[assignment]  # It has headers.
        defaults[name.removeprefix("HTTP_").lower().replace("_", "-")] = value
    else:
        client.defaults[name] = value


def _header(token: str) -> tuple[str, str]:
    """Return the header in which the project's authentication classes accept a token."""
    names = dict.fromkeys([_HEADER, str(get_dictionary("SIMPLE_JWT").get("AUTH_HEADER_NAME", ""))])
    headers = []
    for authenticator in _authenticators():
        challenge = authenticator.authenticate_header(_request({}))
        scheme = str(challenge or "").partition(" ")[0]
        for name in filter(None, names) if scheme else ():
            headers.append((name, f"{scheme} {token}"))
            if _accepts(authenticator, dict(headers[-1:])):
                return headers[-1]
    return headers[0] if headers else (_HEADER, f"Bearer {token}")


def _authenticators() -> Iterator[BaseAuthentication]:
    """Yield the project's authentication classes, and then those of the token serializer."""
    serializer: type[LoginSerializer] = import_setting("TOKEN_SERIALIZER", LoginSerializer)
    own = [import_string(path) for path in serializer.authentication_classes]
    for authentication_class in [*api_settings.DEFAULT_AUTHENTICATION_CLASSES, *own]:
        if not issubclass(authentication_class, (BasicAuthentication, SessionAuthentication)):
            yield authentication_class()


def _request(headers: dict[str, Any]) -> Request:
    extra: dict[str, Any] = {
        "SERVER_NAME": (*django_settings.ALLOWED_HOSTS, "testserver")[0].lstrip(".*")
    }
    return Request(APIRequestFactory().get("/", **extra, **headers))


def _accepts(authenticator: BaseAuthentication, headers: dict[str, str]) -> bool:
    try:
        return authenticator.authenticate(_request(headers)) is not None
    except Exception:  # noqa: BLE001 - the class of a project may raise any exception
        return False
