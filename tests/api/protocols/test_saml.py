"""SAML: what the real server of tests/servers cannot be made to send, and the metadata."""

from __future__ import annotations

import io
import json
import re
from base64 import b64encode
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import social_core
from defusedxml import ElementTree
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_login_failed
from django.core.cache import cache
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.urls import include, path
from rest_framework.test import APIClient
from social_django.models import Nonce, UserSocialAuth

from tests.support.frontend import Frontend, error
from tests.support.saml_provider import (
    AUDIENCE,
    SSO_URL,
    STATUS,
    authn_request,
    identity_provider,
    respond,
    saml_settings,
)
from tests.support.signals import received
from tests.support.urlconf import urlconf

pytestmark = [pytest.mark.django_db, pytest.mark.needs("onelogin")]
User = get_user_model()
HOST = "api.example.com"
CALLBACK = "/auth/o/saml/callback/"


@pytest.fixture
def frontend(frontend: Frontend) -> Frontend:
    """Return a frontend of an API whose host name python3-saml accepts."""
    frontend.client.defaults["HTTP_HOST"] = HOST
    return frontend


@pytest.fixture(autouse=True)
def project(settings: Any) -> None:
    cache.clear()
    settings.ALLOWED_HOSTS = [HOST]
    settings.AUTHENTICATION_BACKENDS = [
        "social_core.backends.saml.SAMLAuth",
        "social_core.backends.github.GithubOAuth2",
    ]
    for name, value in saml_settings().items():
        setattr(settings, f"SOCIAL_AUTH_SAML_{name}", value)


def begin(frontend: Frontend, **query: str) -> tuple[Any, str]:
    begun = frontend.begin("saml", **{"idp": "first", **query})
    assert begun.status_code == 200, begun.data
    return begun, begun.data["authorization_url"]


def hand_off(posted: dict[str, str]) -> Any:
    client = APIClient(HTTP_HOST=HOST)
    return client.post(CALLBACK, posted, format="multipart", secure=True)


def complete(frontend: Frontend, begun: Any, posted: dict[str, str]) -> Any:
    """Post a response to the handoff and complete with what the page receives."""
    redirect = hand_off(posted)
    assert redirect.status_code == 303, redirect.content
    callback = dict(parse_qsl(urlsplit(redirect.headers["Location"]).query))
    return frontend.complete(begun, callback, "saml")


def test_login_with_handoff(frontend: Frontend) -> None:
    begun, url = begin(frontend)

    response = complete(frontend, begun, respond(url))

    assert url.startswith(SSO_URL)
    assert authn_request(url)["acs"] == f"https://{HOST}{CALLBACK}"
    assert response.status_code == 201, response.data
    assert User.objects.get().username == "ada"
    assert UserSocialAuth.objects.get().uid == "first:ada-at-idp"


def test_begin_stores_nothing_and_sends_a_valid_request_id(
    frontend: Frontend, settings: Any
) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    ids = [authn_request(begin(frontend)[1])["id"] for _ in range(20)]

    assert len(set(ids)) == 20
    for request_id in ids:  # XML Schema part 2 section 3.3.8
        assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]{,79}", request_id)


@pytest.mark.parametrize("request_id", ["_unknown", "_unknown.AAAA", "of the flow"])
def test_response_to_a_request_that_was_not_sent_is_not_handed_off(
    request_id: str, frontend: Frontend
) -> None:
    _, url = begin(frontend)
    if request_id == "of the flow":
        request_id = authn_request(url)["id"].partition(".")[0]

    assert hand_off(respond(url, request=request_id)).status_code == 400


# --- Begin ------------------------------------------------------------------------------


def test_only_identity_provider_is_the_default(frontend: Frontend, settings: Any) -> None:
    rejected = frontend.begin("saml")
    settings.SOCIAL_AUTH_SAML_ENABLED_IDPS = {"only": identity_provider()}

    assert rejected.status_code == 400
    assert "idp" in rejected.data
    assert frontend.begin("saml").status_code == 200


@pytest.mark.parametrize("name", ["unknown", "", "with:colon"])
def test_unknown_identity_provider_is_rejected(name: str, frontend: Frontend) -> None:
    begun = frontend.begin("saml", idp=name)

    assert error(begun) == (400, "invalid_parameter")
    assert "idp" in begun.data


def test_relay_state_does_not_contain_next(frontend: Frontend) -> None:
    _, url = begin(frontend, next="https://evil.example.com/")

    assert "evil" not in authn_request(url)["relay_state"]


def test_flow_is_below_500_bytes(frontend: Frontend) -> None:
    begun, _ = begin(frontend)

    token = begun.data.get("flow") or next(iter(begun.cookies.values())).value
    assert len(token) < 500


@pytest.mark.parametrize("name", ["SP_ENTITY_ID", "ENABLED_IDPS"])
def test_missing_setting_is_500(name: str, frontend: Frontend, settings: Any) -> None:
    delattr(settings, f"SOCIAL_AUTH_SAML_{name}")

    begun = frontend.begin("saml", idp="first")

    assert begun.status_code == 500
    assert begun.data["error_source"] == "configuration"


def test_settings_that_python3_saml_rejects_are_500(frontend: Frontend, settings: Any) -> None:
    settings.SOCIAL_AUTH_SAML_ENABLED_IDPS = {"first": {**identity_provider(), "url": "no URL"}}

    assert error(frontend.begin("saml", idp="first")) == (500, "invalid_setting")


def test_backend_with_own_identity_providers_needs_no_setting(
    frontend: Frontend, settings: Any
) -> None:
    del settings.SOCIAL_AUTH_SAML_ENABLED_IDPS
    settings.AUTHENTICATION_BACKENDS = ["tests.support.saml_lookup.LookupSAMLAuth"]

    begun = frontend.begin("saml", idp="any")

    assert begun.status_code == 200, begun.data
    assert "social_endpoints.W002" not in {message.id for message in run_checks()}


# --- Complete ---------------------------------------------------------------------------


def test_response_posted_by_frontend_is_accepted(frontend: Frontend) -> None:
    begun, url = begin(frontend)

    assert frontend.complete(begun, respond(url), "saml").status_code == 201


def test_request_id_in_assertion_is_enough(frontend: Frontend) -> None:
    begun, url = begin(frontend)

    assert complete(frontend, begun, respond(url, inner_only=True)).status_code == 201


@pytest.mark.parametrize("values", [{"signed_by": None}, {"issuer": "https://other.example.com"}])
def test_invalid_response_is_rejected_without_output(
    values: dict[str, Any], frontend: Frontend, capsys: pytest.CaptureFixture[str]
) -> None:
    begun, url = begin(frontend)

    with received(user_login_failed) as failed:
        response = complete(frontend, begun, respond(url, **values))

    assert error(response) == (400, "malformed_response")
    assert len(failed) == 1
    assert not User.objects.exists()
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("has_own_state", [False, True])
def test_response_to_another_login_selects_its_flow(
    has_own_state: bool, frontend: Frontend
) -> None:
    begun, url = begin(frontend)
    _, other_url = begin(frontend)
    state = {"state": authn_request(url)["id"]} if has_own_state else {}

    response = frontend.complete(begun, {**respond(other_url), **state}, "saml")

    # A browser holds the cookies of both logins, and in the body is the flow of the wrong one.
    is_selected = frontend.transport == "cookie"
    assert response.status_code == (201 if is_selected else 400)
    assert User.objects.count() == is_selected


@pytest.mark.parametrize("allowed", [False, True])
@pytest.mark.parametrize("state", [None, "", "of the flow"])
def test_response_without_request_is_rejected(
    state: str | None, allowed: bool, frontend: Frontend, settings: Any
) -> None:
    """Login CSRF: a response that an attacker obtained from the provider."""
    settings.SOCIAL_AUTH_SAML_ALLOW_IDP_INITIATED = allowed
    begun, url = begin(frontend)
    callback = respond(url, request="")
    if state is not None:
        callback["state"] = state and authn_request(url)["id"]

    response = frontend.complete(begun, callback, "saml")

    assert error(response) == (400, "state_mismatch")
    assert not User.objects.exists()
    # The flow is not used up.
    assert frontend.complete(begun, respond(url), "saml").status_code == 201


@pytest.mark.parametrize(
    "response",
    [
        "",
        "no base64",
        "é",
        b64encode(b"<xml").decode(),
        b64encode(b"\xff").decode(),
        b64encode(b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>').decode(),
        b64encode(b'<?xml version="1.0" encoding="xyz"?><a/>').decode(),
        b64encode(b'<?xml version="1.0" encoding="rot13"?><a/>').decode(),
    ],
)
def test_malformed_response_is_rejected(response: str, frontend: Frontend) -> None:
    begun, url = begin(frontend)
    callback = {"SAMLResponse": response, "state": authn_request(url)["id"]}

    assert hand_off({"SAMLResponse": response}).status_code == 400
    assert frontend.complete(begun, callback, "saml").status_code == 400
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("status", "code", "recovery"),
    [
        ("RequestDenied", "authorization_declined", "none"),
        ("AuthnFailed", "reauthentication_required", "reauthenticate"),
        ("NoPassive", "reauthentication_required", "reauthenticate"),
        ("Responder", "unavailable", "retry_later"),
        ("VersionMismatch", "malformed_response", "contact_administrator"),
    ],
)
def test_status_of_response_has_specific_code_and_leaves_the_login_open(
    status: str, code: str, recovery: str, frontend: Frontend
) -> None:
    begun, url = begin(frontend)

    response = complete(frontend, begun, respond(url, status=STATUS + status))

    assert error(response) == (400, code)
    assert response.data["error_recovery"] == recovery
    assert not Nonce.objects.exists()
    assert complete(frontend, begun, respond(url)).status_code == 201


@pytest.mark.parametrize(
    "relay_state", [None, "", "[]", "{", '{"idp": "unknown"}', '{"idp": 5}', '{"idp": "second"}']
)
def test_changed_relay_state_is_rejected(relay_state: str | None, frontend: Frontend) -> None:
    begun, url = begin(frontend)
    posted = respond(url)
    del posted["RelayState"]
    if relay_state is not None:
        posted["RelayState"] = relay_state

    assert complete(frontend, begun, posted).status_code == 400
    assert not User.objects.exists()


def test_session_in_relay_state_does_not_replace_flow(frontend: Frontend) -> None:
    begun, url = begin(frontend)
    relay_state = json.dumps({"idp": "first", "psa_session_id": "of-another-user"})

    response = complete(frontend, begun, {**respond(url), "RelayState": relay_state})

    # social-core 6 restores a session from it; social-core 7 ignores it.
    is_ignored = not social_core.__version__.startswith("6.")
    assert response.status_code == (201 if is_ignored else 400)


def test_callback_without_response_needs_handoff_code(frontend: Frontend) -> None:
    begun, _ = begin(frontend)

    response = frontend.complete(begun, {"RelayState": "{}"}, "saml")

    required = ["This field is required."]
    assert response.status_code == 400
    assert (response.data["code"], response.data["state"]) == (required, required)


# --- The metadata -----------------------------------------------------------------------


def metadata(*arguments: str) -> str:
    output = io.StringIO()
    call_command("saml_metadata", *arguments, stdout=output)
    return output.getvalue()


@pytest.mark.parametrize("origin", [f"https://{HOST}", f"https://{HOST}/"])
def test_metadata_contains_handoff_url(origin: str) -> None:
    root = ElementTree.fromstring(metadata(origin))

    name = "{urn:oasis:names:tc:SAML:2.0:metadata}AssertionConsumerService"
    (service,) = root.iter(name)
    assert root.get("entityID") == AUDIENCE
    assert service.get("Location") == f"https://{HOST}{CALLBACK}"
    assert service.get("Binding") == "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([HOST], "https://"),
        ([f"https://{HOST}", "--provider", "unknown"], "not supported"),
        ([f"https://{HOST}", "--provider", "github"], "SAML"),
    ],
)
def test_metadata_with_invalid_arguments_is_an_error(arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        metadata(*arguments)


@pytest.mark.parametrize("entity_id", ["", "x" * 2_000])
def test_metadata_with_invalid_settings_is_an_error(entity_id: str, settings: Any) -> None:
    settings.SOCIAL_AUTH_SAML_SP_ENTITY_ID = entity_id

    with pytest.raises(CommandError, match="settings of 'saml': "):
        metadata(f"https://{HOST}")


def test_metadata_of_an_include_in_a_namespace(settings: Any) -> None:
    endpoints = path("v1/", include(("social_endpoints.urls", "social"), namespace="v1"))
    settings.ROOT_URLCONF = urlconf(endpoints)

    assert f"https://{HOST}/v1/o/saml/callback/" in metadata(f"https://{HOST}")


def test_metadata_of_an_include_with_a_parameter_is_an_error(settings: Any) -> None:
    settings.ROOT_URLCONF = urlconf(path("<slug:tenant>/auth/", include("social_endpoints.urls")))

    with pytest.raises(CommandError, match="included"):
        metadata(f"https://{HOST}")
