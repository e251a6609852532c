"""System checks of python-social-auth's pipelines: steps that cannot work."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, Warning
from django.utils.module_loading import import_string
from social_core.backends.base import BaseAuth
from social_core.utils import setting_name

from social_endpoints.checks.providers import loaded_backends

_MAIL_VALIDATION = "social_core.pipeline.mail.mail_validation"
_MAIL_SETTINGS = ("EMAIL_VALIDATION_URL", "EMAIL_VALIDATION_FUNCTION")


def check_pipelines(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report pipelines that are not lists, and steps that cannot be imported."""
    problems: dict[str, list[str]] = {}
    for backend in loaded_backends():
        for problem in _find_problems(backend):
            problems.setdefault(problem, []).append(backend.name)
    for problem, names in problems.items():
        yield Error(
            f"The pipeline of {', '.join(names)} {problem}.",
            hint="Correct SOCIAL_AUTH_PIPELINE, or the pipeline of the provider.",
            id="social_endpoints.E026",
        )


def _find_problems(backend: BaseAuth[Any]) -> Iterator[str]:
    pipeline = find_pipeline(backend)
    if pipeline is None:
        yield "must be a list of dotted paths"
    for step in pipeline or ():
        try:
            import_string(step)
        except Exception as error:  # noqa: BLE001 - a module of the project may raise any exception
            reason = f"{type(error).__name__}: {error}"
            yield f"contains {step!r}, which cannot be imported: {reason}"


def check_mail_validation(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report the step ``mail_validation`` without the settings that it reads."""
    with_step = [
        each for each in loaded_backends() if _MAIL_VALIDATION in (find_pipeline(each) or ())
    ]
    if not with_step:
        return
    forced = [each.name for each in with_step if _validates_mail(each)]
    # social-core reads these settings without the name of a provider.
    missing = [
        setting_name(each) for each in _MAIL_SETTINGS if not with_step[0].strategy.setting(each)
    ]
    if missing and forced:
        yield Error(
            f"The step mail_validation of {', '.join(forced)} requires {' and '.join(missing)}.",
            hint="Set SOCIAL_AUTH_EMAIL_VALIDATION_URL to the page that asks users to open their"
            " mail, and SOCIAL_AUTH_EMAIL_VALIDATION_FUNCTION to the function that sends it.",
            id="social_endpoints.E023",
        )
    elif missing:
        yield Warning(
            "The pipeline contains mail_validation, but addresses are not validated:"
            f" SOCIAL_AUTH_FORCE_EMAIL_VALIDATION and {' and '.join(missing)} are not set.",
            hint="Set them, or remove the step from the pipeline.",
            id="social_endpoints.W017",
        )


def _validates_mail(backend: BaseAuth[Any]) -> bool:
    return backend.REQUIRES_EMAIL_VALIDATION or bool(backend.setting("FORCE_EMAIL_VALIDATION"))


def find_pipeline(backend: BaseAuth[Any]) -> list[Any] | tuple[Any, ...] | None:
    """Return the pipeline of a backend, or None if it is not a list."""
    pipeline: Any = backend.strategy.get_pipeline(backend)
    return pipeline if isinstance(pipeline, (list, tuple)) else None


CHECKS: dict[Any, tuple[str, ...]] = {check_pipelines: (), check_mail_validation: ()}
