"""An OpenID 2.0 provider on python3-openid's server.

It confirms whatever identity it is asked for, also one of another server: that a
provider tells the truth is not for it to say.
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

from example_project.provider import demo
from tests.servers.providers.pages import consent, is_allowed

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


def choose_identity(request: HttpRequest) -> HttpResponse:
    """The provider itself: which identity it is, the user chooses at the provider."""
    body = XRDS.format(endpoint=endpoint_of(request))
    return HttpResponse(body, content_type="application/xrds+xml")


def endpoint(request: HttpRequest) -> HttpResponse:
    here = server(endpoint_of(request))
    sent = request.POST.dict() or request.GET.dict()
    try:
        asked = here.decodeRequest(sent)
    except ProtocolError as error:
        return HttpResponse(str(error), status=400)
    if asked.mode not in {"checkid_setup", "checkid_immediate"}:
        return encoded(here, here.handleRequest(asked))
    if "answer" not in sent:
        return consent("OpenID 2.0 provider", sent)
    return encoded(here, decision(request, asked))


def decision(request: HttpRequest, asked: Any) -> Any:
    user, chosen = request.POST["user"], None
    if asked.identity == IDENTIFIER_SELECT:
        chosen = request.build_absolute_uri(f"/{user}")
    answer = asked.answer(is_allowed(request), identity=chosen, claimed_id=chosen)
    profile = {"nickname": user, "email": demo.EMAIL, "fullname": "Ada Lovelace"}
    if is_allowed(request):
        wanted = SRegRequest.fromOpenIDRequest(asked)
        answer.addExtension(SRegResponse.extractResponse(wanted, profile))
    return answer


def encoded(here: Server, answer: Any) -> HttpResponse:
    web = here.encodeResponse(answer)
    return HttpResponse(web.body, status=web.code, headers=web.headers)


def endpoint_of(request: HttpRequest) -> str:
    return request.build_absolute_uri("/openid")


urlpatterns = [
    path("", choose_identity),
    path("openid", endpoint),
    path("<slug:user>", identity),
]
