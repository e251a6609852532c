"""The guide for missing data works."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from social_core.pipeline import DEFAULT_AUTH_PIPELINE

from social_endpoints.pipeline import FIELD_TYPES
from tests.support.frontend import Frontend
from tests.support.openid_provider import OpenIDProvider
from tests.support.pages import DOCS, code_blocks, find_block, page, run_block

User = get_user_model()


@pytest.mark.django_db
def test_pipeline_recipe(
    openid: OpenIDProvider,
    settings: Any,
    frontend: Frontend,
    django_capture_on_commit_callbacks: Any,
) -> None:
    del openid.userinfo["email"]
    steps = list(DEFAULT_AUTH_PIPELINE)
    before = steps.index("social_core.pipeline.user.create_user")
    steps.insert(before, "docs.recipes.pipeline.require_email")
    settings.SOCIAL_AUTH_PIPELINE = [*steps, "docs.recipes.pipeline.welcome"]

    paused = frontend.log_in(openid)
    assert paused.status_code == 202
    assert not User.objects.exists()
    assert (paused.data["redirect_to"], paused.data["fields"]) == ("/login/email", None)

    body = {"partial_token": paused.data["partial_token"], "email": "ada@example.com"}
    with django_capture_on_commit_callbacks(execute=True):
        response = frontend.complete(paused, body)

    assert response.status_code == 201
    assert User.objects.get().email == "ada@example.com"
    assert [message.to for message in mail.outbox] == [["ada@example.com"]]


def get_plan(user: Any) -> str:
    return "team" if user.is_staff else "free"


def set_plan(user: Any, plan: str) -> None:
    user.is_staff = plan == "team"


@pytest.mark.django_db
def test_sign_up_recipe(
    openid: OpenIDProvider,
    settings: Any,
    frontend: Frontend,
    django_capture_on_commit_callbacks: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(User, "plan", property(get_plan, set_plan), raising=False)
    project = run_block("backend/missing_data.rst", "SOCIAL_AUTH_PIPELINE")
    for name, value in project.items():
        if name.startswith("SOCIAL_AUTH_"):
            setattr(settings, name, value)
    del openid.userinfo["email"]

    def resume(paused: Any, **answers: Any) -> Any:
        body = {"partial_token": paused.data["partial_token"], **answers}
        with django_capture_on_commit_callbacks(execute=True):
            return frontend.complete(paused, body)

    email = frontend.log_in(openid)
    sent = resume(email, email="ada@example.com")
    assert sent.data["redirect_to"] == settings.SOCIAL_AUTH_EMAIL_VALIDATION_URL
    (message,) = mail.outbox
    assert message.to == ["ada@example.com"]
    link = dict(parse_qsl(urlsplit(str(message.body)).query))
    assert link.pop("provider") == "oidc"
    assert link.pop("partial_token") == sent.data["partial_token"]
    terms = resume(resume(sent, **link), partial_pipeline_confirm=True)
    documented = json.loads(code_blocks(DOCS / "backend/missing_data.rst", "json")[0])
    assert terms.json()["fields"] == documented["fields"]
    refused = resume(terms, terms=False, plan="team")
    assert refused.json()["terms"] == ["Please accept the terms."]
    response = resume(terms, terms=True, plan="team")

    assert response.status_code == 201
    user: Any = User.objects.get()
    assert (user.email, user.plan) == ("ada@example.com", "team")
    assert frontend.log_in(openid).status_code == 201


def project_settings(settings: Any) -> None:
    """Use the settings of the page in a project with GitHub."""
    for name, value in run_block("backend/missing_data.rst", "SOCIAL_AUTH_PIPELINE").items():
        if name.startswith("SOCIAL_AUTH_"):
            setattr(settings, name, value)
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.github.GithubOAuth2"]
    settings.SOCIAL_AUTH_GITHUB_KEY = settings.SOCIAL_AUTH_GITHUB_SECRET = "any value"


@pytest.mark.django_db(transaction=True)
def test_test_of_the_page_passes(settings: Any, social_begin: Any, social_complete: Any) -> None:
    project_settings(settings)
    test = run_block("backend/missing_data.rst", "def test_new_user")

    test["test_new_user_types_an_address"](social_begin, social_complete)


@pytest.mark.django_db
def test_own_step_asks_for_an_invitation(
    openid: OpenIDProvider,
    settings: Any,
    frontend: Frontend,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    block = find_block("backend/missing_data.rst", "def require_invitation")
    (tmp_path / "invitation_of_the_page.py").write_text(block)
    monkeypatch.syspath_prepend(tmp_path)
    steps = list(DEFAULT_AUTH_PIPELINE)
    before = steps.index("social_core.pipeline.user.create_user")
    steps.insert(before, "invitation_of_the_page.require_invitation")
    settings.SOCIAL_AUTH_PIPELINE = steps

    paused = frontend.log_in(openid)
    refused = frontend.resume(paused, invitation="winter")
    response = frontend.resume(paused, invitation="spring")

    assert [field["name"] for field in paused.data["fields"]] == ["invitation"]
    assert (refused.status_code, refused.data["invitation"]) == (400, ["This code is not valid."])
    assert response.status_code == 201
    assert frontend.log_in(openid).status_code == 201


def test_page_has_each_type() -> None:
    listed = re.search(
        r"^   One of (.+?)\.$", page("backend/missing_data.rst"), re.MULTILINE | re.DOTALL
    )

    assert listed
    assert re.findall(r"``([a-z ]+)``", listed[1]) == FIELD_TYPES
