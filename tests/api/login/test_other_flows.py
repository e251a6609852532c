"""Flows of another version of this package, after an update or a rollback."""

from __future__ import annotations

from typing import Any

import pytest

from social_endpoints.internal.flows.flow import CONNECT, LOGIN, Flow
from social_endpoints.internal.flows.token import open_flow
from tests.support.accounts import logged_in, user_with
from tests.support.frontend import REDIRECT_URI, Frontend, error
from tests.support.openid_provider import OpenIDProvider
from tests.support.other_flows import other_flows
from tests.support.pipeline import ASK_NAME, BEFORE_CREATE_USER, pipeline_with

pytestmark = pytest.mark.django_db

MISSING = (400, "session_context_missing")


@pytest.mark.parametrize("endpoint", ["complete", "connect", "resume"])
def test_flow_of_another_version_is_a_missing_flow(
    endpoint: str, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    if endpoint == "connect":
        frontend.client, frontend.below = logged_in(user_with()), "connect/"
    elif endpoint == "resume":
        settings.SOCIAL_AUTH_PIPELINE = pipeline_with((BEFORE_CREATE_USER, ASK_NAME))
    begun, body = frontend.authorize(openid)
    if endpoint == "resume":
        begun = frontend.complete(begun, body)
        body = {"partial_token": begun.data["partial_token"], "name": "Ada"}
    valid = sealed_in(begun, frontend)
    purpose = CONNECT if endpoint == "connect" else LOGIN
    flow = open_flow(valid, provider="oidc", purpose=purpose)
    assert flow is not None

    for name, token in other_flows(flow).items():
        store(token, begun, frontend)
        refused = frontend.complete(begun, body)
        assert error(refused) == MISSING, name
        assert refused.data["error_recovery"] == "restart_login"
        assert refused.headers["Content-Type"] == "application/json"
    store(valid, begun, frontend)
    assert frontend.complete(begun, body).status_code == 201


def sealed_in(begun: Any, frontend: Frontend) -> str:
    """Return the flow in a response."""
    if frontend.transport == "body":
        return str(begun.data["flow"])
    return next(str(cookie.value) for cookie in begun.cookies.values() if cookie.value)


def store(token: str, begun: Any, frontend: Frontend) -> None:
    """Replace the flow in a response and in the cookies of the browser."""
    if frontend.transport == "body":
        begun.data["flow"] = token
    for name, cookie in begun.cookies.items():
        if cookie.value:
            frontend.client.cookies[name] = token


def test_cookies_of_other_versions_are_dropped_first(openid: OpenIDProvider) -> None:
    frontend = Frontend("cookie")
    flows = other_flows(Flow("oidc", LOGIN, REDIRECT_URI))
    for number, token in enumerate(flows.values()):
        frontend.client.cookies[f"__Host-auth_flow_{number:016}"] = token
    logins = [frontend.authorize(openid) for _ in range(4)]

    assert len([cookie for cookie in frontend.client.cookies.values() if cookie.value]) == 5
    for begun, callback in logins:
        assert frontend.complete(begun, callback).status_code == 201
