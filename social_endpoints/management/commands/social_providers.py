"""List the configured providers, and compare them with what they publish."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings as django_settings
from django.core.exceptions import DisallowedHost, ImproperlyConfigured
from django.core.handlers.wsgi import WSGIRequest
from django.core.management.base import BaseCommand, CommandError, CommandParser

from social_endpoints.conf import Settings, settings
from social_endpoints.internal.actions.provider_check import Finding, check_provider
from social_endpoints.internal.actions.provider_report import ProviderReport, report_providers
from social_endpoints.management.callback_urls import (
    BACKCHANNEL_LOGOUT,
    HANDOFF,
    absolute,
    callback_paths,
)

_COLUMNS = ("PROVIDER", "PROTOCOL", "BEGIN", "NATIVE", "CONNECT", "PKCE", "STATUS")
_LABELS = {"ok": "ok", "note": "note", "error": "ERROR"}
_NATIVE = {
    (): "no",
    ("id_token",): "id",
    ("access_token",): "access",
    ("id_token", "access_token"): "both",
}
_YES_NO = {True: "yes", False: "no", None: "auto"}


class Command(BaseCommand):
    """Print a table of the providers and details of each. No secret is printed."""

    help = (
        "List the configured providers: what they can be used for, which settings are missing, and"
        " which URLs to register. The exit status is 1 if something is missing or does not fit."
    )
    # A mistake that a check reports must not hide the list.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("names", nargs="*", help="names of providers (default: all)")
        parser.add_argument(
            "--check",
            action="store_true",
            help="request the discovery documents and keys, and compare them with the settings",
        )
        parser.add_argument("--json", action="store_true", help="print JSON, with documented keys")
        parser.add_argument(
            "--base-url",
            metavar="URL",
            help="origin of the API, e.g. https://api.example.com; also the host of the request"
            " for a project with settings for each tenant",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the report.

        :raises CommandError: a name is unknown, or a provider has a problem.
        """
        base_url = options["base_url"] or _only_origin()
        if base_url is not None:
            absolute(base_url, "/")  # It raises an exception if it is not an origin.
        try:
            reports = report_providers(_request(options["base_url"]))
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        reports = _select(reports, options["names"])
        findings = {id(each): check_provider(each) if options["check"] else [] for each in reports}
        entries = [_entry(each, findings[id(each)], base_url) for each in reports]
        failed = [entry["name"] for entry in entries if not entry["ok"]]
        if options["json"]:
            self.stdout.write(json.dumps({"ok": not failed, "providers": entries}, indent=2))
        else:
            self._print(entries, with_optional=bool(options["names"]))
        if failed:
            raise CommandError(f"Problems with {', '.join(failed)}.")

    def _print(self, entries: list[dict[str, Any]], *, with_optional: bool) -> None:
        if not entries:
            self.stdout.write("AUTHENTICATION_BACKENDS contains no provider.")
            return
        for line in _table([_COLUMNS, *map(_row, entries)]):
            self.stdout.write(line)
        for entry in entries:
            self.stdout.write("\n" + self.style.MIGRATE_HEADING(_heading(entry)))
            for label, text in _details(entry, with_optional=with_optional):
                style = self.style.ERROR if label.isupper() and label != "PKCE" else str
                for line in _wrap(label, text):
                    self.stdout.write(style(line))


def _select(reports: list[ProviderReport], names: list[str]) -> list[ProviderReport]:
    configured_names = [report.name for report in reports]
    for name in names:
        if name not in configured_names:
            providers = ", ".join(configured_names) or "none"
            raise CommandError(f"{name!r} is not configured. Providers: {providers}.")
    return [report for report in reports if not names or report.name in names]


def _request(base_url: str | None) -> WSGIRequest | None:
    """Return a request to a host, for a strategy of the project whose settings depend on it."""
    if base_url is None or settings.STRATEGY == Settings.STRATEGY:
        return None
    url = urlsplit(absolute(base_url, "/"))
    environ = {
        "REQUEST_METHOD": "GET",
        "HTTP_HOST": url.netloc,
        "SERVER_NAME": url.hostname or "",
        "SERVER_PORT": str(url.port or {"https": 443}.get(url.scheme, 80)),
        "wsgi.url_scheme": url.scheme,
        "wsgi.input": BytesIO(),
    }
    request = WSGIRequest(environ)
    try:
        request.get_host()
    except DisallowedHost as error:
        raise CommandError(
            f"{url.netloc!r} is not in ALLOWED_HOSTS. Write the origin of a tenant as --base-url."
        ) from error
    return request


def _only_origin() -> str | None:
    """Return the origin of the API if ``ALLOWED_HOSTS`` has only one host."""
    hosts: Any = django_settings.ALLOWED_HOSTS
    if isinstance(hosts, (list, tuple)) and len(hosts) == 1:
        host = str(hosts[0])
        return None if "*" in host or host.startswith(".") else f"https://{host}"
    return None


def _entry(
    report: ProviderReport, findings: Sequence[Finding], base_url: str | None
) -> dict[str, Any]:
    """Return the entry of a provider in the JSON. The keys are documented."""
    problems = list(report.problems)
    urls: dict[str, list[str]] = {HANDOFF: [], BACKCHANNEL_LOGOUT: []}
    for is_used, url_name, endpoint in (
        (report.uses_handoff, HANDOFF, "handoff"),
        (report.backchannel_logout, BACKCHANNEL_LOGOUT, "back-channel logout"),
    ):
        paths = callback_paths(report.name, url_name) if is_used else []
        urls[url_name] = [absolute(base_url, path) if base_url else path for path in paths]
        if is_used and not paths:
            problems.append(f"The URLs contain no {endpoint}: include social_endpoints.urls.")
    return {
        "name": report.name,
        "title": report.title,
        "backend": report.path,
        "documentation": report.documentation,
        "protocol": report.protocol,
        "begin": report.begin,
        "native": report.native,
        "connect": report.connect,
        "scopes": report.scopes,
        "connect_scopes": report.connect_scopes,
        "pkce": {"enabled": report.pkce, "reason": report.pkce_reason},
        "client_authentication": report.client_authentication,
        "settings": {
            "set": report.set_settings,
            "missing": report.missing_settings,
            "unset": report.unset_settings,
            "other": report.unread_settings,
        },
        "redirect_uris": report.redirect_uris,
        "handoff_urls": urls[HANDOFF],
        "post_logout_redirect_uris": report.post_logout_redirect_uris,
        "backchannel_logout_urls": urls[BACKCHANNEL_LOGOUT],
        "problems": problems,
        "checks": [vars(each) for each in findings],
        "ok": not problems and not any(each.level == "error" for each in findings),
    }


def _row(entry: dict[str, Any]) -> tuple[str, ...]:
    return (
        entry["name"],
        entry["protocol"] or "-",
        _YES_NO[entry["begin"]],
        _NATIVE[tuple(entry["native"])],
        _YES_NO[entry["connect"]],
        _YES_NO[entry["pkce"]["enabled"]],
        "ok" if entry["ok"] else "problem",
    )


# The values are short, so that the table of social-core's providers fits into 80 columns.
def _table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _wrap(label: str, text: str) -> list[str]:
    """Return the lines of a text. A URL and a name are never broken."""
    indent = " " * 16
    return textwrap.wrap(
        text,
        width=max(shutil.get_terminal_size().columns, 60),
        initial_indent=f"  {label:<14}",
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _heading(entry: dict[str, Any]) -> str:
    return f"{entry['name']}: {entry['title']}" if entry["title"] else str(entry["name"])


def _details(entry: dict[str, Any], *, with_optional: bool) -> Iterator[tuple[str, str]]:
    """Yield label and text of each line about a provider."""
    yield "class", entry["backend"]
    yield "documentation", entry["documentation"]
    if entry["protocol"] in {"oauth2", "openid_connect"}:
        pkce = entry["pkce"]
        state = {True: "on", False: "off", None: "undecided"}[pkce["enabled"]]
        yield "PKCE", f"{state}: {pkce['reason']}" if pkce["reason"] else state
    if entry["client_authentication"]:
        yield "client", entry["client_authentication"]
    if entry["scopes"]:
        yield "scopes", " ".join(entry["scopes"])
    if entry["connect_scopes"]:
        yield "more scopes", " ".join(entry["connect_scopes"])
    names = entry["settings"]
    for label, state in (("set", "set"), ("missing", "missing"), ("other", "set, not read here")):
        for name in names[label]:
            yield "setting", f"{name} ({state})"
    if with_optional and names["unset"]:
        yield "optional", ", ".join(names["unset"])
    yield from _urls_and_results(entry)


def _urls_and_results(entry: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for label, key, setting in (
        ("redirect URI", "redirect_uris", "ALLOWED_REDIRECT_URIS"),
        ("after logout", "post_logout_redirect_uris", "ALLOWED_LOGOUT_REDIRECT_URIS"),
    ):
        if entry[key] is None:
            yield label, f"any that the callable in {setting} allows"
        for uri in entry[key] or ():
            yield label, uri
    for label, key in (
        ("handoff URL", "handoff_urls"),
        ("back-channel", "backchannel_logout_urls"),
    ):
        for url in entry[key]:
            hint = " at the origin of the API; add --base-url" if url.startswith("/") else ""
            yield label, url + hint
    for problem in entry["problems"]:
        yield "PROBLEM", problem
    for check in entry["checks"]:
        yield _LABELS[check["level"]], f"{check['subject']}: {check['message']}"
