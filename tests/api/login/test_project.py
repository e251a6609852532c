"""What a project may change: strategy, view, exception handler, pipeline."""

from __future__ import annotations

import copy
import secrets
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_login_failed
from django.urls import include, path
from rest_framework.authtoken.models import Token
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import exception_handler
from social_core.backends.github import GithubOAuth2
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.backends.utils import load_backends
from social_core.exceptions import AuthProviderError
from social_core.pipeline.partial import partial
from social_django.models import Partial

from social_endpoints.strategy import Strategy
from social_endpoints.views import ProviderAuthView
from tests.support.configuration import Configure
from tests.support.frontend import REDIRECT_URI, Frontend
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import DEFAULT_PIPELINE

pytestmark = pytest.mark.django_db
User = get_user_model()


class TenantStrategy(Strategy):
    """Answers a provider's key per tenant, which is the subdomain here."""

    def get_setting(self, name: str) -> Any:
        if name == "SOCIAL_AUTH_GITHUB_KEY":
            return f"key-of-{self._require_request().get_host().split('.')[0]}"
        return super().get_setting(name)


class OwnView(ProviderAuthView):
    """A view that adds to the answer, as a project does."""

    def post(self, request: Request, provider: str) -> Response:
        response = super().post(request, provider)
        response.data["version"] = 1
        return response


urlpatterns = [
    path("auth/", include("social_endpoints.urls")),
    path("own/<str:provider>/", OwnView.as_view()),
]


def handle(exc: Exception, context: Any) -> Response | None:
    """Add the status to DRF's answer, as the best-known recipe does."""
    response = exception_handler(exc, context)
    if response is not None and isinstance(response.data, dict):
        response.data["status"] = response.status_code
    return response


def reshape(exc: Exception, context: Any) -> Response | None:
    """Answer in a shape of one's own."""
    response = exception_handler(exc, context)
    if response is not None:
        codes = exc.get_codes()  # type: ignore[attr-defined]  # an APIException of DRF's
        response.data = {"errors": [codes]}
    return response


def reshape_into_a_list(exc: Exception, context: Any) -> Response | None:
    """Answer in a shape that is no object."""
    response = reshape(exc, context)
    if response is not None:
        response.data = response.data["errors"]
    return response


def reject(**kwargs: Any) -> None:
    """Refuse a login in the words of the project."""
    raise ValidationError({"invitation": ["You need an invitation."]})


@partial
def ask_for_name(strategy: Any, details: Any, **kwargs: Any) -> Any:
    """Pause until the user has said a name."""
    name = strategy.request_data().get("name")
    if name == "nobody":
        raise ValidationError({"name": ["This is no name."]})
    if not name:
        return strategy.redirect("https://app.example.com/name")
    details["first_name"] = name
    return {"details": details}


def answer_with_a_page(strategy: Any, **kwargs: Any) -> Any:
    """Answer with a page, though the step is no partial one."""
    return strategy.html("<p>Not you.</p>")


def _with_step(settings: Any, step: str, position: int = 4) -> None:
    steps = list(DEFAULT_PIPELINE)
    steps.insert(position, f"tests.api.login.test_project.{step}")
    settings.SOCIAL_AUTH_PIPELINE = steps


def test_credentials_per_tenant(frontend: Frontend, settings: Any, configure: Configure) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    configure(STRATEGY="tests.api.login.test_project.TenantStrategy")
    for tenant in ("red", "blue"):
        answer = frontend.client.get(
            "/auth/o/github/",
            {"redirect_uri": REDIRECT_URI},
            headers={"Host": f"{tenant}.example.com"},
        )
        query = parse_qs(urlsplit(answer.data["authorization_url"]).query)
        assert query["client_id"] == [f"key-of-{tenant}"]


def test_a_view_of_the_project(frontend: Frontend, openid: OpenIDProvider, settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.api.login.test_project"
    begun = frontend.begin()
    body = openid.authorize(begun.data["authorization_url"])
    if frontend.transport == "body":
        body["flow"] = begun.data["flow"]

    answer = frontend.client.post("/own/oidc/", body, format="json", secure=True)

    assert answer.status_code == 201
    assert answer.json() == {"token": Token.objects.get().key, "version": 1}


def test_an_exception_handler_of_the_project(frontend: Frontend, settings: Any) -> None:
    settings.REST_FRAMEWORK = {"EXCEPTION_HANDLER": "tests.api.login.test_project.handle"}
    answer = frontend.post({"code": "c", "state": "s"})
    assert answer.data["error_code"] == "session_context_missing"
    assert answer.data["status"] == 400
    assert "detail" not in answer.data

    settings.REST_FRAMEWORK = {"EXCEPTION_HANDLER": "tests.api.login.test_project.reshape"}
    answer = frontend.post({"code": "c", "state": "s"})
    assert answer.data == {"errors": ["session_context_missing"]}

    handler = "tests.api.login.test_project.reshape_into_a_list"
    settings.REST_FRAMEWORK = {"EXCEPTION_HANDLER": handler}
    answer = frontend.post({"code": "c", "state": "s"})
    assert answer.data == ["session_context_missing"]


def test_a_step_refuses_in_its_own_words(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    _with_step(settings, "reject")
    failed: list[Any] = []

    def on_failed(credentials: Any, **kwargs: Any) -> None:
        failed.append(credentials)

    user_login_failed.connect(on_failed)
    answer = frontend.log_in(openid)
    user_login_failed.disconnect(on_failed)

    assert failed == [{"provider": "oidc", "error_code": {"invitation": ["invalid"]}}]

    assert (answer.status_code, answer.data) == (400, {"invitation": ["You need an invitation."]})
    assert not User.objects.exists()


def test_a_login_pauses_and_continues(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    _with_step(settings, "ask_for_name")
    begun = frontend.begin()
    paused = frontend.complete(begun, openid.authorize(begun.data["authorization_url"]))

    assert paused.status_code == 202
    partial_token = paused.data["partial_token"]
    assert paused.data["redirect_to"] == "https://app.example.com/name"
    assert paused.data["fields"] is None
    assert not User.objects.exists()

    stranger = Frontend(frontend.transport)
    assert stranger.post({"partial_token": partial_token, "name": "Eve"}).status_code == 400
    wrong = frontend.complete(paused, {"partial_token": partial_token, "name": "nobody"})
    assert (wrong.status_code, wrong.data) == (400, {"name": ["This is no name."]})
    assert not User.objects.exists()

    kept = dict(frontend.client.cookies)
    answer = frontend.complete(paused, {"partial_token": partial_token, "name": "Augusta"})
    assert answer.status_code == 201
    assert User.objects.get().first_name == "Augusta"
    assert not Partial.objects.exists()

    frontend.client.cookies.update(kept)
    again = frontend.complete(paused, {"partial_token": partial_token, "name": "Augusta"})
    assert (again.status_code, again.data["error_code"]) == (400, "state_mismatch")


def test_a_login_pauses_again(frontend: Frontend, openid: OpenIDProvider, settings: Any) -> None:
    _with_step(settings, "ask_for_name")
    begun = frontend.begin()
    first = frontend.complete(begun, openid.authorize(begun.data["authorization_url"]))

    second = frontend.complete(first, {"partial_token": first.data["partial_token"]})
    assert second.status_code == 202
    assert second.data["partial_token"] != first.data["partial_token"]

    body = {"partial_token": second.data["partial_token"], "name": "Augusta"}
    assert frontend.complete(second, body).status_code == 201


def test_a_partial_token_of_another_login_continues_nothing(
    openid: OpenIDProvider, settings: Any, configure: Configure
) -> None:
    configure(FLOW_TRANSPORT="body")
    _with_step(settings, "ask_for_name")
    paused = []
    for subject in ("user-1", "user-2"):
        openid.claims["sub"] = openid.userinfo["sub"] = subject
        frontend = Frontend("body")
        begun = frontend.begin()
        callback = openid.authorize(begun.data["authorization_url"])
        paused.append(frontend.complete(begun, callback))

    victim, attacker = (answer.data["partial_token"] for answer in paused)
    for partial_token in (victim, "unknown"):
        answer = Frontend("body").complete(
            paused[1], {"partial_token": partial_token, "name": "Eve"}
        )
        assert answer.data["error_code"] == "session_context_missing"
    body = {"partial_token": attacker, "name": "Eve"}
    assert Frontend("body").complete(paused[1], body).status_code == 201


def test_who_is_deactivated_while_paused_gets_no_token_and_no_second_account(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    frontend.log_in(openid)
    _with_step(settings, "ask_for_name")
    begun = frontend.begin()
    paused = frontend.complete(begun, openid.authorize(begun.data["authorization_url"]))
    User.objects.update(is_active=False)

    body = {"partial_token": paused.data["partial_token"], "name": "Ada"}
    answer = frontend.complete(paused, body)

    assert answer.status_code == 400
    assert User.objects.count() == 1


def test_a_response_that_is_no_pause_is_no_login(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    _with_step(settings, "answer_with_a_page")

    answer = frontend.log_in(openid)

    assert (answer.status_code, answer.data["error_code"]) == (400, "authentication_disallowed")


def test_settings_that_cannot_be_imported(frontend: Frontend, settings: Any, caplog: Any) -> None:
    for name in ("TOKEN_SERIALIZER", "STRATEGY", "ALLOWED_REDIRECT_URIS"):
        settings.SOCIAL_ENDPOINTS = {
            "ALLOWED_REDIRECT_URIS": [REDIRECT_URI],
            "FLOW_TRANSPORT": frontend.transport,
            name: "nowhere.Nothing",
        }

        answer = frontend.begin("github")

        assert answer.status_code == 500
        assert answer.data["error_code"] == "invalid_setting"
        assert f"SOCIAL_ENDPOINTS['{name}']" in caplog.text


def hoard(strategy: Any, **kwargs: Any) -> Any:
    """Keep more than a flow can carry."""
    strategy.session_set("much", secrets.token_urlsafe(5_000))


def ban(user: Any, **kwargs: Any) -> None:
    """Deactivate the user, where the object at hand does not show it."""
    User.objects.filter(pk=user.pk).update(is_active=False)


def copy_storage(strategy: Any, **kwargs: Any) -> None:
    """Copy what one can get hold of."""
    assert copy.copy(strategy.storage).user is strategy.storage.user
    assert copy.copy(strategy.storage.nonce) == strategy.storage.nonce


def test_a_pause_that_no_cookie_can_carry_is_none(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    _with_step(settings, "ask_for_name")
    settings.SOCIAL_AUTH_PIPELINE.insert(0, "tests.api.login.test_project.hoard")

    answer = frontend.log_in(openid)

    assert (answer.status_code, answer.data["error_code"]) == (400, "invalid_parameter")
    assert not Partial.objects.exists()


def test_who_is_deactivated_by_a_step_gets_no_token(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    frontend.log_in(openid)
    _with_step(settings, "ban", position=9)

    answer = frontend.log_in(openid)

    assert (answer.status_code, answer.data["error_code"]) == (400, "authentication_disallowed")


def test_a_step_may_copy_the_storage(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    _with_step(settings, "copy_storage")

    assert frontend.log_in(openid).status_code == 201


class Broker(OpenIdConnectAuth):
    """A backend with a redirect URI and a way of asking of its own."""

    name = "oidc"

    def get_redirect_uri(self, state: str | None = None) -> str:
        return "https://broker.example.com/callback"

    def request(self, url: str, method: Any = "GET", *args: Any, **kwargs: Any) -> Any:
        return super().request(url, *args, method=method, **kwargs)

    def oidc_config(self) -> dict[str, Any]:
        return dict(self.request(self.oidc_config_url(), "GET").json())


def test_a_backend_that_overrides_what_we_override(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["tests.api.login.test_project.Broker"]

    begun = frontend.begin()

    query = parse_qs(urlsplit(begun.data["authorization_url"]).query)
    assert query["redirect_uri"] == ["https://broker.example.com/callback"]
    callback = openid.authorize(begun.data["authorization_url"])
    assert frontend.complete(begun, callback).status_code == 201


class Vaulted(GithubOAuth2):
    """A backend whose secret is kept by a server of its own, which is down."""

    def get_key_and_secret(self) -> tuple[str, str]:
        raise AuthProviderError(self, code="connection_failed", stage="begin")


def test_a_secret_that_cannot_be_fetched_is_no_wrong_setting(
    frontend: Frontend, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["tests.api.login.test_project.Vaulted"]

    answer = frontend.begin("github")

    assert (answer.status_code, answer.data["error_recovery"]) == (400, "retry_later")


def test_an_extra_argument_without_a_value_goes_out_as_core_has_it(
    frontend: Frontend, settings: Any
) -> None:
    settings.SOCIAL_AUTH_GITHUB_AUTH_EXTRA_ARGUMENTS = {"allow_signup": None, "login": 5}

    answer = frontend.begin("github", login="evil")

    assert answer.status_code == 200
    assert "allow_signup=None" in answer.data["authorization_url"]
    assert "login=5" in answer.data["authorization_url"]


def take_backends(strategy: Any, backend: Any, user: Any, **kwargs: Any) -> None:
    """Ask for the backend of this login, and for another one."""
    assert strategy.get_backend("oidc") is backend
    assert strategy.get_backend("github").name == "github"
    user.last_name = "was here"
    user.save()


def test_a_step_may_ask_for_any_backend(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    load_backends(settings.AUTHENTICATION_BACKENDS, force_load=True)
    settings.SOCIAL_AUTH_PIPELINE = [
        *DEFAULT_PIPELINE,
        "tests.api.login.test_project.take_backends",
    ]

    assert frontend.log_in(openid).status_code == 201
    assert User.objects.get().last_name == "was here"
