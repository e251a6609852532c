"""The fake provider as a server in this process, and the browser of a person who signs in there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import requests
from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler

from tests.support.frontend import Frontend
from tests.support.handoff import handoff_params, post_to_callback

PERSON = {"sub": "4711", "name": "Grace Hopper", "email": "grace@example.com"}
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')
_ACTION = re.compile(r'<form method="post" action="([^"]*)"')


@contextmanager
def running_server() -> Iterator[str]:
    """Serve the project of the tests on a free port; return the origin."""
    server = ThreadedWSGIServer(("127.0.0.1", 0), _QuietHandler)
    server.set_app(WSGIHandler())
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        pass


class Person:
    """Someone with a browser at the page of the fake provider."""

    def __init__(self) -> None:
        self.browser = requests.Session()
        self.browser.trust_env = False

    def answer(self, url: str, decision: str = "approve", **fields: str) -> requests.Response:
        """Open the page and submit its form; return the response."""
        page = self.browser.get(url, timeout=10)
        assert page.status_code == 200, page.text
        body = {**hidden_fields(page.text), **PERSON, "email_verified": "on", **fields}
        return self.browser.post(
            url, {**body, "decision": decision}, allow_redirects=False, timeout=10
        )

    def callback(self, url: str, decision: str = "approve", **fields: str) -> dict[str, str]:
        """Answer, and return the parameters that arrive at the page of the frontend."""
        response = self.answer(url, decision, **fields)
        if response.status_code == 303:
            return dict(parse_qsl(urlsplit(response.headers["Location"]).query))
        action = _ACTION.search(response.text)
        assert action, response.text
        path = urlsplit(urljoin(url, unescape(action[1]))).path
        return handoff_params(post_to_callback(hidden_fields(response.text), path))


def hidden_fields(page: str) -> dict[str, str]:
    return {unescape(name): unescape(value) for name, value in _HIDDEN.findall(page)}


def sign_in(frontend: Frontend, provider: str, person: Person | None = None, **fields: str) -> Any:
    """Begin, answer at the page of the fake provider, and complete."""
    begun = frontend.begin(provider)
    assert begun.status_code == 200, begun.data
    callback = (person or Person()).callback(begun.data["authorization_url"], **fields)
    return frontend.complete(begun, callback, provider)
