"""Connect with a token that an SDK obtained: ``connect/token/``."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import responses
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_login_failed
from rest_framework.test import APIClient
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_django.models import Nonce, Partial, UserSocialAuth

from social_endpoints import signals
from tests.support import access_token_providers
from tests.support.account_views import route_account_views
from tests.support.accounts import connections, disconnect, list_connections
from tests.support.authentication import CSRF_HEADERS, STATELESS
from tests.support.concurrency import together
from tests.support.configuration import Configure
from tests.support.frontend import Frontend, details, error
from tests.support.id_token_providers import PROVIDERS, IdTokenProvider
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import (
    AFTER_ASSOCIATE_USER,
    AFTER_SOCIAL_USER,
    ASK_NAME,
    BEFORE_SOCIAL_USER,
    pipeline_with,
)
from tests.support.signals import received

pytestmark = pytest.mark.django_db
User = get_user_model()
GRACE = ("grace", "oidc", "user-1")
PATH = "/auth/o/oidc/connect/token/"


class ConnectOnly(OpenIdConnectAuth):
    """A provider that can only be connected to an account."""

    ASSOCIATION_ONLY = True


@pytest.fixture
def frontend() -> Frontend:
    """Return a frontend with one transport: only a pause issues a flow."""
    return Frontend()


@pytest.fixture
def oidc(wire: responses.RequestsMock, settings: Any) -> IdTokenProvider:
    provider: IdTokenProvider = PROVIDERS["oidc"](wire)
    provider.install(settings)
    return provider


@pytest.fixture
def grace(grace: Frontend, oidc: IdTokenProvider) -> Frontend:
    """Return the app of Grace."""
    return replace(grace, below="connect/token/")


@pytest.fixture
def alan(alan: Frontend, oidc: IdTokenProvider) -> Frontend:
    """Return the app of Alan."""
    return replace(alan, below="connect/token/")


def tokens(oidc: IdTokenProvider, **claims: Any) -> dict[str, Any]:
    """Return the body of a request with a new ID token."""
    return {"id_token": oidc.token(**claims), "nonce": oidc.nonce}


# --- The connection -------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in PROVIDERS if name != "google-onetap"])
def test_id_token_connects_an_identity(
    name: str, wire: responses.RequestsMock, settings: Any, grace: Frontend, sent: list[Any]
) -> None:
    provider: IdTokenProvider = PROVIDERS[name](wire)
    provider.install(settings)
    body = {"id_token": provider.token()} | ({"nonce": provider.nonce} if provider.nonce else {})

    response = grace.post(body, name)

    social = UserSocialAuth.objects.get()
    assert response.status_code == 201, response.data
    assert "no-store" in response.headers["Cache-Control"]
    assert (response.data["id"], response.data["provider"]) == (social.pk, name)
    assert response.data["uid"] == social.uid == provider.claims["sub"]
    assert response.data.keys() == list_connections(grace.client).json()[0].keys()
    assert social.user.username == "grace"
    assert User.objects.count() == 1
    (call,) = sent
    assert (call["user"], call["social"], call["provider"]) == (social.user, social, name)
    assert call["request"].path == f"/auth/o/{name}/connect/token/"


@pytest.mark.needs("google.auth")
def test_id_token_of_google_one_tap_connects_an_identity(
    wire: responses.RequestsMock, settings: Any, grace: Frontend
) -> None:
    provider: IdTokenProvider = PROVIDERS["google-onetap"](wire)
    provider.install(settings)

    response = grace.post({"id_token": provider.token()}, "google-onetap")

    assert response.status_code == 201, response.data
    assert [username for username, *_ in connections()] == ["grace"]


@pytest.mark.parametrize("name", access_token_providers.PROVIDERS)
def test_access_token_connects_an_identity(
    name: str, openid: OpenIDProvider, settings: Any, configure: Configure, grace: Frontend
) -> None:
    provider = access_token_providers.PROVIDERS[name]()
    for setting, value in provider.settings.items():
        setattr(settings, setting, value)
    settings.AUTHENTICATION_BACKENDS = [provider.path]
    configure(NATIVE_PROVIDERS=[name])
    provider.install(openid)

    response = grace.post({"access_token": access_token_providers.TOKEN}, name)

    assert response.status_code == 201, response.data
    assert connections() == [("grace", name, provider.uid)]
    stored = UserSocialAuth.objects.get().extra_data
    assert stored["access_token"] == access_token_providers.TOKEN


def test_connect_is_not_a_login(grace: Frontend, oidc: IdTokenProvider) -> None:
    with received(user_logged_in, user_login_failed, signals.signed_in) as calls:
        connected = grace.post(tokens(oidc))
        rejected = grace.post(tokens(oidc, aud="another-client"))

    assert (connected.status_code, rejected.status_code) == (201, 400)
    assert "token" not in connected.data
    assert calls == []
    assert User.objects.get().last_login is None


def test_connected_identity_signs_in_natively_and_can_be_disconnected(
    grace: Frontend, oidc: IdTokenProvider, sent: list[Any]
) -> None:
    grace.post(tokens(oidc))
    User.objects.get().social_auth.create(provider="oidc", uid="another")

    signed_in = oidc.sign_in(oidc.token(jti="2"))
    social = UserSocialAuth.objects.get(uid="user-1")
    response = disconnect(grace.client, social)

    assert (signed_in.status_code, response.status_code) == (201, 204)
    assert User.objects.count() == 1
    assert [uid for _, _, uid in connections()] == ["another"]
    assert len(sent) == 2


def test_identity_that_is_connected_already_is_connected_once(
    grace: Frontend, oidc: IdTokenProvider, sent: list[Any]
) -> None:
    first = grace.post(tokens(oidc))
    UserSocialAuth.objects.update(extra_data={"refresh_token": "stored"})
    second = grace.post(tokens(oidc, jti="2"))

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.data["id"] == second.data["id"]
    assert len(sent) == 1
    assert UserSocialAuth.objects.get().extra_data["refresh_token"] == "stored"


# --- Refusals -------------------------------------------------------------------------


def test_identity_of_another_user_is_refused(
    grace: Frontend, alan: Frontend, oidc: IdTokenProvider, sent: list[Any]
) -> None:
    alan.post(tokens(oidc))
    sent.clear()
    body = tokens(oidc, jti="2")

    response = grace.post(body)

    assert error(response) == (400, "identity_in_use")
    assert response.data["error_recovery"] == "use_existing_account"
    assert (connections(), sent) == ([("alan", "oidc", "user-1")], [])
    UserSocialAuth.objects.all().delete()
    assert grace.post(body).status_code == 201  # The refusal did not use up the token.


def test_id_token_is_used_once_by_connect_and_sign_in(
    grace: Frontend, oidc: IdTokenProvider
) -> None:
    to_connect, to_sign_in = tokens(oidc), tokens(oidc, jti="2")

    assert grace.post(to_connect).status_code == 201
    assert error(oidc.sign_in(to_connect["id_token"])) == (400, "credential_rejected")
    assert oidc.sign_in(to_sign_in["id_token"]).status_code == 201
    assert error(grace.post(to_sign_in)) == (400, "credential_rejected")


@pytest.mark.django_db(transaction=True)
def test_simultaneous_requests_with_one_id_token_connect_once(
    grace: Frontend, alan: Frontend, oidc: IdTokenProvider
) -> None:
    body = tokens(oidc)

    statuses = together([partial(each.post, body) for each in (grace, alan)])

    assert sorted(each.status_code for each in statuses) == [201, 400]
    assert len(connections()) == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"nonce": "another"}, "nonce_mismatch"),
        ({"nonce": None}, "missing_parameter"),
        ({"id_token": "a.b.c"}, None),
        ({"id_token": None}, "invalid_parameter"),
        ({"id_token": None, "access_token": "unknown"}, None),
    ],
)
def test_tokens_are_verified_as_in_a_sign_in(
    change: dict[str, Any], code: str | None, grace: Frontend, oidc: IdTokenProvider
) -> None:
    body = {name: value for name, value in (tokens(oidc) | change).items() if value is not None}

    response = grace.post(body)

    assert response.status_code == 400
    assert code in {None, response.data["error_code"]}
    assert (
        response.data["error_code"]
        == (replace(grace, below="token/").post(body).data["error_code"])
    )
    assert (connections(), Nonce.objects.count()) == ([], 0)


def test_token_of_another_client_is_refused(grace: Frontend, oidc: IdTokenProvider) -> None:
    assert error(grace.post(tokens(oidc, aud="another-client"))) == (400, "invalid_claim")
    assert connections() == []


@pytest.mark.parametrize("names", [[], ["github"]])
def test_provider_that_is_not_listed_is_a_404(
    names: list[str], grace: Frontend, oidc: IdTokenProvider, configure: Configure
) -> None:
    configure(NATIVE_PROVIDERS=names)

    assert error(grace.post(tokens(oidc))) == (404, "native_sign_in_disabled")
    assert error(grace.post(tokens(oidc), "nobody")) == (404, "provider_not_supported")
    assert grace.client.get(PATH, secure=True).status_code == 405


def test_anonymous_request_is_a_401(frontend: Frontend, oidc: IdTokenProvider) -> None:
    response = replace(frontend, below="connect/token/").post(tokens(oidc))

    assert error(response) == (401, "not_authenticated")
    assert response.headers["WWW-Authenticate"] == "Token"
    assert oidc.fetched == 0


@pytest.mark.parametrize("active", [True, False])
def test_stateless_user_connects_only_while_active(
    active: bool, grace: Frontend, oidc: IdTokenProvider, settings: Any
) -> None:
    route_account_views(settings, authentication=STATELESS)
    User.objects.update(is_active=active)

    response = grace.post(tokens(oidc))

    assert error(response) == ((201, None) if active else (400, "authentication_disallowed"))
    assert connections() == ([GRACE] if active else [])


def test_recent_login_is_required_before_the_token_is_verified(
    grace: Frontend, oidc: IdTokenProvider, configure: Configure
) -> None:
    body = tokens(oidc)
    configure(REAUTHENTICATION=f"{__name__}.refuse")

    assert error(grace.post(body)) == (403, "reauthentication_required")

    assert (oidc.fetched, connections(), Nonce.objects.count()) == (0, [], 0)
    configure(REAUTHENTICATION=None)
    assert grace.post(body).status_code == 201


def refuse(request: Any) -> bool:
    return False


def test_requests_are_throttled(
    grace: Frontend, oidc: IdTokenProvider, configure: Configure
) -> None:
    configure(THROTTLE_RATES={"user": "1/day"})
    grace.post({})
    body = tokens(oidc)

    response = grace.post(body)

    assert error(response) == (429, "throttled")
    assert "Retry-After" in response.headers
    assert connections() == []


def test_log_has_the_user_and_the_way(
    grace: Frontend, oidc: IdTokenProvider, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "social_endpoints"):
        grace.post(tokens(oidc))
        grace.post(tokens(oidc, aud="another-client"))

    lines = [each.getMessage() for each in caplog.records if each.name == "social_endpoints"]
    user = User.objects.get().pk
    assert [line.partition(" provider=")[0] for line in lines] == [
        "connect completed",
        "connect refused",
    ]
    for line in lines:
        assert {"provider=oidc", "via=native", f"user={user}"} <= {*line.split()}
    assert "new_connection=true" in lines[0]


# --- Sessions and cookies -------------------------------------------------------------


@pytest.mark.parametrize("content_type", ["json", "multipart"])
def test_session_authentication_enforces_csrf(
    content_type: str, session_client: APIClient, oidc: IdTokenProvider
) -> None:
    session_client.force_login(User.objects.create(username="grace"))
    browser = Frontend("cookie", session_client, content_type, "connect/token/")
    body = tokens(oidc)

    without = browser.post(body)
    with_token = browser.post(body, headers=CSRF_HEADERS)

    assert error(without) == (403, "permission_denied")
    assert with_token.status_code == 201, with_token.data
    assert connections() == [GRACE]


@pytest.mark.needs("rest_framework_simplejwt")
def test_cookie_authentication_enforces_csrf(
    oidc: IdTokenProvider, configure: Configure, settings: Any
) -> None:
    configure(TOKEN_SERIALIZER="social_endpoints.tokens.JWTCookieSerializer")
    authentication = "social_endpoints.tokens.jwt.JWTCookieAuthentication"
    route_account_views(settings, authentication=authentication)
    client = APIClient(enforce_csrf_checks=True)
    client.cookies["csrftoken"] = "a" * 32
    browser = Frontend("cookie", client, below="token/")
    assert browser.post(tokens(oidc)).status_code == 201
    browser.below = "connect/token/"
    body = tokens(oidc, sub="user-2", jti="2")

    assert error(browser.post(body)) == (403, "permission_denied")
    assert browser.post(body, headers=CSRF_HEADERS).status_code == 201
    assert len(connections()) == 2


@pytest.mark.parametrize("content_type", ["multipart", "x-www-form-urlencoded", "text/plain"])
def test_body_must_be_json_if_logins_are_cookies(
    content_type: str, session_client: APIClient, oidc: IdTokenProvider, configure: Configure
) -> None:
    configure(TOKEN_SERIALIZER="social_endpoints.tokens.SessionSerializer")
    session_client.force_login(User.objects.create(username="grace"))
    if content_type == "multipart":
        body: dict[str, Any] = {"data": tokens(oidc), "format": "multipart"}
    else:
        kind = content_type if "/" in content_type else f"application/{content_type}"
        body = {"data": "id_token=a", "content_type": kind}

    response = session_client.post(PATH, secure=True, headers=CSRF_HEADERS, **body)

    assert error(response) == (415, "unsupported_media_type")
    assert connections() == []


# --- Paused connects, and providers that can only be connected ------------------------


@pytest.mark.parametrize("position", [BEFORE_SOCIAL_USER, AFTER_SOCIAL_USER, AFTER_ASSOCIATE_USER])
def test_paused_connect_is_resumed_at_connect_by_its_user(
    position: int, grace: Frontend, alan: Frontend, oidc: IdTokenProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((position, ASK_NAME))
    paused = grace.post(tokens(oidc))
    assert paused.status_code == 202, paused.data
    before = connections()
    alan.client.cookies = grace.client.cookies
    as_alan, as_grace = (replace(each, below="connect/") for each in (alan, grace))

    assert error(as_alan.resume(paused, name="x")) == (400, "user_mismatch")
    as_a_login = replace(grace, below="").resume(paused, name="x")
    assert error(as_a_login) == (400, "session_context_missing")
    assert connections() == before
    response = as_grace.resume(paused, name="x")
    assert response.status_code == 201, response.data
    assert connections() == [GRACE]
    assert not Partial.objects.exists()


def test_provider_that_can_only_be_connected(
    grace: Frontend, oidc: IdTokenProvider, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.ConnectOnly"]
    body = tokens(oidc)

    sign_in = replace(grace, below="token/").post(body)
    response = grace.post(body)
    listed = grace.client.get("/auth/o/", secure=True).json()

    assert error(sign_in) == (400, "authentication_disallowed")
    assert response.status_code == 201, response.data
    assert connections() == [GRACE]
    assert listed[0]["capabilities"] == ["connect"]


def fail(**kwargs: Any) -> None:
    raise KeyError("a secret")


@pytest.mark.parametrize("place", ["step", "receiver"])
def test_step_or_receiver_that_fails_undoes_the_connect(
    place: str, grace: Frontend, oidc: IdTokenProvider, settings: Any
) -> None:
    body = tokens(oidc)
    if place == "step":
        settings.SOCIAL_AUTH_PIPELINE = pipeline_with((AFTER_ASSOCIATE_USER, f"{__name__}.fail"))
        response = grace.post(body)
        settings.SOCIAL_AUTH_PIPELINE = pipeline_with()
    else:
        signals.connected.connect(fail)
        try:
            response = grace.post(body)
        finally:
            signals.connected.disconnect(fail)

    assert error(response) == (500, "unknown_error")
    assert "secret" not in str(details(response))
    assert connections() == []
    assert grace.post(body).status_code == 201
