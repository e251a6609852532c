"""social-core's ``mail_validation``: a link in an e-mail resumes the login after a confirmation."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from django.core.mail import send_mail
from django.utils import timezone
from social_django.models import Code

from tests.support.concurrency import THREADS, together
from tests.support.configuration import Configure
from tests.support.frontend import Frontend, error
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import AFTER_GET_USERNAME, pipeline_with

pytestmark = pytest.mark.django_db
User = get_user_model()

CHECK_YOUR_MAIL = "https://app.example.com/check-your-mail"
MISSING = (400, "session_context_missing")
REJECTED = (400, "email_verification_rejected")


def send_link(strategy: Any, backend: Any, code: Any, partial_token: str) -> None:
    """Send a link, as a project does. Here the e-mail contains only the parameters."""
    send_mail("Your address", f"{code.code} {partial_token}", None, [code.email])


@pytest.fixture(autouse=True)
def _pipeline(settings: Any) -> None:
    step = "social_core.pipeline.mail.mail_validation"
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((AFTER_GET_USERNAME, step))
    settings.SOCIAL_AUTH_FORCE_EMAIL_VALIDATION = True
    settings.SOCIAL_AUTH_EMAIL_VALIDATION_FUNCTION = f"{__name__}.send_link"
    settings.SOCIAL_AUTH_EMAIL_VALIDATION_URL = CHECK_YOUR_MAIL


def sent_params() -> tuple[str, str]:
    code, partial_token = str(mail.outbox[-1].body).split()
    return code, partial_token


def follow(frontend: Frontend, paused: Any, *, code: str | None = None, **params: Any) -> Any:
    """Follow the link of the newest e-mail, in the browser that has the paused login."""
    sent_code, partial_token = sent_params()
    body = {"partial_token": partial_token, "verification_code": code or sent_code, **params}
    return frontend.complete(paused, body)


def confirm(frontend: Frontend, asked: Any, **params: Any) -> Any:
    """Tick the checkbox that the response to a link asks for."""
    (field,) = asked.data["fields"]
    return frontend.resume(asked, **{field["name"]: True, **params})


def test_address_that_the_column_cannot_hold_is_refused(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    openid.userinfo["email"] = "a" * 244 + "@example.com"

    assert error(frontend.log_in(openid)) == (400, "malformed_response")
    assert mail.outbox == []


# --- The confirmation -----------------------------------------------------------------


def test_followed_link_asks_for_a_confirmation(frontend: Frontend, openid: OpenIDProvider) -> None:
    paused = frontend.log_in(openid)
    assert (paused.status_code, paused.data["redirect_to"]) == (202, CHECK_YOUR_MAIL)
    assert paused.data["fields"] is None
    assert [message.to for message in mail.outbox] == [["ada@example.com"]]

    asked = follow(frontend, paused)
    assert (asked.status_code, asked.data["redirect_to"]) == (202, None)
    assert asked.data["partial_token"] == paused.data["partial_token"]
    assert asked.json()["fields"] == [
        {
            "name": "partial_pipeline_confirm",
            "type": "boolean",
            "required": True,
            "label": "Continue to sign in",
            "help_text": "Confirm that you have opened this link to sign in.",
            "choices": None,
        }
    ]
    assert not User.objects.exists()
    assert not Code.objects.get().verified

    assert confirm(frontend, asked).status_code == 201
    assert User.objects.get().email == "ada@example.com"
    assert Code.objects.get().verified
    assert not any(cookie.value for cookie in frontend.client.cookies.values())


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (False, "This has to be confirmed."),
        ("perhaps", "Must be a valid boolean."),
        (["true"], "Must be a valid boolean."),
        (None, "This field may not be null."),
    ],
)
def test_other_value_does_not_confirm(
    value: Any, message: str, frontend: Frontend, openid: OpenIDProvider
) -> None:
    asked = follow(frontend, frontend.log_in(openid))

    rejected = frontend.resume(asked, partial_pipeline_confirm=value)

    assert (rejected.status_code, rejected.json()["partial_pipeline_confirm"]) == (400, [message])
    assert confirm(frontend, asked).status_code == 201


def test_form_confirms_and_link_does_not(frontend: Frontend, openid: OpenIDProvider) -> None:
    paused = frontend.log_in(openid)

    asked = follow(frontend, paused, partial_pipeline_confirm=True)

    assert (asked.status_code, len(asked.data["fields"])) == (202, 1)
    frontend.format = "multipart"
    assert frontend.resume(asked, partial_pipeline_confirm="on").status_code == 201


def test_project_may_rename_the_confirmation(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    name = "really"
    settings.SOCIAL_AUTH_PARTIAL_PIPELINE_EXTERNAL_RESUME_CONFIRMATION_PARAMETER = name

    asked = follow(frontend, frontend.log_in(openid))

    assert [field["name"] for field in asked.data["fields"]] == [name]
    assert frontend.resume(asked, really=True).status_code == 201


# --- Who may use a link ---------------------------------------------------------------


def test_link_in_another_browser_or_login_is_rejected(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    paused = frontend.log_in(openid)
    code, partial_token = sent_params()
    body = {"partial_token": partial_token, "verification_code": code}
    other = Frontend(frontend.transport)
    other_paused = other.log_in(openid)

    assert error(other.complete(other_paused, body)) == MISSING
    for params in ({}, {"partial_pipeline_confirm": True}, {"flow": "nonsense"}):
        assert error(Frontend(frontend.transport).post({**body, **params})) == MISSING
    asked = frontend.complete(paused, body)
    assert confirm(frontend, asked).status_code == 201


def test_link_completes_one_login(frontend: Frontend, openid: OpenIDProvider) -> None:
    paused = frontend.log_in(openid)
    cookies = dict(frontend.client.cookies)
    asked = follow(frontend, paused)
    cookies_of_asked = dict(frontend.client.cookies)
    assert confirm(frontend, asked).status_code == 201

    frontend.client.cookies.update(cookies)
    assert error(follow(frontend, paused)) == (400, "state_mismatch")
    frontend.client.cookies.update(cookies_of_asked)
    assert error(confirm(frontend, asked)) == (400, "state_mismatch")
    assert User.objects.count() == 1


def test_user_created_meanwhile_needs_no_link(frontend: Frontend, openid: OpenIDProvider) -> None:
    first, other = frontend.log_in(openid), Frontend(frontend.transport)
    second = other.log_in(openid)
    token = confirm(other, follow(other, second)).data["token"]

    asked = frontend.resume(first)
    assert confirm(frontend, asked).data == {"token": token}


@pytest.mark.django_db(transaction=True)
def test_simultaneous_confirmations_complete_once(
    openid: OpenIDProvider, configure: Configure
) -> None:
    configure(FLOW_TRANSPORT="body")
    frontend = Frontend("body")
    asked = follow(frontend, frontend.log_in(openid))

    completed = together([lambda: confirm(Frontend("body"), asked)] * THREADS)

    assert sorted(response.status_code for response in completed) == [201] + [400] * (THREADS - 1)
    assert User.objects.count() == 1


# --- The code -------------------------------------------------------------------------


@pytest.mark.parametrize("corrects", ["form", "link"])
def test_wrong_code_can_be_corrected(
    corrects: str, frontend: Frontend, openid: OpenIDProvider
) -> None:
    asked = follow(frontend, frontend.log_in(openid), code="wrong")

    rejected = confirm(frontend, asked)
    assert error(rejected) == REJECTED
    assert rejected.data["error_source"]
    assert not User.objects.exists()

    if corrects == "form":
        completed = confirm(frontend, asked, verification_code=sent_params()[0])
    else:
        completed = confirm(frontend, follow(frontend, asked))
    assert completed.status_code == 201


@pytest.mark.parametrize(
    "change",
    [
        {"timestamp": timezone.now() - timedelta(days=8)},
        {"verified": True},
        {"email": "eve@example.com"},
    ],
    ids=["expired", "used", "of another address"],
)
def test_invalid_code_leaves_the_login_paused(
    change: Any, frontend: Frontend, openid: OpenIDProvider
) -> None:
    asked = follow(frontend, frontend.log_in(openid))
    Code.objects.update(**change)

    assert error(confirm(frontend, asked)) == REJECTED
    assert not User.objects.exists()
    Code.objects.update(timestamp=timezone.now(), verified=False, email="ada@example.com")
    assert confirm(frontend, asked).status_code == 201


@pytest.mark.parametrize("code", [5, None, ["a"], {"a": "b"}, "a\0b"])
def test_code_that_is_not_text_is_a_field_error(
    code: Any, frontend: Frontend, openid: OpenIDProvider
) -> None:
    rejected = frontend.resume(frontend.log_in(openid), verification_code=code)

    assert rejected.status_code == 400
    assert "verification_code" in rejected.data


def test_long_code_is_rejected(frontend: Frontend, openid: OpenIDProvider) -> None:
    paused = frontend.log_in(openid)

    # The flow would have to contain the code until it is confirmed.
    too_long = follow(frontend, paused, code=secrets.token_urlsafe(5_000))
    assert error(too_long) == (400, "invalid_parameter")
    wrong = confirm(frontend, follow(frontend, paused, code="x" * 2_000))
    assert error(wrong) == REJECTED
