"""The OpenAPI documents of projects that follow the documentation."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.urls import path
from rest_framework import serializers

from social_endpoints.tokens import JWTSerializer, TokenSerializer
from social_endpoints.views import ConnectionListView, ProviderAuthView
from social_endpoints.views.base import AccountView
from tests.support.account_views import Pages
from tests.support.configuration import Configure
from tests.support.openapi import content, generate, resolve
from tests.support.pages import PAGES, code_blocks
from tests.support.urlconf import ENDPOINTS, urlconf

AUTH = "/auth/o/{provider}/"
BLOCKS_WITH_VIEWS = [
    pytest.param(block, name, id=f"{page.stem}-{name}")
    for page in PAGES
    for block in code_blocks(page, "python")
    for name in re.findall(r"^class (\w+)\(.*View\):", block, re.MULTILINE)
]


def test_pages_have_views() -> None:
    assert len(BLOCKS_WITH_VIEWS) >= 3


@pytest.mark.needs("rest_framework_simplejwt")
@pytest.mark.parametrize(("block", "name"), BLOCKS_WITH_VIEWS)
def test_view_in_a_page_is_described(block: str, name: str, settings: Any) -> None:
    names: dict[str, Any] = {"__name__": __name__}
    exec(block, names)
    settings.ROOT_URLCONF = urlconf(path("view/<str:provider>/", names[name].as_view()), ENDPOINTS)

    operation = generate()["paths"]["/view/{provider}/"]["get"]

    assert content(operation, 200)["schema"]["$ref"]


@pytest.mark.parametrize(
    ("serializer", "component"),
    [
        ("docs.recipes.profile.TokenWithProfile", "TokenWithProfile"),
        ("docs.recipes.signing_out.SessionsInCache", "SessionsInCache"),
    ],
)
def test_token_serializer_of_a_recipe_is_described(
    serializer: str, component: str, configure: Configure
) -> None:
    configure(TOKEN_SERIALIZER=serializer)

    document = generate()

    schema = content(document["paths"][AUTH]["post"], 201)["schema"]
    assert schema == {"$ref": f"#/components/schemas/{component}"}


class AppAuthView(ProviderAuthView):
    """The example in the page about the installation."""

    def get_token_serializer_class(self) -> Any:
        return JWTSerializer if "X-App" in self.request.headers else TokenSerializer


class JWTAuthView(ProviderAuthView):
    def get_token_serializer_class(self) -> Any:
        return JWTSerializer


class TenantAuthView(ProviderAuthView):
    """Needs a request that has passed a middleware of the project."""

    def get_token_serializer_class(self) -> Any:
        return self.django_request.tenant.serializer


@pytest.mark.needs("rest_framework_simplejwt")
@pytest.mark.parametrize(
    ("view", "component"),
    [
        (AppAuthView, "SocialToken"),
        (JWTAuthView, "SocialJWT"),
        (TenantAuthView, "SocialToken"),
    ],
)
def test_view_with_its_own_token_serializer_is_described(
    view: Any, component: str, configure: Configure, settings: Any
) -> None:
    configure(TOKEN_SERIALIZER="social_endpoints.tokens.TokenSerializer")
    settings.ROOT_URLCONF = urlconf(path("o/<str:provider>/", view.as_view()), ENDPOINTS)

    document = generate()

    schema = content(document["paths"]["/o/{provider}/"]["post"], 201)["schema"]
    assert schema == {"$ref": f"#/components/schemas/{component}"}


class OwnConnectionSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()


class OwnConnectionList(ConnectionListView):
    serializer_class = OwnConnectionSerializer


@pytest.mark.parametrize("pagination", [None, Pages])
def test_list_with_its_own_serializer_is_described(pagination: Any, settings: Any) -> None:
    view = OwnConnectionList.as_view(pagination_class=pagination)
    settings.ROOT_URLCONF = urlconf(path("list/", view), ENDPOINTS)

    document = generate()

    page = resolve(document, content(document["paths"]["/list/"]["get"], 200)["schema"])
    schema = page if pagination is None else page["properties"]["results"]
    assert schema["items"] == {"$ref": "#/components/schemas/OwnConnection"}


class DevicesView(AccountView):
    serializer_class = OwnConnectionSerializer

    def get(self, request: Any) -> Any:
        """List the devices of the user."""


def test_view_that_extends_a_base_view_is_described_by_the_project(settings: Any) -> None:
    settings.ROOT_URLCONF = urlconf(path("devices/", DevicesView.as_view()), ENDPOINTS)

    operation = generate()["paths"]["/devices/"]["get"]

    assert operation["description"] == "List the devices of the user."
    assert operation["responses"].keys() == {"200"}
