"""What a SAML response says, before anyone has verified it."""

from __future__ import annotations

from base64 import b64decode
from xml.etree.ElementTree import Element

from defusedxml import ElementTree

_CONFIRMATION = "{urn:oasis:names:tc:SAML:2.0:assertion}SubjectConfirmationData"
_STATUS_CODE = "{urn:oasis:names:tc:SAML:2.0:protocol}StatusCode"
_STATUS = "urn:oasis:names:tc:SAML:2.0:status:"
_IN_RESPONSE_TO = "InResponseTo"


def in_response_to(response: str) -> str | None:
    """Return which request a response, in base64, says that it answers; None where it does not.

    Where only the assertion is signed, the response around it may have lost it.
    """
    root = _parsed(response)
    if root is None:
        return None
    inner = (element.get(_IN_RESPONSE_TO) for element in root.iter(_CONFIRMATION))
    return root.get(_IN_RESPONSE_TO) or next(filter(None, inner), None)


def statuses(response: str) -> set[str]:
    """Return the status of a response, and what it says besides (SAML core section 3.2.2.2)."""
    root = _parsed(response)
    codes = [] if root is None else root.iter(_STATUS_CODE)
    return {str(code.get("Value")).removeprefix(_STATUS) for code in codes}


def _parsed(response: str) -> Element | None:
    try:
        return ElementTree.fromstring(b64decode(response))
    except (ValueError, LookupError, ElementTree.ParseError):
        # No base64, a forbidden entity, an encoding that nobody knows, or no XML.
        return None
