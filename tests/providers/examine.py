"""Examine a backend; the result is a row of the table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.contrib.auth import get_user_model
from django.db import transaction
from rest_framework.authtoken.models import Token
from social_django.models import UserSocialAuth

from social_endpoints.internal.connections.encryption import STATE
from social_endpoints.internal.connections.token_state import digest
from tests.providers.backends import protocol_of, shipped
from tests.providers.driver import COMBINATIONS, Attempt, OverHTTP, Play, drive
from tests.providers.refused import REFUSED, Refusal
from tests.providers.suite import Case, all_cases, logins, why_not

SIGNS_IN, REFUSES, FAILS = "signs in", "refused", "fails"


CONNECTING = sorted({"cookie, JSON", "body, form"} & COMBINATIONS.keys())
"""Combinations for connecting: each transport and each encoding once."""


class Row(NamedTuple):
    backend: str
    protocol: str
    result: str
    reason: str


def examine(name: str) -> Row:
    """Run all cases of a backend with the transports of the environment and both encodings.

    Changes of the database are rolled back.
    """
    result, reason = _refusal(name, REFUSED[name]) if name in REFUSED else _logins(name)
    return Row(name, protocol_of(shipped()[name]), result, reason)


def _logins(name: str) -> tuple[str, str]:
    cases = logins(name)
    if not cases:
        return FAILS, f"a login with social-core alone fails: {why_not(name)}"
    notes: set[str] = set()
    for case in cases:
        for label in COMBINATIONS:
            attempt, answer = _attempt(case.case_class, case.play, label)
            wrong = _wrong(answer, case, name)
            if wrong:
                return FAILS, f"{case.case_class.__name__} ({label}): {wrong}"
            notes.update(_notes(attempt))
        for label in CONNECTING:
            wrong = _wrong_link(_link(case.case_class, case.play, label), case, name)
            if wrong:
                return FAILS, f"{case.case_class.__name__} (connecting, {label}): {wrong}"
    return SIGNS_IN, "; ".join(sorted(notes))


def _refusal(name: str, refusal: Refusal) -> tuple[str, str]:
    for label in COMBINATIONS:
        _, answer = _attempt(all_cases()[name][-1], refusal.play, label)
        if answer is None or answer.has_users:
            return FAILS, f"({label}): it is not refused"
        if (answer.status, answer.data.get("error_code")) != (refusal.status, refusal.code):
            return FAILS, f"({label}): {answer}"
    return REFUSES, refusal.reason


class Answer(NamedTuple):
    """The last response of a login, and the state of the database.

    :ivar user: the user of the token in the response.
    :ivar identities: provider, uid and user ID of all connections.
    :ivar has_state: whether expiry and scopes of each access token are stored.
    """

    method: str
    status: int
    data: Any
    user: Any
    identities: list[tuple[str, str, Any]]
    has_state: bool
    has_users: bool

    def __str__(self) -> str:
        return f"{self.method} returns {self.status}: {self.data}"


def _attempt(case_class: type[Any], play: Play, label: str) -> tuple[Attempt, Answer | None]:
    attempt = Attempt(COMBINATIONS[label](), case_class.backend_path)
    with _undone():
        response = drive(case_class, play, OverHTTP, attempt=attempt)
        return attempt, _answer(response) if response is not None else None


def _link(case_class: type[Any], play: Play, label: str) -> Answer | None:
    attempt = Attempt(COMBINATIONS[label](), case_class.backend_path)
    attempt.frontend.below = "connect/"
    with _undone():
        owner = get_user_model().objects.create(username="owner")
        token = Token.objects.create(user=owner)
        attempt.frontend.client.credentials(HTTP_AUTHORIZATION=f"Token {token.key}")
        response = drive(case_class, play, OverHTTP, attempt=attempt)
        return _answer(response)._replace(user=owner) if response is not None else None


@contextmanager
def _undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _answer(response: Any) -> Answer:
    data = getattr(response, "data", None) or {}
    token = Token.objects.filter(key=data.get("token", "")).first()
    return Answer(
        method=response.wsgi_request.method,
        status=response.status_code,
        data=data,
        user=token and token.user,
        identities=list(UserSocialAuth.objects.values_list("provider", "uid", "user")),
        has_state=all(map(_has_state, UserSocialAuth.objects.values_list("extra_data", flat=True))),
        has_users=get_user_model().objects.exists(),
    )


def _wrong(answer: Answer | None, case: Case, name: str) -> str:
    """Describe what is wrong with a login; return an empty string if it is correct.

    Username, e-mail address and identity must be the ones that social-core's own suite expects,
    and that social-core alone creates from the same responses. If a provider sends no username,
    both are random.
    """
    if answer is None:
        return "the case does not complete"
    if answer.status != 201 or answer.user is None:
        return str(answer)
    user, expected = answer.user, (case.case_class.expected_username, case.user.username)
    if not all(_is_same_username(user.username, username) for username in expected if username):
        return f"the username is {user.username!r} and not {expected}"
    if user.email != (case.user.email or ""):
        return f"the e-mail address is {user.email!r} and not {case.user.email!r}"
    if not answer.has_state:
        return "expiry and scopes of the access token are not stored"
    identity = (name, str(case.user.social[0].uid), user.pk)
    return "" if answer.identities == [identity] else f"{answer.identities} is not {identity}"


def _has_state(extra_data: Any) -> bool:
    token = extra_data.get("access_token")
    return not token or extra_data.get(STATE, {}).get("token") == digest(token)


def _wrong_link(answer: Answer | None, case: Case, name: str) -> str:
    """Describe what is wrong with a connect: the identity must become a connection of the owner."""
    if answer is None or answer.status != 201:
        return str(answer)
    uid = str(case.user.social[0].uid)
    linked = (answer.data["provider"], answer.data["uid"])
    expected = [(name, uid, answer.user.pk)]
    is_right = linked == (name, uid) and answer.identities == expected and answer.has_state
    return "" if is_right else str(answer)


def _is_same_username(username: str, other: str) -> bool:
    is_random = re.compile(r"[0-9a-f]{32}").fullmatch
    return username == other or bool(is_random(username) and is_random(other))


def _notes(attempt: Attempt) -> Iterator[str]:
    for name in attempt.asked:
        yield f"begin needs ``{name}``"
    if attempt.handed_off:
        yield "uses the handoff"
