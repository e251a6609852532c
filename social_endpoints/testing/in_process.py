"""Fake providers in this process: requests to a provider reach its fake, without a socket."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from io import BytesIO
from types import TracebackType
from typing import Any, Self

import requests
from urllib3 import HTTPHeaderDict, HTTPResponse

from social_endpoints.internal.network import substitutes
from social_endpoints.internal.network.adapter import ProviderAdapter
from social_endpoints.internal.network.substitutes import Substitute
from social_endpoints.testing.messages import ProviderRequest, ProviderResponse
from social_endpoints.testing.provider import FakeProvider


class InProcessAdapter(ProviderAdapter):
    """Passes requests to a fake provider.

    Responses have the limits of real ones: size, headers, encodings, redirects and time.
    """

    is_reusable = False

    def __init__(self, fake: FakeProvider) -> None:
        super().__init__()
        self.fake = fake

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        timeout = self._remaining(kwargs.get("timeout"))
        response = self.fake.respond(_provider_request(request))
        limit = min(self.deadline - time.monotonic(), timeout.read_timeout)
        if response.delay >= limit:
            raise requests.ReadTimeout("The fake provider is too slow.", request=request)
        time.sleep(response.delay)
        return self.build_response(request, _raw_response(request, response))


def _provider_request(request: requests.PreparedRequest) -> ProviderRequest:
    body = request.body or b""
    content = body.encode() if isinstance(body, str) else bytes(body)
    headers: Mapping[str, Any] = request.headers
    texts = {
        str(name): value.decode("latin-1") if isinstance(value, bytes) else str(value)
        for name, value in headers.items()
    }
    return ProviderRequest(str(request.method), str(request.url), texts, content)


def _raw_response(request: requests.PreparedRequest, response: ProviderResponse) -> HTTPResponse:
    return HTTPResponse(
        body=BytesIO(response.body),
        headers=HTTPHeaderDict(response.all_headers),
        status=int(response.status),
        version=11,
        preload_content=False,
        decode_content=False,
        request_method=request.method,
    )


class FakeProviders:
    """The fake providers of one test. Call it with the name of a provider to get its fake.

    From then on until the end of the ``with`` block, each request for this provider reaches the
    fake, in all threads of the process. No other provider is changed.
    """

    def __init__(self) -> None:
        self._fakes: dict[str, FakeProvider] = {}
        self._stack = ExitStack()

    def __call__(self, provider: str, /, **claims: Any) -> FakeProvider:
        """Return the fake of a provider. It is always the same one in a test.

        :param claims: default claims of the people who sign in.
        :raises ProviderNotFakeable: the backend does not use OAuth 2 or OpenID Connect.
        """
        fake = self._fakes.get(provider)
        if fake is None:
            fake = self._fakes[provider] = FakeProvider(provider)
            self._activate(provider, fake)
        fake.claims.update(claims)
        return fake

    def _activate(self, provider: str, fake: FakeProvider) -> None:
        substitute = Substitute(fake.identity, lambda: InProcessAdapter(fake))
        previous = substitutes.replace(provider, substitute)
        self._stack.callback(substitutes.replace, provider, previous)

    def close(self) -> None:
        """Connect the project to the real providers again."""
        self._fakes.clear()
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
