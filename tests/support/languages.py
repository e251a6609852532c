"""Languages of requests, and catalogues of a project."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from babel.messages.catalog import Catalog, Message

from tests.catalogues import as_mo, extract, read

MIDDLEWARE = "django.middleware.locale.LocaleMiddleware"

MARKED_LANGUAGE = "eo"
"""A language without a catalogue of ours. A test gives it one with :func:`mark`."""

MARK = "¤"


def mark(message: Message) -> str | list[str]:
    """Return a translation that a test recognises."""
    if isinstance(message.id, str):
        return f"{MARK}{message.id}"
    return [f"{MARK}{form}" for form in message.id]


def add_catalogue(
    directory: Path, language: str, translate: Callable[[Message], str | list[str]]
) -> None:
    """Write a compiled catalogue, as a project does that translates texts itself.

    :param directory: a directory for ``LOCALE_PATHS``.
    """
    catalogue = Catalog(locale=language)
    for message in extract("django"):
        if text := translate(message):
            catalogue.add(message.id, text, context=message.context)
    path = directory / language / "LC_MESSAGES" / "django.mo"
    path.parent.mkdir(parents=True)
    path.write_bytes(as_mo(catalogue))


def translated(
    language: str, text: str, *, context: str | None = None, domain: str = "django"
) -> str:
    """Return the translation in our catalogue."""
    message = read(language, domain).get(text, context=context)
    assert message is not None, text
    return str(message.string) or text
