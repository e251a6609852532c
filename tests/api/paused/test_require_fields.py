"""``require_fields``: the form that the 202 describes, and the values that later steps receive."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar, TypeAlias

import pytest
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import translation
from django.utils.translation import gettext_lazy
from rest_framework import serializers
from social_core.pipeline.partial import partial
from social_django.models import Partial

from social_endpoints.pipeline import Question, require_fields
from tests.support.frontend import Frontend, error
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import BEFORE_CREATE_USER, BEFORE_SOCIAL_USER, LAST, pipeline_with

pytestmark = pytest.mark.django_db
User = get_user_model()

HERE = "tests.api.paused.test_require_fields"
Ask: TypeAlias = Callable[..., Any]


class TermsSerializer(serializers.Serializer[Any]):
    terms = serializers.BooleanField(label=gettext_lazy("Password"))
    newsletter = serializers.BooleanField(default=False, help_text="Once a month.")

    def validate_terms(self, value: bool) -> bool:
        if not value:
            raise serializers.ValidationError("Accept the terms.", code="terms")
        return value


class EveryTypeSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(min_length=2, max_length=9)
    email = serializers.EmailField()
    number = serializers.IntegerField(min_value=1)
    ratio = serializers.FloatField(required=False)
    price = serializers.DecimalField(max_digits=5, decimal_places=2)
    birthday = serializers.DateField()
    plan = serializers.ChoiceField(choices=[("s", "Small"), ("l", gettext_lazy("Yes"))])
    topics = serializers.MultipleChoiceField(choices=["art", "law"])
    tags = serializers.ListField(child=serializers.CharField())
    site_id = serializers.HiddenField(default=1)
    shown = serializers.CharField(read_only=True)

    def validate_topics(self, value: Any) -> set[str]:
        return set(value)  # As DRF returns it before 3.17.


class OptionalSerializer(serializers.Serializer[Any]):
    age = serializers.IntegerField(required=False)
    ratio = serializers.FloatField(required=False)

    def validate_ratio(self, value: float) -> float:
        return value * 1e10


class ReservedNameSerializer(serializers.Serializer[Any]):
    flow = serializers.CharField()


class UnencodableChoiceSerializer(serializers.Serializer[Any]):
    plan = serializers.ChoiceField(choices=[(object, "Nothing")])


class UnencodableValueSerializer(serializers.Serializer[Any]):
    friend = serializers.SlugRelatedField(slug_field="username", queryset=User.objects.all())


class ContextSerializer(serializers.Serializer[Any]):
    greeting = serializers.CharField()

    def validate_greeting(self, value: str) -> str:
        context = self.context
        assert context["backend"].name == context["strategy"].flow.provider == "oidc"
        assert context["request"].method == "POST"
        if value != f"I am {context['details']['email']}":
            raise serializers.ValidationError("Who are you?")
        return value


ask_terms = require_fields(TermsSerializer)
ask_every_type = require_fields(EveryTypeSerializer)
ask_optional = require_fields(OptionalSerializer)
ask_reserved_name = require_fields(ReservedNameSerializer)
ask_unencodable_choice = require_fields(UnencodableChoiceSerializer)
ask_unencodable_value = require_fields(UnencodableValueSerializer)
ask_greeting = require_fields(ContextSerializer)
ask_new_users = require_fields(TermsSerializer, when=lambda user=None, **kwargs: user is None)


@partial
def ask_with_question(strategy: Any, **kwargs: Any) -> Any:
    return None if "terms" in strategy.request_data() else Question(TermsSerializer())


class Answers:
    """The answers that the last pipeline has ended with."""

    latest: ClassVar[Any] = None


def record_answers(answers: Any = None, **kwargs: Any) -> None:
    Answers.latest = answers


def run_steps(settings: Any, *names: str, position: int = BEFORE_CREATE_USER) -> None:
    """Insert steps of this module into the pipeline."""
    steps = [(position, f"{HERE}.{name}") for name in names]
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with(*steps, (LAST, f"{HERE}.record_answers"))
    Answers.latest = None


@pytest.fixture
def ask(frontend: Frontend, openid: OpenIDProvider, settings: Any) -> Ask:
    """Return a function that logs in with steps of this module in the pipeline."""

    def log_in(*names: str, **position: int) -> Any:
        run_steps(settings, *names, **position)
        return frontend.log_in(openid)

    return log_in


def form(paused: Any, **params: Any) -> dict[str, Any]:
    flow = paused.data.get("flow", "")
    return {"partial_token": paused.data["partial_token"], "flow": flow, **params}


def names(paused: Any) -> list[str]:
    assert paused.status_code == 202, paused.data
    return [field["name"] for field in paused.json()["fields"]]


# --- The description of the form ------------------------------------------------------


@pytest.mark.parametrize("step", ["ask_terms", "ask_with_question"])
def test_fields_are_described_as_data(step: str, ask: Ask, frontend: Frontend) -> None:
    paused = ask(step)

    assert (paused.status_code, paused.data["redirect_to"]) == (202, None)
    common = {"type": "boolean", "choices": None}
    terms = {"name": "terms", "required": True, "label": "Password", "help_text": ""}
    newsletter = {"name": "newsletter", "required": False, "label": "Newsletter"}
    assert paused.json()["fields"] == [
        {**common, **terms},
        {**common, **newsletter, "help_text": "Once a month."},
    ]
    assert frontend.resume(paused, terms=True).status_code == 201


def test_fields_have_types_limits_and_choices(ask: Ask) -> None:
    fields = {field["name"]: field for field in ask("ask_every_type").json()["fields"]}

    assert {name: field["type"] for name, field in fields.items()} == {
        "text": "string",
        "email": "email",
        "number": "integer",
        "ratio": "float",
        "price": "decimal",
        "birthday": "date",
        "plan": "choice",
        "topics": "multiple choice",
        "tags": "list",
    }
    assert (fields["text"]["min_length"], fields["text"]["max_length"]) == (2, 9)
    assert fields["number"]["min_value"] == 1
    assert (fields["price"]["max_digits"], fields["price"]["decimal_places"]) == (5, 2)
    assert fields["plan"]["choices"] == [
        {"value": "s", "display_name": "Small"},
        {"value": "l", "display_name": "Yes"},
    ]
    assert fields["tags"]["child"]["type"] == "string"


def test_labels_are_in_the_language_of_the_request(
    ask: Ask, frontend: Frontend, settings: Any
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.locale.LocaleMiddleware"]
    frontend.client.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"

    with translation.override("en"):  # The middleware does not restore the thread's language.
        fields = ask("ask_terms").json()["fields"]

    assert fields[0]["label"] == "Passwort"


# --- Values ---------------------------------------------------------------------------


def test_validated_values_are_passed_to_later_steps(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    run_steps(settings, "ask_terms")
    begun, callback = frontend.authorize(openid)

    paused = frontend.complete(begun, {**callback, "terms": "true"})  # It is not an answer.
    resumed = frontend.resume(paused, terms="yes", unknown=[1])

    assert paused.status_code == 202
    assert resumed.status_code == 201
    assert Answers.latest == {"terms": True, "newsletter": False}
    assert not Partial.objects.exists()


@pytest.mark.parametrize(
    ("answers", "field", "message"),
    [
        ({}, "terms", "This field is required."),
        ({"terms": False}, "terms", "Accept the terms."),
        ({"terms": "perhaps"}, "terms", "Must be a valid boolean."),
        ({"terms": ["true"]}, "terms", "Must be a valid boolean."),
        ({"terms": None}, "terms", "This field may not be null."),
        ({"terms": True, "newsletter": {}}, "newsletter", "Must be a valid boolean."),
        ({"terms": SimpleUploadedFile("a", b"true")}, "terms", "This field is required."),
    ],
)
def test_invalid_values_leave_the_login_paused(
    answers: Any, field: str, message: str, ask: Ask, frontend: Frontend
) -> None:
    paused = ask("ask_terms")
    has_file = isinstance(answers.get("terms"), SimpleUploadedFile)

    rejected = frontend.post(form(paused, **answers), format="multipart" if has_file else "json")

    assert (rejected.status_code, rejected.json()[field]) == (400, [message])
    assert not User.objects.exists()
    assert frontend.resume(paused, terms=True).status_code == 201


EVERY_TYPE: dict[str, Any] = {
    "text": "abc",
    "email": "ada@example.com",
    "number": 5,
    "ratio": 0.5,
    "price": "9.50",
    "birthday": "1815-12-10",
    "plan": "l",
    "topics": ["art", "law"],
    "tags": ["a", "b"],
}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("encoding", ["json", "json texts", "multipart", "form"])
def test_values_are_equal_in_each_encoding_and_after_a_second_pause(
    encoding: str, ask: Ask, frontend: Frontend
) -> None:
    body: Any = form(ask("ask_every_type", "ask_optional"), **EVERY_TYPE)
    extra: dict[str, Any] = {"format": "multipart" if encoding == "multipart" else "json"}
    if encoding == "json texts":
        body.update(number="5", ratio="0.5")
    elif encoding == "form":
        pairs = [(name, each) for name, value in body.items() for each in as_list(value)]
        body = "&".join(f"{name}={value}" for name, value in pairs)
        extra = {"format": None, "content_type": "application/x-www-form-urlencoded"}

    second = frontend.post(body, **extra)
    assert second.status_code == 202, second.data
    assert frontend.resume(second, age=36).status_code == 201

    answers = Answers.latest
    answers["topics"].sort()
    assert answers == {**EVERY_TYPE, "site_id": 1, "age": 36}
    assert date.fromisoformat(answers["birthday"]) == date(1815, 12, 10)
    assert Decimal(answers["price"]) == Decimal("9.5")
    assert json.loads(json.dumps(answers)) == answers


def test_single_value_of_a_list_is_accepted_in_a_form_only(ask: Ask, frontend: Frontend) -> None:
    paused = ask("ask_every_type")
    single = {name: as_list(value)[-1] for name, value in EVERY_TYPE.items()}

    rejected = frontend.resume(paused, **single)
    assert {"topics", "tags"} <= rejected.data.keys()
    assert frontend.post(form(paused, **single), format="multipart").status_code == 201
    assert (Answers.latest["topics"], Answers.latest["tags"]) == (["law"], ["b"])


def test_infinite_number_is_a_field_error(ask: Ask, frontend: Frontend) -> None:
    paused = ask("ask_optional")

    for ratio in ("inf", "nan", "1e300"):
        rejected = frontend.resume(paused, ratio=ratio)
        assert rejected.status_code == 400
        assert "ratio" in rejected.json()
    assert frontend.resume(paused, age="9" * 900).status_code == 201


# --- Several steps --------------------------------------------------------------------


def test_each_step_asks_for_its_own_fields(ask: Ask, frontend: Frontend) -> None:
    paused = ask("ask_terms", "ask_optional", "ask_greeting")

    second = frontend.resume(paused, terms=True, age=36)
    assert names(second) == ["age", "ratio"]
    third = frontend.resume(second)
    assert names(third) == ["greeting"]
    assert frontend.resume(third, greeting="Hi").json()["greeting"] == ["Who are you?"]

    greeting = "I am ada@example.com"
    assert frontend.resume(third, greeting=greeting).status_code == 201
    assert Answers.latest == {"terms": True, "newsletter": False, "greeting": greeting}


def test_when_is_called_again_when_the_login_resumes(
    ask: Ask, frontend: Frontend, openid: OpenIDProvider
) -> None:
    paused, other = ask("ask_new_users", "ask_optional"), Frontend(frontend.transport)
    other_paused = other.log_in(openid)
    second = frontend.resume(paused, terms=True)
    assert frontend.resume(second).status_code == 201
    assert Answers.latest == {"terms": True, "newsletter": False}

    # The user exists now, so the first step asks for nothing, and the second one asks anew.
    second = other.resume(other_paused, terms=False, age=36)
    assert names(second) == ["age", "ratio"]
    assert other.resume(second).status_code == 201
    assert Answers.latest == {}


def test_step_before_social_user_asks_at_each_login(ask: Ask, frontend: Frontend) -> None:
    for _ in range(2):
        paused = ask("ask_terms", position=BEFORE_SOCIAL_USER)
        assert frontend.resume(paused, terms=True).status_code == 201
    assert User.objects.count() == 1


# --- Mistakes of the project ----------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "expected", "logged"),
    [
        (
            "ask_reserved_name",
            (500, "invalid_setting"),
            "ReservedNameSerializer: no field can be named 'flow'",
        ),
        ("ask_unencodable_choice", (500, "unknown_error"), "TypeError"),
    ],
)
def test_form_that_cannot_be_described_is_logged(
    step: str, expected: tuple[int, str], logged: str, ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    assert error(ask(step)) == expected
    assert logged in caplog.text


def test_value_that_cannot_be_encoded_is_a_mistake_of_the_project(
    ask: Ask, frontend: Frontend, caplog: pytest.LogCaptureFixture
) -> None:
    User.objects.create(username="grace")

    resumed = frontend.resume(ask("ask_unencodable_value"), friend="grace")

    assert error(resumed) == (500, "invalid_setting")
    message = "UnencodableValueSerializer: the value of 'friend' cannot be encoded as JSON"
    assert message in caplog.text
