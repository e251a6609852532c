"""Parameters of a completion: where in the request they may be."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.configuration import Configure
from tests.support.frontend import Frontend, error
from tests.support.openid_provider import OpenIDProvider

pytestmark = pytest.mark.django_db
PATH = "/auth/o/oidc/"
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize("encoding", ["json", "form", "multipart", "query", "query and stray JSON"])
def test_parameters_are_accepted_in_each_encoding(
    encoding: str, frontend: Frontend, openid: OpenIDProvider
) -> None:
    begun, callback = frontend.authorize(openid)
    flow = {"flow": begun.data["flow"]} if frontend.transport == "body" else {}
    in_query = f"{PATH}?{urlencode(callback)}"
    stray = {"headers": {"Content-Type": "application/json"}, "withCredentials": True}
    path, data, extra = {
        "json": (PATH, callback | flow, {"format": "json"}),
        "form": (PATH, urlencode(callback | flow), {"content_type": FORM}),
        "multipart": (PATH, callback | flow, {"format": "multipart"}),
        "query": (in_query, urlencode(flow), {"content_type": FORM}),
        "query and stray JSON": (in_query, stray | flow, {"format": "json"}),
    }[encoding]

    response = frontend.client.post(path, data, secure=True, **extra)

    assert response.status_code == 201, response.data


def test_body_wins_over_query_and_last_value_of_a_repeated_parameter_counts(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    begun, callback = frontend.authorize(openid)
    body = urlencode([("code", "first"), *callback.items(), ("flow", begun.data.get("flow", ""))])

    response = frontend.client.post(
        f"{PATH}?state=other&code=other", body, content_type=FORM, secure=True
    )

    assert response.status_code == 201, response.data


def test_flow_in_the_query_string_is_ignored(openid: OpenIDProvider, configure: Configure) -> None:
    configure(FLOW_TRANSPORT="body")
    frontend = Frontend("body")
    begun, callback = frontend.authorize(openid)

    response = frontend.client.post(
        f"{PATH}?flow={begun.data['flow']}", callback, format="json", secure=True
    )

    assert error(response) == (400, "session_context_missing")
    assert "contains no flow" in response.data["non_field_errors"][0]


def plain_query(get_response: Any) -> Any:
    """A middleware that replaces the query with a dictionary of values or of lists."""

    def middleware(request: Any) -> Any:
        query = request.GET.dict()
        request.GET = dict(request.GET) if "lists" in query else query
        return get_response(request)

    return middleware


@pytest.mark.parametrize("query", [{}, {"lists": "1"}])
def test_query_may_be_a_plain_dictionary(
    query: dict[str, str], frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.MIDDLEWARE = [f"{__name__}.plain_query"]
    begun = frontend.begin(**query)
    callback = openid.authorize(begun.data["authorization_url"])
    path = f"{PATH}?{urlencode({**callback, **query})}"

    body = {"flow": begun.data.get("flow", "")}
    response = frontend.client.post(path, body, format="json", secure=True)

    assert response.status_code == 201, response.data
