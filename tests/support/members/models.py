"""User models of projects. ``USER_MODEL`` in the environment chooses one."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models


class MemberManager(BaseUserManager[Any]):
    def create_user(self, address: str, **fields: Any) -> Any:
        if not address:
            raise ValueError("An address is required.")
        user = self.model(address=self.normalize_email(address), **fields)
        user.set_unusable_password()
        user.save(using=self._db)
        return user


class Member(AbstractBaseUser):
    """Signs in with an address. The key is a UUID, and ``is_active`` is not a column."""

    key = models.UUIDField(primary_key=True, default=uuid.uuid4)
    address = models.EmailField(unique=True, max_length=60)
    status = models.CharField(max_length=10, default="member")
    first_name = models.CharField(max_length=10, blank=True)

    USERNAME_FIELD = EMAIL_FIELD = "address"

    objects = MemberManager()

    @property
    def is_active(self) -> bool:  # type: ignore[override]  # an attribute of the base class
        return self.status != "expelled"

    @is_active.setter
    def is_active(self, value: bool) -> None:
        self.status = "member" if value else "expelled"


def new_badge() -> str:
    return uuid.uuid4().hex


class ClerkManager(BaseUserManager[Any]):
    def create_user(
        self, username: str, email: str | None = None, nickname: str = "", **fields: Any
    ) -> Any:
        fields.setdefault("first_name", nickname)
        user = self.model(username=username, email=self.normalize_email(email), **fields)
        user.set_unusable_password()
        user.save(using=self._db)
        return user


class Clerk(AbstractBaseUser):
    """Has a key with another name, and an ``id`` that is not the key."""

    number = models.BigAutoField(primary_key=True)
    id = models.CharField(max_length=10, default="9")
    username = models.CharField(max_length=20, unique=True)
    email = models.EmailField(unique=True, null=True)  # noqa: DJ001 - as in projects
    phone = models.CharField(max_length=20, default="none")
    badge = models.CharField(max_length=32, unique=True, default=new_badge)
    first_name = models.CharField(max_length=10, blank=True)
    is_active = models.BooleanField(default=True)

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"

    objects = ClerkManager()


class PlainManager(BaseUserManager[Any]):
    """Stores all values as they are."""

    def create_user(self, name: str | None = None, **fields: Any) -> Any:
        if name is not None:
            fields[self.model.USERNAME_FIELD] = name
        user = self.model(**fields)
        user.set_unusable_password()
        user.save(using=self._db)
        return user


class Guest(AbstractBaseUser):
    """Has no e-mail address, and ``is_active`` is only an attribute of the base class."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    username = models.CharField(max_length=20, unique=True)
    first_name = models.CharField(max_length=10, blank=True)

    USERNAME_FIELD = "username"

    objects = PlainManager()


class Author(AbstractBaseUser):
    """Has an address as its key, in a column that is not an ``EmailField``."""

    email = models.CharField(max_length=60, primary_key=True)
    first_name = models.CharField(max_length=10, blank=True)
    is_active = models.BooleanField(default=True)

    USERNAME_FIELD = "email"

    objects = PlainManager()


class Visitor(AbstractBaseUser):
    """Has a username as its key, and an optional address."""

    username = models.CharField(max_length=20, primary_key=True)
    email = models.EmailField(blank=True)
    first_name = models.CharField(max_length=10, blank=True)
    is_active = models.BooleanField(default=True)

    USERNAME_FIELD = "username"

    objects = PlainManager()
