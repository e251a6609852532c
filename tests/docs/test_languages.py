"""The page "Languages": its settings, its URLs and its catalogue work."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from babel import Locale
from babel.messages.pofile import read_po
from django.utils import translation

from social_endpoints.exceptions import EndpointError, InactiveUser
from tests.catalogues import LANGUAGES, as_mo
from tests.support.frontend import browser
from tests.support.languages import MIDDLEWARE, translated
from tests.support.pages import DOCS, code_blocks, page, run_block
from tests.support.urlconf import urlconf

pytestmark = pytest.mark.django_db
PAGE = "backend/languages.rst"


@pytest.fixture(autouse=True)
def language_of_the_process() -> Iterator[None]:
    """Restore the language, because the middleware leaves that of the last request active."""
    with translation.override("en-us"):
        yield


def test_page_lists_each_language() -> None:
    sentence = page(PAGE).partition("translations for ")[2].partition(". Django")[0]
    listed = re.split(r",\s+|\s+and\s+", sentence.replace("\n", " "))

    names = {Locale.parse(each).get_display_name("en") for each in LANGUAGES}
    names = names - {"Portuguese (Brazil)", "Chinese (Simplified)"}
    assert set(listed) == names | {"Brazilian Portuguese", "Simplified Chinese"}


def test_settings_and_request_of_the_page(settings: Any) -> None:
    middleware = run_block(PAGE, "MIDDLEWARE")["MIDDLEWARE"]
    languages = run_block(PAGE, "LANGUAGES")
    settings.MIDDLEWARE = [each for each in middleware if not each.startswith("corsheaders.")]
    settings.LANGUAGES, settings.LANGUAGE_CODE = languages["LANGUAGES"], languages["LANGUAGE_CODE"]
    assert MIDDLEWARE in middleware
    header, value, url = re.findall(
        r'curl --header "(\S+): (\w+)" "https://api.example.com(\S+)"', page(PAGE)
    )[0]

    response = browser().get(url, headers={header: value})
    assert response.status_code == 404
    expected = translated("de", "Provider '%(provider)s' not supported") % {"provider": "nobody"}
    assert response.json()["detail"] == expected
    assert response.headers["Content-Language"] == "de"
    assert "Accept-Language" in response.headers["Vary"]
    other = browser().get(url, headers={header: "fr"})
    assert other.headers["Content-Language"] == "en"


def test_catalogue_for_javascript_is_served(settings: Any) -> None:
    settings.ROOT_URLCONF = urlconf(*run_block(PAGE, "JavaScriptCatalog")["urlpatterns"])

    assert "gettext" in browser().get("/jsi18n/").content.decode()


def test_catalogue_of_the_project_changes_the_text(settings: Any, tmp_path: Path) -> None:
    (block,) = code_blocks(DOCS / PAGE, "po")
    compiled = tmp_path / "de" / "LC_MESSAGES" / "django.mo"
    compiled.parent.mkdir(parents=True)
    compiled.write_bytes(as_mo(read_po(io.StringIO(block), locale="de")))
    settings.LOCALE_PATHS = [str(tmp_path)]

    with translation.override("de"):
        assert EndpointError(InactiveUser()).detail == "Konto gesperrt. Hilfe: 030 12345."
