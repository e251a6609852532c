"""The project whose OpenAPI document is generated."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.configuration import Configure
from tests.support.openapi import Document, generate, spectacular
from tests.support.token_serializers import DJOSER


@pytest.fixture(autouse=True)
def project(settings: Any) -> None:
    settings.REST_FRAMEWORK = {"DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"}
    settings.DJOSER = DJOSER


@pytest.fixture
def document(configure: Configure) -> Document:
    """Return the document of a project that uses DRF's tokens."""
    configure(TOKEN_SERIALIZER="social_endpoints.tokens.TokenSerializer")
    return generate()


@pytest.fixture
def json_schema_document(configure: Configure) -> Document:
    """Return the same document in OpenAPI 3.1, whose schemas are JSON Schemas."""
    configure(TOKEN_SERIALIZER="social_endpoints.tokens.TokenSerializer")
    with spectacular(OAS_VERSION="3.1.0"):
        return generate()
