"""The catalogues of translations: what they must contain, and how they are written.

``python -m tests.catalogues`` updates and compiles all of them. It needs no GNU gettext, and the
result does not depend on the date or on the version of a tool.
"""

from __future__ import annotations

import gettext
import io
from functools import cache
from pathlib import Path
from typing import Any

import django
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation import to_language

PACKAGE = Path(__file__).parents[2] / "social_endpoints"
LOCALE = PACKAGE / "locale"

DOMAINS = {"django": "*.py", "djangojs": "*.js"}
"""Django's names for the catalogues of a language, with the files whose texts they contain."""

LANGUAGES = (
    *("ar", "cs", "de", "es", "fr", "id", "it", "ja", "ko", "nl", "pl", "pt_BR", "ru", "sv", "tr"),
    *("uk", "zh_Hans"),
)
"""The languages of the catalogues, by the names of their directories."""

KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
"""The functions that mark a text, with the positions of their arguments."""

LANGUAGE_CODE = ("language code", "en")
"""Context and text of the message whose translation is the code of the language."""


HEADER = "# Translation of django-social-endpoints. See docs/contributing/translations.rst."


class Catalogue(Catalog):
    """A catalogue with a header that does not change with the date."""

    @property
    def mime_headers(self) -> list[tuple[str, str]]:  # type: ignore[override]
        """The header. ``Plural-Forms`` equals Django's: otherwise projects cannot override texts.

        Django merges catalogues with the same rule. One with another rule takes precedence over
        those that were loaded before, and it would be ours.
        """
        return [
            ("Project-Id-Version", "django-social-endpoints"),
            ("Language", str(self.locale_identifier)),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit"),
            ("Plural-Forms", plural_forms(str(self.locale_identifier))),
        ]

    @property
    def num_plurals(self) -> int:
        """The number of plural forms in Django's rule. Babel has fewer for some languages."""
        return plural_count(str(self.locale_identifier))


def plural_forms(language: str) -> str:
    """Return the plural rule of Django's own catalogue."""
    path = Path(django.__path__[0], "conf", "locale", language, "LC_MESSAGES", "django.mo")
    with path.open("rb") as file:
        return str(gettext.GNUTranslations(file).info()["plural-forms"])


def plural_count(language: str) -> int:
    """Return the number of plural forms."""
    return int(plural_forms(language).partition("nplurals=")[2].partition(";")[0])


def po_path(language: str, domain: str) -> Path:
    """Return the path of the text file of a catalogue."""
    return LOCALE / language / "LC_MESSAGES" / f"{domain}.po"


@cache
def extract(domain: str) -> list[Message]:
    """Return the messages in the code, each text once, with the comments for translators."""
    found: dict[Any, Message] = {}
    for path in sorted(PACKAGE.rglob(DOMAINS[domain])):
        for _, texts, comments, context in extract_from_file(
            "python" if domain == "django" else "javascript",
            path,
            keywords=KEYWORDS,
            comment_tags=("Translators:",),
            strip_comment_tags=True,
        ):
            first = texts if isinstance(texts, str) else texts[0]
            message = found.setdefault((context, first), Message(texts, context=context))
            message.auto_comments += [" ".join(comments)] if comments else []
    return list(found.values())


def read(language: str, domain: str) -> Catalog:
    """Return a catalogue as it is stored."""
    with po_path(language, domain).open("rb") as file:
        return read_po(file, locale=language)


def update(language: str, domain: str) -> Catalogue:
    """Return a catalogue with the messages in the code and its stored translations."""
    stored = read(language, domain) if po_path(language, domain).exists() else Catalog()
    updated = Catalogue(locale=language, header_comment=HEADER, fuzzy=False)
    for message in extract(domain):
        known = stored.get(message.id, context=message.context)
        text = known.string if known and not known.fuzzy else ""
        if isinstance(message.id, tuple) and not any(text):
            text = ("",) * plural_count(language)
        if (message.context, message.id) == LANGUAGE_CODE:
            text = html_code(language)
        comments = dict.fromkeys(message.auto_comments)
        updated.add(message.id, text, auto_comments=comments, context=message.context)
    return updated


def html_code(language: str) -> str:
    """Return the code of a language for HTML (BCP 47)."""
    return language.replace("_", "-")


def accept_language(language: str) -> str:
    """Return the code of a language that Django uses, for example ``zh-hans``."""
    return to_language(language)


def as_po(catalogue: Catalog) -> bytes:
    """Return the text file of a catalogue. Its lines are not wrapped."""
    file = io.BytesIO()
    write_po(file, catalogue, no_location=True, width=0)
    return file.getvalue().rstrip() + b"\n"


def as_mo(catalogue: Catalog) -> bytes:
    """Return the compiled file of a catalogue."""
    file = io.BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()
