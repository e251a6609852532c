"""Encrypt the provider's tokens of existing connections, or decrypt them again."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections, router
from django.db.models import Model

from social_endpoints.conf import NAME, settings
from social_endpoints.internal.actions.convert_tokens import (
    CHANGES,
    DECRYPTED,
    EMPTY,
    ENCRYPTED,
    LOST,
    RENEWED,
    UNCHANGED,
    Conversion,
)
from social_endpoints.internal.backends.loading import storage

_MAX_BATCH_SIZE = 1_000
_PROGRESS = 10  # seconds between two lines

_ENCRYPT_TEXTS = {
    ENCRYPTED: "encrypted",
    RENEWED: "encrypted again under SECRET_KEY",
    UNCHANGED: "already encrypted",
    EMPTY: "without tokens",
    LOST: "lost",
}
_DECRYPT_TEXTS = {
    DECRYPTED: "decrypted",
    UNCHANGED: "already decrypted",
    EMPTY: "without tokens",
    LOST: "lost",
}


class Command(BaseCommand):
    """Convert the rows in batches. The command can be stopped and started again at any time."""

    help = (
        "Encrypt the provider's tokens of existing connections, also after a change of SECRET_KEY."
        " With --decrypt, store them in clear again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--decrypt", action="store_true", help="store the tokens in clear")
        parser.add_argument(
            "--check",
            action="store_true",
            help="only count; exit with status 1 if rows have to be converted",
        )
        parser.add_argument(
            "--batch-size",
            type=int,
            default=200,
            help=f"rows in one transaction, at most {_MAX_BATCH_SIZE} (default: 200)",
        )
        parser.add_argument("--database", help="alias (default: where connections are written)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Convert all rows and print the counts.

        :raises CommandError: an option is not valid, or the setting contradicts the direction.
        """
        decrypts, checks = options["decrypt"], options["check"]
        if not 1 <= options["batch_size"] <= _MAX_BATCH_SIZE:
            raise CommandError(f"--batch-size must be between 1 and {_MAX_BATCH_SIZE}.")
        if not checks:
            _require_setting(decrypts)
        model = _find_model()
        using = options["database"] or router.db_for_write(model)
        if using not in connections:
            raise CommandError(
                f"{using!r} is not in DATABASES. Choose from {', '.join(connections)}."
            )
        conversion = Conversion(
            model, using, decrypts=decrypts, writes=not checks, batch_size=options["batch_size"]
        )
        self._run(conversion, options["verbosity"])
        self._report(conversion, _DECRYPT_TEXTS if decrypts else _ENCRYPT_TEXTS, checks)

    def _run(self, conversion: Conversion, verbosity: int) -> None:
        shown = time.monotonic()
        for last in conversion.run():
            if verbosity and time.monotonic() - shown >= (0 if verbosity > 1 else _PROGRESS):
                shown = time.monotonic()
                count = conversion.outcomes.total()
                self.stdout.write(f"{count} rows, up to the primary key {last}")
                self.stdout.flush()

    def _report(self, conversion: Conversion, texts: dict[str, str], checks: bool) -> None:
        outcomes = conversion.outcomes
        for outcome, text in texts.items():
            prefix = "to be " if checks and outcome in CHANGES else ""
            self.stdout.write(f"{outcomes[outcome]:>10} {prefix}{text}")
        if outcomes[LOST]:
            keys = ", ".join(map(str, conversion.lost))
            more = ", ..." if outcomes[LOST] > len(conversion.lost) else ""
            self.stderr.write(
                "Rows with tokens that cannot be decrypted with SECRET_KEY or SECRET_KEY_FALLBACKS:"
                f" {outcomes[LOST]}. They were not changed. Add the key that encrypted them to"
                " SECRET_KEY_FALLBACKS, or let the users connect again. Primary keys:"
                f" {keys}{more}"
            )
        remaining = sum(outcomes[each] for each in CHANGES) if checks else 0
        if remaining:
            raise CommandError(f"Rows that have to be converted: {remaining}.", returncode=1)
        if django_settings.SECRET_KEY_FALLBACKS:
            rows = "the other rows" if outcomes[LOST] else "these rows"
            self.stdout.write(
                f"No token in {rows} needs SECRET_KEY_FALLBACKS. Sessions, flows and other signed"
                " values may still need it."
            )


def _require_setting(decrypts: bool) -> None:
    """Refuse to convert in the direction in which logins do not store tokens."""
    if bool(settings.ENCRYPT_PROVIDER_TOKENS) is not decrypts:
        return
    if decrypts:
        raise CommandError(
            f"{NAME}['ENCRYPT_PROVIDER_TOKENS'] is True, so logins would encrypt tokens again. Set"
            " it to False on all servers first."
        )
    raise CommandError(
        f"{NAME}['ENCRYPT_PROVIDER_TOKENS'] is not True, so logins would store tokens in clear."
        " Set it to True on all servers first, or use --decrypt."
    )


def _find_model() -> Any:
    try:
        model = storage().user
    except ImproperlyConfigured as error:
        raise CommandError(str(error)) from error
    if not (isinstance(model, type) and issubclass(model, Model)):
        raise CommandError(
            "The class of connections in SOCIAL_AUTH_STORAGE is not a model of Django. This command"
            " cannot read its rows."
        )
    return model
