"""The catalogues of translations agree with the code, and their texts are well-formed."""

from __future__ import annotations

import gettext
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import django
import pytest
import rest_framework
from babel.messages.catalog import Message
from social_core.exceptions import REASONS

from social_endpoints.internal.errors.social_core_texts import TEXTS
from tests.catalogues import (
    DOMAINS,
    LANGUAGE_CODE,
    LANGUAGES,
    LOCALE,
    extract,
    html_code,
    plural_count,
    plural_forms,
    po_path,
    read,
    update,
)

# Placeholders of both kinds, identifiers in backticks, and names of paths.
IDENTIFIERS = re.compile(r"%\(\w+\)[sd]|%[sd%]|\{\w*\}|`[^`]*`")

# Languages with a full stop of their own. It is empty for a language without one.
FULL_STOPS = {"ja": "。", "zh_Hans": "。"}

# The first word of the name that Unicode gives to the letters of a language.
SCRIPTS = {
    "ar": ("ARABIC",),
    "ja": ("HIRAGANA", "KATAKANA", "CJK"),
    "ko": ("HANGUL",),
    "ru": ("CYRILLIC",),
    "uk": ("CYRILLIC",),
    "zh_Hans": ("CJK",),
}

# Other invisible characters are mistakes, such as a soft hyphen.
INVISIBLE = " \u00a0\u202f"


CATALOGUES = [(language, domain) for language in LANGUAGES for domain in DOMAINS]


def messages(language: str) -> Iterator[Message]:
    """Yield the messages of a language that translators write."""
    for domain in DOMAINS:
        for message in read(language, domain):
            if message.id and (message.context, message.id) != LANGUAGE_CODE:
                yield message


def pairs(language: str) -> Iterator[tuple[str, str]]:
    """Yield each text with its translation. A plural is paired with each plural form."""
    for message in messages(language):
        if isinstance(message.id, str):
            yield message.id, str(message.string)
        else:
            yield from ((message.id[-1], form) for form in message.string)


def forms_of_one_number(language: str) -> list[int]:
    """Return the plural forms that the rule of a language selects for one number only."""
    form = gettext.c2py(plural_forms(language).partition("plural=")[2].rstrip(";"))
    counts = Counter(form(number) for number in range(1_000))
    return [each for each, count in counts.items() if count == 1]


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    """Return a language."""
    name: str = request.param
    return name


# --- The code -------------------------------------------------------------------------


def test_each_text_of_social_core_is_marked() -> None:
    assert {text for text, _, _ in REASONS.values()} == TEXTS


def test_each_text_has_a_comment_for_translators() -> None:
    for domain in DOMAINS:
        assert [message.id for message in extract(domain) if not message.auto_comments] == []


def test_no_text_is_one_of_django_or_of_drf() -> None:
    """Django merges all catalogues, so ours would change texts of other apps."""
    ours = {message.id for message in extract("django") if not message.context}
    for package in (*Path(django.__path__[0]).glob("c*"), Path(rest_framework.__path__[0])):
        for path in package.rglob("locale/de/LC_MESSAGES/django.mo"):
            with path.open("rb") as file:
                theirs = gettext.GNUTranslations(file)
            assert {text for text in ours if theirs.gettext(text) != text} == set(), path


# --- The files ------------------------------------------------------------------------


def test_each_language_has_a_catalogue() -> None:
    assert sorted(path.name for path in LOCALE.iterdir()) == sorted(LANGUAGES)


@pytest.mark.parametrize(("name", "domain"), CATALOGUES)
def test_catalogue_has_the_texts_in_the_code(name: str, domain: str) -> None:
    """If this fails: ``python -m tests.catalogues``."""
    stored, current = read(name, domain), update(name, domain)

    assert [(each.context, each.id) for each in stored] == [
        (each.context, each.id) for each in current
    ]
    assert [each.id for each in stored if each.fuzzy] == []
    assert not stored.obsolete


@pytest.mark.parametrize(("name", "domain"), CATALOGUES)
def test_catalogue_is_compiled(name: str, domain: str) -> None:
    """If this fails: ``python -m tests.catalogues``."""
    with po_path(name, domain).with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)

    for message in read(name, domain):
        if isinstance(message.id, str) and message.id:
            text = (
                compiled.pgettext(message.context, message.id)
                if message.context
                else compiled.gettext(message.id)
            )
            assert text == (message.string or message.id)
    assert compiled.info()["language"] == name
    assert compiled.info()["plural-forms"] == plural_forms(name)


@pytest.mark.parametrize("name", LANGUAGES)
def test_catalogue_contains_its_language_code(name: str) -> None:
    context, text = LANGUAGE_CODE

    assert read(name, "django").get(text, context=context).string == html_code(name)


# --- The translations -----------------------------------------------------------------


def test_each_text_is_translated(language: str) -> None:
    assert [text for text, translation in pairs(language) if not translation.strip()] == []


def test_translations_have_the_same_identifiers(language: str) -> None:
    """A plural form for one number only, such as 2 in Arabic, may have a word for the number."""
    words = {
        message.string[form]
        for message in messages(language)
        if not isinstance(message.id, str)
        for form in forms_of_one_number(language)
    }
    for text, translation in pairs(language):
        expected, found = (Counter(IDENTIFIERS.findall(each)) for each in (text, translation))
        assert found == expected or (translation in words and not found), translation


def test_translations_can_be_formatted(language: str) -> None:
    """A percent sign or a brace that does not belong to a placeholder would be a 500."""
    for text, translation in pairs(language):
        if names := re.findall(r"%\((\w+)\)[sd]", text):
            shown = translation % dict.fromkeys(names, 7)
        elif names := re.findall(r"\{(\w+)\}", text):
            shown = translation.format(**dict.fromkeys(names, 7))
        else:
            continue
        assert not set("%{}") & set(shown), translation


def test_plural_form_of_each_number_is_translated(language: str) -> None:
    with po_path(language, "django").with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)

    for message in messages(language):
        if not isinstance(message.id, str):
            singular, plural = message.id
            for number in (0, 1, 2, 3, 5, 11, 21, 100, 119, 1_440):
                text = compiled.ngettext(singular, plural, number)
                assert text not in message.id
                assert list(message.string).count(text) >= 1


def test_plurals_have_each_form(language: str) -> None:
    count = plural_count(language)
    for message in messages(language):
        if not isinstance(message.id, str):
            assert len(message.string) == count, message.id


def test_translations_end_like_the_texts(language: str) -> None:
    stop = FULL_STOPS.get(language, ".")
    stops = {".", *FULL_STOPS.values()}
    for text, translation in pairs(language):
        end = translation[-1] if translation[-1] in stops else ""
        assert end == (stop if text.endswith(".") else ""), translation


def test_translations_have_only_visible_characters(language: str) -> None:
    for _, translation in pairs(language):
        assert translation == translation.strip()
        assert "  " not in translation
        assert not {"<", ">", "&", "\\"} & set(translation), translation
        unusual = {
            character
            for character in translation
            if unicodedata.category(character) in {"Cc", "Cf", "Cn", "Co", "Zl", "Zp", "Zs"}
        }
        assert unusual <= set(INVISIBLE), translation
        assert unicodedata.is_normalized("NFC", translation), translation


def test_translations_are_not_english(language: str) -> None:
    scripts = SCRIPTS.get(language)
    for text, translation in pairs(language):
        if scripts:
            names = {
                unicodedata.name(each, "").split()[0] for each in translation if each.isalpha()
            }
            assert any(name.startswith(scripts) for name in names), translation
        elif " " in text:
            assert translation != text
