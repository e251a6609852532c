"""The simulated network between the package and a fake provider.

Requests pass through the network code of the package, so that its limits, retries and redirects
are tested as well. The network ends where requests would open a connection.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import responses

from social_endpoints.testing import FakeProvider, ProviderRequest

Answer = tuple[int, dict[str, str], bytes]


def answer(fake: FakeProvider, request: Any) -> Answer:
    """Return the response of a fake provider to a request, in the form of ``responses``."""
    body = request.body or b""
    content = body.encode() if isinstance(body, str) else body
    response = fake.respond(ProviderRequest(request.method, request.url, request.headers, content))
    headers = {"Content-Type": response.all_headers["Content-Type"], **response.headers}
    return int(response.status), headers, response.body


def connect(fake: FakeProvider, wire: responses.RequestsMock, urls: str) -> None:
    """Pass the requests to a fake provider whose URLs match a pattern."""
    for method in ("GET", "POST"):
        wire.add_callback(method, re.compile(urls), callback=partial(answer, fake))
