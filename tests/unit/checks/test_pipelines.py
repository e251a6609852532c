"""System checks of python-social-auth's pipelines."""

from __future__ import annotations

from typing import Any

import pytest
from social_core.backends.github import GithubOAuth2
from social_core.pipeline import DEFAULT_AUTH_PIPELINE

from tests.support.checks import findings, only

MAIL = "social_core.pipeline.mail.mail_validation"
URL, FUNCTION = "SOCIAL_AUTH_EMAIL_VALIDATION_URL", "SOCIAL_AUTH_EMAIL_VALIDATION_FUNCTION"


class GithubWithValidation(GithubOAuth2):
    REQUIRES_EMAIL_VALIDATION = True


@pytest.mark.parametrize("pipeline", ["PIPELINE", "GITHUB_PIPELINE"])
@pytest.mark.parametrize("force", ["FORCE_EMAIL_VALIDATION", "GITHUB_FORCE_EMAIL_VALIDATION"])
@pytest.mark.parametrize("missing", [{URL}, {FUNCTION}, {URL, FUNCTION}, set()])
def test_mail_validation_needs_settings(
    pipeline: str, force: str, missing: set[str], settings: Any
) -> None:
    setattr(settings, f"SOCIAL_AUTH_{pipeline}", (*DEFAULT_AUTH_PIPELINE, MAIL))
    setattr(settings, f"SOCIAL_AUTH_{force}", True)
    settings.SOCIAL_AUTH_GITHUB_EMAIL_VALIDATION_URL = "/not-read-by-social-core"
    for name in {URL, FUNCTION} - missing:
        setattr(settings, name, "tests.support.pipeline")

    if missing:
        message = only("E023").msg
        assert {name for name in (URL, FUNCTION) if name in message} == missing
        assert "github" in message
    else:
        assert findings() == []


def test_mail_validation_of_a_backend_that_requires_it(settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.GithubWithValidation"]
    settings.SOCIAL_AUTH_PIPELINE = [*DEFAULT_AUTH_PIPELINE, MAIL]

    assert URL in only("E023").msg


@pytest.mark.parametrize("is_set", [True, False])
def test_mail_validation_without_effect(is_set: bool, settings: Any) -> None:
    settings.SOCIAL_AUTH_PIPELINE = [*DEFAULT_AUTH_PIPELINE, MAIL]
    if is_set:
        setattr(settings, URL, "/mail")
        setattr(settings, FUNCTION, "tests.support.pipeline")
        assert findings() == []
    else:
        assert "SOCIAL_AUTH_FORCE_EMAIL_VALIDATION" in only("W017").msg


@pytest.mark.parametrize(
    ("pipeline", "problem"),
    [
        (["no.such.step"], "'no.such.step'"),
        ([*DEFAULT_AUTH_PIPELINE, "tests.support.pipeline.missing"], "pipeline.missing'"),
        ([None], "None"),
        ("social_core.pipeline.mail.mail_validation", "must be a list"),
        (None, "must be a list"),
    ],
)
def test_pipeline_that_cannot_run(pipeline: Any, problem: str, settings: Any) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline

    message = only("E026").msg

    assert problem in message
    assert "oidc, github" in message
