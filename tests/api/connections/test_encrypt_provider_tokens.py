"""The command that encrypts and decrypts the tokens of existing connections."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import (
    DatabaseError,
    OperationalError,
    connection,
    connections,
    models,
    transaction,
)
from django.test.utils import isolate_apps
from social_core.backends.oauth import BaseOAuth2
from social_core.backends.utils import load_backends
from social_django.models import AbstractUserSocialAuth, DjangoStorage, UserSocialAuth

from social_endpoints.exceptions import StorageUnavailable
from social_endpoints.internal.connections.encryption import PREFIX, encrypt, is_encrypted, to_plain
from social_endpoints.strategy import Strategy
from tests.support.configuration import Configure
from tests.support.failing_statements import FULL, LOCK, Fault
from tests.support.raw_rows import raw_column

User = get_user_model()
pytestmark = pytest.mark.django_db

TOKENS = {
    "access_token": "the-access-token",
    "refresh_token": "the-refresh-token",
    "id_token": "the-id-token",
    "expires_in": 3600,
}
OTHER_KEY = "another key, which is long enough for every algorithm"
LOST = {"access_token": f"{PREFIX}gAAAAABlost", "refresh_token": "the-refresh-token"}


class Provider(BaseOAuth2):
    name = "example"


class TenantStrategy(Strategy):
    def get_setting(self, name: str) -> Any:
        self.request.get_host()
        return super().get_setting(name)


class StrictTenantStrategy(Strategy):
    def get_setting(self, name: str) -> Any:
        if self.request is None:
            raise RuntimeError("there is no tenant without a request")
        return super().get_setting(name)


class StoredStrategy(Strategy):
    """A strategy with a setting that Django's settings do not have."""

    def get_setting(self, name: str) -> Any:
        if name == "SOCIAL_AUTH_EXAMPLE_EXTRA_DATA":
            return [("refresh_token", "stored")]
        return super().get_setting(name)


class UnavailableStrategy(Strategy):
    """A strategy whose settings are in a database that has failed."""

    def get_setting(self, name: str) -> Any:
        raise OperationalError("the database is unavailable")


@pytest.fixture(autouse=True)
def _on(configure: Configure, settings: Any) -> Iterator[None]:
    configure(ENCRYPT_PROVIDER_TOKENS=True)
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.Provider"]
    load_backends(settings.AUTHENTICATION_BACKENDS, force_load=True)
    yield
    load_backends([], force_load=True)


def store(*extra_data: Any, provider: str = "example") -> list[int]:
    """Store one row for each value and return their primary keys."""
    user, _ = User.objects.get_or_create(username="ada")
    count = UserSocialAuth.objects.count()
    rows = [
        UserSocialAuth(user=user, provider=provider, uid=f"{count + index}", extra_data=each)
        for index, each in enumerate(extra_data)
    ]
    UserSocialAuth.objects.bulk_create(rows)  # save() would encrypt.
    return [*UserSocialAuth.objects.order_by("pk").values_list("pk", flat=True)][count:]


def convert(*arguments: str, **options: Any) -> dict[str, int]:
    """Run the command; return the counts that are not 0."""
    output = io.StringIO()
    call_command("encrypt_provider_tokens", *arguments, stdout=output, **options)
    lines = [line.split(maxsplit=1) for line in output.getvalue().splitlines()]
    return {text: int(count) for count, text in lines if count.isdigit() and int(count)}


def values() -> list[dict[str, Any]]:
    rows = UserSocialAuth.objects.order_by("pk").values_list("extra_data", flat=True)
    return [to_plain(each) for each in rows]


def test_rows_are_encrypted_and_decrypted_in_batches() -> None:
    store(*[TOKENS] * 5, {}, {"id": 1})
    rows = UserSocialAuth.objects.order_by("pk").values_list("pk", "modified")
    modified = list(rows)

    assert convert("--batch-size", "2") == {"encrypted": 5, "without tokens": 2}
    encrypted = raw_column()
    assert [text for text in TOKENS.values() if str(text) in encrypted] == [3600]
    assert values() == [*[TOKENS] * 5, {}, {"id": 1}]
    assert convert() == {"already encrypted": 5, "without tokens": 2}
    assert raw_column() == encrypted

    assert list(rows.all()) == modified


def test_setting_off_decrypts(configure: Configure) -> None:
    store(TOKENS, {})
    before = raw_column()
    convert()
    configure(ENCRYPT_PROVIDER_TOKENS=False)

    assert convert("--decrypt", "--batch-size", "1") == {"decrypted": 1, "without tokens": 1}
    assert raw_column() == before
    assert convert("--decrypt") == {"already decrypted": 1, "without tokens": 1}


@pytest.mark.parametrize(("is_on", "arguments"), [(False, []), (True, ["--decrypt"])])
def test_direction_that_contradicts_the_setting_is_refused(
    is_on: bool, arguments: list[str], configure: Configure
) -> None:
    configure(ENCRYPT_PROVIDER_TOKENS=is_on)
    store(TOKENS)
    before = raw_column()

    with pytest.raises(CommandError, match="ENCRYPT_PROVIDER_TOKENS"):
        convert(*arguments)
    assert raw_column() == before


def test_check_counts_and_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    store(TOKENS, {"access_token": encrypt("a")}, LOST)
    before = raw_column()

    with pytest.raises(CommandError, match=r"have to be converted: 1\.") as caught:
        convert("--check")

    assert caught.value.returncode == 1
    assert raw_column() == before
    convert()
    assert convert("--check") == {"already encrypted": 2, "lost": 1}


def test_rows_under_an_old_key_are_encrypted_again(
    settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    store(TOKENS, {**TOKENS, "id_token": None}, {"access_token": "a plain token"})
    UserSocialAuth.objects.filter(uid="2").update(extra_data={"access_token": encrypt("a")})
    convert()
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = OTHER_KEY
    store({"access_token": "plain", "refresh_token": None})

    output = io.StringIO()
    call_command("encrypt_provider_tokens", stdout=output)

    assert "3 encrypted again under SECRET_KEY" in " ".join(output.getvalue().split())
    assert "No token in these rows needs SECRET_KEY_FALLBACKS" in output.getvalue()
    settings.SECRET_KEY_FALLBACKS = []
    assert [each["access_token"] for each in values()] == ["the-access-token"] * 2 + ["a", "plain"]
    assert convert() == {"already encrypted": 4}


def test_row_under_a_lost_key_is_left_as_it_is(
    settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    store(TOKENS, LOST)
    UserSocialAuth.objects.filter(uid="0").update(extra_data={"access_token": encrypt("a")})
    settings.SECRET_KEY = OTHER_KEY
    before = raw_column()
    store(TOKENS)
    lost = list(UserSocialAuth.objects.order_by("pk").values_list("pk", flat=True))[:2]

    assert convert() == {"encrypted": 1, "lost": 2}

    assert raw_column().startswith(before)
    message = capsys.readouterr().err
    assert "SECRET_KEY_FALLBACKS: 2. They were not changed." in message
    assert f"Primary keys: {lost[0]}, {lost[1]}" in message


def test_name_that_looks_like_an_encrypted_token_is_not_lost() -> None:
    store({**TOKENS, "name": LOST["access_token"]})

    assert convert() == {"encrypted": 1}
    assert LOST["access_token"] in raw_column()


def test_lost_row_can_still_need_a_fallback(settings: Any) -> None:
    store({**LOST, "refresh_token": encrypt("a")}, TOKENS)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = OTHER_KEY
    output = io.StringIO()

    call_command("encrypt_provider_tokens", stdout=output)

    assert "No token in the other rows needs SECRET_KEY_FALLBACKS." in output.getvalue()
    assert values()[0] == {"refresh_token": "a"}


def test_message_about_many_lost_rows_is_short(capsys: pytest.CaptureFixture[str]) -> None:
    store(*[LOST] * 25)

    convert("--batch-size", "7")

    message = capsys.readouterr().err
    assert message.rstrip().endswith(", ...")
    assert len(message) < 500


def test_alias_of_the_project_is_encrypted(settings: Any) -> None:
    settings.SOCIAL_AUTH_EXAMPLE_EXTRA_DATA = [("refresh_token", "rt"), ["id", "login"], "email"]
    store({"rt": "an-aliased-token", "login": "ada", "email": "a@example.com"})
    store({"rt": "of-another-provider"}, provider="removed")

    assert convert() == {"encrypted": 1, "without tokens": 1}
    assert "an-aliased-token" not in raw_column()
    assert '"ada"' in raw_column()


@pytest.mark.parametrize(
    ("strategy", "found"),
    [
        ("TenantStrategy", ["rt"]),
        ("StrictTenantStrategy", ["rt"]),
        ("StoredStrategy", ["rt", "stored"]),
    ],
)
def test_alias_is_found_without_a_request(
    strategy: str, found: list[str], settings: Any, configure: Configure
) -> None:
    """A strategy of the project may need the request, for example to find the tenant."""
    configure(STRATEGY=f"{__name__}.{strategy}")
    settings.SOCIAL_AUTH_EXAMPLE_EXTRA_DATA = [("refresh_token", "rt")]
    store({"rt": "a-token", "stored": "a-token"})

    assert convert() == {"encrypted": 1}
    (stored,) = UserSocialAuth.objects.values_list("extra_data", flat=True)
    assert [name for name in stored if stored[name].startswith(PREFIX)] == found


def test_failure_of_storage_leaves_no_token_behind(configure: Configure) -> None:
    configure(STRATEGY=f"{__name__}.UnavailableStrategy")
    store({"stored": "a-token"})

    with pytest.raises(StorageUnavailable):
        convert()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (json.dumps(TOKENS), {"encrypted": 1}),
        ("not JSON", {"without tokens": 1}),
        ("{}", {"without tokens": 1}),
        ([], {"without tokens": 1}),
    ],
)
def test_old_rows_of_social_django_can_contain_text(text: Any, expected: Any) -> None:
    store(text)
    before = raw_column()

    assert convert() == expected
    assert "the-access-token" not in raw_column()
    assert ("encrypted" in expected) or raw_column() == before


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"batch_size": 0}, "--batch-size"),
        ({"batch_size": 1_001}, "--batch-size"),
        ({"database": "unknown"}, "'unknown'"),
    ],
)
def test_wrong_option_is_refused(options: Any, text: str) -> None:
    with pytest.raises(CommandError, match=text):
        convert(**options)


class PlainStorage(DjangoStorage):
    user = object


@pytest.mark.parametrize(
    ("storage", "text"),
    [(f"{__name__}.PlainStorage", "not a model"), ("missing.Storage", "missing")],
)
def test_storage_without_a_model_is_refused(storage: str, text: str, settings: Any) -> None:
    settings.SOCIAL_AUTH_STORAGE = storage

    with pytest.raises(CommandError, match=text):
        convert()


# Other tests read the rows of all models, and delete users: they must not know a model without a
# table.
with isolate_apps("social_django"):

    class OwnConnection(AbstractUserSocialAuth):
        """A model of the project, with a primary key of its own."""

        key = models.CharField(primary_key=True, max_length=40)
        user = models.ForeignKey(User, models.DO_NOTHING, related_name="+", db_constraint=False)

        class Meta:
            app_label = "social_django"
            managed = False
            db_table = "own_connection"
            constraints = []


class OwnStorage(DjangoStorage):
    user = OwnConnection


@pytest.mark.django_db(transaction=True)
def test_model_of_the_project_is_converted(settings: Any) -> None:
    settings.SOCIAL_AUTH_STORAGE = f"{__name__}.OwnStorage"
    with connection.schema_editor() as editor:
        editor.create_model(OwnConnection)
    try:
        user = User.objects.create_user("ada")
        for number in range(5):
            row = OwnConnection(key=f"k{number}", user=user, uid="1", extra_data=TOKENS)
            OwnConnection.objects.bulk_create([row])

        assert convert("--batch-size", "2") == {"encrypted": 5}
        for row in OwnConnection.objects.all():
            assert row.extra_data["access_token"].startswith(PREFIX)
            assert to_plain(row.extra_data) == TOKENS
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(OwnConnection)


class OtherRouter:
    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "other"


@pytest.mark.parametrize(
    ("routers", "arguments"), [([], ["--database=other"]), ([f"{__name__}.OtherRouter"], [])]
)
def test_rows_of_another_database_are_converted(
    routers: list[str], arguments: list[str], settings: Any, tmp_path: Path
) -> None:
    store(TOKENS)
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "other.sqlite3")}
    connections.databases["other"] = {**connections.databases["default"], "OPTIONS": {}, **database}
    connections["other"].connect()  # Django would refuse a later connection in a test.
    try:
        with connections["other"].schema_editor() as editor:
            editor.create_model(User)
            editor.create_model(UserSocialAuth)
        rows = UserSocialAuth.objects.using("other")
        ada = User.objects.using("other").create(username="ada")
        row = UserSocialAuth(user=ada, provider="example", uid="1", extra_data=TOKENS)
        rows.bulk_create([row])
        settings.DATABASE_ROUTERS = routers

        assert convert(*arguments) == {"encrypted": 1}

        (stored,) = rows.values_list("extra_data", flat=True)
        assert is_encrypted(stored["access_token"])
        assert to_plain(stored) == TOKENS
        assert "the-access-token" in raw_column()
    finally:
        connections["other"].close()
        del connections["other"], connections.databases["other"]


# --- Other requests at the same time ------------------------------------------------------


def changing_rows(change: Any) -> Any:
    """Return an execute wrapper that runs a change once, after the first batch was read."""
    pending = [change]

    def wrapper(execute: Any, sql: str, *args: Any) -> Any:
        if "extra_data" in sql and pending and ("FOR UPDATE" in sql or " IN (" in sql):
            pending.pop()()
        return execute(sql, *args)

    return connection.execute_wrapper(wrapper)


def test_change_after_the_row_was_read_is_kept() -> None:
    keys = store(TOKENS, TOKENS, TOKENS)
    newer = {"access_token": "newer", "note": 1}

    def change() -> None:
        UserSocialAuth.objects.filter(pk=keys[0]).update(extra_data=newer)
        UserSocialAuth.objects.filter(pk=keys[1]).delete()

    with changing_rows(change):
        assert convert() == {"encrypted": 2}

    assert values() == [newer, TOKENS]
    assert "newer" not in raw_column()


@pytest.mark.row_locks
@pytest.mark.django_db(transaction=True)
def test_row_that_a_refresh_has_locked_is_converted_last_and_keeps_its_change() -> None:
    keys = store(*[TOKENS] * 4)
    is_locked, may_commit = Event(), Event()
    converted: list[Any] = []
    rotated = {"access_token": "rotated"}

    def refresh() -> None:
        with transaction.atomic():
            row = UserSocialAuth.objects.filter(pk=keys[1])
            row.select_for_update().get()
            is_locked.set()
            assert may_commit.wait(15)
            row.update(extra_data=rotated)
        connections.close_all()

    def log_in_meanwhile() -> None:
        """Lock another row of the batch once it is encrypted, while the command waits."""
        rows = UserSocialAuth.objects.filter(pk=keys[3])
        deadline = time.monotonic() + 10
        while not converted and time.monotonic() < deadline:
            if is_encrypted(rows.get().extra_data["access_token"]):
                with transaction.atomic():
                    converted.append(rows.select_for_update(nowait=True).get())
        may_commit.set()
        connections.close_all()

    threads = [Thread(target=refresh), Thread(target=log_in_meanwhile)]
    threads[0].start()
    assert is_locked.wait(10)
    threads[1].start()
    assert convert() == {"encrypted": 4}
    for thread in threads:
        thread.join()

    assert converted
    assert values() == [TOKENS, rotated, TOKENS, TOKENS]
    assert "rotated" not in raw_column()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("fault", "is_repeated"), [(LOCK, True), (FULL, False)])
def test_batch_is_repeated_after_a_lock_error_and_stays_whole_after_others(
    fault: Fault, is_repeated: bool
) -> None:
    store(*[TOKENS] * 2)
    before = raw_column()

    def fail(execute: Any, sql: str, *arguments: Any) -> Any:
        if sql.startswith("UPDATE") and pending:
            return fault.execute(execute, pending.pop() or sql, *arguments)
        return execute(sql, *arguments)

    pending = [""]
    with connection.execute_wrapper(fail):
        if is_repeated:
            assert convert() == {"encrypted": 2}
        else:
            with pytest.raises(DatabaseError):
                convert()
            assert raw_column() == before

    assert convert().keys() == {"already encrypted" if is_repeated else "encrypted"}


def test_progress_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    keys = store(*[TOKENS] * 3)

    call_command("encrypt_provider_tokens", "--batch-size=2", verbosity=2)

    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [
        f"2 rows, up to the primary key {keys[1]}",
        f"3 rows, up to the primary key {keys[2]}",
    ]
