"""An OpenID 2.0 provider made with python3-openid's server.

It confirms every identity, including those of other servers. The site must not trust it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path
from openid.extensions.sreg import SRegRequest, SRegResponse
from openid.message import IDENTIFIER_SELECT
from openid.server.server import ProtocolError, Server
from openid.store.memstore import MemoryStore

from tests.support.servers.providers.pages import consent_page, is_allowed
from tests.support.servers.toolkit import demo

IDENTITY_PAGE = """<!doctype html>
<html lang="en">
<head>
<title>{user}</title>
<link rel="openid2.provider" href="{endpoint}">
</head>
<body></body>
</html>
"""
XRDS = """<?xml version="1.0" encoding="UTF-8"?>
<xrds:XRDS xmlns:xrds="xri://$xrds" xmlns="xri://$xrd*($v*2.0)"><XRD>
<Service><Type>http://specs.openid.net/auth/2.0/server</Type><URI>{endpoint}</URI></Service>
</XRD></xrds:XRDS>
"""


@lru_cache
def server(endpoint: str) -> Server:
    return Server(MemoryStore(), op_endpoint=endpoint)


def identity(request: HttpRequest, user: str) -> HttpResponse:
    return HttpResponse(IDENTITY_PAGE.format(user=user, endpoint=endpoint_of(request)))


def identity_select(request: HttpRequest) -> HttpResponse:
    """Describe the provider itself. Users select their identity there (section 7.3.1)."""
    body = XRDS.format(endpoint=endpoint_of(request))
    return HttpResponse(body, content_type="application/xrds+xml")


def endpoint(request: HttpRequest) -> HttpResponse:
    here = server(endpoint_of(request))
    params = request.POST.dict() or request.GET.dict()
    try:
        openid_request = here.decodeRequest(params)
    except ProtocolError as error:
        return HttpResponse(str(error), status=400)
    if openid_request.mode not in {"checkid_setup", "checkid_immediate"}:
        return encode(here, here.handleRequest(openid_request))
    if "answer" not in params:
        return consent_page("OpenID 2.0 provider", params)
    return encode(here, assertion(request, openid_request))


def assertion(request: HttpRequest, openid_request: Any) -> Any:
    user, selected = request.POST["user"], None
    if openid_request.identity == IDENTIFIER_SELECT:
        selected = request.build_absolute_uri(f"/{user}")
    response = openid_request.answer(is_allowed(request), identity=selected, claimed_id=selected)
    profile = {"nickname": user, "email": demo.EMAIL, "fullname": "Ada Lovelace"}
    if is_allowed(request):
        fields = SRegRequest.fromOpenIDRequest(openid_request)
        response.addExtension(SRegResponse.extractResponse(fields, profile))
    return response


def encode(here: Server, response: Any) -> HttpResponse:
    encoded = here.encodeResponse(response)
    return HttpResponse(encoded.body, status=encoded.code, headers=encoded.headers)


def endpoint_of(request: HttpRequest) -> str:
    return request.build_absolute_uri("/openid")


urlpatterns = [
    path("", identity_select),
    path("openid", endpoint),
    path("<slug:user>", identity),
]
