"""The nonce of an ID token."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from typing import Any

import pytest

from tests.support.id_token_providers import IdTokenProvider
from tests.support.native import assert_refused

pytestmark = [pytest.mark.django_db]

NONCE = "n-0S6_WzA2Mj"
_DIGEST = hashlib.sha256(NONCE.encode()).digest()
HEXADECIMAL, BASE64URL = _DIGEST.hex(), urlsafe_b64encode(_DIGEST).decode().rstrip("=")


@pytest.mark.parametrize("claim", [NONCE, HEXADECIMAL, BASE64URL])
def test_nonce_must_be_posted_and_match(claim: str, provider: IdTokenProvider) -> None:
    missing = provider.sign_in(provider.token(nonce=claim))
    assert_refused(missing, "missing_parameter")
    assert missing.data["nonce"]
    wrong = provider.sign_in(provider.token(nonce=claim), nonce="another")
    assert_refused(wrong, "nonce_mismatch")

    assert provider.sign_in(provider.token(nonce=claim), nonce=NONCE).status_code == 201


@pytest.mark.parametrize(
    ("claim", "nonce"),
    [*((each, "n-1") for each in (None, "", 7, [], {}, ["n-1"], True)), (NONCE, HEXADECIMAL)],
)
def test_posted_nonce_without_a_matching_claim_is_refused(
    claim: Any, nonce: str, oidc: IdTokenProvider
) -> None:
    assert_refused(oidc.sign_in(oidc.token(nonce=claim), nonce=nonce), "nonce_mismatch")
