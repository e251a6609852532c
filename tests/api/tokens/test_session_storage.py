"""SessionSerializer: the session is stored with the login or not at all, in every engine."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.cache.backends.locmem import LocMemCache
from django.db import IntegrityError, OperationalError, connection
from rest_framework.authtoken.models import Token
from social_django.models import UserSocialAuth

from social_endpoints.signals import connected as identity_connected
from social_endpoints.signals import signed_in
from tests.support.accounts import logged_in
from tests.support.caches import SwitchedCache
from tests.support.frontend import Frontend, error
from tests.support.openid_provider import OpenIDProvider
from tests.support.sessions import ENGINES, ChangesSession, SessionStore, engine
from tests.support.signals import connected

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cookie_middleware")]
User = get_user_model()

UNAVAILABLE = (503, "storage_unavailable")
CHANGES_SESSION = "tests.support.sessions.ChangesSession"


@dataclass
class Storage:
    """Where an engine stores sessions."""

    name: str
    directory: Path

    def stored_keys(self) -> set[str]:
        """Return all stored session keys."""
        files = {path.name.removeprefix("sessionid") for path in self.directory.iterdir()}
        cached = {name[-32:] for name in getattr(cache, "_cache", ()) if "sessions" in name}
        rows = {*Session.objects.values_list("session_key", flat=True)}
        return files | cached | rows | {str(key) for key in SessionStore.rows}

    def signed_in_keys(self) -> set[str]:
        """Return the keys of the sessions in which a user is signed in."""
        store = import_module(engine(self.name)).SessionStore
        return {key for key in self.stored_keys() if SESSION_KEY in store(key)}

    def fail(self) -> None:
        """Let each later save fail."""
        if "db" in self.name:
            self._stack.enter_context(connection.execute_wrapper(fail_for_sessions))
        if self.name == "file":
            shutil.rmtree(self.directory)
        if self.name == "cache":
            SwitchedCache.error = ConnectionError
        SessionStore.is_down = True

    def repair(self) -> None:
        self._stack.close()
        self.directory.mkdir(exist_ok=True)
        SwitchedCache.error, SessionStore.is_down = None, False

    def __post_init__(self) -> None:
        self._stack = ExitStack()


def fail_for_sessions(execute: Any, sql: str, *args: Any) -> Any:
    if "django_session" in sql:
        raise OperationalError
    return execute(sql, *args)


@pytest.fixture(autouse=True)
def session_serializer(use_serializer: Callable[..., None]) -> None:
    use_serializer("SessionSerializer")


# Only two engines use the database.
@pytest.fixture(params=ENGINES if connection.vendor == "sqlite" else ["db", "cached_db"])
def storage(
    request: pytest.FixtureRequest, settings: Any, session_directory: Path
) -> Iterator[Storage]:
    """Use each session engine."""
    settings.SESSION_ENGINE = engine(request.param)
    settings.CACHES = {"default": {"BACKEND": "tests.support.caches.SwitchedCache"}}
    storage = Storage(request.param, session_directory)
    yield storage
    storage.repair()
    for path in session_directory.iterdir():
        path.unlink()
    SessionStore.rows.clear()
    cache.clear()


@pytest.fixture
def every_request(settings: Any) -> None:
    settings.SESSION_SAVE_EVERY_REQUEST = True


def username(browser: Frontend) -> str | None:
    response = browser.client.get("/protected/session/", secure=True)
    return response.json() if response.status_code == 200 else None


def visit(browser: Frontend) -> None:
    """Give the browser an anonymous session with data."""
    session = browser.client.session
    session["basket"] = [1]
    session.save()
    browser.client.cookies["sessionid"] = session.session_key


def raise_once(exception: Exception) -> Callable[..., None]:
    pending = [exception]

    def receive(request: Any, **kwargs: Any) -> None:
        request.session["basket"] = [*request.session.get("basket", []), 2]
        if pending:
            raise pending.pop()

    return receive


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("saves_again", [True, False])
def test_session_is_stored_before_the_commit(
    saves_again: bool,
    storage: Storage,
    openid: OpenIDProvider,
    settings: Any,
) -> None:
    settings.SESSION_SAVE_EVERY_REQUEST = saves_again
    settings.CSRF_USE_SESSIONS = saves_again
    browser = Frontend("cookie")
    visit(browser)
    late: list[str] = []
    begun, callback = browser.authorize(openid)

    def record(execute: Any, sql: str, *args: Any) -> Any:
        if not connection.in_atomic_block and "django_session" in sql:
            late.append(sql)
        return execute(sql, *args)

    with connection.execute_wrapper(record):
        response = browser.complete(begun, callback)

    assert response.status_code == 201
    assert [each for each in late if not each.startswith("SELECT")] == []
    assert username(browser) == "ada"
    assert browser.client.session["basket"] == [1]


@pytest.mark.parametrize("is_new", [True, False], ids=["new", "returning"])
def test_save_that_fails_leaves_nothing(
    is_new: bool,
    storage: Storage,
    openid: OpenIDProvider,
) -> None:
    if storage.name == "signed_cookies":
        return  # Nothing can fail.
    if not is_new:
        Frontend("cookie").log_in(openid)
        User.objects.update(last_login=None)
    keys = storage.signed_in_keys()
    browser = Frontend("cookie")

    with connected(lambda **kwargs: storage.fail(), user_logged_in):
        response = browser.log_in(openid)
    storage.repair()

    assert error(response) == UNAVAILABLE
    assert response.data["error_recovery"] == "retry_later"
    assert User.objects.exists() is UserSocialAuth.objects.exists() is not is_new
    assert not User.objects.exclude(last_login=None).exists()
    if storage.name != "file":
        assert storage.signed_in_keys() == keys
    assert username(browser) is None
    assert browser.log_in(openid).status_code == 201
    assert username(browser) == "ada"


@pytest.mark.parametrize(
    ("before", "is_new"),
    [
        ("nothing", True),
        ("nothing", False),
        ("anonymous", True),
        ("same user", False),
        ("other user", True),
    ],
)
def test_login_that_collides_builds_the_session_again(
    before: str, is_new: bool, storage: Storage, openid: OpenIDProvider
) -> None:
    browser = Frontend("cookie")
    if not is_new:
        browser.log_in(openid)
        browser = browser if before == "same user" else Frontend("cookie")
    if before == "other user":
        browser.client.force_login(User.objects.create_user("other"))
    elif before == "anonymous":
        visit(browser)

    with connected(raise_once(IntegrityError()), signed_in):
        assert browser.log_in(openid).status_code == 201

    assert username(browser) == "ada"
    assert browser.client.session["basket"] == ([1, 2] if before == "anonymous" else [2])
    assert len(storage.signed_in_keys()) <= 1 + (not is_new and before != "same user")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("before", ["nothing", "anonymous", "same user"])
def test_commit_that_fails_restores_the_session(
    before: str, storage: Storage, openid: OpenIDProvider
) -> None:
    browser = Frontend("cookie")
    if before == "same user":
        browser.log_in(openid)
    elif before == "anonymous":
        visit(browser)
    keys = storage.stored_keys()

    def create_dangling_row(**kwargs: Any) -> None:
        Token.objects.create(user_id=4_711)

    with connected(create_dangling_row, signed_in):
        response = browser.log_in(openid)

    assert response.status_code == 500
    assert storage.stored_keys() == keys
    assert username(browser) == ("ada" if before == "same user" else None)
    if before == "anonymous":
        assert browser.client.session["basket"] == [1]
    assert User.objects.exists() is (before == "same user")
    assert browser.log_in(openid).status_code == 201


def test_session_that_another_tab_deletes_is_created_again(
    storage: Storage, openid: OpenIDProvider
) -> None:
    browser = Frontend("cookie")
    browser.log_in(openid)

    with connected(lambda **kwargs: browser.client.session.flush(), user_logged_in):
        assert browser.log_in(openid).status_code == 201

    assert username(browser) == "ada"


def test_sign_in_that_the_storage_loses_is_a_503(storage: Storage, openid: OpenIDProvider) -> None:
    if storage.name == "signed_cookies":
        return  # Nothing can be lost.
    browser = Frontend("cookie")
    browser.log_in(openid)

    with connected(lambda **kwargs: browser.client.session.flush(), signed_in):
        response = browser.log_in(openid)

    assert error(response) == UNAVAILABLE
    assert browser.log_in(openid).status_code == 201
    assert username(browser) == "ada"


def test_sign_in_that_a_cache_drops_is_a_503(openid: OpenIDProvider, settings: Any) -> None:
    settings.SESSION_ENGINE = engine("cache")
    settings.CACHES = {"default": {"BACKEND": f"{__name__}.{DroppingCache.__name__}"}}

    assert error(Frontend("cookie").log_in(openid)) == UNAVAILABLE
    assert not User.objects.exists()


class DroppingCache(LocMemCache):
    """Loses large values without an exception, as memcached does."""

    def set(self, key: str, value: Any, *args: Any, **kwargs: Any) -> None:
        if SESSION_KEY in value:
            self.delete(key)


def test_session_that_changes_after_the_commit_cannot_fail_the_login(
    storage: Storage,
    openid: OpenIDProvider,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    browser = Frontend("cookie")
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, CHANGES_SESSION]
    begun, callback = browser.authorize(openid)
    monkeypatch.setattr(ChangesSession, "before_change", lambda self: storage.fail())

    response = browser.complete(begun, callback)

    storage.repair()
    monkeypatch.undo()
    assert response.status_code == 201
    assert ("session not saved" in caplog.text) is (storage.name != "signed_cookies")
    if storage.name != "file":
        assert username(browser) == "ada"


def test_session_that_cannot_be_read_after_the_view_is_not_emptied(
    openid: OpenIDProvider,
    use_serializer: Callable[..., None],
    settings: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    use_serializer("TokenSerializer")
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.{fail_one_read.__name__}"]
    browser = Frontend("cookie")
    visit(browser)

    assert browser.log_in(openid).status_code == 201

    assert "session not read" in caplog.text
    assert browser.client.session["basket"] == [1]


def fail_one_read(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return middleware that changes a session that the database does not return."""

    def fail(*args: Any) -> Any:
        raise OperationalError

    def middleware(request: Any) -> Any:
        response = get_response(request)
        with connection.execute_wrapper(fail):
            request.session.get("basket")
        request.session["status"] = response.status_code
        return response

    return middleware


def test_receivers_and_middleware_see_the_class_of_the_engine(
    storage: Storage, openid: OpenIDProvider
) -> None:
    engine_class = import_module(engine(storage.name)).SessionStore
    classes: list[type] = []

    def record(request: Any, **kwargs: Any) -> None:
        classes.append(type(request.session))

    with connected(raise_once(IntegrityError()), signed_in), connected(record, user_logged_in):
        response = Frontend("cookie").log_in(openid)

    assert {*classes, type(response.wsgi_request.session)} == {engine_class}


@pytest.mark.usefixtures("every_request")
def test_session_of_another_user_that_is_deleted_stays_deleted(
    storage: Storage, openid: OpenIDProvider, use_serializer: Callable[..., None]
) -> None:
    use_serializer("TokenSerializer")
    browser = Frontend("cookie")
    browser.client.force_login(User.objects.create_superuser("admin"))
    if storage.name == "signed_cookies":
        return  # There is nothing to delete.

    def log_out(request: Any, **kwargs: Any) -> None:
        request.session.keys()
        browser.client.session.flush()

    with connected(log_out, user_logged_in):
        assert browser.log_in(openid).status_code == 201

    assert username(browser) is None


def test_connect_whose_session_cannot_be_stored_connects_nothing(
    storage: Storage, openid: OpenIDProvider
) -> None:
    if storage.name in {"file", "signed_cookies"}:
        return  # These lose data without an exception, or cannot fail.
    client = logged_in(User.objects.create_user("grace"))
    browser = Frontend("cookie", client, below="connect/")

    def change(request: Any, **kwargs: Any) -> None:
        request.session["connected"] = True
        storage.fail()

    with connected(change, identity_connected):
        response = browser.log_in(openid)
    storage.repair()

    assert error(response) == UNAVAILABLE
    assert not UserSocialAuth.objects.exists()
    assert browser.log_in(openid).status_code == 201
