"""Sentry's client, with a transport that stores events in place of sending them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sentry_sdk
from rest_framework.test import APIClient, ForceAuthClientHandler
from sentry_sdk.envelope import Envelope
from sentry_sdk.integrations.wsgi import SentryWsgiMiddleware
from sentry_sdk.transport import Transport


class StoredEvents(Transport):
    """Stores all events: errors, and transactions with their spans and breadcrumbs."""

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        self.events: list[dict[str, Any]] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.events += [item.payload.json for item in envelope.items if item.payload.json]

    @property
    def errors(self) -> list[dict[str, Any]]:
        """The events that are not transactions."""
        return [event for event in self.events if "level" in event]

    def texts(self) -> Iterator[tuple[str, str]]:
        """Yield each text of the events with its path."""
        for event in self.events:
            yield from _texts(event)

    def find(self, secrets: set[str]) -> list[tuple[str, str]]:
        """Return the path in an event, and the text there, wherever a secret is."""
        return [
            (path, text) for path, text in self.texts() if any(each in text for each in secrets)
        ]


def _texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield path, str(name)
            yield from _texts(each, f"{path}.{name}")
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _texts(each, f"{path}[{number}]")
    else:
        yield path, str(value)


class WSGIClientHandler(ForceAuthClientHandler):
    """Handles requests inside Sentry's WSGI middleware, which reads URL and headers."""

    def __call__(self, environ: dict[str, Any]) -> Any:
        responses = []

        def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
            responses.append(super(WSGIClientHandler, self).__call__(environ))
            start_response("200 OK", [])
            return []

        list(SentryWsgiMiddleware(application)(environ, lambda *arguments: None))
        return responses[0]


def reported_client() -> APIClient:
    """Return a client whose requests Sentry sees like those of a server."""
    referer = "https://testserver/callback?code=code-in-a-referer"
    client = APIClient(raise_request_exception=False, headers={"Referer": referer})
    client.handler = WSGIClientHandler()
    return client


@contextmanager
def reporting(**options: Any) -> Iterator[StoredEvents]:
    """Report errors and transactions to Sentry inside the ``with``."""
    transport = StoredEvents()
    dsn = "https://key@sentry.example.com/1"
    sentry_sdk.init(dsn=dsn, transport=transport, traces_sample_rate=1.0, **options)
    try:
        yield transport
    finally:
        sentry_sdk.get_client().close()
        sentry_sdk.init()
