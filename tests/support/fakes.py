"""Backends that are configured with a client id and a client secret, for fake providers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.utils.module_loading import import_string
from social_core.backends.github import GithubOAuth2

from tests.support.frontend import Frontend
from tests.support.handoff import handoff_params, post_to_callback

Backends = Callable[..., None]

CLIENT_ID, CLIENT_SECRET = "the-client-id", "the-client-secret"
GRACE = {
    "sub": "4711",
    "email": "grace@example.com",
    "name": "Grace Hopper",
    "given_name": "Grace",
    "family_name": "Hopper",
    "preferred_username": "grace",
}


class OwnGithub(GithubOAuth2):
    """A backend of a project."""

    name = "own-github"


def setting(provider: str, name: str) -> str:
    return f"SOCIAL_AUTH_{provider.upper().replace('-', '_')}_{name}"


def configure_backends(settings: Any, *paths: str, **own_settings: Any) -> None:
    """Set AUTHENTICATION_BACKENDS and the credentials of each backend."""
    settings.AUTHENTICATION_BACKENDS = list(paths)
    for path in paths:
        name = import_string(path).name
        for key, value in {"KEY": CLIENT_ID, "SECRET": CLIENT_SECRET, **own_settings}.items():
            setattr(settings, setting(name, key), value)


def sign_in(fake: Any, frontend: Frontend, provider: str, error: str = "", **claims: Any) -> Any:
    """Begin and complete a login, with the fake in the place of the provider's page."""
    begun = frontend.begin(provider)
    assert begun.status_code == 200, begun.data
    query = dict(parse_qsl(urlsplit(begun.data["authorization_url"]).query))
    response = fake.authorize(query, claims, error)
    params = response.callback_params
    if response.method == "POST":
        path = urlsplit(response.redirect_uri).path
        params = handoff_params(post_to_callback(params, path))
    return frontend.complete(begun, params, provider)
