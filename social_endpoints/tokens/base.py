"""The base of every token serializer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, ClassVar

from django.contrib.auth.signals import user_logged_in
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from rest_framework import serializers
from rest_framework.response import Response

from social_endpoints.conf import NAME, listed
from social_endpoints.types import Login

OPTIONAL_FIELDS = ("is_new_user", "new_association")
"""What ``TOKEN_FIELDS`` may name."""


class LoginSerializer(serializers.Serializer[Login]):
    """Answers a completed login.

    Subclass it, or one of the shipped serializers, and name your class in
    ``TOKEN_SERIALIZER``. The instance is a :class:`~social_endpoints.types.Login`,
    the declared fields are the body of the 201, and each field finds its value by
    its name or ``source`` among what :meth:`issue` returns and the login's own
    ``user``, ``social``, ``provider``, ``is_new`` (or ``is_new_user``) and
    ``new_association``::

        class TokenWithProfile(TokenSerializer):
            user = ProfileSerializer()
            is_new_user = serializers.BooleanField()

    Everything below runs in the transaction of the login: what you write is kept
    with the login or not at all, and what you raise ends it. A DRF
    ``ValidationError`` is the client's answer as it is.
    """

    required_apps: ClassVar[tuple[str, ...]] = ()
    """Entries of ``INSTALLED_APPS`` that must be there; a system check looks."""

    required_middleware: ClassVar[tuple[str, ...]] = ()
    """Entries of ``MIDDLEWARE`` that must be there; a system check looks."""

    user_relations: ClassVar[tuple[str, ...]] = ()
    """One-to-one relations of the user model that :meth:`issue` reads. Where all steps of the
    pipeline are social-core's and nothing receives ``pre_save`` or ``post_save`` of an identity,
    they are there with the user, without a query of their own. What is in another database than
    the users is not."""

    sets_cookies: ClassVar[bool] = False
    """Whether the login is kept in a cookie. Then a flow travels in a cookie only,
    because one that another site can post would log the victim in as the attacker."""

    def get_fields(self) -> dict[str, Any]:
        """Return the declared fields, and those of ``TOKEN_FIELDS`` that are not declared.

        :raises ImproperlyConfigured: it is no list, or names a field that there is not.
        """
        found = super().get_fields()
        for name in listed("TOKEN_FIELDS"):
            if name not in OPTIONAL_FIELDS:
                raise ImproperlyConfigured(f"{NAME}['TOKEN_FIELDS'] names {name!r}.")
            found.setdefault(name, serializers.BooleanField(read_only=True))
        return found

    def issue(self, login: Login) -> Mapping[str, Any]:
        """Issue whatever proves the login from now on, and return the fields' values."""
        return {}

    def log_in(self, request: HttpRequest, login: Login) -> None:
        """Tell the project of the login, which keeps ``last_login``."""
        user_logged_in.send(sender=type(login.user), request=request, user=login.user)

    def take_back(self, request: HttpRequest) -> None:
        """Undo what :meth:`log_in` has done outside of the database: the login has failed."""

    def set_cookies(self, response: Response) -> None:
        """Set cookies on the answer; for subclasses that say ``sets_cookies``."""

    def to_representation(self, instance: Login) -> dict[str, Any]:
        """Return the body of the 201."""
        login = {field.name: getattr(instance, field.name) for field in fields(instance)}
        values: Any = {**login, "is_new_user": instance.is_new, **self.issue(instance)}
        return dict(super().to_representation(values))
