"""The measured packages: their requirements, and how a client logs in with each."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

from benchmarks.browser import Browser, Response

PROVIDER = "oidc"
REDIRECT_URI = "https://app.example.com/login/callback"
# Packages whose versions are recorded.
PACKAGES = (
    "django",
    "djangorestframework",
    "social-auth-core",
    "social-auth-app-django",
    "djoser",
    "requests",
    "urllib3",
)
# The newest Django that all of them permit.
COMMON = ("django>=5.2,<5.3", "djangorestframework>=3.16")
NEWEST = ("social-auth-app-django>=8,<9", "social-auth-core>=7,<8")

# The response of begin, the query of the authorization URL, and what the page stores.
Begun = tuple[Response, dict[str, str], dict[str, str]]


@dataclass(frozen=True)
class Peer:
    """One column of the table. This class is the client of social_django.

    :param site: the name of its environment and of its site.
    """

    name: str
    title: str
    site: str
    requirements: tuple[str, ...]
    http_pool: bool = True

    def begin(self, browser: Browser) -> Begun:
        response = browser.post_form(f"/auth/login/{PROVIDER}/", {}, status=302)
        return response, _query(response.headers["Location"]), {}

    def complete(self, browser: Browser, callback: dict[str, str]) -> Response:
        return browser.get(f"/auth/complete/{PROVIDER}/?{urlencode(callback)}", status=302)


class Djoser(Peer):
    """It accepts only forms."""

    def begin(self, browser: Browser) -> Begun:
        query = urlencode({"redirect_uri": REDIRECT_URI})
        response = browser.get(f"/auth/o/{PROVIDER}/?{query}")
        stored = response.json()
        return response, _query(stored.pop("authorization_url")), stored

    def complete(self, browser: Browser, callback: dict[str, str]) -> Response:
        return browser.post_form(f"/auth/o/{PROVIDER}/", callback, status=201)


class Project(Djoser):
    """This package receives JSON that contains the flow."""

    def complete(self, browser: Browser, callback: dict[str, str]) -> Response:
        return browser.post_json(f"/auth/o/{PROVIDER}/", callback, status=201)


def _query(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


EDITABLE = (*COMMON, *NEWEST, "--editable", ".")

SOCIAL_DJANGO = Peer("social_django", "social_django", "social_django", (*COMMON, *NEWEST))
DJOSER = Djoser("djoser", "djoser", "djoser", (*COMMON, "djoser==2.3.5"))
PROJECT = Project("project", "this project", "project", EDITABLE)
WITHOUT_POOL = Project(
    "project_without_pool", "HTTP_POOL = False", "project", EDITABLE, http_pool=False
)
PEERS = (SOCIAL_DJANGO, DJOSER, PROJECT, WITHOUT_POOL)
