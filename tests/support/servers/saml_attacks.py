"""Attacks on a SAML response by the user to whom it was issued.

XSW: the signature wrapping attacks of Somorovsky et al., "On Breaking SAML", 2012.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from lxml import etree

from tests.support.servers.frontend import Step

SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"
PROTOCOL = "{urn:oasis:names:tc:SAML:2.0:protocol}"
SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"
VICTIM = "victim"


def apply(step: Step, attack: Callable[[Any], Any]) -> Step:
    """Return the step with the changed response."""
    changed = attack(etree.fromstring(b64decode(step.fields["SAMLResponse"])))
    xml = changed if isinstance(changed, bytes) else etree.tostring(changed)
    changed = b64encode(xml).decode()
    return Step(step.method, step.url, {**step.fields, "SAMLResponse": changed})


def without_signatures(response: Any) -> Any:
    for signature in list(response.iter(SIGNATURE)):
        signature.getparent().remove(signature)
    return response


def with_another_user(response: Any) -> Any:
    """The signature stays, but the signed content names another user."""
    for element in response.iter(f"{SAML}NameID", f"{SAML}AttributeValue"):
        element.text = VICTIM
    return response


def with_a_comment(response: Any) -> Any:
    """A signature ignores comments, and some parsers only read the text before the first one."""
    for element in response.iter(f"{SAML}NameID", f"{SAML}AttributeValue"):
        text = element.text or ""
        element.text = text[: len(VICTIM)]
        comment = etree.Comment("")
        comment.tail = text[len(VICTIM) :]
        element.append(comment)
    return response


def forged_assertion(response: Any) -> Any:
    forged = with_another_user(without_signatures(deepcopy(response.find(f"{SAML}Assertion"))))
    forged.set("ID", "forged")
    return forged


def signed_assertion_only(response: Any) -> Any:
    """The response of a provider that signs only the assertion."""
    response.remove(response.find(SIGNATURE))
    return response


def wrapped_beside(response: Any) -> Any:
    """XSW 3: the forged assertion is before the signed one."""
    response = signed_assertion_only(response)
    original = response.find(f"{SAML}Assertion")
    original.addprevious(forged_assertion(response))
    return response


def wrapped_within(response: Any) -> Any:
    """XSW 4: the signed assertion is inside the forged one."""
    response = signed_assertion_only(response)
    original = response.find(f"{SAML}Assertion")
    forged = forged_assertion(response)
    response.replace(original, forged)
    forged.append(original)
    return response


def wrapped_in_the_signature(response: Any) -> Any:
    """XSW 5: the forged assertion contains the signature, which contains the signed one."""
    response = signed_assertion_only(response)
    original = response.find(f"{SAML}Assertion")
    forged = forged_assertion(response)
    response.replace(original, forged)
    signature = original.find(SIGNATURE)
    forged.insert(1, signature)
    etree.SubElement(signature, f"{SIGNATURE.partition('}')[0]}}}Object").append(original)
    return response


def wrapped_response(response: Any) -> Any:
    """XSW 1: the signed response is in the signature of a forged one."""
    forged = with_another_user(without_signatures(deepcopy(response)))
    forged.set("ID", "forged")
    signature = response.find(SIGNATURE)
    forged.insert(1, deepcopy(signature))
    response.remove(signature)
    holder = etree.SubElement(forged.find(SIGNATURE), f"{SIGNATURE.partition('}')[0]}}}Object")
    holder.append(response)
    return forged


def wrapped_in_extensions(response: Any) -> Any:
    """XSW 7: the signed assertion is in Extensions, where any element is allowed."""
    response = signed_assertion_only(response)
    original = response.find(f"{SAML}Assertion")
    forged = forged_assertion(response)
    response.replace(original, forged)
    extensions = etree.Element(f"{PROTOCOL}Extensions")
    extensions.append(original)
    response.insert(1, extensions)
    return response


def with_an_entity(response: Any) -> bytes:
    """A document type with entities, which a parser must not expand."""
    return b'<!DOCTYPE Response [<!ENTITY a "a"><!ENTITY b "&a;&a;">]>' + etree.tostring(response)


def only_in_response_to(response: Any) -> bytes:
    """An element that finds its login but is not a SAML response."""
    return f'<x InResponseTo="{response.get("InResponseTo")}"/>'.encode()


def without_content(response: Any) -> Any:
    for child in list(response):
        response.remove(child)
    return response


def with_invalid_times(response: Any) -> Any:
    for element in response.iter():
        for name in {"NotBefore", "NotOnOrAfter", "IssueInstant"}.intersection(element.keys()):
            element.set(name, "yesterday")
    return response


def with_deep_nesting(response: Any) -> bytes:
    depth = 20_000
    nested = b"<a>" * depth + b"</a>" * depth
    return etree.tostring(response).replace(b"</ns0:Status>", nested + b"</ns0:Status>")


ATTACKS = [
    without_signatures,
    with_another_user,
    wrapped_beside,
    wrapped_within,
    wrapped_in_the_signature,
    wrapped_response,
    wrapped_in_extensions,
    with_an_entity,
    only_in_response_to,
    without_content,
    with_invalid_times,
    with_deep_nesting,
]
