"""The page "Development without a provider": its settings and its URLs work."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.core.checks import run_checks
from django.urls import include

from social_endpoints.internal.network.document_cache import process_cache
from social_endpoints.testing.views import served
from tests.support.fake_server import running_server, sign_in
from tests.support.frontend import REDIRECT_URI, Frontend
from tests.support.keys import elliptic_key, private_pem
from tests.support.pages import DOCS, code_blocks
from tests.support.urlconf import ENDPOINTS, urlconf

pytestmark = pytest.mark.django_db

BLOCKS = code_blocks(DOCS / "frontend/offline.rst", "python")
ADDRESS = "http://localhost:9000"


def block(text: str, address: str) -> str:
    """Return the first block with a text, for a fake provider at an address."""
    return next(each for each in BLOCKS if text in each).replace(ADDRESS, address)


@pytest.fixture
def address(settings: Any) -> Iterator[str]:
    """Serve the URLs of the page; return the address of the fake provider."""
    cache.clear()
    process_cache.clear()
    served.revoke_everything()
    settings.DEBUG = True
    names = {"urlpatterns": [ENDPOINTS], "include": include}
    exec("from django.urls import path\n" + block("testing.urls", ""), names)
    settings.ROOT_URLCONF = urlconf(*names["urlpatterns"])
    with running_server() as origin:
        yield f"{origin}/fake"


@pytest.fixture
def project(settings: Any, address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """Set what the page sets."""
    (tmp_path / "apple-key.pem").write_text(private_pem(elliptic_key()))
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {
        "DEBUG": True,
        "SOCIAL_ENDPOINTS": {"ALLOWED_REDIRECT_URIS": [REDIRECT_URI]},
    }
    texts = ("FAKE_PROVIDERS", "SOCIAL_AUTH_GITHUB_KEY", "OIDC_ENDPOINT", "APPLE_ID_SECRET")
    for text in texts:
        exec(block(text, address), names)
    names["SOCIAL_ENDPOINTS"]["FAKE_PROVIDERS"]["apple-id"] = address
    for name, value in names.items():
        if name.startswith("SOCIAL_"):
            setattr(settings, name, value)
    settings.AUTHENTICATION_BACKENDS = [
        "social_core.backends.google.GoogleOAuth2",
        "social_core.backends.github.GithubOAuth2",
        "social_core.backends.open_id_connect.OpenIdConnectAuth",
        "social_core.backends.apple.AppleIdAuth",
    ]


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("provider", ["google-oauth2", "github", "oidc", "apple-id"])
def test_settings_of_page_sign_in(provider: str) -> None:
    response = sign_in(Frontend(), provider)

    assert response.status_code == 201, response.data
    assert [message.id for message in run_checks() if "FAKE" in message.msg] == []
