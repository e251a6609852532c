"""Begin a connect with more scopes, with every OAuth 2 backend of social-core."""

from __future__ import annotations

import re
from typing import Any

import pytest
import responses
from django.contrib.auth import get_user_model

from tests.support.accounts import logged_in
from tests.support.configuration import Configure
from tests.support.frontend import Frontend, authorization_params
from tests.support.social_core import (
    BACKENDS,
    REDIRECT_BACKENDS,
    UNUSUAL_REDIRECT_URI,
    add_discovery,
    configure_backend,
)

pytestmark = pytest.mark.django_db


def asked_scopes(frontend: Frontend, name: str, **query: str) -> list[str]:
    """Return the scopes in the authorization URL."""
    query |= {"shop": "acme"} if name == "shopify" else {}
    params = authorization_params(frontend.begin(name, redirect_uri=UNUSUAL_REDIRECT_URI, **query))
    return re.findall(r"[^ ,;]+", params.get(BACKENDS[name].SCOPE_PARAMETER_NAME, ""))


@pytest.mark.parametrize("name", REDIRECT_BACKENDS)
def test_each_backend_asks_for_the_scope_and_for_those_of_a_login(
    name: str, wire: responses.RequestsMock, settings: Any, configure: Configure
) -> None:
    add_discovery(wire)
    configure_backend(settings, name)
    configure(CONNECT_SCOPES={name: ["more"]})
    client = logged_in(get_user_model().objects.create(username="grace"))

    in_login = asked_scopes(Frontend(), name)
    in_connect = asked_scopes(Frontend(client=client, below="connect/"), name, scope="more")

    assert in_connect == [*in_login, "more"]
