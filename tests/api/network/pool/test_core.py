"""What the pool relies on in python-social-auth, and where it stands there."""

from __future__ import annotations

import hashlib
import inspect
from typing import Any

import pytest
from social_core.backends.base import BaseAuth
from social_core.backends.facebook import FacebookOAuth2
from social_core.backends.google_openidconnect import GoogleOpenIdConnect
from social_core.backends.open_id import OpenIdAuth
from social_core.backends.twitter import TwitterOAuth

from social_endpoints.internal.backends.loading import load
from social_endpoints.internal.backends.registry import Provider
from social_endpoints.internal.flows.flow import Flow
from social_endpoints.internal.network.pool.transport import PooledTransport
from tests.api.network.pool.backends import LoopbackOAuth2, OwnRequest
from tests.api.network.pool.conftest import LogIn
from tests.api.network.pool.provider import Connection
from tests.api.network.pool.provider import Provider as Server

KNOWN = {
    "8b44283c274dc9ebb13c81f3d2d9bae2f5270286248061da1036d589f2122cfb": "social-core 6.2 and 7.0",
}


def test_the_method_that_the_pool_stands_for_is_known() -> None:
    source = inspect.getsource(BaseAuth.request)

    assert hashlib.sha256(source.encode()).hexdigest() in KNOWN, (
        "BaseAuth.request() of this social-core is another one. Compare it with the last that is"
        " known. It runs as it is (providers/pool/transport.py), with another `requests` in its"
        " globals: see that it still sends by `requests.request(method, url, ...)`, once, with"
        " `timeout`, `proxies` and `verify` from the settings; that it reads all of the answer;"
        " and that `requests` is a name of its module. Then add its digest."
    )


@pytest.mark.parametrize(
    "kind",
    [LoopbackOAuth2, OwnRequest, FacebookOAuth2, GoogleOpenIdConnect, OpenIdAuth, TwitterOAuth],
)
def test_the_pool_stands_directly_above_the_base(kind: Any) -> None:
    configured = Provider(kind.name, f"{kind.__module__}.{kind.__qualname__}", kind)
    flow = Flow(kind.name, "login", "https://app.example.com/")
    _, backend = load(configured, request=None, data={}, flow=flow)
    order = type(backend).__mro__

    assert order[order.index(BaseAuth) - 1] is PooledTransport
    assert (type(backend).__module__, type(backend).__qualname__) == (
        kind.__module__,
        kind.__qualname__,
    )
    assert inspect.signature(PooledTransport.request) == inspect.signature(BaseAuth.request)


@pytest.mark.django_db
def test_a_backend_of_the_projects_keeps_its_own(provider: Server, log_in: LogIn) -> None:
    own: list[str | None] = []

    def note(connection: Connection) -> None:
        while True:
            request = connection.read()
            own.append(request.headers.get("x-own"))
            status, content = provider.answer_to(request)
            connection.answer(content, status=status)

    provider.on_connection = note

    assert log_in(backend="own-request").status_code == 201

    assert own == ["yes", "yes"]
    assert provider.connections == 1
