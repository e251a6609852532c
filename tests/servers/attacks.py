"""What somebody can do to a SAML response that was issued to him."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from lxml import etree

from tests.servers.frontend import Step

SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"
PROTOCOL = "{urn:oasis:names:tc:SAML:2.0:protocol}"
SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"
VICTIM = "victim"


def on(step: Step, attack: Callable[[Any], Any]) -> Step:
    """Return the step with the response that the attack makes of its own."""
    changed = attack(etree.fromstring(b64decode(step.fields["SAMLResponse"])))
    xml = changed if isinstance(changed, bytes) else etree.tostring(changed)
    changed = b64encode(xml).decode()
    return Step(step.method, step.url, {**step.fields, "SAMLResponse": changed})


def without_signatures(response: Any) -> Any:
    for signature in list(response.iter(SIGNATURE)):
        signature.getparent().remove(signature)
    return response


def of_somebody_else(response: Any) -> Any:
    """What is signed stays signed, and says something else."""
    for element in response.iter(f"{SAML}NameID", f"{SAML}AttributeValue"):
        element.text = VICTIM
    return response


def with_a_comment(response: Any) -> Any:
    """A signature says nothing of comments, and some read a text only up to the first."""
    for element in response.iter(f"{SAML}NameID", f"{SAML}AttributeValue"):
        text = element.text or ""
        element.text = text[: len(VICTIM)]
        comment = etree.Comment("")
        comment.tail = text[len(VICTIM) :]
        element.append(comment)
    return response


def forged_assertion(response: Any) -> Any:
    forged = of_somebody_else(without_signatures(deepcopy(response.find(f"{SAML}Assertion"))))
    forged.set("ID", "forged")
    return forged


def signed_assertion_only(response: Any) -> Any:
    """The response as it is where a provider signs the assertion alone."""
    response.remove(response.find(SIGNATURE))
    return response


def wrapped_beside(response: Any) -> Any:
    """XSW 3: the forged assertion stands before the signed one."""
    response = signed_assertion_only(response)
    original = response.find(f"{SAML}Assertion")
    original.addprevious(forged_assertion(response))
    return response


def wrapped_within(response: Any) -> Any:
    """XSW 4: the signed assertion stands inside the forged one."""
    response = signed_assertion_only(response)
    original = response.find(f"{SAML}Assertion")
    forged = forged_assertion(response)
    response.replace(original, forged)
    forged.append(original)
    return response


def wrapped_in_the_signature(response: Any) -> Any:
    """XSW 5: the forged assertion carries the signature, and that the signed one."""
    response = signed_assertion_only(response)
    original = response.find(f"{SAML}Assertion")
    forged = forged_assertion(response)
    response.replace(original, forged)
    signature = original.find(SIGNATURE)
    forged.insert(1, signature)
    etree.SubElement(signature, f"{SIGNATURE.partition('}')[0]}}}Object").append(original)
    return response


def wrapped_response(response: Any) -> Any:
    """XSW 1: the signed response stands inside a forged one, in its signature."""
    forged = of_somebody_else(without_signatures(deepcopy(response)))
    forged.set("ID", "forged")
    signature = response.find(SIGNATURE)
    forged.insert(1, deepcopy(signature))
    response.remove(signature)
    holder = etree.SubElement(forged.find(SIGNATURE), f"{SIGNATURE.partition('}')[0]}}}Object")
    holder.append(response)
    return forged


def wrapped_in_extensions(response: Any) -> Any:
    """XSW 7: the signed assertion stands where anything may stand."""
    response = signed_assertion_only(response)
    original = response.find(f"{SAML}Assertion")
    forged = forged_assertion(response)
    response.replace(original, forged)
    extensions = etree.Element(f"{PROTOCOL}Extensions")
    extensions.append(original)
    response.insert(1, extensions)
    return response


def with_an_entity(response: Any) -> bytes:
    """A document type, whose entities a parser must not expand."""
    return b'<!DOCTYPE Response [<!ENTITY a "a"><!ENTITY b "&a;&a;">]>' + etree.tostring(response)


def nothing_but_the_request(response: Any) -> bytes:
    """What finds its login, and is no response."""
    return f'<x InResponseTo="{response.get("InResponseTo")}"/>'.encode()


def without_content(response: Any) -> Any:
    for child in list(response):
        response.remove(child)
    return response


def with_times_that_are_none(response: Any) -> Any:
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
    of_somebody_else,
    wrapped_beside,
    wrapped_within,
    wrapped_in_the_signature,
    wrapped_response,
    wrapped_in_extensions,
    with_an_entity,
    nothing_but_the_request,
    without_content,
    with_times_that_are_none,
    with_deep_nesting,
]
