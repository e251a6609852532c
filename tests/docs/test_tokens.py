"""The guide for token serializers works: settings, login, me/, refresh/ and logout/."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.checks import run_checks
from rest_framework.test import APIClient

from social_endpoints.views import CurrentUserView, LogoutView
from tests.support.frontend import Frontend, browser
from tests.support.logins import JWTStrategy, route_account
from tests.support.openid_provider import OpenIDProvider
from tests.support.pages import DOCS, code_blocks, page

pytestmark = pytest.mark.django_db
PAGE = "backend/tokens.rst"
HEADINGS = [
    "Settings",
    "What the login returns",
    "How requests authenticate",
    "Refresh",
    "Who am I",
    "Sign out",
    "What the frontend does",
]
SECTIONS = {
    name: text.partition("\n.. _")[0]
    for name, text in re.findall(
        r"^(\w+Serializer)\n=+\n(.*?)(?=^\w+Serializer\n=|^Write your own\n)",
        page(PAGE),
        re.MULTILINE | re.DOTALL,
    )
}
NEEDS = {"JWTSerializer": "rest_framework_simplejwt", "KnoxTokenSerializer": "knox"}
NEEDS["JWTCookieSerializer"] = NEEDS["DjoserSerializer"] = "rest_framework_simplejwt"


def blocks(section: str, language: str) -> list[str]:
    pattern = rf"\.\. code-block:: {language}\n\n((?:   .*\n|\n)+)"
    return [re.sub(r"^   ", "", each, flags=re.M) for each in re.findall(pattern, section)]


@dataclass
class Project:
    """A project with the settings of one section."""

    section: str
    client: APIClient
    body: dict[str, Any]

    def send(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Origin": "https://testserver"}
        if "csrftoken" in self.client.cookies:
            headers["X-CSRFToken"] = self.client.cookies["csrftoken"].value
        if "token" in self.body:
            headers["Authorization"] = f"Token {self.body['token']}"
        elif "access" in self.body:
            headers["Authorization"] = f"Bearer {self.body['access']}"
        return getattr(self.client, method)(path, body, format="json", headers=headers, secure=True)


@pytest.fixture(
    params=[
        pytest.param(name, marks=pytest.mark.needs(NEEDS[name])) if name in NEEDS else name
        for name in SECTIONS
    ]
)
def project(request: pytest.FixtureRequest, settings: Any, openid: OpenIDProvider) -> Project:
    """Return a project with the settings of a section, in which a user has signed in."""
    section = SECTIONS[request.param]
    names: dict[str, Any] = {}
    exec(blocks(section, "python")[0], names)
    assert set(names.pop("INSTALLED_APPS", ())) <= set(settings.INSTALLED_APPS)
    classes = names.pop("REST_FRAMEWORK", {}).get("DEFAULT_AUTHENTICATION_CLASSES", ["jwt"])
    names.pop("SIMPLE_JWT", None)  # It is read when Simple JWT is imported.
    if "DJOSER" in names:  # djoser cannot be installed beside the newest social-core.
        path = f"{JWTStrategy.__module__}.JWTStrategy"
        names["DJOSER"] = {"SOCIAL_AUTH_TOKEN_STRATEGY": path}
    for name in [each for each in names if each.isupper()]:
        setattr(settings, name, names[name])
    route_account(settings, *classes, me=CurrentUserView, logout=LogoutView)
    openid.userinfo |= {"given_name": "Ada", "family_name": "Lovelace"}
    frontend = Frontend("cookie", browser(enforce_csrf_checks=True))
    response = frontend.log_in(openid)
    assert response.status_code == 201, response.data
    return Project(section, frontend.client, response.json())


def test_sections_are_those_of_the_shipped_serializers() -> None:
    from social_endpoints import tokens

    shipped = {name for name in tokens.__all__ if name.endswith("Serializer")}
    assert set(SECTIONS) == shipped - {"LoginSerializer"}
    for section in SECTIONS.values():
        assert re.findall(r"^([A-Z][^\n]+)\n-+$", section, re.MULTILINE) == HEADINGS


def test_login_returns_what_the_section_shows(project: Project) -> None:
    for example in blocks(project.section, "json"):
        assert project.body.keys() == json.loads(example).keys()
    assert {each.id for each in run_checks()} <= {"social_endpoints.W014"}


def test_user_can_be_read(project: Project) -> None:
    response = project.send("get", "/auth/me/")

    example = json.loads(code_blocks(DOCS / PAGE, "json")[0])
    assert response.status_code == 200, response.data
    assert {**response.json(), "id": 1} == example


def test_refresh_does_what_the_section_says(project: Project) -> None:
    response = project.send("post", "/auth/refresh/", {"refresh": project.body.get("refresh", "")})

    text = project.section.partition("\nRefresh\n---")[2].partition("\nWho am I\n")[0]
    if "refresh_not_supported" in text:
        assert response.status_code == 404
        assert response.json()["error_code"] == "refresh_not_supported"
    else:
        assert response.status_code in {200, 204}
        assert ("a 204" in text) is (response.status_code == 204)


def test_user_can_sign_out(project: Project) -> None:
    body = {"refresh": project.body["refresh"]} if "refresh" in project.body else {}
    response = project.send("post", "/auth/logout/", body)

    assert response.status_code == 204, response.data
    is_alive = project.send("get", "/auth/me/").status_code == 200
    assert is_alive is ("access" in project.body)
