"""Links in e-mails: core's ``mail_validation``, and the confirmation of an external resume."""

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

from tests.support.concurrency import together
from tests.support.configuration import Configure
from tests.support.frontend import Frontend
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import DEFAULT_PIPELINE

pytestmark = pytest.mark.django_db
User = get_user_model()

CHECK_YOUR_MAIL = "https://app.example.com/check-your-mail"


def send_link(strategy: Any, backend: Any, code: Any, partial_token: str) -> None:
    """Send the link, as a project does; here, the mail is what a test needs of it."""
    send_mail("Your address", f"{code.code} {partial_token}", None, [code.email])


@pytest.fixture(autouse=True)
def _pipeline(settings: Any) -> None:
    step = "social_core.pipeline.mail.mail_validation"
    settings.SOCIAL_AUTH_PIPELINE = [*DEFAULT_PIPELINE[:5], step, *DEFAULT_PIPELINE[5:]]
    settings.SOCIAL_AUTH_FORCE_EMAIL_VALIDATION = True
    settings.SOCIAL_AUTH_EMAIL_VALIDATION_FUNCTION = (
        "tests.api.accounts.test_mail_validation.send_link"
    )
    settings.SOCIAL_AUTH_EMAIL_VALIDATION_URL = CHECK_YOUR_MAIL


def follow(frontend: Frontend, paused: Any, *, code: str | None = None) -> Any:
    """Do what the page does that the link in the newest mail leads to."""
    sent_code, partial_token = str(mail.outbox[-1].body).split()
    body = {"partial_token": partial_token, "verification_code": code or sent_code}
    return frontend.complete(paused, body)


def confirm(frontend: Frontend, asked: Any, **more: Any) -> Any:
    """Do what the page does once its button is pressed."""
    (field,) = asked.data["fields"]
    return frontend.resume(asked, **{field["name"]: True, **more})


def test_a_link_is_followed(frontend: Frontend, openid: OpenIDProvider) -> None:
    paused = frontend.log_in(openid)
    assert (paused.status_code, paused.data["redirect_to"]) == (202, CHECK_YOUR_MAIL)
    assert paused.data["fields"] is None
    assert [message.to for message in mail.outbox] == [["ada@example.com"]]

    asked = follow(frontend, paused)
    assert asked.status_code == 202
    assert asked.data["partial_token"] == paused.data["partial_token"]
    assert asked.data["redirect_to"] is None
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

    answer = confirm(frontend, asked)
    assert answer.status_code == 201
    assert User.objects.get().email == "ada@example.com"
    assert Code.objects.get().verified
    assert not any(cookie.value for cookie in frontend.client.cookies.values())


def test_a_form_confirms(frontend: Frontend, openid: OpenIDProvider) -> None:
    asked = follow(frontend, frontend.log_in(openid))
    frontend.format = "multipart"

    assert frontend.resume(asked, partial_pipeline_confirm="on").status_code == 201


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (False, "This has to be confirmed."),
        ("perhaps", "Must be a valid boolean."),
        (["true"], "Must be a valid boolean."),
        (None, "This field may not be null."),
    ],
)
def test_what_is_no_confirmation(
    value: Any, text: str, frontend: Frontend, openid: OpenIDProvider
) -> None:
    asked = follow(frontend, frontend.log_in(openid))

    wrong = frontend.resume(asked, partial_pipeline_confirm=value)

    assert (wrong.status_code, wrong.json()) == (400, {"partial_pipeline_confirm": [text]})
    assert confirm(frontend, asked).status_code == 201


def test_a_confirmation_that_nobody_has_asked_for(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    """A link cannot confirm itself."""
    paused = frontend.log_in(openid)
    code, partial_token = str(mail.outbox[-1].body).split()
    body = {"verification_code": code, "partial_pipeline_confirm": True}

    answer = frontend.complete(paused, {"partial_token": partial_token, **body})

    assert (answer.status_code, len(answer.data["fields"])) == (202, 1)
    assert confirm(frontend, answer).status_code == 201


def test_the_confirmation_has_the_name_that_the_project_gives_it(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    name = "really"
    settings.SOCIAL_AUTH_PARTIAL_PIPELINE_EXTERNAL_RESUME_CONFIRMATION_PARAMETER = name

    asked = follow(frontend, frontend.log_in(openid))

    assert [field["name"] for field in asked.data["fields"]] == [name]
    assert frontend.resume(asked, really=True).status_code == 201


def test_a_link_that_is_opened_in_another_browser(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    paused = frontend.log_in(openid)
    code, partial_token = str(mail.outbox[-1].body).split()
    body = {"partial_token": partial_token, "verification_code": code}

    for more in ({}, {"partial_pipeline_confirm": True}, {"flow": "nonsense"}):
        answer = Frontend(frontend.transport).post({**body, **more})
        assert (answer.status_code, answer.data["error_code"]) == (400, "session_context_missing")
    assert confirm(frontend, follow(frontend, paused)).status_code == 201


def test_a_link_of_another_login(openid: OpenIDProvider, frontend: Frontend) -> None:
    """Somebody else's link, opened in a browser that has a paused login of its own."""
    Frontend(frontend.transport).log_in(openid)
    code, partial_token = str(mail.outbox[-1].body).split()
    paused = frontend.log_in(openid)
    body = {"partial_token": partial_token, "verification_code": code}

    answer = frontend.complete(paused, body)

    assert (answer.status_code, answer.data["error_code"]) == (400, "session_context_missing")


def test_a_wrong_code_can_be_corrected(frontend: Frontend, openid: OpenIDProvider) -> None:
    asked = follow(frontend, frontend.log_in(openid), code="wrong")

    wrong = confirm(frontend, asked)
    assert (wrong.status_code, wrong.data["error_code"]) == (400, "email_verification_rejected")
    assert wrong.data["error_source"]
    assert not User.objects.exists()

    right = str(mail.outbox[-1].body).split()[0]
    assert confirm(frontend, asked, verification_code=right).status_code == 201


def test_the_right_link_after_a_wrong_one(frontend: Frontend, openid: OpenIDProvider) -> None:
    asked = follow(frontend, frontend.log_in(openid), code="wrong")
    assert confirm(frontend, asked).status_code == 400

    assert confirm(frontend, follow(frontend, asked)).status_code == 201


@pytest.mark.parametrize("state", ["expired", "used", "of another address"])
def test_a_code_that_is_not_good_any_more(
    state: str, frontend: Frontend, openid: OpenIDProvider
) -> None:
    asked = follow(frontend, frontend.log_in(openid))
    long_ago = timezone.now() - timedelta(days=8)
    Code.objects.update(
        **{
            "expired": {"timestamp": long_ago},
            "used": {"verified": True},
            "of another address": {"email": "eve@example.com"},
        }[state]
    )

    answer = confirm(frontend, asked)

    assert (answer.status_code, answer.data["error_code"]) == (400, "email_verification_rejected")
    assert not User.objects.exists()
    # It stays paused; it does not stay so for what is now another code.
    Code.objects.update(timestamp=timezone.now(), verified=False, email="ada@example.com")
    assert confirm(frontend, asked).status_code == 201


def test_a_link_is_good_for_one_login(frontend: Frontend, openid: OpenIDProvider) -> None:
    paused = frontend.log_in(openid)
    kept = dict(frontend.client.cookies)
    asked = follow(frontend, paused)
    kept_asked = dict(frontend.client.cookies)
    assert confirm(frontend, asked).status_code == 201

    frontend.client.cookies.update(kept)
    assert follow(frontend, paused).data["error_code"] == "state_mismatch"
    frontend.client.cookies.update(kept_asked)
    assert confirm(frontend, asked).data["error_code"] == "state_mismatch"
    assert User.objects.count() == 1


@pytest.mark.parametrize("code", [5, None, ["a"], {"a": "b"}, "a\0b"])
def test_codes_that_are_none(code: Any, frontend: Frontend, openid: OpenIDProvider) -> None:
    paused = frontend.log_in(openid)

    answer = frontend.resume(paused, verification_code=code)

    assert (answer.status_code, list(answer.data)) == (400, ["verification_code"])


def test_a_long_code_is_no_500(frontend: Frontend, openid: OpenIDProvider) -> None:
    paused = frontend.log_in(openid)

    # It would have to be kept in the flow until it is confirmed.
    answer = follow(frontend, paused, code=secrets.token_urlsafe(5_000))
    rejected = confirm(frontend, follow(frontend, paused, code="x" * 2_000))

    assert (answer.status_code, answer.data["error_code"]) == (400, "invalid_parameter")
    assert rejected.data["error_code"] == "email_verification_rejected"


def test_who_is_known_meanwhile_needs_no_link(frontend: Frontend, openid: OpenIDProvider) -> None:
    first, other = frontend.log_in(openid), Frontend(frontend.transport)
    second = other.log_in(openid)
    token = confirm(other, follow(other, second)).data["token"]

    asked = frontend.resume(first)
    assert confirm(frontend, asked).data == {"token": token}


@pytest.mark.django_db(transaction=True)
def test_a_confirmation_posted_twice_at_once(openid: OpenIDProvider, configure: Configure) -> None:
    configure(FLOW_TRANSPORT="body")
    frontend = Frontend("body")
    asked = follow(frontend, frontend.log_in(openid))

    answers = together([lambda: confirm(Frontend("body"), asked)] * 4)

    assert sorted(answer.status_code for answer in answers) == [201, 400, 400, 400]
    assert User.objects.count() == 1
