"""The project whose OpenAPI document is generated."""

from __future__ import annotations

from functools import cache
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
    """Return the document of a project that uses DRF's tokens. Do not change it."""
    configure(TOKEN_SERIALIZER="social_endpoints.tokens.TokenSerializer")
    return _generate_once("3.0.3")


@pytest.fixture
def json_schema_document(configure: Configure) -> Document:
    """Return the same document in OpenAPI 3.1, whose schemas are JSON Schemas."""
    configure(TOKEN_SERIALIZER="social_endpoints.tokens.TokenSerializer")
    return _generate_once("3.1.0")


@cache
def _generate_once(version: str) -> Document:
    with spectacular(OAS_VERSION=version):
        return generate(validates=True)
