"""``revoke(user)`` of the token serializers ends the logins of one user."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.sessions.backends.cached_db import SessionStore as CachedSession
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone
from rest_framework.authtoken.models import Token

from social_endpoints.conf import import_setting
from social_endpoints.internal.accounts.logins import BATCH
from social_endpoints.tokens import LoginSerializer, SessionSerializer
from tests.support.logins import AUTHENTICATIONS, JWT_BLACKLIST, STRATEGIES, log_in, user_of
from tests.support.openid_provider import OpenIDProvider
from tests.support.replica import ReplicaRouter
from tests.support.sessions import engine

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cookie_middleware")]
User = get_user_model()
UseSerializer = Callable[..., None]

needs_jwt = pytest.mark.needs("rest_framework_simplejwt")
WITH_JWT = [name for name in AUTHENTICATIONS if "JWT" in name]
STORED_TOKENS = [name for name, (_, scheme, _) in AUTHENTICATIONS.items() if scheme == "Token"]


def revoke(subject: str) -> None:
    """Revoke the logins of a user as back-channel logout does."""
    serializer = import_setting("TOKEN_SERIALIZER", LoginSerializer)()
    with transaction.atomic():
        serializer.revoke(user_of(subject))


def outstanding_tokens() -> Any:
    return apps.get_model("token_blacklist", "OutstandingToken").objects


def blacklisted_tokens() -> Any:
    return apps.get_model("token_blacklist", "BlacklistedToken").objects


@pytest.mark.parametrize("serializer", STORED_TOKENS)
def test_stored_tokens_of_one_user_are_deleted(
    serializer: str, openid: OpenIDProvider, use_serializer: UseSerializer
) -> None:
    use_serializer(serializer)
    first, second, other = (log_in(openid, serializer, each) for each in "112")

    revoke("1")

    assert [each.is_alive for each in (first, second, other)] == [False, False, True]
    assert log_in(openid, serializer).is_alive


@needs_jwt
@pytest.mark.parametrize("serializer", WITH_JWT)
def test_refresh_tokens_of_one_user_are_blacklisted(
    serializer: str, openid: OpenIDProvider, use_serializer: UseSerializer
) -> None:
    use_serializer(serializer)
    first, second, other = (log_in(openid, serializer, each) for each in "112")

    for _ in range(2):
        revoke("1")

    assert [each.can_refresh for each in (first, second, other)] == [False, False, True]
    assert log_in(openid, serializer).can_refresh


@needs_jwt
def test_many_refresh_tokens_are_blacklisted(
    openid: OpenIDProvider, use_serializer: UseSerializer
) -> None:
    use_serializer("JWTSerializer")
    log_in(openid, "JWTSerializer")
    expires, user = timezone.now() + timedelta(days=1), user_of("1")
    model = outstanding_tokens().model
    outstanding_tokens().bulk_create(
        model(user=user, jti=str(number), token="", expires_at=expires) for number in range(BATCH)
    )

    revoke("1")

    assert blacklisted_tokens().count() == BATCH + 1


@needs_jwt
def test_rotated_refresh_token_is_blacklisted(
    openid: OpenIDProvider, use_serializer: UseSerializer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rest_framework_simplejwt.serializers import TokenRefreshSerializer, api_settings

    # Simple JWT reads its settings when it is imported.
    monkeypatch.setattr(api_settings, "ROTATE_REFRESH_TOKENS", True)
    use_serializer("JWTSerializer")
    login = log_in(openid, "JWTSerializer")
    rotation = TokenRefreshSerializer(data={"refresh": login.refresh})
    assert rotation.is_valid()
    login.response.data["refresh"] = rotation.validated_data["refresh"]
    assert login.can_refresh

    revoke("1")

    assert not login.can_refresh


@needs_jwt
def test_expired_refresh_tokens_are_not_blacklisted(
    openid: OpenIDProvider, use_serializer: UseSerializer
) -> None:
    use_serializer("JWTSerializer")
    log_in(openid, "JWTSerializer")
    outstanding_tokens().update(expires_at=timezone.now() - timedelta(seconds=1))

    revoke("1")

    assert not blacklisted_tokens().exists()


@needs_jwt
@pytest.mark.parametrize("serializer", WITH_JWT)
def test_jwts_without_the_blacklist_app_stay_valid(
    serializer: str, openid: OpenIDProvider, use_serializer: UseSerializer, settings: Any
) -> None:
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != JWT_BLACKLIST]
    use_serializer(serializer)
    login = log_in(openid, serializer)

    revoke("1")

    assert login.can_refresh


@pytest.mark.parametrize("session_engine", ["db", "cached_db"])
def test_sessions_of_one_user_are_deleted(
    session_engine: str, openid: OpenIDProvider, use_serializer: UseSerializer, settings: Any
) -> None:
    settings.SESSION_ENGINE = engine(session_engine)
    use_serializer("SessionSerializer")
    first, second, other = (log_in(openid, "SessionSerializer", each) for each in "112")

    revoke("1")

    assert [each.is_alive for each in (first, second, other)] == [False, False, True]
    assert Session.objects.count() == 1
    assert log_in(openid, "SessionSerializer").is_alive


def test_session_is_found_among_many(openid: OpenIDProvider, use_serializer: UseSerializer) -> None:
    use_serializer("SessionSerializer")
    data, expires = CachedSession().encode({"visited": 1}), timezone.now() + timedelta(days=1)
    Session.objects.bulk_create(
        Session(session_key=f"{number:032}", session_data=data, expire_date=expires)
        for number in range(2 * BATCH)
    )
    logins = [log_in(openid, "SessionSerializer") for _ in range(2)]

    revoke("1")

    assert not any(login.is_alive for login in logins)
    assert Session.objects.count() == 2 * BATCH


@pytest.mark.django_db(transaction=True)
def test_session_that_is_cached_again_before_the_commit_ends(
    openid: OpenIDProvider, use_serializer: UseSerializer, settings: Any
) -> None:
    settings.SESSION_ENGINE = engine("cached_db")
    use_serializer("SessionSerializer")
    login = log_in(openid, "SessionSerializer")
    session = CachedSession(login.frontend.client.cookies["sessionid"].value)
    cached = session.load()

    with transaction.atomic():
        SessionSerializer().revoke(user_of("1"))
        # For another request, the row is not yet deleted.
        cache.set(session.cache_key, cached)

    assert not login.is_alive


@pytest.mark.django_db(transaction=True)
def test_sessions_stay_valid_after_a_rollback(
    openid: OpenIDProvider, use_serializer: UseSerializer, settings: Any
) -> None:
    settings.SESSION_ENGINE = engine("cached_db")
    use_serializer("SessionSerializer")
    login = log_in(openid, "SessionSerializer")

    with transaction.atomic():
        SessionSerializer().revoke(user_of("1"))
        transaction.set_rollback(True)

    assert login.is_alive


@pytest.mark.parametrize("session_engine", ["cache", "file", "signed_cookies"])
def test_sessions_that_cannot_be_listed_stay_valid(
    session_engine: str, openid: OpenIDProvider, use_serializer: UseSerializer, settings: Any
) -> None:
    settings.SESSION_ENGINE = engine(session_engine)
    use_serializer("SessionSerializer")
    login = log_in(openid, "SessionSerializer")

    revoke("1")

    assert login.is_alive


def test_corrupt_sessions_are_skipped(
    openid: OpenIDProvider, use_serializer: UseSerializer
) -> None:
    use_serializer("SessionSerializer")
    login = log_in(openid, "SessionSerializer")
    expires = timezone.now() + timedelta(days=1)
    for number, key in enumerate(["not a key", None, [1], {"a": 1}]):
        session = CachedSession()
        session["_auth_user_id"] = key
        session.save()
        Session.objects.create(session_key=str(number), session_data="?", expire_date=expires)

    revoke("1")

    assert not login.is_alive
    assert Session.objects.count() == 8


@pytest.mark.parametrize("issued", STRATEGIES)
def test_tokens_of_djosers_strategy_are_ended(
    issued: str, openid: OpenIDProvider, use_serializer: UseSerializer, settings: Any
) -> None:
    settings.DJOSER = {"SOCIAL_AUTH_TOKEN_STRATEGY": STRATEGIES[issued]}
    use_serializer("DjoserSerializer")
    login = log_in(openid, issued)

    revoke("1")

    assert not (login.can_refresh if "JWT" in issued else login.is_alive)


@pytest.mark.parametrize("issued", STRATEGIES)
def test_tokens_of_djosers_strategy_without_the_app_that_stores_them_stay_valid(
    issued: str, openid: OpenIDProvider, use_serializer: UseSerializer, settings: Any
) -> None:
    settings.DJOSER = {"SOCIAL_AUTH_TOKEN_STRATEGY": STRATEGIES[issued]}
    use_serializer("DjoserSerializer")
    login = log_in(openid, issued)
    stored_in = {"rest_framework.authtoken", JWT_BLACKLIST}

    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app not in stored_in]
    revoke("1")

    assert login.can_refresh if "JWT" in issued else login.is_alive


class OwnStrategy:
    """A token strategy of a project that ends its own tokens."""

    revoked: Any = None

    @classmethod
    def obtain(cls, user: Any) -> dict[str, Any]:
        return {"token": Token.objects.get_or_create(user=user)[0].key}

    @classmethod
    def revoke(cls, user: Any) -> None:
        cls.revoked = user


def test_strategy_of_the_project_ends_its_own_tokens(
    openid: OpenIDProvider, use_serializer: UseSerializer, settings: Any
) -> None:
    settings.DJOSER = {"SOCIAL_AUTH_TOKEN_STRATEGY": OwnStrategy}
    use_serializer("DjoserSerializer")
    login = log_in(openid, "TokenSerializer")

    revoke("1")

    assert OwnStrategy.revoked == user_of("1")
    assert login.is_alive


def test_base_class_leaves_all_logins(
    openid: OpenIDProvider, use_serializer: UseSerializer
) -> None:
    use_serializer("TokenSerializer")
    login = log_in(openid, "TokenSerializer")

    LoginSerializer().revoke(user_of("1"))

    assert login.is_alive


@pytest.mark.parametrize("serializer", [*STORED_TOKENS, *WITH_JWT])
def test_replica_is_not_read(
    serializer: str, openid: OpenIDProvider, use_serializer: UseSerializer, settings: Any
) -> None:
    use_serializer(serializer)
    log_in(openid, serializer)
    user = user_of("1")
    settings.DATABASE_ROUTERS = [ReplicaRouter()]

    import_setting("TOKEN_SERIALIZER")().revoke(user)
