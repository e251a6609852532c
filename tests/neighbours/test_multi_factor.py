"""The guide for multi-factor authentication works with django-otp."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.core.management import call_command
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice
from rest_framework.authtoken.models import Token
from rest_framework.exceptions import PermissionDenied
from social_django.models import UserSocialAuth

from tests.support.accounts import logged_in
from tests.support.configuration import Configure
from tests.support.frontend import Frontend
from tests.support.native import post_tokens
from tests.support.neighbours.native import id_token_with_nonce
from tests.support.openid_provider import OpenIDProvider
from tests.support.pages import DOCS, code_blocks, run_block

pytestmark = pytest.mark.django_db
User = get_user_model()
PAGE = "backend/multi_factor.rst"


@pytest.fixture(autouse=True)
def pipeline(settings: Any) -> None:
    settings.SOCIAL_AUTH_PIPELINE = run_block(PAGE, "SOCIAL_AUTH_PIPELINE")["SOCIAL_AUTH_PIPELINE"]
    settings.REST_FRAMEWORK = {
        "DEFAULT_AUTHENTICATION_CLASSES": [
            "rest_framework.authentication.SessionAuthentication",
            "rest_framework.authentication.TokenAuthentication",
        ]
    }
    cache.clear()


@pytest.fixture
def device() -> TOTPDevice:
    """Return the device of a user who has signed in before."""
    user = User.objects.create_user("ada", "ada@example.com")
    user.social_auth.create(provider="oidc", uid="user-1", id_key="sub")
    exec(code_blocks(DOCS / PAGE, "python")[-1])
    return TOTPDevice.objects.get(user=user)


def code(device: TOTPDevice) -> str:
    return f"{TOTP(device.bin_key, device.step, device.t0, device.digits).token():06}"


def wrong(device: TOTPDevice) -> str:
    return f"{(int(code(device)) + 1) % 1_000_000:06}"


def test_user_without_a_device_signs_in(openid: OpenIDProvider, frontend: Frontend) -> None:
    assert frontend.log_in(openid).status_code == 201


def test_code_is_required(openid: OpenIDProvider, frontend: Frontend, device: TOTPDevice) -> None:
    paused = frontend.log_in(openid)
    without = frontend.resume(paused)
    refused = frontend.resume(paused, otp_code=wrong(device))
    assert not Token.objects.exists()
    response = frontend.resume(paused, otp_code=code(device))

    assert [each.status_code for each in (paused, without, refused)] == [202, 400, 400]
    documented = json.loads(code_blocks(DOCS / PAGE, "json")[0])
    assert paused.json()["fields"][0].keys() == documented["fields"][0].keys()
    assert response.status_code == 201, response.data
    assert response.data["token"]


def test_code_works_once(openid: OpenIDProvider, device: TOTPDevice) -> None:
    used = code(device)
    first, second = Frontend(), Frontend()
    paused = first.log_in(openid), second.log_in(openid)

    assert first.resume(paused[0], otp_code=used).status_code == 201
    assert second.resume(paused[1], otp_code=used).status_code == 400


def test_attempts_of_several_logins_are_limited(openid: OpenIDProvider, device: TOTPDevice) -> None:
    statuses = []
    for _ in range(3):
        frontend = Frontend()
        paused = frontend.log_in(openid)
        statuses += [frontend.resume(paused, otp_code=wrong(device)).status_code for _ in range(2)]
    frontend = Frontend()
    last = frontend.resume(frontend.log_in(openid), otp_code=code(device))

    assert statuses == [400] * 6
    assert last.status_code == 400
    assert "Too many" in str(last.data)


@pytest.mark.django_db(transaction=True)
def test_cache_in_the_database_is_refused(
    openid: OpenIDProvider, frontend: Frontend, device: TOTPDevice, settings: Any
) -> None:
    """A wrong code rolls the counter back, so the number of attempts would be unlimited."""
    backend = "django.core.cache.backends.db.DatabaseCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": "cache_table"}}
    call_command("createcachetable")
    paused = frontend.log_in(openid)

    responses = [frontend.resume(paused, otp_code=each(device)) for each in (wrong, code)]

    assert [each.status_code for each in responses] == [500, 500]
    assert not Token.objects.exists()


def test_native_sign_in_asks_for_the_code(openid: OpenIDProvider, device: TOTPDevice) -> None:
    token, nonce = id_token_with_nonce(openid)

    paused = post_tokens("oidc", id_token=token, nonce=nonce)

    assert paused.status_code == 202, paused.data
    assert "token" not in paused.data
    assert not Token.objects.exists()


def test_connect_asks_for_the_code(
    openid: OpenIDProvider, frontend: Frontend, device: TOTPDevice
) -> None:
    UserSocialAuth.objects.all().delete()
    browser = replace(frontend, client=logged_in(device.user), below="connect/")

    paused = browser.log_in(openid)

    assert paused.status_code == 202
    assert not UserSocialAuth.objects.exists()
    assert browser.resume(paused, otp_code=code(device)).status_code == 201


def test_session_begins_after_the_code(
    openid: OpenIDProvider, configure: Configure, device: TOTPDevice
) -> None:
    configure(TOKEN_SERIALIZER="social_endpoints.tokens.SessionSerializer")
    frontend = Frontend("cookie")

    paused = frontend.log_in(openid)
    assert "sessionid" not in frontend.client.cookies
    response = frontend.resume(paused, otp_code=code(device))

    assert response.status_code == 201, response.data
    assert frontend.client.cookies["sessionid"].value


def test_account_does_not_change_without_the_code(
    openid: OpenIDProvider, frontend: Frontend, device: TOTPDevice
) -> None:
    openid.userinfo["email"] = "other@example.com"

    assert frontend.log_in(openid).status_code == 202
    assert User.objects.get().email == "ada@example.com"


def test_device_can_be_required(openid: OpenIDProvider) -> None:
    require_device = run_block(PAGE, "def require_device")["require_device"]
    user = User.objects.create_user("ada")

    assert require_device(user, is_new=True) is None
    with pytest.raises(PermissionDenied):
        require_device(user)
