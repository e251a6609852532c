"""The claims of an ID token, and the settings that they are compared with."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from social_django.models import UserSocialAuth

from tests.support.id_token_providers import IdTokenProvider, signed
from tests.support.native import assert_refused

pytestmark = [pytest.mark.django_db]

EVENTS = {"http://schemas.openid.net/event/backchannel-logout": {}}

INVALID: dict[str, list[Any]] = {
    "aud": ["their-client-id", [], {}, 7, [None], [["our-client-id"]]],
    "azp": ["their-client-id", ["our-client-id"], {}],
    "client_id": ["their-client-id"],
    "appid": ["their-client-id"],
    "cid": ["their-client-id"],
    "iss": ["https://evil.example.com", ["https://id.example.com"]],
    "sub": ["", 7, "x" * 256],
    "exp": ["tomorrow", "4000000000", True, 1e300, -1, 10**40],
    "iat": [[]],
    "nbf": ["x"],
    "typ": ["Bearer", "Refresh", "DPoP", "at+jwt"],
    "token_use": ["access"],
    "token_type": ["Bearer", "access_token"],
    "tty": ["at"],
    "events": [EVENTS],
    "scope": ["openid profile", "", []],
    "scp": [["openid"], "User.Read"],
}


@pytest.mark.parametrize(
    ("claim", "value", "code"),
    [
        *((claim, value, "invalid_claim") for claim, values in INVALID.items() for value in values),
        *((claim, None, "missing_claim") for claim in ("aud", "iss", "sub", "exp", "iat")),
        ("exp", 1_000_000_000, "response_expired"),
        ("iat", 4_000_000_000, "response_not_yet_valid"),
        ("nbf", 4_000_000_000, "response_not_yet_valid"),
    ],
)
def test_id_token_with_a_wrong_claim_is_refused(
    claim: str, value: Any, code: str, provider: IdTokenProvider
) -> None:
    response = provider.sign_in(provider.token(**{claim: value}))

    assert_refused(response, code)
    assert response.data["error_stage"] == "token_validation"


def test_access_token_for_an_own_client_is_refused(provider: IdTokenProvider) -> None:
    client = provider.claims["aud"]

    for claims in ({"scope": "openid"}, {"scp": ["openid"]}, {"token_use": "access"}):
        token = provider.token(client_id=client, azp=client, **claims)
        assert_refused(provider.sign_in(token), "invalid_claim")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5000])
@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
def test_time_that_is_not_a_finite_number_is_refused(
    claim: str, number: str, oidc: IdTokenProvider
) -> None:
    now = int(time.time())
    payload = json.dumps({"iat": now, "exp": now + 300, **oidc.claims, claim: "@"})
    token = signed(payload.replace('"@"', number).encode(), kid="1")

    assert_refused(oidc.sign_in(token), "invalid_claim")


@pytest.mark.parametrize(
    ("setting", "audience", "azp", "is_own"),
    [
        (["our-app-id"], ["our-client-id", "our-app-id"], "our-app-id", True),
        *((s, "our-app-id", None, True) for s in ("our-app-id", ("our-app-id",), {"our-app-id"})),
        (["our-app-id"], ["our-app-id"], None, True),
        (["our-app-id"], "our-client-id", "our-app-id", True),
        (["our-app-id"], ["our-client-id", "our-app-id"], None, False),
        (["our-app-id"], ["our-client-id", "their-client-id"], "our-client-id", False),
        (["our-app-id"], "their-client-id", "our-client-id", False),
    ],
)
def test_every_audience_and_azp_must_be_own_clients(
    setting: Any,
    audience: Any,
    azp: str | None,
    is_own: bool,
    oidc: IdTokenProvider,
    settings: Any,
) -> None:
    settings.SOCIAL_AUTH_OIDC_AUDIENCE = setting

    response = oidc.sign_in(oidc.token(aud=audience, azp=azp))

    assert response.status_code == (201 if is_own else 400), response.data
    assert UserSocialAuth.objects.count() == is_own


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        *(("AUDIENCE", value) for value in ([7], 7)),
        *(("KEY", value) for value in (None, 7)),
        *(("JWT_ALGORITHMS", value) for value in (["HS256"], None)),
        *(("JWT_LEEWAY", value) for value in ("10", True, -1, float("nan"), float("inf"))),
    ],
)
def test_invalid_setting_is_reported_as_a_configuration_error(
    setting: str,
    value: Any,
    oidc: IdTokenProvider,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    setattr(settings, f"SOCIAL_AUTH_OIDC_{setting}", value)

    response = oidc.sign_in()

    assert response.status_code == 500
    assert response.data["error_recovery"] == "contact_administrator"
    assert response.data["error_code"] in {"invalid_setting", "missing_setting"}
    assert "oidc" in caplog.text


@pytest.mark.parametrize(
    ("claim", "seconds", "status"),
    [("exp", -30, 201), ("iat", 30, 201), ("nbf", 30, 201), ("exp", -90, 400), ("nbf", 90, 400)],
)
def test_clocks_may_differ_by_the_leeway(
    claim: str, seconds: int, status: int, oidc: IdTokenProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_JWT_LEEWAY = 60
    token = oidc.token(**{claim: int(time.time()) + seconds})

    assert oidc.sign_in(token).status_code == status
