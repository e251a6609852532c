"""The examples in the OpenAPI document, which are valid bodies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.account_views import Pages, route_account_views
from tests.support.configuration import Configure
from tests.support.openapi import Document, content, generate, operations, spectacular, validate
from tests.support.token_serializers import SHIPPED


def media_types(document: Document) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each body, with a name for it."""
    for _, _, operation in operations(document):
        bodies = {"request": operation.get("requestBody", {}), **operation["responses"]}
        for name, body in bodies.items():
            for media_type in body.get("content", {}).values():
                yield f"{operation['operationId']} {name}", media_type


def check_examples(document: Document) -> set[str]:
    """Validate all examples, and return the names of the bodies that have none."""
    without = set()
    for name, media_type in media_types(document):
        examples = [each["value"] for each in media_type.get("examples", {}).values()]
        examples += [media_type["example"]] if "example" in media_type else []
        for example in examples:
            validate(document, media_type["schema"], example)
        if not examples:
            without.add(name)
    return without


@pytest.mark.parametrize("name", SHIPPED)
def test_each_body_of_a_shipped_serializer_has_a_valid_example(
    name: str, configure: Configure
) -> None:
    configure(
        TOKEN_SERIALIZER=f"social_endpoints.tokens.{name}",
        TOKEN_FIELDS=["is_new_user"],
        REAUTHENTICATION="tests.support.pipeline.ask_name",
    )

    with spectacular(OAS_VERSION="3.1.0"):
        without = check_examples(generate(validates=True))

    assert without == set()


def test_each_body_of_a_cookie_transport_has_a_valid_example(configure: Configure) -> None:
    configure(FLOW_TRANSPORT="cookie")

    with spectacular(OAS_VERSION="3.1.0"):
        document = generate(validates=True)

    assert check_examples(document) == set()
    assert "gAAG" not in str([media_type for _, media_type in media_types(document)])


def test_page_of_connections_has_a_valid_example(settings: Any) -> None:
    route_account_views(settings, pagination=Pages)

    with spectacular(OAS_VERSION="3.1.0"):
        assert check_examples(generate(validates=True)) == set()


@pytest.mark.needs("drf_standardized_errors")
def test_each_body_of_standardized_errors_has_a_valid_example(settings: Any) -> None:
    handler = "drf_standardized_errors.handler.exception_handler"
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "EXCEPTION_HANDLER": handler}

    with spectacular(OAS_VERSION="3.1.0"):
        document = generate(validates=True)

    assert check_examples(document) == set()
    complete = document["paths"]["/auth/o/{provider}/"]["post"]
    (error,) = content(complete, 400)["examples"]["invalid_parameter"]["value"]["errors"]
    assert error["code"] == "required"


def test_token_serializer_of_a_project_has_no_example_of_ours(configure: Configure) -> None:
    configure(TOKEN_SERIALIZER="tests.support.with_profile.TokenSerializer")

    with spectacular(OAS_VERSION="3.1.0"):
        assert check_examples(generate(validates=True)) == {
            "socialComplete 201",
            "socialSignInWithToken 201",
        }
