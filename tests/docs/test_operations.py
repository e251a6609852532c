"""The pages for operators agree with the code, and their examples work."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from logging.config import DictConfigurator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from django.core.management import call_command
from social_core.exceptions import REASONS

from docs.recipes.log_json import JSONFormatter
from social_endpoints.checks.deployment import check_cache_time_out
from social_endpoints.exceptions import RECOVERIES
from social_endpoints.internal.cache import CacheUnavailable, cache
from social_endpoints.signals import connected
from tests.support.accounts import logged_in
from tests.support.caches import CacheServer
from tests.support.frontend import Frontend, browser, error
from tests.support.log import DOCUMENTED, LOGGING, logged, parsed
from tests.support.openid_provider import OpenIDProvider
from tests.support.pages import DOCS, ROOT, code_blocks, page, run_block
from tests.support.pipeline import AFTER_SOCIAL_USER, ASK_NAME, pipeline_with

User = get_user_model()


def test_examples_of_the_log_have_its_format() -> None:
    lines = re.findall(r"^   (\w+ (?:completed|refused) .+)$", LOGGING, re.MULTILINE)

    assert len(lines) > 1
    for line in lines:
        parsed(line)


def example_line() -> str:
    return re.findall(r"^   (login completed .+)$", LOGGING, re.MULTILINE)[0]


def test_example_in_json_is_the_first_line() -> None:
    (documented,) = code_blocks(DOCS / "operations/logging.rst", "json")
    record = logging.makeLogRecord({"msg": example_line(), "levelname": "INFO"})

    found = json.loads(JSONFormatter().format(record))

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}", found["time"])
    assert {**json.loads(documented), "time": ""} == {**found, "time": ""}


@pytest.mark.django_db
def test_lines_in_json_have_the_values_of_the_lines(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "social_endpoints")
    uri = 'https://evil.example/ level=ERROR "quoted"\n\\'

    Frontend().begin(redirect_uri=uri)

    (record,) = [each for each in caplog.records if each.name == "social_endpoints"]
    found = json.loads(JSONFormatter().format(record))
    (line,) = logged(caplog)
    assert {**line, "time": found["time"]} == found
    assert found["redirect_uri"] == uri
    record.exc_info = (ValueError, ValueError("text"), None)
    assert "ValueError" in json.loads(JSONFormatter().format(record))["traceback"]


@pytest.mark.parametrize("number", [0, 2])
def test_logging_example_can_be_loaded(number: int) -> None:
    """The filter of the third example belongs to the project."""
    block = code_blocks(DOCS / "operations/logging.rst", "python")[number]
    project: dict[str, Any] = {}
    exec(block.replace("project.request_id.RequestIDFilter", "logging.Filter"), project)

    DictConfigurator(project["LOGGING"])

    assert project["LOGGING"]["loggers"]["social_endpoints"]["level"] == "INFO"


def test_logging_page_has_only_existing_events_and_keys() -> None:
    modules = (ROOT / "social_endpoints").rglob("*.py")
    code = "".join(path.read_text() for path in modules)
    written = set(re.findall(r"\b(\w+)=|\"([\w ]+)\"", code))
    names = {name for pair in written for name in pair}
    actions = re.findall(r'(?i:log_action)(?:: .*)? = "([\w ]+)"', code)
    actions += re.findall(r'log_(?:completed|refusal)\("([\w ]+)"', code)
    names |= {f"{action} {end}" for action in actions for end in ("completed", "refused")}

    assert DOCUMENTED - names == set()
    assert {f"{action} refused" for action in actions} <= DOCUMENTED


@pytest.mark.parametrize(
    "name",
    ["operations/incidents.rst", "troubleshooting/index.rst", "troubleshooting/log_lines.rst"],
)
def test_page_has_only_existing_codes_and_values_of_the_log(name: str) -> None:
    # The keys of the log are lowercase, unlike attributes of cookies such as SameSite.
    values = re.findall(r"``([a-z]\w*)=(\w+)``", page(name))

    assert values
    assert {key for key, _ in values} <= DOCUMENTED
    assert {value for key, value in values if key == "code"} <= {*REASONS, *RECOVERIES}
    causes = {value for key, value in values if key == "cause"}
    assert [cause for cause in causes if f"``{cause}``" not in LOGGING] == []


@pytest.mark.needs("redis")
@pytest.mark.parametrize(
    "page", ["operations/time_outs.rst", "backend/handoff.rst", "backend/deployment.rst"]
)
def test_example_of_a_cache_has_a_time_out(page: str, settings: Any) -> None:
    example = run_block(page, "CACHES")["CACHES"]
    server = CacheServer(is_silent=True)
    address = f"redis://127.0.0.1:{server.port}"
    settings.CACHES = {"default": {**example["default"], "LOCATION": address}}

    assert list(check_cache_time_out()) == []
    with pytest.raises(CacheUnavailable, match="TimeoutError"):
        cache.get("name")
    server.stop()


@pytest.mark.django_db
def test_signals_example(
    openid: OpenIDProvider,
    settings: Any,
    frontend: Frontend,
    django_capture_on_commit_callbacks: Any,
) -> None:
    owner = User.objects.create_user("grace", "grace@example.com")
    browser = replace(frontend, client=logged_in(owner), below="connect/")
    project = run_block("reference/signals.rst", "@receiver")
    try:
        with django_capture_on_commit_callbacks(execute=True):
            responses = browser.log_in(openid), browser.log_in(openid)
    finally:
        connected.disconnect(project["notify_user"])

    assert [response.status_code for response in responses] == [201, 201]
    assert [message.to for message in mail.outbox] == [["grace@example.com"]]


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["operations/incidents.rst", "operations/backups.rst"])
def test_steps_end_all_logins_and_paused_logins(
    name: str, openid: OpenIDProvider, settings: Any
) -> None:
    headers = {"Authorization": f"Token {Frontend().log_in(openid).data['token']}"}
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((AFTER_SOCIAL_USER, ASK_NAME))
    paused = Frontend()
    paused_login = paused.log_in(openid)
    assert browser().get("/auth/connections/", secure=True, headers=headers).status_code == 200

    for block in code_blocks(DOCS / name, "python"):
        exec(block, {})

    assert browser().get("/auth/connections/", secure=True, headers=headers).status_code == 401
    if name == "operations/incidents.rst":
        resumed = paused.resume(paused_login, name="Ada")
        assert error(resumed) == (400, "session_context_missing")


@pytest.mark.django_db
@pytest.mark.needs("knox")
def test_clean_up_deletes_expired_tokens_of_knox() -> None:
    models = import_module("knox.models")
    user = User.objects.create_user("ada")
    models.AuthToken.objects.create(user, expiry=timedelta(hours=-1))
    living, _ = models.AuthToken.objects.create(user)

    run_block("operations/clean_up.rst", "AuthToken")

    assert list(models.AuthToken.objects.all()) == [living]


@pytest.mark.django_db
def test_open_login_completes_after_a_clean_up(openid: OpenIDProvider) -> None:
    frontend = Frontend()
    begun, callback = frontend.authorize(openid)

    call_command("clearsocial", age=1)

    assert frontend.complete(begun, callback).status_code == 201


@pytest.mark.django_db
def test_login_survives_each_step_of_the_rotation_of_the_key(
    openid: OpenIDProvider, settings: Any
) -> None:
    """The page has the settings of each step. A flow of one step completes in the next one."""
    frontend = Frontend()
    steps = code_blocks(DOCS / "operations/key_rotation.rst", "python")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "the old one", []
    for step in steps:
        begun, callback = frontend.authorize(openid)
        values: dict[str, Any] = {}
        exec(step, values)
        settings.SECRET_KEY = values["SECRET_KEY"]
        settings.SECRET_KEY_FALLBACKS = values["SECRET_KEY_FALLBACKS"]
        assert frontend.complete(begun, callback).status_code == 201

    assert len(steps) == 3


def test_checklist_names_existing_checks() -> None:
    for name in ("index", "throttling", "time_outs"):
        ids = re.findall(r"\b([EWI]\d{3})\b", page(f"operations/{name}.rst"))
        assert ids
        for each in ids:
            assert f"social_endpoints.{each}" in page("reference/checks.rst")
