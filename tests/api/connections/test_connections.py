"""The identities of the user who is logged in: listing and unlinking them."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import responses
from django.contrib.auth import get_user_model
from django.db import connections as databases
from django.db import transaction
from django.db.models import JSONField, Value
from django.test import override_settings
from django.utils.dateparse import parse_datetime
from rest_framework.authtoken.models import Token
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.test import APIClient
from social_core.backends.utils import load_backends
from social_django.models import UserSocialAuth

from social_endpoints import signals
from tests.support.frontend import Frontend
from tests.support.openid_provider import ISSUER, OpenIDProvider
from tests.support.pipeline import DEFAULT_PIPELINE

pytestmark = pytest.mark.django_db
User = get_user_model()

DISCONNECT_PIPELINE = [
    "social_core.pipeline.disconnect.allowed_to_disconnect",
    "social_core.pipeline.disconnect.get_entries",
    "social_core.pipeline.disconnect.revoke_tokens",
    "social_core.pipeline.disconnect.disconnect",
]
SECRET = "a token of the provider"


@pytest.fixture(autouse=True)
def project(settings: Any) -> Iterator[None]:
    authentication = "rest_framework.authentication.TokenAuthentication"
    settings.REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": [authentication]}
    # Social-core keeps which backends there are, for as long as the process lives.
    load_backends(settings.AUTHENTICATION_BACKENDS, force_load=True)
    yield
    load_backends(settings.AUTHENTICATION_BACKENDS, force_load=True)


def user_with(*identities: tuple[str, str], username: str = "grace") -> Any:
    """Create a user with identities, and no password."""
    user = User.objects.create(username=username)
    user.set_unusable_password()
    user.save()
    for provider, uid in identities:
        extra_data = {"access_token": SECRET, "auth_time": 1_700_000_000}
        user.social_auth.create(provider=provider, uid=uid, extra_data=extra_data)
    return user


def logged_in(user: Any) -> APIClient:
    """Return a browser in which a user is logged in."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {Token.objects.get_or_create(user=user)[0].key}")
    return client


def listed(client: APIClient, **query: Any) -> Any:
    return client.get("/auth/connections/", query, secure=True)


def unlink(client: APIClient, social: Any) -> Any:
    return client.delete(f"/auth/connections/{getattr(social, 'pk', social)}/", secure=True)


def uids() -> list[str]:
    return sorted(UserSocialAuth.objects.values_list("uid", flat=True))


@pytest.fixture
def grace() -> Any:
    """Return a user with two identities."""
    return user_with(("oidc", "1"), ("github", "2"))


@pytest.fixture
def heard() -> Iterator[list[dict[str, Any]]]:
    """Return what has been told of unlinked identities."""
    calls: list[dict[str, Any]] = []

    def hear(**kwargs: Any) -> None:
        calls.append(kwargs)

    signals.disconnected.connect(hear)
    yield calls
    signals.disconnected.disconnect(hear)


def test_the_list(grace: Any) -> None:
    user_with(("github", "3"), username="alan")

    answer = listed(logged_in(grace))

    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    assert SECRET not in answer.content.decode()
    first, second = grace.social_auth.order_by("pk")
    shown = json.loads(answer.content)
    assert [(one["id"], one["provider"], one["uid"]) for one in shown] == [
        (first.pk, "oidc", "1"),
        (second.pk, "github", "2"),
    ]
    assert shown[0].keys() == {"id", "provider", "title", "uid", "created", "last_used"}
    assert [one["title"] for one in shown] == ["OpenID Connect", "GitHub"]
    assert parse_datetime(shown[0]["created"]) == first.created
    assert parse_datetime(shown[0]["last_used"]) == datetime.fromtimestamp(1_700_000_000, UTC)


@pytest.mark.parametrize("auth_time", [None, "1700000000", -5, 10**30, 1.5, [], {}])
def test_last_used_is_the_last_change_where_no_login_is_known(auth_time: Any) -> None:
    user = user_with(("oidc", "1"))
    user.social_auth.update(extra_data={"auth_time": auth_time})

    (shown,) = listed(logged_in(user)).data

    assert parse_datetime(shown["last_used"]) == user.social_auth.get().modified


@pytest.mark.parametrize("extra_data", ['{"auth_time": 1}', "", [], None])
def test_what_older_versions_stored_is_listed_and_unlinked(grace: Any, extra_data: Any) -> None:
    """Social-core reads texts there, too."""
    social = grace.social_auth.get(uid="1")
    grace.social_auth.filter(pk=social.pk).update(extra_data=Value(extra_data, JSONField()))
    client = logged_in(grace)

    shown, answer = listed(client), unlink(client, social)

    assert shown.status_code == 200
    assert parse_datetime(shown.data[0]["last_used"]) == social.modified
    assert answer.status_code == 204


def test_last_used_follows_the_logins(frontend: Frontend, openid: OpenIDProvider) -> None:
    token = frontend.log_in(openid).data["token"]
    UserSocialAuth.objects.update(extra_data={"auth_time": 1})
    frontend.log_in(openid)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")

    (shown,) = listed(client).data

    last_used = parse_datetime(shown["last_used"])
    assert last_used is not None
    assert last_used.year > 2000


def test_the_list_takes_two_queries(grace: Any, django_assert_num_queries: Any) -> None:
    client = logged_in(grace)
    for number in range(20):
        grace.social_auth.create(provider="github", uid=f"more-{number}")

    with django_assert_num_queries(2):  # Who has this token, and what has the user?
        assert len(listed(client).data) == 22


def test_the_list_is_paginated_as_the_project_has_it(grace: Any, settings: Any) -> None:
    settings.REST_FRAMEWORK = {
        **settings.REST_FRAMEWORK,
        "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.LimitOffsetPagination",
    }
    client = logged_in(grace)

    page, whole = listed(client, limit=1, offset=1), listed(client)

    assert page.data["count"] == 2
    assert [one["uid"] for one in page.data["results"]] == ["2"]
    assert [one["uid"] for one in whole.data] == ["1", "2"]  # The project has no PAGE_SIZE.


class NewestFirst(CursorPagination):
    """A project's pagination by cursors."""

    page_size = 1


@pytest.mark.parametrize(
    ("pagination", "query"),
    [
        (
            "tests.api.connections.test_connections.NewestFirst",
            {"cursor": "cD0x"},
        ),  # "p=1" is no moment.
        ("tests.api.connections.test_connections.NewestFirst", {"cursor": "x"}),
        ("rest_framework.pagination.LimitOffsetPagination", {"limit": "9" * 30}),
    ],
)
def test_what_is_no_page(pagination: str, query: dict[str, str], grace: Any, settings: Any) -> None:
    client = logged_in(grace)
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_PAGINATION_CLASS": pagination}

    with transaction.atomic():
        answer = listed(client, **query)
        transaction.set_rollback(True)  # PostgreSQL goes on with none in which something failed.

    assert answer.status_code == 404


def test_an_identity_of_a_provider_that_is_no_longer_configured() -> None:
    user = user_with(("oidc", "1"), ("myspace", "2"))
    client = logged_in(user)

    shown = listed(client).data
    answer = unlink(client, user.social_auth.get(uid="2"))

    assert [one["title"] for one in shown] == ["OpenID Connect", "myspace"]
    assert answer.status_code == 204
    assert uids() == ["1"]


@pytest.mark.usefixtures("wire")
def test_no_token_can_be_revoked_at_a_provider_that_is_no_longer_configured(
    settings: Any,
) -> None:
    settings.SOCIAL_AUTH_REVOKE_TOKENS_ON_DISCONNECT = True
    user = user_with(("oidc", "1"), ("myspace", "2"))

    answer = unlink(logged_in(user), user.social_auth.get(uid="2"))

    assert answer.status_code == 204
    assert uids() == ["1"]


def test_unlink(grace: Any, heard: list[dict[str, Any]]) -> None:
    client, social = logged_in(grace), grace.social_auth.get(uid="1")

    answer = unlink(client, social)

    assert (answer.status_code, answer.content) == (204, b"")
    assert "no-store" in answer.headers["Cache-Control"]
    assert uids() == ["2"]
    assert [one["uid"] for one in listed(client).data] == ["2"]
    (told,) = heard
    assert (told["user"], told["provider"], told["uid"]) == (grace, "oidc", "1")
    assert told["sender"] is User
    assert told["request"].method == "DELETE"


def test_unlink_twice(grace: Any) -> None:
    client, social = logged_in(grace), grace.social_auth.get(uid="1")

    first, second = unlink(client, social), unlink(client, social)

    assert (first.status_code, second.status_code) == (204, 404)


def test_the_last_way_in(heard: list[dict[str, Any]]) -> None:
    user = user_with(("oidc", "1"))

    answer = unlink(logged_in(user), user.social_auth.get())

    assert answer.status_code == 400
    assert answer.data["error_code"] == "disconnect_disallowed"
    assert answer.data["error_stage"] == "disconnect"
    assert answer.data["non_field_errors"]
    assert uids() == ["1"]
    assert heard == []


def test_who_has_a_password_has_another_way_in() -> None:
    user = user_with(("oidc", "1"))
    user.set_password("open sesame")
    user.save()

    assert unlink(logged_in(user), user.social_auth.get()).status_code == 204
    assert uids() == []


def test_an_identity_of_a_provider_that_is_gone_is_no_way_in() -> None:
    user = user_with(("oidc", "1"), ("myspace", "2"))

    answer = unlink(logged_in(user), user.social_auth.get(uid="1"))

    assert answer.data["error_code"] == "disconnect_disallowed"
    assert uids() == ["1", "2"]


def test_an_identity_of_another_user(grace: Any) -> None:
    alan = user_with(("github", "3"), ("oidc", "4"), username="alan")

    answer = unlink(logged_in(grace), alan.social_auth.first())

    assert answer.status_code == 404
    assert uids() == ["1", "2", "3", "4"]


@pytest.mark.parametrize(
    "name", ["0", "-1", "x", "1.5", "%00", "9" * 30, "%F0%9F%92%A9", "1e3", "None", " "]
)
def test_what_is_no_id(name: str, grace: Any) -> None:
    answer = unlink(logged_in(grace), name)

    assert answer.status_code == 404
    assert uids() == ["1", "2"]


@pytest.mark.parametrize("method", ["get", "post", "put", "patch"])
def test_an_identity_can_only_be_deleted(method: str, grace: Any) -> None:
    url = f"/auth/connections/{grace.social_auth.first().pk}/"

    answer = getattr(logged_in(grace), method)(url, secure=True)

    assert answer.status_code == 405


def test_nobody_who_is_not_logged_in(grace: Any) -> None:
    for answer in (listed(APIClient()), unlink(APIClient(), grace.social_auth.first())):
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Token"
        assert "no-store" in answer.headers["Cache-Control"]
    assert uids() == ["1", "2"]


def test_with_a_session_csrf_is_enforced(grace: Any, settings: Any) -> None:
    settings.MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ]
    authentication = "rest_framework.authentication.SessionAuthentication"
    settings.REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": [authentication]}
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(grace)
    token = "a" * 32
    client.cookies["csrftoken"] = token
    url = f"/auth/connections/{grace.social_auth.first().pk}/"
    headers = {"X-CSRFToken": token, "Referer": "https://testserver/"}

    answers = [
        client.get("/auth/connections/", secure=True),
        client.delete(url, secure=True),
        client.delete(url, secure=True, headers=headers),
    ]

    assert [answer.status_code for answer in answers] == [200, 403, 204]


@pytest.fixture
def revoking(grace: Any, openid: OpenIDProvider, settings: Any) -> OpenIDProvider:
    """Revoke tokens, and return the provider where that is done."""
    settings.SOCIAL_AUTH_REVOKE_TOKENS_ON_DISCONNECT = True
    openid.endpoints["revocation_endpoint"] = f"{ISSUER}/revoke"
    return openid


def test_the_token_is_revoked(grace: Any, revoking: OpenIDProvider) -> None:
    revoked = revoking.wire.add("POST", f"{ISSUER}/revoke", json={})

    answer = unlink(logged_in(grace), grace.social_auth.get(uid="1"))

    assert answer.status_code == 204
    assert revoked.call_count == 1
    assert uids() == ["2"]


@pytest.mark.parametrize("status", [400, 401, 500, 503])
def test_a_token_that_cannot_be_revoked(
    status: int,
    grace: Any,
    revoking: OpenIDProvider,
    heard: list[dict[str, Any]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    revoking.wire.add("POST", f"{ISSUER}/revoke", status=status, headers={"Retry-After": "7"})

    answer = unlink(logged_in(grace), grace.social_auth.get(uid="1"))

    assert answer.status_code == 400
    assert answer.data["error_stage"] == "disconnect"
    if status >= 500:
        assert answer.data["error_recovery"] == "retry_later"
    if status == 503:
        assert answer.headers["Retry-After"] == "7"
    assert uids() == ["1", "2"]
    assert heard == []
    assert SECRET not in caplog.text + answer.content.decode()


def test_nothing_is_asked_where_the_last_way_in_is_kept(
    revoking: OpenIDProvider, grace: Any
) -> None:
    grace.social_auth.get(uid="2").delete()

    answer = unlink(logged_in(grace), grace.social_auth.get(uid="1"))

    assert answer.data["error_code"] == "disconnect_disallowed"
    assert revoking.requests == []


def refuse(**kwargs: Any) -> None:
    raise ValidationError({"password": ["Say it once more."]})


def fail(**kwargs: Any) -> None:
    raise KeyError(SECRET)


def send_away(strategy: Any, **kwargs: Any) -> Any:
    return strategy.redirect("https://app.example.com/sure")


def answer_with_a_page(strategy: Any, **kwargs: Any) -> Any:
    return strategy.html("<form>")


@pytest.mark.parametrize("position", [0, 4])
@pytest.mark.parametrize(
    ("step", "status", "says"),
    [
        (refuse, 400, {"password": ["Say it once more."]}),
        (fail, 400, {"error_code": "unknown_error", "error_stage": "disconnect"}),
        (
            send_away,
            202,
            {"redirect_to": "https://app.example.com/sure", "partial_token": None, "fields": None},
        ),
        (answer_with_a_page, 400, {"error_code": "authentication_disallowed"}),
    ],
)
def test_a_step_that_does_not_unlink(
    position: int,
    step: Any,
    status: int,
    says: dict[str, Any],
    grace: Any,
    heard: list[dict[str, Any]],
    settings: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    pipeline = list(DISCONNECT_PIPELINE)
    pipeline.insert(position, f"tests.api.connections.test_connections.{step.__name__}")
    settings.SOCIAL_AUTH_DISCONNECT_PIPELINE = pipeline

    answer = unlink(logged_in(grace), grace.social_auth.get(uid="1"))

    assert answer.status_code == status
    assert {name: answer.data[name] for name in says} == says
    assert uids() == ["1", "2"]
    assert heard == []
    assert SECRET not in caplog.text


def test_a_receiver_that_raises_undoes_it(grace: Any) -> None:
    signals.disconnected.connect(fail)
    try:
        answer = unlink(logged_in(grace), grace.social_auth.get(uid="1"))
    finally:
        signals.disconnected.disconnect(fail)

    assert (answer.status_code, answer.data["error_code"]) == (400, "unknown_error")
    assert uids() == ["1", "2"]


def test_an_authentication_that_knows_no_row(grace: Any, settings: Any) -> None:
    client = logged_in(grace)
    authentication = "tests.api.connections.test_connect.FromTheTokenAlone"
    settings.REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": [authentication]}

    assert len(listed(client).data) == 2
    assert unlink(client, grace.social_auth.first()).status_code == 204


def test_a_user_who_was_deactivated(grace: Any, settings: Any) -> None:
    client = logged_in(grace)
    authentication = "tests.api.connections.test_connect.FromTheTokenAlone"
    settings.REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": [authentication]}
    User.objects.update(is_active=False)

    answer = unlink(client, grace.social_auth.first())

    assert (answer.status_code, answer.data["error_code"]) == (400, "authentication_disallowed")
    assert uids() == ["1", "2"]


def test_a_mistake_in_the_settings(grace: Any, settings: Any) -> None:
    settings.SOCIAL_AUTH_DISCONNECT_PIPELINE = ["no.such.step"]

    answer = unlink(logged_in(grace), grace.social_auth.first())

    assert answer.status_code == 400
    assert answer.data["error_code"] == "unknown_error"
    assert uids() == ["1", "2"]


def test_an_identity_that_only_links(
    grace: Any, settings: Any, wire: responses.RequestsMock
) -> None:
    settings.AUTHENTICATION_BACKENDS = [
        "social_core.backends.drip.DripOAuth",
        "social_core.backends.github.GithubOAuth2",
    ]
    load_backends(settings.AUTHENTICATION_BACKENDS, force_load=True)
    drip = grace.social_auth.create(provider="drip", uid="3")
    grace.social_auth.get(provider="oidc").delete()
    client = logged_in(grace)

    last = unlink(client, grace.social_auth.get(provider="github"))
    answer = unlink(client, drip)

    assert last.data["error_code"] == "disconnect_disallowed"
    assert answer.status_code == 204
    assert uids() == ["2"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("same", [True, False], ids=["the same", "the two last"])
def test_two_requests_at_once(same: bool) -> None:
    for _ in range(3):
        user = user_with(("oidc", "1"), ("github", "2"))
        first, second = user.social_auth.order_by("pk")
        together = threading.Barrier(2)
        answers: list[Any] = []

        def race(
            social: Any, together: Any = together, answers: Any = answers, user: Any = user
        ) -> None:
            client = logged_in(user)
            together.wait(20)
            try:
                answers.append(unlink(client, social))
            finally:
                databases.close_all()

        logged_in(user)
        racers = [
            threading.Thread(target=race, args=[social])
            for social in ((first, first) if same else (first, second))
        ]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join()

        statuses = sorted(answer.status_code for answer in answers)
        assert statuses == ([204, 404] if same else [204, 400]), [a.data for a in answers]
        assert len(uids()) == 1
        user.delete()


def hold(**kwargs: Any) -> None:
    """Wait, inside the pipeline, for the other request, as long as it may come."""
    try:
        MEETING.wait(1)
    except threading.BrokenBarrierError:
        MEETING.reset()


MEETING = threading.Barrier(2)


@pytest.mark.django_db(transaction=True)
def test_two_requests_that_meet_between_the_check_and_the_deletion() -> None:
    pipeline = list(DISCONNECT_PIPELINE)
    pipeline.insert(1, "tests.api.connections.test_connections.hold")
    user = user_with(("oidc", "1"), ("github", "2"))
    answers: list[Any] = []

    def race(social: Any) -> None:
        try:
            answers.append(unlink(logged_in(user), social))
        finally:
            databases.close_all()

    logged_in(user)
    racers = [threading.Thread(target=race, args=[one]) for one in user.social_auth.all()]
    with override_settings(SOCIAL_AUTH_DISCONNECT_PIPELINE=pipeline):
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join()

    codes = sorted((each.status_code, (each.data or {}).get("error_code")) for each in answers)
    assert codes == [(204, None), (400, "disconnect_disallowed")], codes
    assert len(uids()) == 1


IN_A_LOGIN: list[Callable[[Any], object]] = []


def meanwhile(social: Any, **kwargs: Any) -> None:
    """Let something happen, once, in the middle of a login."""
    for happens in IN_A_LOGIN[:]:
        IN_A_LOGIN.remove(happens)
        happens(social)


@pytest.fixture
def signing_in(settings: Any) -> tuple[Any, Any]:
    """Return a user, and the identity with which a login is about to meet something."""
    pipeline = list(DEFAULT_PIPELINE)
    place = pipeline.index("social_core.pipeline.social_auth.load_extra_data")
    pipeline.insert(place, "tests.api.connections.test_connections.meanwhile")
    settings.SOCIAL_AUTH_PIPELINE = pipeline
    user = user_with(("oidc", "user-1"), ("github", "2"))
    user.social_auth.filter(uid="user-1").update(id_key="sub")
    return user, user.social_auth.get(uid="user-1")


@pytest.mark.row_locks
@pytest.mark.django_db(transaction=True)
def test_an_identity_that_is_unlinked_while_it_signs_in_stays_unlinked(
    signing_in: tuple[Any, Any], frontend: Frontend, openid: OpenIDProvider
) -> None:
    user, social = signing_in
    client = logged_in(user)
    answers: list[Any] = []

    def unlinking() -> None:
        try:
            answers.append(unlink(client, social))
        finally:
            databases.close_all()

    def in_another_request(social: Any) -> None:
        thread = threading.Thread(target=unlinking)
        thread.start()
        thread.join()

    IN_A_LOGIN.append(in_another_request)
    signed_in = frontend.log_in(openid)

    assert [answer.status_code for answer in answers] == [204]
    assert [one.uid for one in user.social_auth.all()] == ["2"]
    assert signed_in.status_code == 201
    assert Token.objects.get(key=signed_in.data["token"]).user != user


def test_a_login_with_an_identity_that_is_gone_is_looked_up_again(
    signing_in: tuple[Any, Any], frontend: Frontend, openid: OpenIDProvider
) -> None:
    IN_A_LOGIN.append(lambda social: type(social).objects.filter(pk=social.pk).delete())

    answer = frontend.log_in(openid)

    assert answer.status_code == 201  # It was deleted in the very transaction that is undone.
    assert Token.objects.get(key=answer.data["token"]).user == signing_in[0]
    assert User.objects.count() == 1


def test_what_else_cannot_be_stored_of_a_login(
    signing_in: tuple[Any, Any], frontend: Frontend, openid: OpenIDProvider
) -> None:
    IN_A_LOGIN.append(lambda social: vars(social).update(provider="github", uid="2"))

    assert frontend.log_in(openid).status_code == 201  # Not so the second time.
    assert uids() == ["2", "user-1"]


def leave_none(**kwargs: Any) -> dict[str, None]:
    """Keep the identity from the later steps."""
    return {"social": None}


def test_a_pipeline_that_leaves_no_identity_stores_what_it_did(
    signing_in: tuple[Any, Any], frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    steps = (
        "tests.api.connections.test_connections.meanwhile",
        "tests.api.connections.test_connections.leave_none",
    )
    pipeline = [steps[1] if step == steps[0] else step for step in settings.SOCIAL_AUTH_PIPELINE]
    settings.SOCIAL_AUTH_PIPELINE = pipeline
    user, social = signing_in

    assert frontend.log_in(openid).status_code == 201

    assert user.social_auth.get(pk=social.pk).extra_data["access_token"] != SECRET
