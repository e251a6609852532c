"""An OpenID 2.0 provider on the simulated network, with real signatures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import responses
from openid.consumer.discover import OPENID_2_0_TYPE, OPENID_IDP_2_0_TYPE
from openid.extensions import sreg
from openid.message import Message
from openid.server.server import Server
from openid.store.memstore import MemoryStore

XRDS = """<?xml version="1.0" encoding="UTF-8"?>
<xrds:XRDS xmlns:xrds="xri://$xrds" xmlns="xri://$xrd*($v*2.0)"><XRD><Service priority="0">
<Type>{type}</Type><URI>{endpoint}</URI></Service></XRD></xrds:XRDS>"""


@dataclass
class OpenID2Provider:
    """An OpenID 2.0 provider with one user.

    :ivar profile: the user's attributes.
    :ivar unsigned: the names of fields that it does not sign.
    :ivar requests: the modes of the direct requests that it received.
    """

    wire: responses.RequestsMock
    url: str = "https://openid.example.com"
    profile: dict[str, str] = field(
        default_factory=lambda: {"fullname": "Ada Lovelace", "email": "ada@example.com"}
    )
    unsigned: set[str] = field(default_factory=set)
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.endpoint = f"{self.url}/server"
        self.identity = f"{self.url}/ada"
        self._server = Server(MemoryStore(), self.endpoint)
        self.add_page(f"{self.url}/", is_identity=False)
        self.add_page(self.identity, is_identity=True)
        self.wire.add_callback("POST", self.endpoint, callback=self._direct)

    def add_page(self, url: str, *, is_identity: bool) -> None:
        """Add the discovery document of an identity, or of a provider that selects one."""
        type_uri = OPENID_2_0_TYPE if is_identity else OPENID_IDP_2_0_TYPE
        body = XRDS.format(type=type_uri, endpoint=self.endpoint)
        self.wire.get(url, body=body, content_type="application/xrds+xml")

    def authorize(self, authorization_url: str, *, allow: bool = True) -> dict[str, str]:
        """Sign in, or decline, at the provider; return the parameters of the callback."""
        request = self._server.decodeRequest(dict(parse_qsl(urlsplit(authorization_url).query)))
        response = request.answer(allow, identity=self.identity)
        if allow:
            asked = sreg.SRegRequest.fromOpenIDRequest(request)
            response.addExtension(sreg.SRegResponse.extractResponse(asked, self.profile))
        location = self._server.encodeResponse(response).headers["location"]
        callback = dict(parse_qsl(urlsplit(location).query))
        return self._signed_in_part(callback) if self.unsigned else callback

    def _signed_in_part(self, callback: dict[str, str]) -> dict[str, str]:
        names = set(callback["openid.signed"].split(",")) - self.unsigned
        callback = {**callback, "openid.signed": ",".join(sorted(names))}
        association = self._server.signatory.getAssociation(callback["openid.assoc_handle"], True)
        signature = association.getMessageSignature(Message.fromPostArgs(callback))
        return {**callback, "openid.sig": signature.decode()}

    def _direct(self, request: Any) -> tuple[int, dict[str, str], str]:
        body = request.body if isinstance(request.body, str) else request.body.decode()
        asked = dict(parse_qsl(body))
        self.requests.append(asked["openid.mode"])
        answer = self._server.handleRequest(self._server.decodeRequest(asked))
        encoded = self._server.encodeResponse(answer)
        return encoded.code, {"Content-Type": "text/plain"}, encoded.body
