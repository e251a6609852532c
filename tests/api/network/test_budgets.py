"""The budgets of the design for round trips and requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache

from social_endpoints.internal.network.document_cache import process_cache
from social_endpoints.testing import ProviderRequest
from tests.support.authority import Authority
from tests.support.frontend import Frontend
from tests.support.openid_provider import OpenIDProvider
from tests.support.tcp_provider import Provider, Request

pytestmark = pytest.mark.django_db


@pytest.fixture
def openid(provider: Provider, authority: Authority, settings: Any) -> OpenIDProvider:
    openid = OpenIDProvider(url=provider.url)

    def answer_to(request: Request) -> tuple[int, bytes]:
        url = provider.url + request.target
        sent = ProviderRequest(request.method, url, request.headers, request.body)
        response = openid.respond(sent)
        return response.status, response.body

    provider.answer_to = answer_to  # type: ignore[method-assign]  # of this one
    settings.SOCIAL_AUTH_OIDC_OIDC_ENDPOINT = provider.url
    settings.SOCIAL_AUTH_OIDC_VERIFY_SSL = str(authority.bundle)
    cache.clear()
    process_cache.clear()
    return openid


def test_round_trips_of_a_login(
    openid: OpenIDProvider, provider: Provider, pass_time: Callable[[float], None]
) -> None:
    frontend = Frontend("body")
    costs: list[tuple[int, int]] = []
    for seconds in (2, 60, 2):
        before = provider.round_trips, sum(provider.requests.values())
        begun = frontend.begin()
        pass_time(2)  # The user is at the provider.
        callback = openid.authorize(begun.data["authorization_url"])
        assert frontend.complete(begun, callback).status_code == 201
        after = provider.round_trips, sum(provider.requests.values())
        costs.append((after[0] - before[0], after[1] - before[1]))
        pass_time(seconds)

    assert costs == [(6, 4), (2, 2), (4, 2)]
