"""A SAML identity provider, whose answers are really signed.

A case like those of :mod:`tests.providers.answers`, and to be imported as late.
"""

from __future__ import annotations

import time
import zlib
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from lxml import etree
from social_core.tests.backends.base import BaseBackendTest

from tests.openid_provider import signing_key
from tests.providers.answers import EMAIL

IDP = "https://idp.example.com/metadata"
SP = "https://api.example.com/metadata"

_RESPONSE = """\
<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"
    xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_response" Version="2.0"
    IssueInstant="{now}" Destination="{acs}" InResponseTo="{request}">
  <saml:Issuer>{idp}</saml:Issuer>
  <samlp:Status>
    <samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/>
  </samlp:Status>
  <saml:Assertion ID="_assertion" Version="2.0" IssueInstant="{now}">
    <saml:Issuer>{idp}</saml:Issuer>
    <saml:Subject>
      <saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">ada</saml:NameID>
      <saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">
        <saml:SubjectConfirmationData Recipient="{acs}" NotOnOrAfter="{after}"
            InResponseTo="{request}"/>
      </saml:SubjectConfirmation>
    </saml:Subject>
    <saml:Conditions NotBefore="{now}" NotOnOrAfter="{after}">
      <saml:AudienceRestriction><saml:Audience>{sp}</saml:Audience></saml:AudienceRestriction>
    </saml:Conditions>
    <saml:AuthnStatement AuthnInstant="{now}" SessionIndex="_session">
      <saml:AuthnContext>
        <saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef>
      </saml:AuthnContext>
    </saml:AuthnStatement>
    <saml:AttributeStatement>
      <saml:Attribute Name="uid"><saml:AttributeValue>7</saml:AttributeValue></saml:Attribute>
      <saml:Attribute Name="login"><saml:AttributeValue>ada</saml:AttributeValue></saml:Attribute>
      <saml:Attribute Name="mail"><saml:AttributeValue>{mail}</saml:AttributeValue></saml:Attribute>
    </saml:AttributeStatement>
  </saml:Assertion>
</samlp:Response>"""


class SAML(BaseBackendTest):  # type: ignore[misc]  # it is not there for the type checker
    """A login with a SAML identity provider, which posts its answer."""

    backend_path = "social_core.backends.saml.SAMLAuth"
    complete_url = "http://myapp.com/complete/saml"
    expected_username = "ada"

    def extra_settings(self) -> dict[str, Any]:
        contact = {"givenName": "Ada", "emailAddress": EMAIL}
        site = {"name": "site", "displayname": "Site", "url": "https://api.example.com"}
        idp = {
            "entity_id": IDP,
            "url": "https://idp.example.com/sso",
            "x509cert": certificate().decode(),
            "attr_user_permanent_id": "uid",
            "attr_username": "login",
            "attr_email": "mail",
        }
        return {
            "SOCIAL_AUTH_SAML_SP_ENTITY_ID": SP,
            "SOCIAL_AUTH_SAML_SP_PUBLIC_CERT": "",
            "SOCIAL_AUTH_SAML_SP_PRIVATE_KEY": "",
            "SOCIAL_AUTH_SAML_ORG_INFO": {"en-US": site},
            "SOCIAL_AUTH_SAML_TECHNICAL_CONTACT": contact,
            "SOCIAL_AUTH_SAML_SUPPORT_CONTACT": contact,
            "SOCIAL_AUTH_SAML_ENABLED_IDPS": {"site": idp},
        }

    def do_start(self) -> Any:
        self.strategy.set_request_data({"idp": "site"}, self.backend)
        query = parse_qs(urlsplit(self.backend.start().url).query)
        asked = etree.fromstring(zlib.decompress(b64decode(query["SAMLRequest"][0]), -15))
        answer = signed_response(asked.get("ID"), asked.get("AssertionConsumerServiceURL"))
        posted = {"SAMLResponse": answer, "RelayState": query["RelayState"][0]}
        self.strategy.set_request_data(posted, self.backend)
        return self.backend.complete()


def signed_response(request: str, acs: str) -> str:
    """Return what an identity provider answers to a request.

    :param acs: the assertion consumer service: where the answer is posted to.
    """
    moment = datetime.fromtimestamp(time.time(), UTC)
    text = _RESPONSE.format(
        now=f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        after=f"{moment + timedelta(minutes=5):%Y-%m-%dT%H:%M:%SZ}",
        request=request,
        acs=acs,
        idp=IDP,
        sp=SP,
        mail=EMAIL,
    )
    root = etree.fromstring(text.encode())
    _sign(root.find("{urn:oasis:names:tc:SAML:2.0:assertion}Assertion"))
    return b64encode(etree.tostring(root)).decode()


def _sign(assertion: Any) -> None:
    transforms = xmlsec.constants
    signature = xmlsec.template.create(
        assertion, transforms.TransformExclC14N, transforms.TransformRsaSha256, ns="ds"
    )
    assertion.insert(1, signature)
    reference = xmlsec.template.add_reference(
        signature, transforms.TransformSha256, uri="#" + assertion.get("ID")
    )
    xmlsec.template.add_transform(reference, transforms.TransformEnveloped)
    xmlsec.template.add_transform(reference, transforms.TransformExclC14N)
    xmlsec.tree.add_ids(assertion, ["ID"])
    context = xmlsec.SignatureContext()
    pem = signing_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    context.key = xmlsec.Key.from_memory(pem, transforms.KeyDataFormatPem, None)
    context.sign(signature)


@lru_cache
def certificate() -> bytes:
    """Return the identity provider's certificate, as PEM."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.example.com")])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(signing_key().public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(signing_key(), hashes.SHA256())
        .public_bytes(Encoding.PEM)
    )


CASES = [SAML]

REPLACED = frozenset({"SAMLTest", "SAMLProtocolTest", "SAMLGroupTest"})
"""The cases of social-core that hold recorded answers, and patch the clock."""
