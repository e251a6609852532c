"""Projects with DRF's versioning: the endpoints have no versions, and accept the project's."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import include, path
from rest_framework import versioning

from social_endpoints.tokens.drf import TokenSerializer
from social_endpoints.views.base import EndpointView
from tests.support.accounts import list_connections, logged_in, user_with
from tests.support.configuration import Configure
from tests.support.frontend import Frontend, browser
from tests.support.openid_provider import OpenIDProvider
from tests.support.urlconf import urlconf

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.undocumented("a document contains the paths of one version"),
]

SCHEMES = {
    "AcceptHeaderVersioning": versioning.AcceptHeaderVersioning,
    "HostNameVersioning": versioning.HostNameVersioning,
    "NamespaceVersioning": versioning.NamespaceVersioning,
    "QueryParameterVersioning": versioning.QueryParameterVersioning,
    "URLPathVersioning": versioning.URLPathVersioning,
}


class VersionedSerializer(TokenSerializer):
    """Records the version of the request."""

    versions: list[Any] = []

    def issue(self, login: Any) -> dict[str, Any]:
        self.versions.append(self.context["request"].version)
        return super().issue(login)


@pytest.fixture(params=SCHEMES)
def scheme(
    request: pytest.FixtureRequest, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> str:
    """Require one of two versions, as a project does with ``ALLOWED_VERSIONS``."""
    attributes = {"allowed_versions": ["v1", "v2"]}
    versioning_class = type(request.param, (SCHEMES[request.param],), attributes)
    monkeypatch.setattr(EndpointView, "versioning_class", versioning_class)
    monkeypatch.setattr(VersionedSerializer, "versions", [])
    configure(TOKEN_SERIALIZER=f"{__name__}.VersionedSerializer")
    return str(request.param)


@pytest.mark.parametrize("accept", ["*/*", "text/html", "application/json; version=v9", ""])
def test_request_without_a_valid_version_is_accepted(
    accept: str, scheme: str, frontend: Frontend, openid: OpenIDProvider
) -> None:
    frontend.client.defaults["HTTP_ACCEPT"] = accept

    response = frontend.log_in(openid)

    assert response.status_code == 201, response.content
    assert response.headers["Content-Type"] == "application/json"
    assert VersionedSerializer.versions == [None]
    client = logged_in(user_with(username="grace"), HTTP_ACCEPT=accept)
    assert list_connections(client).status_code == 200
    assert browser().get("/auth/o/", HTTP_ACCEPT=accept).status_code == 200


def test_version_of_the_accept_header_reaches_the_project(
    frontend: Frontend,
    openid: OpenIDProvider,
    configure: Configure,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(EndpointView, "versioning_class", versioning.AcceptHeaderVersioning)
    monkeypatch.setattr(VersionedSerializer, "versions", [])
    configure(TOKEN_SERIALIZER=f"{__name__}.VersionedSerializer")
    frontend.client.defaults["HTTP_ACCEPT"] = "application/json; version=v2"

    response = frontend.log_in(openid)

    assert response.status_code == 201
    assert response.headers["Content-Type"] == "application/json"
    assert VersionedSerializer.versions == ["v2"]


@pytest.mark.parametrize("below_namespace", [False, True])
def test_version_in_the_path_reaches_the_project(
    below_namespace: bool, configure: Configure, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "NamespaceVersioning" if below_namespace else "URLPathVersioning"
    monkeypatch.setattr(EndpointView, "versioning_class", SCHEMES[name])
    endpoints = include("social_endpoints.urls")
    if below_namespace:
        patterns = [path("auth/", endpoints)]
        settings.ROOT_URLCONF = urlconf(path("v2/", include((patterns, "api"), namespace="v2")))
    else:
        settings.ROOT_URLCONF = urlconf(path("<version>/auth/", endpoints))

    listed = browser().get("/v2/auth/o/")

    assert listed.status_code == 200
    assert "/v2/auth/o/oidc/" in listed.json()[0]["begin_url"]
