"""Run the system checks of a project, in this process or in a new one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from django.core.checks import CheckMessage, run_checks

from tests.support.interpreter import python


def findings(*, deploy: bool = False, databases: Sequence[str] | None = None) -> list[CheckMessage]:
    messages = run_checks(include_deployment_checks=deploy, databases=databases)
    return [message for message in messages if message.id.startswith("social_endpoints.")]


def ids(*, deploy: bool = False) -> set[str]:
    """Return the ids of all messages, without the name of the package."""
    return {message.id.removeprefix("social_endpoints.") for message in findings(deploy=deploy)}


def only(identifier: str, *, deploy: bool = False) -> CheckMessage:
    """Return the single message, which must have this id and a hint."""
    (message,) = findings(deploy=deploy)
    assert message.id == f"social_endpoints.{identifier}"
    assert message.is_serious() is identifier.startswith("E")
    assert message.hint
    return message


def check_project(folder: Path, source: str) -> str:
    """Run ``manage.py check`` with a settings module of this source and return its output."""
    lines = [line.strip() for line in source.strip().splitlines()]
    (folder / "project_settings.py").write_text("\n".join(lines))
    outcome = python("-m", "django", "check", path=folder, settings="project_settings")
    assert "Traceback" not in outcome.stderr, outcome.stderr
    return outcome.stderr
