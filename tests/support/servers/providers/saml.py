"""A SAML identity provider made with pysaml2.

Its only knowledge of the site is the site's metadata. The parameter ``lie`` makes it send
responses that the site must reject.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.authn_context import PASSWORD
from saml2.config import IdPConfig
from saml2.saml import NAME_FORMAT_URI, NAMEID_FORMAT_PERSISTENT, NameID
from saml2.samlp import STATUS_REQUEST_DENIED
from saml2.server import Server

from example_project.local import DATA
from tests.support.servers.addresses import addresses
from tests.support.servers.providers.pages import consent_page, is_allowed
from tests.support.servers.toolkit import demo

ENTITY_ID = f"{addresses.provider('saml')}/metadata"
SSO = f"{addresses.provider('saml')}/sso"
SITE_METADATA = DATA / "site-metadata.xml"

LIES: dict[str, dict[str, Any]] = {
    "unsigned": {"sign_response": False, "sign_assertion": False},
    "no-request": {"in_response_to": None},
    "other-request": {"in_response_to": "id-of-another-request"},
    "other-destination": {"destination": "http://localhost/elsewhere"},
    "other-audience": {"sp_entity_id": "https://another.example.com/"},
}
OTHER_SITE = """<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata"
 entityID="https://another.example.com/"><SPSSODescriptor
 protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><AssertionConsumerService
 Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" index="0"
 Location="https://another.example.com/acs"/></SPSSODescriptor></EntityDescriptor>
"""


@lru_cache
def server(key: str = "saml", minutes: int = 5) -> Server:
    """Return the provider.

    :param key: file name of the key that signs.
    :param minutes: lifetime of its responses.
    """
    policy = {"default": {"lifetime": {"minutes": minutes}, "name_form": NAME_FORMAT_URI}}
    endpoints = {"single_sign_on_service": [(SSO, BINDING_HTTP_REDIRECT)]}
    config = IdPConfig().load(
        {
            "entityid": ENTITY_ID,
            "service": {"idp": {"endpoints": endpoints, "policy": policy}},
            "metadata": {"local": [str(SITE_METADATA)], "inline": [OTHER_SITE]},
            "key_file": str(DATA / f"{key}.key"),
            "cert_file": str(DATA / f"{key}.crt"),
        }
    )
    return Server(config=config)


def sso(request: HttpRequest) -> HttpResponse:
    if request.method == "GET":
        # Raises an exception for requests that do not come from the site of its metadata.
        parse(request.GET["SAMLRequest"])
        return consent_page("SAML identity provider", request.GET.dict())
    lie = request.POST.get("lie", "")
    here = server("other" if lie == "other-key" else "saml", -60 if lie == "expired" else 5)
    arguments = here.response_args(parse(request.POST["SAMLRequest"]))
    recipient = arguments["destination"]
    arguments |= {"sign_response": True, "sign_assertion": True, **LIES.get(lie, {})}
    if is_allowed(request):
        response = str(confirmation(here, arguments, request.POST["user"]))
    else:
        response = str(refusal(here, arguments))
    relay_state = request.POST.get("RelayState", "")
    page = here.apply_binding(BINDING_HTTP_POST, response, recipient, relay_state, response=True)
    return HttpResponse(page["data"])


def parse(saml_request: str) -> Any:
    return server().parse_authn_request(saml_request, BINDING_HTTP_REDIRECT).message


def confirmation(here: Server, arguments: dict[str, Any], user: str) -> Any:
    identity = {"uid": user, "mail": demo.EMAIL, "givenName": "Ada", "sn": "Lovelace"}
    return here.create_authn_response(
        identity,
        name_id=NameID(format=NAMEID_FORMAT_PERSISTENT, text=f"{user}-at-this-provider"),
        authn={"class_ref": PASSWORD, "authn_auth": ENTITY_ID},
        **arguments,
    )


def refusal(here: Server, arguments: dict[str, Any]) -> Any:
    status = (STATUS_REQUEST_DENIED, "The user has declined.")
    return here.create_error_response(
        arguments["in_response_to"], arguments["destination"], info=status, sign=True
    )


urlpatterns = [path("sso", sso)]
