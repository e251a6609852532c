"""The code of the page "More access"."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import responses
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in
from django.core.checks import run_checks
from django.utils import timezone
from rest_framework.test import APIClient, APIRequestFactory, force_authenticate

from docs.recipes import reauthentication
from social_endpoints.internal.connections.encryption import STATE
from social_endpoints.internal.connections.token_state import TokenState, describe
from social_endpoints.testing import FakeProviders
from tests.support.account_views import route_account_views
from tests.support.accounts import logged_in
from tests.support.authentication import SESSION
from tests.support.configuration import Configure
from tests.support.frontend import REDIRECT_URI, Frontend, authorization_params, error
from tests.support.openid_provider import OpenIDProvider
from tests.support.pages import DOCS, code_blocks

pytestmark = pytest.mark.django_db
User = get_user_model()
user_logged_in.disconnect(reauthentication.store_login)  # The import has connected it.
RECIPES = "docs.recipes"
BACKENDS = "social_core.backends"
GOOGLE_API = "https://www.googleapis.com"


def run(text: str) -> dict[str, Any]:
    """Run the first code block of the page that contains a text; return its names."""
    names: dict[str, Any] = {}
    blocks = code_blocks(DOCS / "backend/more_access.rst", "python")
    exec(next(each for each in blocks if text in each), names)
    return names


@pytest.fixture
def grace() -> Any:
    return User.objects.create(username="grace")


@pytest.fixture
def page(settings: Any, grace: Any) -> Frontend:
    """Return the page of a project with the settings of the guide."""
    settings.AUTHENTICATION_BACKENDS = [
        f"{BACKENDS}.google.GoogleOAuth2",
        f"{BACKENDS}.github.GithubOAuth2",
        f"{BACKENDS}.azuread_tenant.AzureADV2TenantOAuth2",
    ]
    for name in ("GOOGLE_OAUTH2", "AZUREAD_V2_TENANT_OAUTH2"):
        for setting in ("KEY", "SECRET", "TENANT_ID"):
            setattr(settings, f"SOCIAL_AUTH_{name}_{setting}", "value")
    for name, value in run("CONNECT_SCOPES").items():
        if name.startswith("SOCIAL_"):
            setattr(settings, name, value)
    return Frontend(client=logged_in(grace), below="connect/")


@pytest.mark.parametrize("is_granted", [True, False])
def test_calendar_example(
    is_granted: bool,
    page: Frontend,
    grace: Any,
    social_provider: FakeProviders,
    wire: responses.RequestsMock,
) -> None:
    example = run("class Events")
    scope = example["CALENDAR"]
    google = social_provider("google-oauth2")
    google.token_fields["scope"] = "openid email profile" + (f" {scope}" if is_granted else "")
    api = wire.get(
        f"{GOOGLE_API}/calendar/v3/calendars/primary/events", json={"items": [{"id": "event"}]}
    )
    begun = page.begin("google-oauth2", redirect_uri=REDIRECT_URI, scope=scope)
    params = authorization_params(begun)
    callback = google.authorize(params).callback_params
    completed = page.complete(begun, callback, "google-oauth2")
    request = APIRequestFactory().get("/")
    force_authenticate(request, grace)

    response = example["Events"].as_view()(request)

    assert params["scope"] == f"openid email profile {scope}"
    assert (params["access_type"], params["include_granted_scopes"]) == ("offline", "true")
    assert completed.status_code == 201, completed.data
    assert (scope in completed.data["scopes"]) is is_granted
    assert response.data == ({"events": [{"id": "event"}]} if is_granted else {"ask_for": scope})
    sent = [call.request.headers["Authorization"] for call in api.calls]
    token = grace.social_auth.get().extra_data["access_token"]
    assert sent == ([f"Bearer {token}"] if is_granted else [])


def test_calendar_example_asks_again_after_the_access_was_withdrawn(
    page: Frontend, grace: Any, wire: responses.RequestsMock
) -> None:
    example = run("class Events")
    scope = example["CALENDAR"]
    state = describe("revoked", TokenState(scopes=(scope,)))
    extra_data = {"access_token": "revoked", STATE: state}
    grace.social_auth.create(provider="google-oauth2", uid="1", extra_data=extra_data)
    wire.get(f"{GOOGLE_API}/calendar/v3/calendars/primary/events", status=401)
    request = APIRequestFactory().get("/")
    force_authenticate(request, grace)

    assert example["Events"].as_view()(request).data == {"ask_for": scope}


def test_settings_pass_the_checks(page: Frontend) -> None:
    assert run_checks() == []
    for provider, scope in (("github", "repo gist"), ("azuread-v2-tenant-oauth2", "Mail.Read")):
        asked = authorization_params(page.begin(provider, scope=scope))["scope"]
        assert set(scope.split()) <= {*asked.replace(",", " ").split()}


def test_example_of_the_error_body(page: Frontend, configure: Configure) -> None:
    (documented,) = (
        json.loads(block) for block in code_blocks(DOCS / "backend/more_access.rst", "json")
    )
    configure(REAUTHENTICATION=f"{RECIPES}.reauthentication.last_login_is_recent")

    body = page.begin("github").json()

    assert body.pop("error_id")
    assert documented.pop("error_id")
    assert body == documented


# --- Recent logins --------------------------------------------------------------------


@pytest.fixture
def receiver() -> Iterator[None]:
    """Connect the receiver of the recipe for one test."""
    user_logged_in.connect(reauthentication.store_login)
    yield
    user_logged_in.disconnect(reauthentication.store_login)


def begin(client: APIClient) -> Any:
    return Frontend(client=client, below="connect/").begin("github")


@pytest.mark.usefixtures("receiver")
def test_session_recipe(
    grace: Any, settings: Any, configure: Configure, openid: OpenIDProvider
) -> None:
    settings.MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ]
    route_account_views(settings, authentication=SESSION)
    configure(REAUTHENTICATION=f"{RECIPES}.reauthentication.session_is_recent")
    client = APIClient()
    client.force_login(grace)

    assert begin(client).status_code == 200

    session = client.session
    session["recent_login"] = {"user": str(grace.pk), "at": time.time() - 601}
    session.save()
    assert error(begin(client)) == (403, "reauthentication_required")
    Frontend(client=client).log_in(openid)  # Another user gets a token, in the same browser.
    assert error(begin(client)) == (403, "reauthentication_required")
    client.force_login(grace)
    assert begin(client).status_code == 200


@pytest.mark.usefixtures("receiver")
def test_session_recipe_leaves_logins_with_a_token_alone(
    frontend: Frontend, settings: Any, openid: OpenIDProvider
) -> None:
    settings.MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]

    response = frontend.log_in(openid)

    assert response.status_code == 201
    assert "sessionid" not in response.cookies


@pytest.mark.parametrize(
    ("seconds", "status"), [(None, 403), (5, 200), (590, 200), (610, 403)], ids=str
)
def test_last_login_recipe(
    seconds: int | None, status: int, grace: Any, configure: Configure
) -> None:
    configure(REAUTHENTICATION=f"{RECIPES}.reauthentication.last_login_is_recent")
    if seconds is not None:
        grace.last_login = timezone.now() - timedelta(seconds=seconds)
        grace.save()

    assert begin(logged_in(grace)).status_code == status


@pytest.mark.needs("knox")
def test_knox_recipe(grace: Any, settings: Any, configure: Configure) -> None:
    from knox.models import AuthToken

    route_account_views(settings, authentication="knox.auth.TokenAuthentication")
    configure(REAUTHENTICATION=f"{RECIPES}.reauthentication.knox_token_is_recent")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {AuthToken.objects.create(grace)[1]}")

    assert begin(client).status_code == 200
    AuthToken.objects.update(created=timezone.now() - timedelta(minutes=11))
    assert error(begin(client)) == (403, "reauthentication_required")


@pytest.mark.needs("rest_framework_simplejwt")
def test_jwt_recipe(grace: Any, settings: Any, configure: Configure) -> None:
    from rest_framework_simplejwt.tokens import RefreshToken

    example = run("SIMPLE_JWT")
    settings.SIMPLE_JWT = {
        name: path.replace("myproject", RECIPES) for name, path in example["SIMPLE_JWT"].items()
    }
    authentication = "rest_framework_simplejwt.authentication.JWTAuthentication"
    route_account_views(settings, authentication=authentication)
    configure(
        TOKEN_SERIALIZER="social_endpoints.tokens.JWTSerializer",
        **{
            name: path.replace("myproject", RECIPES)
            for name, path in example["SOCIAL_ENDPOINTS"].items()
        },
    )
    from docs.recipes.reauthentication_jwt import TokenPair

    refresh: Any = TokenPair.get_token(grace)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {refresh.access_token}")
    assert begin(client).status_code == 200

    refresh["auth_time"] -= 601
    renewed = RefreshToken(str(refresh)).access_token
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {renewed}")
    assert error(begin(client)) == (403, "reauthentication_required")
