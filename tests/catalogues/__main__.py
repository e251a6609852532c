"""Update all catalogues from the code, and compile them: ``python -m tests.catalogues``."""

from __future__ import annotations

from itertools import product

from babel.messages.catalog import Message

from tests.catalogues import DOMAINS, LANGUAGES, as_mo, as_po, po_path, update


def has_text(message: Message) -> bool:
    """Return whether a message is translated, in all plural forms."""
    forms = message.string if isinstance(message.string, tuple) else (message.string,)
    return all(forms)


def main() -> None:
    """Write the text files and the compiled files of each language."""
    for language, domain in product(LANGUAGES, DOMAINS):
        catalogue, path = update(language, domain), po_path(language, domain)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(as_po(catalogue))
        path.with_suffix(".mo").write_bytes(as_mo(catalogue))
        missing = sum(1 for message in catalogue if message.id and not has_text(message))
        counts = f"{len(catalogue)} texts, {missing} without a translation"
        print(f"{language}/{domain}: {counts}")  # noqa: T201


if __name__ == "__main__":
    main()
