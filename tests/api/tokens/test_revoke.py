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
from django.db import transaction
from django.utils import timezone
from rest_framework.authtoken.models import Token

from social_endpoints.conf import import_setting
from social_endpoints.internal.accounts import logins
from social_endpoints.tokens import LoginSerializer, SessionSerializer
from tests.support.frontend import Frontend, browser
from tests.support.openid_provider import OpenIDProvider
from tests.support.replica import ReplicaRouter
from tests.support.sessions import engine

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cookie_middleware")]
User = get_user_model()
UseSerializer = Callable[..., None]

JWT_BLACKLIST = "rest_framework_simplejwt.token_blacklist"
DATABASE_ENGINES = ["db", "cached_db"]
needs_jwt = pytest.mark.needs("rest_framework_simplejwt")
needs_knox = pytest.mark.needs("knox")


def sign_in(openid: OpenIDProvider, subject: str) -> tuple[Any, Frontend, Any]:
    """Sign in as the user with this subject; return user, browser and response."""
    openid.claims["sub"] = openid.userinfo["sub"] = subject
    frontend = Frontend("cookie", browser())
    response = frontend.log_in(openid)
    assert response.status_code == 201, response.data
    return User.objects.get(social_auth__uid=subject), frontend, response


def revoke(user: Any) -> None:
    """Revoke as back-channel logout does."""
    serializer = import_setting("TOKEN_SERIALIZER", LoginSerializer)()
    with transaction.atomic():
        serializer.revoke(user)


def is_signed_in(frontend: Frontend, view: str, token: str | None = None) -> bool:
    headers = {"Authorization": f"Token {token}"} if token else {}
    response = frontend.client.get(f"/protected/{view}/", headers=headers, secure=True)
    return bool(response.status_code == 200)


def can_refresh(token: str) -> bool:
    from rest_framework_simplejwt.exceptions import TokenError
    from rest_framework_simplejwt.tokens import RefreshToken

    try:
        RefreshToken(token)  # type: ignore[arg-type]  # a wrong annotation
    except TokenError:
        return False
    return True


@pytest.mark.parametrize(
    ("serializer", "view"),
    [
        ("TokenSerializer", "token"),
        pytest.param("KnoxTokenSerializer", "knox", marks=needs_knox),
    ],
)
def test_stored_tokens_of_one_user_are_deleted(
    serializer: str, view: str, openid: OpenIDProvider, use_serializer: UseSerializer
) -> None:
    use_serializer(serializer)
    user, frontend, first = sign_in(openid, "1")
    second = frontend.log_in(openid)
    _, other_frontend, other = sign_in(openid, "2")

    revoke(user)

    for response in (first, second):
        assert not is_signed_in(frontend, view, response.data["token"])
    assert is_signed_in(other_frontend, view, other.data["token"])
    assert is_signed_in(frontend, view, sign_in(openid, "1")[2].data["token"])


@needs_jwt
@pytest.mark.parametrize("batch", [1, 2, 1_000])
def test_refresh_tokens_of_one_user_are_blacklisted(
    batch: int,
    openid: OpenIDProvider,
    use_serializer: UseSerializer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logins, "BATCH", batch)
    use_serializer("JWTSerializer")
    user, frontend, first = sign_in(openid, "1")
    tokens = [first.data["refresh"], *(frontend.log_in(openid).data["refresh"] for _ in range(3))]
    _, _, other = sign_in(openid, "2")

    for _ in range(2):
        revoke(user)

    assert not any(map(can_refresh, tokens))
    assert can_refresh(other.data["refresh"])
    assert can_refresh(sign_in(openid, "1")[2].data["refresh"])


@needs_jwt
def test_expired_refresh_tokens_are_not_blacklisted(
    openid: OpenIDProvider, use_serializer: UseSerializer
) -> None:
    use_serializer("JWTSerializer")
    user, _, _ = sign_in(openid, "1")
    outstanding = apps.get_model("token_blacklist", "OutstandingToken").objects
    outstanding.update(expires_at=timezone.now() - timedelta(seconds=1))

    revoke(user)

    assert not apps.get_model("token_blacklist", "BlacklistedToken").objects.exists()


@needs_jwt
def test_refresh_tokens_in_cookies_are_blacklisted(
    openid: OpenIDProvider, use_serializer: UseSerializer
) -> None:
    use_serializer("JWTCookieSerializer")
    user, _, response = sign_in(openid, "1")

    revoke(user)

    assert not can_refresh(response.cookies["refresh_token"].value)


@needs_jwt
@pytest.mark.parametrize("serializer", ["JWTSerializer", "JWTCookieSerializer"])
def test_jwts_without_the_blacklist_cannot_be_ended(
    serializer: str, openid: OpenIDProvider, use_serializer: UseSerializer, settings: Any
) -> None:
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != JWT_BLACKLIST]
    use_serializer(serializer)

    revoke(sign_in(openid, "1")[0])


@pytest.mark.parametrize("batch", [1, 2, 1_000])
@pytest.mark.parametrize("session_engine", DATABASE_ENGINES)
def test_sessions_of_one_user_are_deleted(
    session_engine: str,
    batch: int,
    openid: OpenIDProvider,
    use_serializer: UseSerializer,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logins, "BATCH", batch)
    settings.SESSION_ENGINE = engine(session_engine)
    use_serializer("SessionSerializer")
    anonymous = CachedSession()
    anonymous["visited"] = True
    anonymous.save()
    user, first, _ = sign_in(openid, "1")
    _, second, _ = sign_in(openid, "1")
    _, other, _ = sign_in(openid, "2")

    revoke(user)

    assert [is_signed_in(each, "session") for each in (first, second, other)] == [0, 0, 1]
    assert Session.objects.count() == 2
    assert is_signed_in(sign_in(openid, "1")[1], "session")


@pytest.mark.django_db(transaction=True)
def test_session_that_was_cached_again_before_the_commit_is_deleted(
    openid: OpenIDProvider, use_serializer: UseSerializer, settings: Any
) -> None:
    settings.SESSION_ENGINE = engine("cached_db")
    use_serializer("SessionSerializer")
    user, frontend, _ = sign_in(openid, "1")
    stored = CachedSession(frontend.client.cookies["sessionid"].value)
    stored.load()

    with transaction.atomic():
        SessionSerializer().revoke(user)
        # Another request has read the row, which was not yet deleted for it.
        stored._cache.set(stored.cache_key, stored._session)

    assert not is_signed_in(frontend, "session")


@pytest.mark.parametrize("session_engine", ["cache", "file", "signed_cookies"])
def test_sessions_that_cannot_be_listed_are_not_ended(
    session_engine: str, openid: OpenIDProvider, use_serializer: UseSerializer, settings: Any
) -> None:
    settings.SESSION_ENGINE = engine(session_engine)
    use_serializer("SessionSerializer")
    user, frontend, _ = sign_in(openid, "1")

    revoke(user)

    assert is_signed_in(frontend, "session")


def test_corrupt_sessions_are_skipped(
    openid: OpenIDProvider, use_serializer: UseSerializer, caplog: pytest.LogCaptureFixture
) -> None:
    use_serializer("SessionSerializer")
    user, frontend, _ = sign_in(openid, "1")
    for key, user_id in enumerate(["not a key", None, [1], {"a": 1}]):
        store = CachedSession()
        store["_auth_user_id"] = user_id
        store.save()
        Session.objects.create(
            session_key=f"corrupt{key}", session_data="?", expire_date=timezone.now() + timedelta(1)
        )

    revoke(user)

    assert not is_signed_in(frontend, "session")
    assert Session.objects.count() == 8


class OwnStrategy:
    """A token strategy of a project with a method to revoke."""

    revoked: Any = None

    def obtain(self, user: Any) -> dict[str, Any]:
        return {"token": Token.objects.get_or_create(user=user)[0].key}

    def revoke(self, user: Any) -> None:
        OwnStrategy.revoked = user


class TokenStrategy:
    @classmethod
    def obtain(cls, user: Any) -> dict[str, Any]:
        return {"token": Token.objects.get_or_create(user=user)[0].key}


class JWTStrategy:
    """Issues the tokens as djoser's strategy does."""

    @classmethod
    def obtain(cls, user: Any) -> dict[str, Any]:
        from rest_framework_simplejwt.tokens import RefreshToken

        refresh = RefreshToken.for_user(user)
        return {"access": str(refresh.access_token), "refresh": str(refresh), "user": user}


def use_strategy(settings: Any, name: str) -> None:
    settings.DJOSER = {"SOCIAL_AUTH_TOKEN_STRATEGY": f"{__name__}.{name}"}


def test_djoser_token_is_deleted(
    openid: OpenIDProvider, use_serializer: UseSerializer, settings: Any
) -> None:
    use_serializer("DjoserSerializer")
    use_strategy(settings, "TokenStrategy")
    user, frontend, response = sign_in(openid, "1")

    revoke(user)

    assert not is_signed_in(frontend, "token", response.data["token"])


@needs_jwt
def test_djoser_refresh_token_is_blacklisted(
    openid: OpenIDProvider, use_serializer: UseSerializer, settings: Any
) -> None:
    use_serializer("DjoserSerializer")
    use_strategy(settings, "JWTStrategy")
    user, _, response = sign_in(openid, "1")

    revoke(user)

    assert not can_refresh(response.data["refresh"])


def test_djoser_strategy_of_the_project_revokes_by_itself(
    openid: OpenIDProvider, use_serializer: UseSerializer, settings: Any
) -> None:
    use_serializer("DjoserSerializer")
    use_strategy(settings, "OwnStrategy")
    settings.DJOSER["SOCIAL_AUTH_TOKEN_STRATEGY"] = OwnStrategy()
    user, frontend, response = sign_in(openid, "1")

    revoke(user)

    assert OwnStrategy.revoked == user
    assert is_signed_in(frontend, "token", response.data["token"])


def test_base_class_ends_nothing(openid: OpenIDProvider, use_serializer: UseSerializer) -> None:
    use_serializer("TokenSerializer")
    user, frontend, response = sign_in(openid, "1")

    LoginSerializer().revoke(user)

    assert is_signed_in(frontend, "token", response.data["token"])


@pytest.mark.parametrize(
    "serializer",
    [
        "TokenSerializer",
        pytest.param("KnoxTokenSerializer", marks=needs_knox),
        pytest.param("JWTSerializer", marks=needs_jwt),
    ],
)
def test_replica_is_not_read(
    serializer: str, openid: OpenIDProvider, use_serializer: UseSerializer, settings: Any
) -> None:
    use_serializer(serializer)
    user, _, _ = sign_in(openid, "1")
    settings.DATABASE_ROUTERS = [ReplicaRouter()]

    revoke(user)
