"""A login from begin to token."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_login_failed
from rest_framework.authtoken.models import Token
from social_django.models import Association, Nonce, UserSocialAuth

from tests.support.configuration import Configure
from tests.support.frontend import REDIRECT_URI, Frontend
from tests.support.openid_provider import ISSUER, OpenIDProvider

pytestmark = pytest.mark.django_db
User = get_user_model()


def test_begin_answers_with_the_authorization_url(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    answer = frontend.begin()

    assert answer.status_code == 200
    url = urlsplit(answer.data["authorization_url"])
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{ISSUER}/authorize"
    assert query["client_id"] == "our-client-id"
    assert query["redirect_uri"] == REDIRECT_URI
    assert query["code_challenge_method"] == "S256"
    assert answer.headers["Content-Type"] == "application/json"


def test_first_login_creates_user_association_and_token(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    answer = frontend.log_in(openid)

    assert answer.status_code == 201
    user = User.objects.get()
    assert (user.username, user.email, user.first_name) == ("ada", "ada@example.com", "Ada")
    assert user.last_login is not None
    assert UserSocialAuth.objects.get().uid == "user-1"
    assert answer.data == {"token": Token.objects.get(user=user).key}


def test_second_login_reaches_the_same_account(frontend: Frontend, openid: OpenIDProvider) -> None:
    first = frontend.log_in(openid)
    second = frontend.log_in(openid)

    assert first.data == second.data
    assert User.objects.count() == UserSocialAuth.objects.count() == 1


@pytest.mark.parametrize("method", ["get", "post"])
def test_no_answer_may_be_cached(method: str, frontend: Frontend, openid: OpenIDProvider) -> None:
    for provider in ("oidc", "unknown"):
        answer = getattr(frontend.client, method)(f"/auth/o/{provider}/", secure=True)
        assert "no-store" in answer.headers["Cache-Control"]
        assert "Expires" in answer.headers


@pytest.mark.parametrize("encoding", ["json", "form", "multipart", "query", "query and stray JSON"])
def test_parameters_may_stand_anywhere(
    encoding: str, frontend: Frontend, openid: OpenIDProvider
) -> None:
    begun = frontend.begin()
    callback = openid.authorize(begun.data["authorization_url"])
    flow = {"flow": begun.data["flow"]} if frontend.transport == "body" else {}
    path = "/auth/o/oidc/"
    stray = {"headers": {"Content-Type": "application/json"}, "withCredentials": True}
    form = "application/x-www-form-urlencoded"
    arguments: dict[str, tuple[str, dict[str, Any]]] = {
        "json": (path, {"data": callback | flow, "format": "json"}),
        "form": (path, {"data": urlencode(callback | flow), "content_type": form}),
        "multipart": (path, {"data": callback | flow, "format": "multipart"}),
        "query": (f"{path}?{urlencode(callback)}", {"data": urlencode(flow), "content_type": form}),
        "query and stray JSON": (
            f"{path}?{urlencode(callback)}",
            {"data": stray | flow, "format": "json"},
        ),
    }
    url, rest = arguments[encoding]

    answer = frontend.client.post(url, secure=True, **rest)

    assert answer.status_code == 201, answer.data


def test_the_body_wins_over_the_query_and_the_last_of_a_repeated_parameter_counts(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    begun = frontend.begin()
    callback = openid.authorize(begun.data["authorization_url"])
    body = urlencode([("code", "first"), *callback.items(), ("flow", begun.data.get("flow", ""))])

    answer = frontend.client.post(
        "/auth/o/oidc/?state=other&code=other",
        body,
        content_type="application/x-www-form-urlencoded",
        secure=True,
    )

    assert answer.status_code == 201, answer.data


def test_a_flow_in_the_query_string_is_none(openid: OpenIDProvider, configure: Configure) -> None:
    configure(FLOW_TRANSPORT="body")
    frontend = Frontend("body")
    begun = frontend.begin()
    callback = openid.authorize(begun.data["authorization_url"])

    answer = frontend.client.post(
        f"/auth/o/oidc/?flow={begun.data['flow']}", callback, format="json", secure=True
    )

    assert answer.status_code == 400
    assert answer.data["error_code"] == "session_context_missing"
    assert "contains no flow" in answer.data["non_field_errors"][0]


def test_neither_a_session_nor_the_authorization_header_matters(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    frontend.client.credentials(HTTP_AUTHORIZATION="Token expired")
    frontend.client.cookies["sessionid"] = "somebody"

    answer = frontend.log_in(openid)

    assert answer.status_code == 201
    assert "sessionid" not in answer.cookies


def test_the_wrong_state_is_refused_and_uses_nothing_up(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    begun = frontend.begin()
    callback = openid.authorize(begun.data["authorization_url"])

    refused = frontend.complete(begun, callback | {"state": "of another login"})
    accepted = frontend.complete(begun, callback)

    expected = "state_mismatch" if frontend.transport == "body" else "session_context_missing"
    assert (refused.status_code, refused.data["error_code"]) == (400, expected)
    assert accepted.status_code == 201


def test_a_stranger_with_code_and_state_cannot_use_them_up(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    begun = frontend.begin()
    callback = openid.authorize(begun.data["authorization_url"])

    stranger = Frontend(frontend.transport).post(callback)

    assert stranger.status_code == 400
    assert stranger.data == {
        "non_field_errors": [
            (
                "This request contains no flow. Send it with credentials so that it includes the"
                " cookie set at begin, or include the `flow` value from the begin response in its"
                " body."
            )
        ],
        "error_code": "session_context_missing",
        "error_source": "session",
        "error_stage": "callback",
        "error_recovery": "restart_login",
    }
    assert not Nonce.objects.exists()
    assert frontend.complete(begun, callback).status_code == 201


def test_a_flow_completes_once(frontend: Frontend, openid: OpenIDProvider) -> None:
    begun = frontend.begin()
    callback = openid.authorize(begun.data["authorization_url"])
    kept = dict(frontend.client.cookies)
    assert frontend.complete(begun, callback).status_code == 201
    asked = list(openid.requests)
    frontend.client.cookies.update(kept)

    answer = frontend.complete(begun, callback)

    assert (answer.status_code, answer.data["error_code"]) == (400, "state_mismatch")
    assert openid.requests == asked
    assert Nonce.objects.count() == 1


def test_a_rewritten_token_of_the_same_flow_is_no_second_flow(openid: OpenIDProvider) -> None:
    frontend = Frontend("body")
    begun = frontend.begin()
    frontend.client.cookies.clear()
    callback = openid.authorize(begun.data["authorization_url"])
    flow = begun.data["flow"]
    assert frontend.post({**callback, "flow": flow}).status_code == 201

    for rewritten in (flow + "=", flow + "==", flow + "\n", flow[:-1] + chr(ord(flow[-1]) ^ 1)):
        answer = frontend.post({**callback, "flow": rewritten})
        assert answer.status_code == 400
    assert User.objects.count() == 1


def test_a_declined_login(frontend: Frontend, openid: OpenIDProvider) -> None:
    begun = frontend.begin()
    state = openid.authorize(begun.data["authorization_url"])["state"]
    secret = "description <b>of the provider</b>"

    answer = frontend.complete(
        begun, {"error": "access_denied", "error_description": secret, "state": state}
    )

    assert answer.status_code == 400
    assert answer.data["error_code"] == "authorization_declined"
    assert answer.data["error_recovery"] == "none"
    assert "description" not in str(answer.data)


@pytest.mark.parametrize(
    ("error", "code", "recovery"),
    [
        ("invalid_scope", "invalid_setting", "contact_administrator"),
        ("unauthorized_client", "invalid_setting", "contact_administrator"),
        ("server_error", "unavailable", "retry_later"),
        ("temporarily_unavailable", "unavailable", "retry_later"),
        ("something else", "http_error", "contact_administrator"),
    ],
)
def test_an_error_in_a_callback_is_the_browsers_word(
    error: str,
    code: str,
    recovery: str,
    frontend: Frontend,
    openid: OpenIDProvider,
    caplog: pytest.LogCaptureFixture,
) -> None:
    begun = frontend.begin()
    state = openid.authorize(begun.data["authorization_url"])["state"]

    answer = frontend.complete(begun, {"error": error, "state": state})

    assert answer.status_code == 400
    assert (answer.data["error_code"], answer.data["error_recovery"]) == (code, recovery)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_an_invalid_request_is_the_browsers_word_too(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    """Which code it has differs between the versions of social-core."""
    begun = frontend.begin()
    state = openid.authorize(begun.data["authorization_url"])["state"]

    answer = frontend.complete(begun, {"error": "invalid_request", "state": state})

    assert answer.status_code == 400
    assert answer.data["error_recovery"] == "contact_administrator"


def test_an_error_without_a_state_reaches_the_newest_login(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    begun = frontend.begin()

    answer = frontend.complete(begun, {"error": "access_denied"})

    assert (answer.status_code, answer.data["error_code"]) == (400, "authorization_declined")


def test_inactive_users_are_refused(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    frontend.log_in(openid)
    Token.objects.all().delete()
    User.objects.update(is_active=False, last_login=None)

    answer = frontend.log_in(openid)

    assert answer.status_code == 400
    assert answer.data["error_code"] == "authentication_disallowed"
    assert answer.data["non_field_errors"] == ["This account is inactive."]
    assert not Token.objects.exists()
    assert User.objects.get().last_login is None

    settings.SOCIAL_AUTH_ALLOW_INACTIVE_USERS_LOGIN = True
    assert frontend.log_in(openid).status_code == 201


def test_a_user_who_is_deactivated_while_the_provider_is_asked_gets_no_token(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    frontend.log_in(openid)
    begun = frontend.begin()
    callback = openid.authorize(begun.data["authorization_url"])
    openid.before_userinfo = lambda: User.objects.update(is_active=False)

    assert frontend.complete(begun, callback).status_code == 400


def test_signals(frontend: Frontend, openid: OpenIDProvider) -> None:
    logged_in: list[Any] = []
    failed: list[Any] = []

    def on_logged_in(sender: Any, request: Any, user: Any, **kwargs: Any) -> None:
        logged_in.append((sender, request.path, user.username))

    def on_failed(sender: Any, credentials: Any, request: Any, **kwargs: Any) -> None:
        failed.append((credentials, request.path))

    user_logged_in.connect(on_logged_in)
    user_login_failed.connect(on_failed)
    try:
        frontend.log_in(openid)
        begun = frontend.begin()
        frontend.complete(begun, {"code": "secret-code", "state": "secret-state"})
    finally:
        user_logged_in.disconnect(on_logged_in)
        user_login_failed.disconnect(on_failed)

    assert logged_in == [(User, "/auth/o/oidc/", "ada")]
    assert len(failed) == 1
    assert failed[0][0]["provider"] == "oidc"
    assert "secret" not in str(failed[0][0])


def test_fields_stored_in_session_reach_the_pipeline(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_FIELDS_STORED_IN_SESSION = ["invitation"]
    settings.SOCIAL_AUTH_PIPELINE = [
        "social_core.pipeline.social_auth.social_details",
        "social_core.pipeline.social_auth.social_uid",
        "social_core.pipeline.social_auth.social_user",
        "social_core.pipeline.user.get_username",
        "social_core.pipeline.user.create_user",
        "social_core.pipeline.social_auth.associate_user",
        "tests.support.pipeline.record_request",
    ]
    begun = frontend.begin(invitation="from Grace", other="unasked")
    assert "Grace" not in begun.data["authorization_url"]
    callback = openid.authorize(begun.data["authorization_url"])

    assert frontend.complete(begun, callback).status_code == 201

    user = User.objects.get()
    assert user.first_name == "from Grace"
    assert user.last_name == "/auth/o/oidc/"


def test_the_query_of_a_begin_reaches_the_provider_only_where_the_project_says_so(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS = {"ui_locales": "en", "display": "page"}
    settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS_OVERRIDE_ALLOWLIST = ["ui_locales"]

    url = frontend.begin(ui_locales="de", display="popup", client_id="evil", state="evil").data[
        "authorization_url"
    ]

    query = parse_qs(urlsplit(url).query)
    assert query["ui_locales"] == ["de"]
    assert query["display"] == ["page"]
    assert "evil" not in url


def test_a_stored_field_must_be_text_that_a_database_takes(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_FIELDS_STORED_IN_SESSION = ["invitation"]

    answer = frontend.begin(invitation="a\0b")

    assert (answer.status_code, list(answer.data)) == (400, ["invitation"])


def test_a_begin_leaves_nothing(
    frontend: Frontend, openid: OpenIDProvider, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        for _ in range(3):
            frontend.begin()
    assert not Nonce.objects.exists()
    assert not Association.objects.exists()


@pytest.mark.parametrize(
    "provider", ["nobody", "ModelBackend", "email", "username", "%2e%2e", "a b"]
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_unknown_providers(provider: str, method: str, client: Any) -> None:
    answer = getattr(client, method)(f"/auth/o/{provider}/")

    assert answer.status_code == 404
    assert set(answer.data) == {"detail"}
    assert str(answer.data["detail"]).endswith("not supported")
