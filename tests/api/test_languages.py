"""Texts in the language of a request, which Django's own middleware chooses."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import global_settings
from django.urls import path
from django.utils import translation
from django.utils.html import escape
from django.utils.translation import gettext_lazy, to_locale
from django.views.i18n import JSONCatalog
from rest_framework.test import APIClient
from social_core.backends.github import GithubOAuth2

from social_endpoints.exceptions import ProviderError
from tests.catalogues import LANGUAGES, accept_language, html_code
from tests.support.configuration import Configure
from tests.support.frontend import Frontend, browser
from tests.support.languages import (
    MARK,
    MARKED_LANGUAGE,
    MIDDLEWARE,
    add_catalogue,
    mark,
    translated,
)
from tests.support.openid_provider import OpenIDProvider
from tests.support.urlconf import ENDPOINTS, urlconf

pytestmark = pytest.mark.django_db
NOT_SUPPORTED = "Provider '%(provider)s' not supported"
NOT_ALLOWED = "This redirect URI is not allowed."
CANCELED = "Authentication process canceled"
NO_RESPONSE = "The provider does not respond at present. Please try again later."
EVIL = "https://evil.example.com/"

# Languages of Django without a catalogue of ours, so that a new catalogue changes no test.
_OTHERS = [
    code
    for code, _ in global_settings.LANGUAGES
    if "-" not in code and to_locale(code) not in LANGUAGES and not code.startswith("en")
]
OTHER = next(code for code in _OTHERS if code not in global_settings.LANGUAGES_BIDI)
OTHER_FROM_RIGHT_TO_LEFT = next(code for code in _OTHERS if code in global_settings.LANGUAGES_BIDI)


class Titled(GithubOAuth2):
    @classmethod
    def get_title(cls, strategy: Any) -> Any:
        return gettext_lazy("Monday")


@pytest.fixture(autouse=True)
def language_of_the_process() -> Iterator[None]:
    """Restore the language, because the middleware leaves that of the last request active."""
    with translation.override("en-us"):
        yield


@pytest.fixture
def middleware(settings: Any) -> None:
    settings.MIDDLEWARE = [MIDDLEWARE, *settings.MIDDLEWARE]


@pytest.fixture
def marked(settings: Any, tmp_path: Path, middleware: None) -> Iterator[dict[str, str]]:
    """Return the headers for a language in which each of our texts begins with a mark."""
    add_catalogue(tmp_path, MARKED_LANGUAGE, mark)
    settings.LOCALE_PATHS = [str(tmp_path)]
    return {"HTTP_ACCEPT_LANGUAGE": MARKED_LANGUAGE}


def speaking(language: str) -> APIClient:
    return browser(HTTP_ACCEPT_LANGUAGE=language)


def begin(client: APIClient, provider: str = "oidc", redirect_uri: str | None = EVIL) -> Any:
    query = {} if redirect_uri is None else {"redirect_uri": redirect_uri}
    return client.get(f"/auth/o/{provider}/", query)


def cancel(frontend: Frontend, openid: OpenIDProvider) -> Any:
    """Return the response to a callback after the user has declined at the provider."""
    begun, callback = frontend.authorize(openid)
    return frontend.complete(begun, {"error": "access_denied", "state": callback["state"]})


# --- The catalogues -------------------------------------------------------------------


@pytest.mark.usefixtures("middleware")
@pytest.mark.parametrize("language", LANGUAGES)
def test_errors_are_in_the_language_of_the_request(
    language: str, openid: OpenIDProvider, configure: Configure
) -> None:
    configure(FLOW_TRANSPORT="body")
    client = speaking(accept_language(language))

    unknown, refused, missing = (
        begin(client, "unknown"),
        begin(client),
        begin(client, redirect_uri=None),
    )
    canceled = cancel(Frontend("body", client), openid)

    expected = translated(language, NOT_SUPPORTED) % {"provider": "unknown"}
    assert unknown.json()["detail"] == expected
    assert refused.json()["redirect_uri"] == [translated(language, NOT_ALLOWED)]
    assert canceled.json()["non_field_errors"] == [translated(language, CANCELED)]
    assert missing.json()["redirect_uri"] != ["This field is required."]
    codes = [each.json()["error_code"] for each in (unknown, refused, missing, canceled)]
    assert codes == [
        "provider_not_supported",
        "redirect_uri_not_allowed",
        "redirect_uri_missing",
        "authorization_declined",
    ]
    for response in (unknown, refused, missing, canceled):
        assert response.headers["Content-Language"] == accept_language(language)
        assert "Accept-Language" in response.headers["Vary"]


@pytest.mark.usefixtures("middleware")
@pytest.mark.parametrize("language", LANGUAGES)
def test_error_page_is_in_the_language_of_the_request(language: str) -> None:
    response = speaking(accept_language(language)).get("/auth/o/unknown/callback/")

    page = response.content.decode()
    direction = "rtl" if html_code(language) in global_settings.LANGUAGES_BIDI else "ltr"
    assert f'<html lang="{html_code(language)}" dir="{direction}">' in page
    for text in ("Sign in", "Signing in failed", "Error ID: {error_id}"):
        shown = translated(language, text, context="error page").partition("{")[0]
        assert escape(shown) in page
    text = translated(language, "Return to the page that you came from and start again.")
    assert escape(text) in page
    assert ('<bdi dir="ltr">' in page) is (direction == "rtl")
    assert response.headers["Content-Language"] == accept_language(language)
    assert "Accept-Language" in response.headers["Vary"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_javascript_catalog_has_the_texts_of_the_client(language: str, settings: Any) -> None:
    view = JSONCatalog.as_view(packages=["social_endpoints"])
    settings.ROOT_URLCONF = urlconf(ENDPOINTS, path("jsi18n/", view))
    text = "The server cannot be reached. Please try again."

    with translation.override(accept_language(language)):
        catalogue = browser().get("/jsi18n/").json()["catalog"]

    assert catalogue.get(text, text) == translated(language, text, domain="djangojs")


# --- Which language -------------------------------------------------------------------


@pytest.mark.usefixtures("middleware")
@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.5", "de"),
        ("es-MX", "es"),
        ("pt-BR", "pt_BR"),
        ("zh-CN", "zh_Hans"),
        ("zh-Hans-SG", "zh_Hans"),
        ("xx, fr;q=0.8", "fr"),
    ],
)
def test_language_is_the_one_that_django_chooses(header: str, language: str) -> None:
    expected = translated(language, NOT_ALLOWED)

    assert begin(speaking(header)).json()["redirect_uri"] == [expected]


@pytest.mark.usefixtures("middleware")
def test_listed_variant_of_a_language_serves_the_others(settings: Any) -> None:
    settings.LANGUAGES = [("en", "English"), ("pt-br", "Português")]

    response = begin(speaking("pt-PT,pt;q=0.9,en;q=0.5"))

    assert response.json()["redirect_uri"] == [translated("pt_BR", NOT_ALLOWED)]


@pytest.mark.usefixtures("middleware")
@pytest.mark.parametrize("header", ["", "xx", OTHER, "*", "en-GB, de;q=0.1", "\x00", "de" * 600])
def test_other_languages_get_english(header: str) -> None:
    client = speaking(header)

    assert begin(client).json()["redirect_uri"] == [NOT_ALLOWED]
    page = client.get("/auth/o/unknown/callback/").content.decode()
    assert '<html lang="en" dir="ltr">' in page
    assert "Signing in failed" in page


def test_error_page_in_a_language_without_a_catalogue_has_the_direction_of_its_texts(
    middleware: None,
) -> None:
    page = speaking(OTHER_FROM_RIGHT_TO_LEFT).get("/auth/o/unknown/callback/").content.decode()

    assert '<html lang="en" dir="ltr">' in page


def test_without_the_middleware_texts_are_in_the_language_of_the_project(settings: Any) -> None:
    translation.deactivate()
    settings.LANGUAGE_CODE = "de"

    response = begin(speaking("fr"))

    assert response.json()["redirect_uri"] == [translated("de", NOT_ALLOWED)]
    assert "Content-Language" not in response.headers
    page = browser().get("/auth/o/unknown/callback/").content.decode()
    assert '<html lang="de" dir="ltr">' in page


@pytest.mark.usefixtures("middleware")
@pytest.mark.parametrize("language", ["de", "en"])
def test_project_overrides_a_text(language: str, settings: Any, tmp_path: Path) -> None:
    add_catalogue(tmp_path, language, lambda message: "Ours." if message.id == NOT_ALLOWED else "")
    settings.LOCALE_PATHS = [str(tmp_path)]

    client = speaking(language)

    assert begin(client).json()["redirect_uri"] == ["Ours."]
    other = begin(client, "unknown").json()["detail"]
    assert other != "Ours."


# --- What is translated ---------------------------------------------------------------


def test_each_kind_of_text_is_translated_and_no_line_of_the_log(
    marked: dict[str, str],
    frontend: Frontend,
    openid: OpenIDProvider,
    configure: Configure,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    client = frontend.client
    client.defaults.update(marked)

    canceled = cancel(frontend, openid)
    responses = [
        begin(client, "unknown"),
        begin(client),
        client.get(f"/auth/o/oidc/?redirect_uri={EVIL}&redirect_uri={EVIL}"),
        client.get("/auth/o/oidc/", {"code": "1"}),
        client.post("/auth/o/oidc/", {"credential": "1"}),
        client.post("/auth/o/oidc/", {"code": "1", "state": "2"}, format="json"),
        client.post("/auth/o/oidc/", "{", content_type="application/json"),
        client.post("/auth/o/oidc/", "[]", content_type="application/json"),
        client.post("/auth/o/oidc/", {"code": 1, "state": "2"}, format="json"),
        canceled,
        client.get("/auth/o/unknown/callback/"),
        client.post("/auth/refresh/"),
    ]
    configure(TOKEN_SERIALIZER="no.such.Serializer")
    responses += [frontend.begin()]
    configure(THROTTLE_RATES={"anon": "1/min"})
    begin(client)
    responses += [begin(client), client.get("/auth/o/unknown/callback/")]

    texts = [response.content.decode() for response in responses]
    assert [text for text in texts if MARK not in text] == []
    assert [response.status_code for response in responses[-3:]] == [500, 429, 429]
    assert all(f"{MARK}There were too many requests." in text for text in texts[-2:])
    assert len(caplog.records) >= len(responses)
    assert MARK not in caplog.text


def test_message_of_an_exception_is_english(marked: dict[str, str]) -> None:
    with translation.override(MARKED_LANGUAGE):
        error = ProviderError("timeout")
        assert MARK in str(error.detail)
        for each in (error, pickle.loads(pickle.dumps(error))):
            assert str(each).startswith(
                "The provider did not issue an access token. (cause=timeout"
            )
            assert MARK in str(each.detail)
        assert translation.get_language() == MARKED_LANGUAGE


# --- Caches ---------------------------------------------------------------------------


@pytest.mark.usefixtures("middleware")
def test_list_of_providers_has_an_etag_for_each_language(settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.Titled"]
    german, french = (speaking(language).get("/auth/o/") for language in ("de", "fr"))

    assert [each.json()[0]["title"] for each in (german, french)] == ["Montag", "lundi"]
    assert german.headers["ETag"] != french.headers["ETag"]

    headers = {"If-None-Match": german.headers["ETag"]}
    again, other = (speaking(each).get("/auth/o/", headers=headers) for each in ("de", "fr"))
    assert (again.status_code, other.status_code) == (304, 200)
    for response in (german, french, again, other):
        assert response.headers["Vary"] == "Accept-Language"
        assert "no-cache" in response.headers["Cache-Control"]
    assert [each.headers["Content-Language"] for each in (again, other)] == ["de", "fr"]
