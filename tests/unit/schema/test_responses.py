"""Real responses, each of which the OpenAPI document describes."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.test import APIClient

from social_endpoints.pipeline import require_fields
from tests.support import documented
from tests.support.accounts import logged_in, user_with
from tests.support.configuration import Configure
from tests.support.frontend import REDIRECT_URI, Frontend, browser
from tests.support.openapi import Document
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import BEFORE_CREATE_USER, pipeline_with

pytestmark = pytest.mark.django_db


def check(document: Document, response: Any, status: int) -> None:
    assert response.status_code == status
    documented.check(document, response)


@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("get", "o/", {}, 200),
        ("get", f"o/github/?redirect_uri={REDIRECT_URI}", {}, 200),
        ("get", "o/github/", {}, 400),
        ("get", "o/github/?code=c&state=s", {}, 400),
        ("get", "o/nobody/", {}, 404),
        ("post", "o/github/", {}, 400),
        ("post", "o/github/", {"data": ["a"], "format": "json"}, 400),
        ("post", "o/github/", {"data": {"code": "c", "state": "s"}, "format": "json"}, 400),
        ("post", "o/github/", {"data": b"{", "content_type": "application/json"}, 400),
        ("post", "o/github/", {"data": b"a" * 1_000_001, "content_type": "application/json"}, 413),
        ("post", "o/github/", {"data": b"a", "content_type": "text/plain"}, 415),
        ("post", "o/github/token/", {}, 404),
        ("get", "o/github/connect/", {}, 401),
        ("post", "o/github/connect/token/", {}, 401),
        ("get", "o/github/callback/", {}, 400),
        ("post", "o/nobody/callback/", {}, 404),
        ("post", "o/github/callback/", {"data": b"a", "content_type": "text/plain"}, 415),
        ("post", "o/github/logout/backchannel/", {}, 404),
        ("get", "o/github/logout/", {}, 401),
        ("get", "connections/", {}, 401),
        ("delete", "connections/1/", {}, 401),
        ("post", "logout/", {"headers": {"Authorization": "Token x"}}, 401),
    ],
)
def test_response_without_a_login_is_described(
    method: str, path: str, options: dict[str, Any], status: int, json_schema_document: Document
) -> None:
    response = getattr(browser(), method)(f"/auth/{path}", **options)

    check(json_schema_document, response, status)


@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("get", "connections/", {}, 200),
        ("get", "o/github/connect/", {}, 400),
        ("get", "o/github/connect/", {"data": {"redirect_uri": REDIRECT_URI}}, 200),
        ("get", "o/github/connect/", {"data": {"redirect_uri": REDIRECT_URI, "scope": "a"}}, 400),
        ("post", "o/github/connect/", {"data": {"code": "c", "state": "s"}}, 400),
        ("get", "o/github/logout/", {}, 404),
        ("delete", "connections/0/", {}, 404),
        ("post", "logout/", {}, 204),
    ],
)
def test_response_to_a_user_is_described(
    method: str, path: str, options: dict[str, Any], status: int, json_schema_document: Document
) -> None:
    client = logged_in(user_with(("github", "1")))

    check(json_schema_document, getattr(client, method)(f"/auth/{path}", **options), status)


def test_responses_of_a_login_are_described(
    openid: OpenIDProvider, json_schema_document: Document
) -> None:
    frontend = Frontend()
    begun, callback = frontend.authorize(openid)

    completed = frontend.complete(begun, callback)
    again = frontend.complete(begun, callback)

    check(json_schema_document, begun, 200)
    check(json_schema_document, completed, 201)
    check(json_schema_document, again, 400)


def test_disconnect_is_described(json_schema_document: Document) -> None:
    user = user_with(("github", "1"), ("oidc", "2"))
    client = logged_in(user)
    first, last = user.social_auth.all()

    check(json_schema_document, client.delete(f"/auth/connections/{first.pk}/"), 204)
    check(json_schema_document, client.delete(f"/auth/connections/{last.pk}/"), 400)


def test_unchanged_list_of_providers_is_described(json_schema_document: Document) -> None:
    client = APIClient()
    etag = client.get("/auth/o/")["ETag"]

    response = client.get("/auth/o/", headers={"If-None-Match": etag})

    check(json_schema_document, response, 304)


def test_throttled_request_is_described(
    configure: Configure, json_schema_document: Document
) -> None:
    cache.clear()
    configure(THROTTLE_RATES={"anon": "1/hour"})
    browser().get("/auth/o/")

    check(json_schema_document, browser().get("/auth/o/"), 429)


@pytest.mark.parametrize("debug", [False, True])
def test_error_of_the_project_is_described(
    debug: bool, configure: Configure, settings: Any, json_schema_document: Document
) -> None:
    settings.DEBUG = debug
    configure(TOKEN_SERIALIZER="no.such.Serializer")

    check(json_schema_document, browser().post("/auth/o/github/", {"code": "c", "state": "s"}), 500)


class AddressSerializer(serializers.Serializer[Any]):
    street = serializers.CharField()


class NestedSerializer(serializers.Serializer[Any]):
    numbers = serializers.ListField(child=serializers.IntegerField())
    address = AddressSerializer()
    others = AddressSerializer(many=True)


ask_nested = require_fields(NestedSerializer)


def refuse(**kwargs: Any) -> None:
    raise ValidationError({"email": "Use the address of your company."})


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"numbers": ["a"], "address": {}, "others": [{}]},
        {"numbers": "a", "address": "a", "others": "a"},
    ],
    ids=["missing", "items", "type"],
)
def test_errors_of_nested_fields_are_described(
    values: dict[str, Any],
    openid: OpenIDProvider,
    settings: Any,
    json_schema_document: Document,
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((BEFORE_CREATE_USER, f"{__name__}.ask_nested"))
    frontend = Frontend()
    paused = frontend.log_in(openid)
    form = {name: paused.data[name] for name in ("partial_token", "flow")}

    response = frontend.client.post("/auth/o/oidc/", {**form, **values}, format="json")

    check(json_schema_document, paused, 202)
    check(json_schema_document, response, 400)
    assert response.data.keys() > NestedSerializer().fields.keys()


def test_field_error_of_a_pipeline_step_is_described(
    openid: OpenIDProvider, settings: Any, json_schema_document: Document
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((BEFORE_CREATE_USER, f"{__name__}.refuse"))

    check(json_schema_document, Frontend().log_in(openid), 400)
