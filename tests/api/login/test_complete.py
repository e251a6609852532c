"""Complete: the accounts that logins reach, and who may complete which login."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_login_failed
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_django.models import Nonce, UserSocialAuth

from social_endpoints.signals import signed_in
from tests.support.configuration import Configure
from tests.support.frontend import REDIRECT_URI, Frontend, error
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import DEFAULT_PIPELINE
from tests.support.signals import received

pytestmark = pytest.mark.django_db
User = get_user_model()


def test_first_login_creates_user_association_and_token(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    response = frontend.log_in(openid)

    assert response.status_code == 201
    user = User.objects.get()
    assert (user.username, user.email, user.first_name) == ("ada", "ada@example.com", "Ada")
    assert user.last_login is not None
    assert UserSocialAuth.objects.get().uid == "user-1"
    assert response.data == {"token": Token.objects.get(user=user).key}


def test_returning_user_reaches_the_same_account_and_another_identity_another_one(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    first, second = frontend.log_in(openid), frontend.log_in(openid)
    openid.claims["sub"] = openid.userinfo["sub"] = "user-2"
    openid.userinfo["preferred_username"] = "grace"
    other = frontend.log_in(openid)

    assert first.data == second.data == {"token": Token.objects.get(user__username="ada").key}
    assert other.data == {"token": Token.objects.get(user__username="grace").key}
    assert User.objects.count() == UserSocialAuth.objects.count() == 2


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("provider", ["oidc", "unknown"])
def test_response_must_not_be_cached(method: str, provider: str, client: Any) -> None:
    response = getattr(client, method)(f"/auth/o/{provider}/", secure=True)

    assert "no-store" in response.headers["Cache-Control"]
    assert "Expires" in response.headers


def test_authorization_header_and_session_are_ignored(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ]
    frontend.client = APIClient(enforce_csrf_checks=True)
    frontend.client.force_login(User.objects.create_superuser("admin"))
    frontend.client.credentials(HTTP_AUTHORIZATION="Token expired")

    response = frontend.log_in(openid)

    assert response.status_code == 201
    assert "sessionid" not in response.cookies
    assert Token.objects.get(key=response.data["token"]).user.username == "ada"


class OpenIdConnect1(OpenIdConnectAuth):
    name = "oidc-1"

    def setting(self, name: str, default: Any = None) -> Any:
        return self.strategy.setting(name, default, backend=OpenIdConnectAuth(self.strategy))


class OpenIdConnect2(OpenIdConnect1):
    name = "oidc-2"


def test_logins_of_three_providers_and_two_redirect_uris_side_by_side_complete(
    frontend: Frontend, openid: OpenIDProvider, settings: Any, configure: Configure
) -> None:
    settings.AUTHENTICATION_BACKENDS = [
        f"{__name__}.OpenIdConnect1",
        f"{__name__}.OpenIdConnect2",
        *settings.AUTHENTICATION_BACKENDS,
    ]
    other = "https://app.example.com/other"
    configure(ALLOWED_REDIRECT_URIS=[REDIRECT_URI, other])
    names = ["oidc", "oidc-1", "oidc-2", "oidc"]
    uris = [REDIRECT_URI] * 3 + [other]
    begun = [frontend.begin(name, redirect_uri=uri) for name, uri in zip(names, uris, strict=True)]
    callbacks = [openid.authorize(response.data["authorization_url"]) for response in begun]

    responses = [frontend.complete(*login) for login in zip(begun, callbacks, names, strict=True)]

    assert [response.status_code for response in responses] == [201] * 4


# --- Who may complete -----------------------------------------------------------------


def test_wrong_state_is_rejected_and_the_login_stays_open(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    begun, callback = frontend.authorize(openid)

    rejected = frontend.complete(begun, callback | {"state": "of another login"})

    code = "state_mismatch" if frontend.transport == "body" else "session_context_missing"
    assert error(rejected) == (400, code)
    assert frontend.complete(begun, callback).status_code == 201


def test_stranger_with_code_and_state_is_rejected_and_the_login_stays_open(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    begun, callback = frontend.authorize(openid)

    requests = list(openid.paths)

    stranger = Frontend(frontend.transport).post(callback)

    assert error(stranger) == (400, "session_context_missing")
    assert openid.paths == requests
    assert not Nonce.objects.exists()
    assert frontend.complete(begun, callback).status_code == 201


def test_second_completion_of_a_flow_is_rejected(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    begun, callback = frontend.authorize(openid)
    cookies = dict(frontend.client.cookies)
    assert frontend.complete(begun, callback).status_code == 201
    requests = list(openid.paths)
    frontend.client.cookies.update(cookies)

    response = frontend.complete(begun, callback)

    assert error(response) == (400, "state_mismatch")
    assert openid.paths == requests
    assert Nonce.objects.count() == 1


def test_second_completion_with_another_spelling_of_the_token_is_rejected(
    openid: OpenIDProvider,
) -> None:
    frontend = Frontend("body")
    begun, callback = frontend.authorize(openid)
    frontend.client.cookies.clear()
    flow = begun.data["flow"]
    assert frontend.post({**callback, "flow": flow}).status_code == 201

    for rewritten in (flow + "=", flow + "==", flow + "\n", flow[:-1] + chr(ord(flow[-1]) ^ 1)):
        assert frontend.post({**callback, "flow": rewritten}).status_code == 400
    assert User.objects.count() == 1


# --- Active users ---------------------------------------------------------------------


def test_inactive_user_is_rejected_unless_the_project_allows_it(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    frontend.log_in(openid)
    Token.objects.all().delete()
    User.objects.update(is_active=False, last_login=None)

    with received(signed_in) as calls:
        response = frontend.log_in(openid)

    assert calls == []
    assert error(response) == (400, "authentication_disallowed")
    assert response.data["non_field_errors"] == ["This account is inactive."]
    assert not Token.objects.exists()
    assert User.objects.get().last_login is None

    settings.SOCIAL_AUTH_ALLOW_INACTIVE_USERS_LOGIN = True
    assert frontend.log_in(openid).status_code == 201


def deactivate(user: Any, **kwargs: Any) -> None:
    """Deactivate the user in the database, and not in the pipeline's object."""
    User.objects.filter(pk=user.pk).update(is_active=False)


@pytest.mark.parametrize("when", ["while the provider is asked", "in a step"])
def test_user_deactivated_during_the_login_gets_no_token(
    when: str, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    frontend.log_in(openid)
    if when == "in a step":
        settings.SOCIAL_AUTH_PIPELINE = [*DEFAULT_PIPELINE, f"{__name__}.deactivate"]
    else:
        openid.before_userinfo = lambda: User.objects.update(is_active=False)

    response = frontend.log_in(openid)

    assert error(response) == (400, "authentication_disallowed")


# --- Django's signals and the pipeline ------------------------------------------------


def test_login_and_failed_login_send_the_signals_of_django(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    with received(user_logged_in) as logged_in, received(user_login_failed) as failed:
        frontend.log_in(openid)
        begun, callback = frontend.authorize(openid)
        frontend.complete(begun, {**callback, "code": "secret-code"})

    ((success,), (failure,)) = logged_in, failed
    assert (success["sender"], success["user"].username) == (User, "ada")
    assert success["request"].path == failure["request"].path == "/auth/o/oidc/"
    assert failure["credentials"]["provider"] == "oidc"
    assert "secret" not in str(failure["credentials"])


def test_fields_stored_in_session_reach_the_pipeline(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_FIELDS_STORED_IN_SESSION = ["invitation"]
    settings.SOCIAL_AUTH_PIPELINE = [*DEFAULT_PIPELINE, "tests.support.pipeline.record_request"]
    begun = frontend.begin(invitation="from Grace", other="not stored")
    callback = openid.authorize(begun.data["authorization_url"])

    assert frontend.complete(begun, callback).status_code == 201

    assert "Grace" not in begun.data["authorization_url"]
    user = User.objects.get()
    assert (user.first_name, user.last_name) == ("from Grace", "/auth/o/oidc/")
