# monitoring/metrics.py
"""Metrics of social logins for Prometheus."""

from __future__ import annotations

import os
import re
import time
from logging import Handler, LogRecord
from typing import Any

from django.conf import settings
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector
from social_core.backends.utils import load_backends

from social_endpoints.signals import (
    connected,
    disconnected,
    logged_out_by_provider,
    provider_availability_changed,
    signed_in,
)

SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30)

REQUESTS = Counter(
    "social_requests",
    "Requests to the endpoints, by their outcome",
    ["endpoint", "method", "provider", "status", "code"],
)
DURATION = Histogram(
    "social_request_seconds",
    "Duration of the requests to the endpoints",
    ["endpoint", "method", "provider"],
    buckets=SECONDS,
)
PROVIDER_TIME = Histogram(
    "social_provider_seconds",
    "Time in which a request to the endpoints waited for the provider",
    ["provider"],
    buckets=SECONDS,
)
EVENTS = Counter(
    "social_events",
    "Logins, new accounts, changes of connections and logouts by the provider",
    ["event", "provider"],
)
AVAILABLE = Gauge(
    "social_provider_available",
    "1, or 0 while the circuit breaker does not ask the provider",
    ["provider", "host"],
    multiprocess_mode="mostrecent",
)

VALUES = re.compile(r' (\w+)=("(?:[^"\\]|\\.)*"|\S+)')

# The names of the URLs. Other views of the project are not measured.
ENDPOINTS = {
    "connection-detail",
    "connection-list",
    "current-user",
    "logout",
    "provider-auth",
    "provider-backchannel-logout",
    "provider-callback",
    "provider-connect",
    "provider-connect-token",
    "provider-list",
    "provider-logout",
    "provider-token",
    "refresh",
}


def provider_label(name: Any) -> str:
    """Return the name of a configured provider. Clients can invent others."""
    return name if name in load_backends(settings.AUTHENTICATION_BACKENDS) else ""


class MetricsMiddleware:
    """Counts and measures the requests to the endpoints."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        started = time.perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        if match is not None and match.url_name in ENDPOINTS:
            provider = provider_label(match.kwargs.get("provider"))
            method = request.method if request.method in {"GET", "POST", "DELETE"} else ""
            body = getattr(response, "data", None)
            code = body.get("error_code", "") if isinstance(body, dict) else ""
            REQUESTS.labels(match.url_name, method, provider, response.status_code, code).inc()
            seconds = time.perf_counter() - started
            DURATION.labels(match.url_name, method, provider).observe(seconds)
        return response


class ProviderTimeHandler(Handler):
    """Reads ``provider_ms`` from the lines of the logger ``social_endpoints``."""

    def emit(self, record: LogRecord) -> None:
        values = dict(VALUES.findall(record.getMessage()))
        if int(values.get("provider_ms", 0)) > 0:
            provider = provider_label(values.get("provider"))
            PROVIDER_TIME.labels(provider).observe(int(values["provider_ms"]) / 1000)


def count(event: str, provider: str) -> None:
    """Count an event when its transaction is committed."""
    transaction.on_commit(EVENTS.labels(event, provider).inc, robust=True)


@receiver(signed_in)
def count_login(provider: str, is_new_user: bool, **kwargs: Any) -> None:
    count("signed_in", provider)
    if is_new_user:
        count("new_account", provider)


@receiver(connected)
def count_connection(provider: str, **kwargs: Any) -> None:
    count("connected", provider)


@receiver(disconnected)
def count_disconnection(provider: str, **kwargs: Any) -> None:
    count("disconnected", provider)


@receiver(logged_out_by_provider)
def count_logout(provider: str, **kwargs: Any) -> None:
    count("logged_out_by_provider", provider)


@receiver(provider_availability_changed)
def show_availability(provider: str, host: str, is_available: bool, **kwargs: Any) -> None:
    AVAILABLE.labels(provider, host).set(is_available)


def metrics(request: HttpRequest) -> HttpResponse:
    """Return the metrics of all processes of this server. Route it where only Prometheus is."""
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
