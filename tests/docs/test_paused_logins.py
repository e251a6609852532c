"""The frontend's page about paused logins shows what the API returns."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from social_endpoints.pipeline import FIELD_TYPES
from tests.support.frontend import Frontend
from tests.support.openid_provider import OpenIDProvider
from tests.support.pages import DOCS, code_blocks, page
from tests.support.pipeline import AFTER_SOCIAL_USER, pipeline_with

PAGE = "frontend/paused_logins.rst"


def test_page_lists_the_types_of_fields() -> None:
    listed = re.search(r"   One of (``boolean``.*?)\. Treat", page(PAGE), re.DOTALL)

    assert listed
    assert re.findall(r"``([a-z ]+)``", listed[1]) == FIELD_TYPES


@pytest.mark.django_db
def test_example_is_the_response_of_a_login(
    openid: OpenIDProvider, frontend: Frontend, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with(
        (AFTER_SOCIAL_USER, "docs.recipes.sign_up.ask_terms")
    )
    (example,) = map(json.loads, code_blocks(DOCS / PAGE, "json"))

    response = frontend.log_in(openid)

    assert response.status_code == 202
    shown = {"partial_token", "flow", "provider"}
    assert response.json().keys() | {"flow"} == example.keys()
    assert {**response.json(), **{name: example[name] for name in shown}} == example
