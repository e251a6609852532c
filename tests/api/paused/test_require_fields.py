"""Steps that are made of a serializer: what they ask for, and what they take."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.utils import translation
from django.utils.translation import gettext_lazy
from rest_framework import serializers
from social_core.pipeline.partial import partial
from social_django.models import Partial

from social_endpoints.pipeline import Question, require_fields
from tests.support.frontend import Frontend
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import BEFORE_CREATE_USER, BEFORE_SOCIAL_USER, DEFAULT_PIPELINE

pytestmark = pytest.mark.django_db
User = get_user_model()


class TermsSerializer(serializers.Serializer[Any]):
    """What a site may want to know of a new user."""

    terms = serializers.BooleanField(label=gettext_lazy("Password"))
    newsletter = serializers.BooleanField(default=False, help_text="Once a month.")

    def validate_terms(self, value: bool) -> bool:
        if not value:
            raise serializers.ValidationError("Accept the terms.", code="terms")
        return value


class EveryTypeSerializer(serializers.Serializer[Any]):
    """A field of each kind that JSON and a form can answer."""

    text = serializers.CharField(min_length=2, max_length=9)
    email = serializers.EmailField()
    number = serializers.IntegerField(min_value=1)
    ratio = serializers.FloatField(required=False)
    price = serializers.DecimalField(max_digits=5, decimal_places=2)
    birthday = serializers.DateField()
    plan = serializers.ChoiceField(choices=[("s", "Small"), ("l", gettext_lazy("Yes"))])
    topics = serializers.MultipleChoiceField(choices=["art", "law"])
    tags = serializers.ListField(child=serializers.CharField())
    id_of_the_site = serializers.HiddenField(default=1)
    shown = serializers.CharField(read_only=True)

    def validate_topics(self, value: Any) -> set[str]:
        return set(value)  # As DRF itself has it before 3.17.


class AgeSerializer(serializers.Serializer[Any]):
    """A form with nothing that has to be said."""

    age = serializers.IntegerField(required=False)
    ratio = serializers.FloatField(required=False)

    def validate_ratio(self, value: float) -> float:
        return value * 1e10


class FlowSerializer(serializers.Serializer[Any]):
    """A form with a name that is taken."""

    flow = serializers.CharField()


class OddChoiceSerializer(serializers.Serializer[Any]):
    """A choice that JSON cannot carry."""

    plan = serializers.ChoiceField(choices=[(object, "Nothing")])


class FriendSerializer(serializers.Serializer[Any]):
    """What it validates to, JSON cannot carry."""

    friend = serializers.SlugRelatedField(slug_field="username", queryset=User.objects.all())


class GreetingSerializer(serializers.Serializer[Any]):
    """A form that looks at what is known of the login."""

    greeting = serializers.CharField()

    def validate_greeting(self, value: str) -> str:
        known = self.context
        assert known["backend"].name == known["strategy"].flow.provider == "oidc"
        assert known["request"].method == "POST"
        if value != f"I am {known['details']['email']}":
            raise serializers.ValidationError("Who are you?")
        return value


ask_terms = require_fields(TermsSerializer)
ask_everything = require_fields(EveryTypeSerializer)
ask_age = require_fields(AgeSerializer)
ask_flow = require_fields(FlowSerializer)
ask_odd_choice = require_fields(OddChoiceSerializer)
ask_friend = require_fields(FriendSerializer)
ask_greeting = require_fields(GreetingSerializer)
ask_newcomers = require_fields(TermsSerializer, when=lambda user=None, **known: user is None)


@partial
def ask_by_hand(strategy: Any, **kwargs: Any) -> Any:
    """Ask with a serializer, in a step of one's own."""
    return None if "terms" in strategy.request_data() else Question(TermsSerializer())


def keep(user: Any, answers: Any = "none", **kwargs: Any) -> None:
    """Write down the answers; the last step."""
    user.last_name = json.dumps(answers)
    if len(user.last_name) < 150:
        user.save()
    else:
        Kept.answers = answers


class Kept:
    """Answers that are too long for a name."""

    answers: Any = None


def _with_steps(settings: Any, *names: str, position: int = BEFORE_CREATE_USER) -> None:
    asking = [f"tests.api.paused.test_require_fields.{name}" for name in names]
    steps = [*DEFAULT_PIPELINE[:position], *asking, *DEFAULT_PIPELINE[position:]]
    settings.SOCIAL_AUTH_PIPELINE = [*steps, "tests.api.paused.test_require_fields.keep"]


def _answers() -> Any:
    return json.loads(User.objects.get().last_name)


# --- What it asks for -----------------------------------------------------------------


@pytest.mark.parametrize("step", ["ask_terms", "ask_by_hand"])
def test_fields_are_data(
    step: str, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    _with_steps(settings, step)

    paused = frontend.log_in(openid)

    assert paused.status_code == 202
    assert paused.data["redirect_to"] is None
    assert paused.json()["fields"] == [
        {
            "name": "terms",
            "type": "boolean",
            "required": True,
            "label": "Password",
            "help_text": "",
            "choices": None,
        },
        {
            "name": "newsletter",
            "type": "boolean",
            "required": False,
            "label": "Newsletter",
            "help_text": "Once a month.",
            "choices": None,
        },
    ]
    assert frontend.resume(paused, terms=True).status_code == 201


def test_fields_have_types_limits_and_choices(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    _with_steps(settings, "ask_everything")

    fields = {field["name"]: field for field in frontend.log_in(openid).json()["fields"]}

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
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.locale.LocaleMiddleware"]
    _with_steps(settings, "ask_terms")
    frontend.client.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"

    with translation.override("en"):  # The middleware leaves the thread in its language.
        fields = frontend.log_in(openid).json()["fields"]

    assert fields[0]["label"] == "Passwort"


def test_what_the_provider_sends_is_no_answer(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    _with_steps(settings, "ask_terms")
    begun = frontend.begin()
    callback = openid.authorize(begun.data["authorization_url"])

    assert frontend.complete(begun, {**callback, "terms": "true"}).status_code == 202


# --- What it takes --------------------------------------------------------------------


def test_answers_arrive_validated(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    _with_steps(settings, "ask_terms")
    paused = frontend.log_in(openid)

    answer = frontend.resume(paused, terms="yes", unknown=[1])

    assert answer.status_code == 201
    assert _answers() == {"terms": True, "newsletter": False}
    assert not Partial.objects.exists()


@pytest.mark.parametrize(
    ("answers", "errors"),
    [
        ({}, {"terms": ["This field is required."]}),
        ({"terms": False}, {"terms": ["Accept the terms."]}),
        ({"terms": "perhaps"}, {"terms": ["Must be a valid boolean."]}),
        ({"terms": ["true"]}, {"terms": ["Must be a valid boolean."]}),
        ({"terms": None}, {"terms": ["This field may not be null."]}),
        ({"terms": True, "newsletter": {}}, {"newsletter": ["Must be a valid boolean."]}),
    ],
)
def test_wrong_answers_leave_the_login_paused(
    answers: Any, errors: Any, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    _with_steps(settings, "ask_terms")
    paused = frontend.log_in(openid)

    wrong = frontend.resume(paused, **answers)

    assert (wrong.status_code, wrong.json()) == (400, errors)
    assert not User.objects.exists()
    assert frontend.resume(paused, terms=True).status_code == 201


EVERYTHING: dict[str, Any] = {
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


@pytest.mark.parametrize("kind", ["json", "json of texts", "multipart", "form"])
def test_answers_as_json_and_as_a_form(
    kind: str, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    """They survive a second pause, too."""
    _with_steps(settings, "ask_everything", "ask_age")
    first = frontend.log_in(openid)
    given = {"partial_token": first.data["partial_token"], "flow": first.data.get("flow", "")}
    body: Any = {**given, **EVERYTHING}
    extra: dict[str, Any] = {"format": "json"}
    if kind == "json of texts":
        body.update(number="5", ratio="0.5")
    elif kind == "multipart":
        extra = {"format": "multipart"}
    elif kind == "form":
        pairs = [(k, v) for k, values in body.items() for v in _listed(values)]
        body = "&".join(f"{name}={value}" for name, value in pairs)
        extra = {"format": None, "content_type": "application/x-www-form-urlencoded"}

    second = frontend.post(body, **extra)
    assert second.status_code == 202, second.data
    assert frontend.resume(second, age=36).status_code == 201

    Kept.answers["topics"].sort()
    assert Kept.answers == {**EVERYTHING, "id_of_the_site": 1, "age": 36}
    assert date.fromisoformat(Kept.answers["birthday"]) == date(1815, 12, 10)
    assert Decimal(Kept.answers["price"]) == Decimal("9.5")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_one_box_of_several_in_a_form(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    _with_steps(settings, "ask_everything")
    paused = frontend.log_in(openid)
    one_each = {name: _listed(value)[-1] for name, value in EVERYTHING.items()}
    given = {"partial_token": paused.data["partial_token"], "flow": paused.data.get("flow", "")}

    assert list(frontend.resume(paused, **one_each).data) == ["topics", "tags"]
    assert frontend.post({**given, **one_each}, format="multipart").status_code == 201
    assert (Kept.answers["topics"], Kept.answers["tags"]) == (["law"], ["b"])


def test_a_file_is_no_answer(frontend: Frontend, openid: OpenIDProvider, settings: Any) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    _with_steps(settings, "ask_terms")
    paused = frontend.log_in(openid)
    given = {"partial_token": paused.data["partial_token"], "flow": paused.data.get("flow", "")}
    body = {**given, "terms": SimpleUploadedFile("terms.txt", b"true")}

    answer = frontend.post(body, format="multipart")

    assert (answer.status_code, answer.json()) == (400, {"terms": ["This field is required."]})


def test_a_number_that_is_none(frontend: Frontend, openid: OpenIDProvider, settings: Any) -> None:
    _with_steps(settings, "ask_age")
    paused = frontend.log_in(openid)

    for ratio in ("inf", "nan", "1e300"):
        answer = frontend.resume(paused, ratio=ratio)
        assert (answer.status_code, list(answer.json())) == (400, ["ratio"])
    assert frontend.resume(paused, age="9" * 900).status_code == 201


def test_each_step_is_asked_for_itself(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    """What one step was answered is no answer to the next, which wants nothing in particular."""
    _with_steps(settings, "ask_terms", "ask_age", "ask_greeting")

    first = frontend.log_in(openid)
    second = frontend.resume(first, terms=True, age=36)
    assert [field["name"] for field in second.data["fields"]] == ["age", "ratio"]
    third = frontend.resume(second)
    assert [field["name"] for field in third.data["fields"]] == ["greeting"]
    assert frontend.resume(third, greeting="Hi").json() == {"greeting": ["Who are you?"]}
    last = frontend.resume(third, greeting="I am ada@example.com")

    assert last.status_code == 201
    greeting = {"greeting": "I am ada@example.com"}
    assert _answers() == {"terms": True, "newsletter": False, **greeting}


def test_when(frontend: Frontend, openid: OpenIDProvider, settings: Any) -> None:
    _with_steps(settings, "ask_newcomers")

    paused = frontend.log_in(openid)
    other = Frontend(frontend.transport)
    paused_too = other.log_in(openid)
    assert frontend.resume(paused, terms=True).status_code == 201
    assert _answers() == {"terms": True, "newsletter": False}

    # By now this is no newcomer any more.
    assert other.resume(paused_too, terms=False).status_code == 201
    assert _answers() == "none"
    assert frontend.log_in(openid).status_code == 201


def test_what_a_step_was_answered_that_needs_no_answer_any_more(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    _with_steps(settings, "ask_newcomers", "ask_age")
    paused = frontend.log_in(openid)
    user = User.objects.create(username="ada")
    user.social_auth.create(provider="oidc", uid="user-1", id_key="sub")

    asked = frontend.resume(paused, terms=True, age=36)

    assert [field["name"] for field in asked.data["fields"]] == ["age", "ratio"]


def test_before_the_user_is_looked_for(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    _with_steps(settings, "ask_terms", position=BEFORE_SOCIAL_USER)

    for _ in range(2):
        assert frontend.resume(frontend.log_in(openid), terms=True).status_code == 201
    assert User.objects.count() == 1


# --- Mistakes of the project ----------------------------------------------------------


def test_a_name_that_is_taken_is_a_mistake_of_the_project(
    frontend: Frontend, openid: OpenIDProvider, settings: Any, caplog: Any
) -> None:
    _with_steps(settings, "ask_flow")

    answer = frontend.log_in(openid)

    assert (answer.status_code, answer.data["error_code"]) == (500, "invalid_setting")
    assert "FlowSerializer: no field can be named 'flow'" in caplog.text


def test_a_choice_that_json_cannot_carry(
    frontend: Frontend, openid: OpenIDProvider, settings: Any, caplog: Any
) -> None:
    _with_steps(settings, "ask_odd_choice")

    answer = frontend.log_in(openid)

    assert (answer.status_code, answer.data["error_code"]) == (400, "unknown_error")
    assert "TypeError" in caplog.text


def test_an_answer_that_json_cannot_carry(
    frontend: Frontend, openid: OpenIDProvider, settings: Any, caplog: Any
) -> None:
    User.objects.create(username="grace")
    _with_steps(settings, "ask_friend")

    answer = frontend.resume(frontend.log_in(openid), friend="grace")

    assert (answer.status_code, answer.data["error_code"]) == (500, "invalid_setting")
    assert "FriendSerializer: the value of 'friend' cannot be encoded as JSON" in caplog.text
