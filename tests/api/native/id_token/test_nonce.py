"""The nonce of an ID token: proof that the app which posts the token has requested it."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from typing import Any

import pytest

from tests.support.frontend import Frontend, authorization_params
from tests.support.id_token_providers import IdTokenProvider
from tests.support.native import assert_refused
from tests.support.openid_provider import OpenIDProvider

pytestmark = [pytest.mark.django_db]

NONCE = "n-0S6_WzA2Mj"
_DIGEST = hashlib.sha256(NONCE.encode()).digest()
HEXADECIMAL, BASE64URL = _DIGEST.hex(), urlsafe_b64encode(_DIGEST).decode()
DIGESTS = [HEXADECIMAL, HEXADECIMAL.upper(), BASE64URL, BASE64URL.rstrip("=")]

NEEDS_NONCE = {"oidc"}
"""Providers whose access tokens may look like ID tokens; the others are listed in the docs."""


@pytest.fixture
def provider(provider: IdTokenProvider) -> IdTokenProvider:
    provider.nonce = None
    return provider


@pytest.mark.parametrize("claim", DIGESTS)
def test_value_behind_the_nonce_must_be_posted(claim: str, provider: IdTokenProvider) -> None:
    missing = provider.sign_in(provider.token(nonce=claim))
    assert_refused(missing, "missing_parameter")
    assert missing.data["nonce"]
    wrong = provider.sign_in(provider.token(nonce=claim), nonce="another")
    assert_refused(wrong, "nonce_mismatch")

    assert provider.sign_in(provider.token(nonce=claim), nonce=NONCE).status_code == 201


@pytest.mark.parametrize("claim", [NONCE, *DIGESTS])
def test_value_that_the_token_shows_proves_nothing(claim: str, provider: IdTokenProvider) -> None:
    response = provider.sign_in(provider.token(nonce=claim), nonce=claim)

    assert_refused(response, "nonce_not_hashed", recovery="correct_input")
    assert "SHA-256" in response.data["nonce"][0]


@pytest.mark.parametrize(
    ("claim", "nonce"),
    [
        *((each, "n-1") for each in (None, "", 7, [], {}, ["n-1"], True, "\N{EURO SIGN}")),
        (HEXADECIMAL, BASE64URL),
        (HEXADECIMAL, HEXADECIMAL.upper()),
        (BASE64URL.upper(), NONCE),
        (hashlib.sha256(_DIGEST).hexdigest(), HEXADECIMAL.upper()),
        (HEXADECIMAL[:32], NONCE),
    ],
)
def test_posted_nonce_without_a_matching_claim_is_refused(
    claim: Any, nonce: str, oidc: IdTokenProvider
) -> None:
    assert_refused(oidc.sign_in(oidc.token(nonce=claim), nonce=nonce), "nonce_mismatch")


def test_nonce_with_half_of_a_surrogate_pair_is_refused(oidc: IdTokenProvider) -> None:
    assert_refused(oidc.sign_in(oidc.token(nonce="\ud800"), nonce=NONCE), "invalid_claim")


@pytest.mark.parametrize("nonce", ["", None])
def test_empty_nonce_is_refused(nonce: str | None, oidc: IdTokenProvider) -> None:
    claim = hashlib.sha256(b"").hexdigest()

    assert_refused(oidc.sign_in(oidc.token(nonce=claim), nonce=nonce))


def test_token_without_nonce_is_accepted_if_access_tokens_are_marked(
    provider: IdTokenProvider,
) -> None:
    response = provider.sign_in()

    if provider.name in NEEDS_NONCE:
        assert_refused(response, "missing_claim")
    else:
        assert response.status_code == 201


@pytest.mark.parametrize("posted", ["claim", "digest"])
def test_id_token_of_a_redirect_login_does_not_sign_in(
    posted: str, oidc: IdTokenProvider, openid: OpenIDProvider
) -> None:
    frontend = Frontend("body")
    begun = frontend.begin()
    nonce = authorization_params(begun)["nonce"]
    token = oidc.token(nonce=nonce)
    digest = hashlib.sha256(nonce.encode()).hexdigest()

    response = oidc.sign_in(token, nonce=nonce if posted == "claim" else digest)

    assert_refused(response, "nonce_not_hashed" if posted == "claim" else "nonce_mismatch")
    assert len(nonce) == 64
    assert not nonce.islower()  # So it is no digest, in neither of the two spellings.
