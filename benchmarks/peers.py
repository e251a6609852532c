"""Who is measured: what each needs, and how one signs in with it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, urlencode, urlsplit

from benchmarks.browser import Browser

REDIRECT_URI = "https://app.example.com/login/callback"
# The same Django for each: the newest that all of them permit, on every Python.
COMMON = ("django>=5.2,<5.3", "djangorestframework>=3.16", "psycopg[binary]>=3.2")


@dataclass(frozen=True)
class Peer:
    """One column of the table.

    :param site: the name of its URLconf, in ``benchmarks.site.urls``, and of the
        environment in which its ``requirements`` are installed.
    :param variables: what its processes get besides.
    """

    name: str
    title: str
    site: str
    requirements: tuple[str, ...]
    variables: dict[str, str] = field(default_factory=dict, hash=False)
    asks_provider = True

    def begin(self, browser: Browser, provider: str) -> tuple[dict[str, str], dict[str, str]]:
        """Begin; return the query of the authorization URL, and what the page keeps."""
        answer = browser.get(f"/auth/o/{provider}/?{urlencode({'redirect_uri': REDIRECT_URI})}")
        answer.expect(200)
        kept = answer.json()
        return query(kept.pop("authorization_url")), kept

    def complete(self, browser: Browser, provider: str, sent: dict[str, str]) -> None:
        """Complete, as the page does.

        :param sent: ``code`` and ``state``, which the provider sent back, and what was kept.
        """
        raise NotImplementedError


class Bare(Peer):
    """A view of Django REST framework that reads a user and a token, and answers."""

    asks_provider = False

    def begin(self, browser: Browser, provider: str) -> tuple[dict[str, str], dict[str, str]]:
        browser.get("/auth/").expect(200)
        return {}, {}

    def complete(self, browser: Browser, provider: str, sent: dict[str, str]) -> None:
        browser.post_json("/auth/", sent).expect(201)


class SocialDjango(Peer):
    """Redirects, and a session: what python-social-auth does by itself."""

    def begin(self, browser: Browser, provider: str) -> tuple[dict[str, str], dict[str, str]]:
        answer = browser.post_form(f"/auth/login/{provider}/", {})
        answer.expect(302)
        return query(answer.headers["Location"]), {}

    def complete(self, browser: Browser, provider: str, sent: dict[str, str]) -> None:
        browser.get(f"/auth/complete/{provider}/?{urlencode(sent)}").expect(302)


class Djoser(Peer):
    """Takes a form alone: python-social-auth does not read JSON."""

    def complete(self, browser: Browser, provider: str, sent: dict[str, str]) -> None:
        browser.post_form(f"/auth/o/{provider}/", sent).expect(201)


class Project(Peer):
    """Takes JSON, with the flow in it."""

    def complete(self, browser: Browser, provider: str, sent: dict[str, str]) -> None:
        browser.post_json(f"/auth/o/{provider}/", sent).expect(201)


def query(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


NEWEST = ("social-auth-app-django>=8,<9", "social-auth-core>=7,<8")
PROJECT_REQUIREMENTS = (*COMMON, *NEWEST, "--editable", ".")

BARE = Bare("bare", "bare view", "bare", COMMON)
SOCIAL_DJANGO = SocialDjango("social_django", "social_django", "social_django", (*COMMON, *NEWEST))
DJOSER = Djoser("djoser", "djoser", "djoser", (*COMMON, "djoser==2.3.5"))
PROJECT = Project("project", "this project", "project", PROJECT_REQUIREMENTS)
WITHOUT_POOL = replace(
    PROJECT,
    name="project_without_pool",
    title="HTTP_POOL = False",
    variables={"BENCHMARK_HTTP_POOL": ""},
)
PEERS = {peer.name: peer for peer in (BARE, SOCIAL_DJANGO, DJOSER, PROJECT, WITHOUT_POOL)}
