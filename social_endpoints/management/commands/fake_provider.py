"""Serve a fake OAuth 2 and OpenID Connect provider, for development."""

from __future__ import annotations

import errno
import socket
from argparse import ArgumentTypeError
from collections.abc import Mapping
from contextlib import suppress
from threading import Thread
from typing import Any

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.servers.basehttp import run
from django.core.wsgi import get_wsgi_application
from django.test import override_settings

from social_endpoints.conf import NAME, settings

PORT = 9000
LOOPBACK = "127.0.0.1"


class Command(BaseCommand):
    """Serve the pages and the endpoints of :mod:`social_endpoints.testing`."""

    help = (
        "Serve a fake OAuth 2 and OpenID Connect provider, for development without accounts at"
        " providers. Its clients are the providers in the settings of this project. It needs DEBUG."
    )
    # A project whose settings are not complete yet can look up what to set.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "port", nargs="?", type=_port, default=PORT, help="port to listen on (default: 9000)"
        )
        parser.add_argument(
            "--host",
            default=LOOPBACK,
            help="address to listen on (default: 127.0.0.1, only this machine), such as 0.0.0.0 for"
            " a container or a phone",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until Ctrl-C.

        :raises CommandError: ``DEBUG`` is off, a setting is not valid, or the port cannot be used.
        """
        try:
            from social_endpoints.testing.configured import configured_clients

            self._clients = configured_clients()
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        host, port = options["host"], options["port"]
        is_local = host == LOOPBACK
        if is_local and port:
            _refuse_taken_port(port)
        with override_settings(
            MIDDLEWARE=["social_endpoints.testing.views.only_fake_provider"],
            ALLOWED_HOSTS=["localhost", LOOPBACK, "[::1]"] if is_local else ["*"],
            FAKE_PROVIDER_PROJECT_HOSTS=django_settings.ALLOWED_HOSTS,
            CSRF_COOKIE_SECURE=False,
            CSRF_USE_SESSIONS=False,
            FORCE_SCRIPT_NAME=None,
            USE_X_FORWARDED_HOST=False,
        ):
            self._serve(host, port, is_local=is_local)

    def _serve(self, host: str, port: int, *, is_local: bool) -> None:
        application = get_wsgi_application()

        def greet(port: Any) -> None:
            if is_local:
                # Programs may try IPv6 first for the name "localhost".
                Thread(target=_serve_ipv6, args=[port, application], daemon=True).start()
            self._greet(f"http://{'localhost' if is_local else _in_url(host)}:{port}")

        try:
            run(host, port, application, ipv6=":" in host, threading=True, on_bind=greet)
        except KeyboardInterrupt:
            self._write("\nThe fake provider has stopped.")
        except OSError as error:
            raise CommandError(_explain(host, port, error)) from error

    def _greet(self, issuer: str) -> None:
        lines = [
            f"The fake provider is running. Its issuer is {issuer}",
            "Open this address for its clients. Press Ctrl-C to stop.",
            "",
        ]
        for client in self._clients:
            lines += [f"{client.name}: {client.title}", *_advice(client, issuer), ""]
        if not self._clients:
            lines.append("AUTHENTICATION_BACKENDS contains no provider.")
        self._write("\n".join(lines))

    def _write(self, text: str) -> None:
        with suppress(OSError):  # The reader of the output has ended.
            self.stdout.write(text)
            self.stdout.flush()


def _advice(client: Any, issuer: str) -> list[str]:
    """Return what to set for a provider, as lines."""
    if client.problem:
        return [f"  {client.problem}"]
    configured: Any = settings.FAKE_PROVIDERS
    addresses = configured if isinstance(configured, Mapping) else {}
    if str(addresses.get(client.name)).rstrip("/") == issuer or client.endpoint == issuer:
        lines = ["  ready"]
    elif client.endpoint_setting:
        lines = [f'  Set {client.endpoint_setting} = "{issuer}"']
    else:
        lines = [f'  Set {NAME}["FAKE_PROVIDERS"]["{client.name}"] = "{issuer}"']
    return [*lines, f"  client ID: {client.client_id}"]


def _serve_ipv6(port: int, application: Any) -> None:
    with suppress(OSError):  # This machine has no IPv6.
        run("::1", port, application, ipv6=True, threading=True)


def _refuse_taken_port(port: int) -> None:
    """Refuse a port that another program has on one of the addresses of ``localhost``."""
    for family, host in ((socket.AF_INET, LOOPBACK), (socket.AF_INET6, "::1")):
        error = _bind_error(family, host, port)
        has_no_ipv6 = host != LOOPBACK and getattr(error, "errno", None) != errno.EADDRINUSE
        if error is not None and not has_no_ipv6:
            raise CommandError(_explain(host, port, error)) from error


def _bind_error(family: socket.AddressFamily, host: str, port: int) -> OSError | None:
    try:
        with socket.socket(family) as probe:
            # As the server does, so that connections in TIME_WAIT do not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        return error
    return None


def _explain(host: str, port: int, error: OSError) -> str:
    other = port + 1 if port < 65_535 else PORT
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} of {host} is in use. Stop the program that uses it, or choose another"
            f" port: manage.py fake_provider {other}"
        )
    return f"Port {port} of {host} cannot be used: {error.strerror or error}."


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise ArgumentTypeError(f"{text!r} is not a port. Write a number from 1 to 65535.")
    return int(text)
