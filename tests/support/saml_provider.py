"""A SAML identity provider with signed responses."""

from __future__ import annotations

import datetime as dt
import zlib
from base64 import b64decode, b64encode
from typing import Any
from urllib.parse import parse_qs, urlsplit

from defusedxml import ElementTree

from tests.support.keys import key_and_certificate

ENTITY_ID = "https://idp.example.com/metadata"
SSO_URL = "https://idp.example.com/sso"
AUDIENCE = "https://api.example.com/saml"
STATUS = "urn:oasis:names:tc:SAML:2.0:status:"

# Times without fractions, in UTC: "2026-11-24T06:00:00Z".
RESPONSE = """<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"
 xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="response" Version="2.0"
 IssueInstant="{now}" Destination="{acs}"{in_response_to}>
<saml:Issuer>{issuer}</saml:Issuer>
<samlp:Status><samlp:StatusCode Value="{status}"/></samlp:Status>{assertion}</samlp:Response>"""

ASSERTION = """<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"
 xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 ID="assertion" Version="2.0" IssueInstant="{now}"><saml:Issuer>{issuer}</saml:Issuer>
<saml:Subject><saml:NameID>ada-at-idp</saml:NameID>
<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">
<saml:SubjectConfirmationData NotOnOrAfter="{end}" Recipient="{acs}"{in_response_to}/>
</saml:SubjectConfirmation></saml:Subject>
<saml:Conditions NotBefore="{start}" NotOnOrAfter="{end}"><saml:AudienceRestriction>
<saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions>
<saml:AuthnStatement AuthnInstant="{now}" SessionIndex="session"><saml:AuthnContext>
<saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password
</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>
<saml:Attribute Name="email"><saml:AttributeValue xsi:type="xs:string">ada@example.com
</saml:AttributeValue></saml:Attribute><saml:Attribute Name="username">
<saml:AttributeValue xsi:type="xs:string">ada</saml:AttributeValue></saml:Attribute>
</saml:AttributeStatement></saml:Assertion>"""


def identity_provider() -> dict[str, str]:
    """Return the settings of a site for this provider."""
    certificate = "".join(key_and_certificate("idp")[1].splitlines()[1:-1])
    return {
        "entity_id": ENTITY_ID,
        "url": SSO_URL,
        "x509cert": certificate,
        "attr_user_permanent_id": "name_id",
        "attr_username": "username",
        "attr_email": "email",
    }


def saml_settings() -> dict[str, Any]:
    """Return the settings of a site with two such providers, without their prefix."""
    key, certificate = key_and_certificate("site")
    contact = {"givenName": "Ada", "emailAddress": "ada@example.com"}
    organisation = {"name": "site", "displayname": "Site", "url": "https://api.example.com"}
    return {
        "SP_ENTITY_ID": AUDIENCE,
        "SP_PUBLIC_CERT": certificate,
        "SP_PRIVATE_KEY": key,
        "ORG_INFO": {"en-US": organisation},
        "TECHNICAL_CONTACT": contact,
        "SUPPORT_CONTACT": contact,
        "ENABLED_IDPS": {"first": identity_provider(), "second": identity_provider()},
    }


def authn_request(authorization_url: str) -> dict[str, str]:
    """Return the ``id``, ``acs`` (the URL for the response) and ``relay_state`` of a request."""
    query = parse_qs(urlsplit(authorization_url).query)
    request = ElementTree.fromstring(zlib.decompress(b64decode(query["SAMLRequest"][0]), -15))
    return {
        "id": request.get("ID"),
        "acs": request.get("AssertionConsumerServiceURL"),
        "relay_state": query["RelayState"][0],
    }


def respond(
    authorization_url: str, *, signed_by: str | None = "idp", **changes: Any
) -> dict[str, str]:
    """Sign in at the provider; return the form that the browser posts.

    :param signed_by: the name of the key that signs the assertion; None for no signature.
    :param changes: values of the response that replace the correct ones.
    """
    request = authn_request(authorization_url)
    now = dt.datetime.now(dt.UTC).replace(microsecond=0, tzinfo=None)
    minutes = dt.timedelta(minutes=changes.pop("minutes", 0))
    values = {
        "issuer": ENTITY_ID,
        "audience": AUDIENCE,
        "acs": request["acs"],
        "request": request["id"],
        "status": f"{STATUS}Success",
        "now": f"{now.isoformat()}Z",
        "start": f"{(now + minutes - dt.timedelta(minutes=5)).isoformat()}Z",
        "end": f"{(now + minutes + dt.timedelta(minutes=5)).isoformat()}Z",
        **changes,
    }
    request_id = values["request"]
    values["in_response_to"] = f' InResponseTo="{request_id}"' if request_id else ""
    assertion = ASSERTION.format(**values)
    if signed_by:
        assertion = _signed(assertion, *key_and_certificate(signed_by))
    if not values["status"].endswith("Success"):
        assertion = ""
    outer = {**values, **({"in_response_to": ""} if changes.get("inner_only") else {})}
    response = RESPONSE.format(**outer, assertion=assertion)
    posted = {"SAMLResponse": b64encode(response.encode()).decode()}
    return {**posted, "RelayState": request["relay_state"]}


def _signed(xml: str, key: str, certificate: str) -> str:
    # An optional dependency.
    from onelogin.saml2.utils import OneLogin_Saml2_Utils

    signed: bytes = OneLogin_Saml2_Utils.add_sign(
        xml,
        key,
        certificate,
        sign_algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        digest_algorithm="http://www.w3.org/2001/04/xmlenc#sha256",
    )
    return signed.decode()
