"""The base class of token serializers."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any, ClassVar

from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from rest_framework import serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

from social_endpoints.conf import NAME, get_names
from social_endpoints.exceptions import RefreshNotSupported
from social_endpoints.types import Login
from social_endpoints.users import get_user_serializer_class

OPTIONAL_FIELDS = ("is_new_user", "new_association", "profile")
"""The names that ``TOKEN_FIELDS`` accepts."""

SHIPPED = {
    "rest_framework.authentication.SessionAuthentication": "SessionSerializer",
    "rest_framework.authentication.TokenAuthentication": "TokenSerializer",
    "rest_framework_simplejwt.authentication.JWTAuthentication": "JWTSerializer",
    "social_endpoints.tokens.jwt.JWTCookieAuthentication": "JWTCookieSerializer",
    "knox.auth.TokenAuthentication": "KnoxTokenSerializer",
}
"""Authentication classes, with the shipped token serializers whose tokens they accept."""


class LoginSerializer(serializers.Serializer[Login]):
    """Builds the 201 response of a completed login.

    Subclass it, or one of the shipped token serializers, and name your class in the setting
    ``TOKEN_SERIALIZER``. The fields that you declare are the body of the response. The value of
    a field is looked up by its name or its ``source``, first in the dictionary that
    :meth:`issue` returns and then in the login: ``user``, ``social``, ``provider``, ``is_new``
    (also available as ``is_new_user``) and ``new_association``. See
    :class:`~social_endpoints.types.Login`. ::

        class TokenWithProfile(TokenSerializer):
            user = ProfileSerializer()
            is_new_user = serializers.BooleanField()

    All methods are called inside the transaction of the login. What you write to the database
    is committed together with the login or not at all. If you raise an exception, the login
    fails. A DRF ``ValidationError`` becomes the response, a 400. An exception that is not DRF's is
    a 500, which is reported like that of any other view.
    """

    required_apps: ClassVar[tuple[str, ...]] = ()
    """Apps that must be in ``INSTALLED_APPS``. A system check reports missing ones."""

    required_middleware: ClassVar[tuple[str, ...]] = ()
    """Classes that must be in ``MIDDLEWARE``. A system check reports missing ones."""

    sets_cookies: ClassVar[bool] = False
    """Set this to true if you store the login in a cookie. Flows then travel in a cookie only,
    because a flow that another site can post would sign the victim in as the attacker. A cookie
    that is not declared is a 500 if the flow came in the body or the sign-in is native."""

    authentication_classes: ClassVar[tuple[str, ...]] = ()
    """Authentication classes of DRF that accept your token. A system check warns if
    ``DEFAULT_AUTHENTICATION_CLASSES`` contains none of them and no subclass."""

    logout_authentication_classes: ClassVar[tuple[str, ...]] = ()
    """Authentication classes that only ``POST logout/`` uses, after those of the project."""

    def get_fields(self) -> dict[str, Any]:
        """Return the declared fields and those that the setting ``TOKEN_FIELDS`` adds.

        :raises ImproperlyConfigured: ``TOKEN_FIELDS`` is not a list of known fields.
        """
        all_fields = super().get_fields()
        for name in get_names("TOKEN_FIELDS"):
            if name not in OPTIONAL_FIELDS:
                raise ImproperlyConfigured(
                    f"{NAME}['TOKEN_FIELDS'] contains {name!r}. Choose from"
                    f" {', '.join(OPTIONAL_FIELDS)}."
                )
            all_fields.setdefault(name, _get_optional_field(name))
        return all_fields

    def issue(self, login: Login) -> Mapping[str, Any]:
        """Issue a token for the user and return the values of your fields. Override this method."""
        return {}

    def log_in(self, request: HttpRequest, login: Login) -> None:
        """Send Django's signal ``user_logged_in``, which updates ``last_login``.

        Override this method to do more at each login. At this time the body is already built.
        """
        user_logged_in.send(sender=type(login.user), request=request, user=login.user)

    def take_back(self, request: HttpRequest) -> None:
        """Undo what your :meth:`log_in` did outside the database, because the login failed.

        The changes in the database are already rolled back. Afterwards, ``request.session`` is
        restored to its state before the login. After a collision with another request, the login
        runs again with a new serializer.
        """

    def set_cookies(self, response: Response) -> None:
        """Set cookies on the response. Override this method if ``sets_cookies`` is true."""

    def log_out(self, request: Request) -> None:
        """End the login of a request to ``POST logout/``, and send Django's ``user_logged_out``.

        Override this method if you issue tokens of your own: end the token in ``request.auth``, and
        call ``super().log_out(request)``. Do not end other logins of the user. It is called inside
        a transaction, which is rolled back if you raise an exception. After a collision with
        another request, it is called again, on the same serializer. So delete a token with a query:
        ``request.auth.delete()`` fails the second time. If you do not override it, the response is
        a 404 ``logout_not_supported``.

        :param request: DRF's request, with ``user``, ``auth`` and ``data``.
        """
        user = request.user
        user_logged_out.send(sender=type(user), request=self._django_request(request), user=user)

    def delete_cookies(self, response: Response) -> None:
        """Delete the cookies of the login. ``POST logout/`` calls it after :meth:`log_out`."""

    def check_refresh(self, request: Request) -> None:
        """Check a request to ``POST refresh/`` before :meth:`refresh_login` is called.

        If ``sets_cookies`` is true, this enforces CSRF, because a browser sends cookies
        automatically.

        :raises PermissionDenied: the request fails Django's CSRF check.
        """
        if self.sets_cookies:
            SessionAuthentication().enforce_csrf(request)

    def refresh_login(self, request: Request) -> Mapping[str, Any]:
        """Exchange the refresh token of a request to ``POST refresh/`` for new tokens.

        Override this method if you issue refresh tokens of your own. Return the body of the
        response. If it is empty, the response is a 204. If ``sets_cookies`` is true,
        :meth:`set_cookies` is called afterwards. The method must check that the user exists and is
        active. It is called inside a transaction, which is rolled back if you raise an exception.
        After a collision with another request, it is called again, on the same serializer. If you
        do not override it, the response is a 404 ``refresh_not_supported``.

        :param request: DRF's request, with ``data`` and ``COOKIES``. It has no user.
        :raises RefreshTokenInvalid: the token is not accepted. The response is a 401, which
            deletes the cookies of the login with :meth:`delete_cookies`.
        """
        raise RefreshNotSupported

    def _django_request(self, request: Request) -> Any:
        """Return Django's request, which receivers of Django's signals expect."""
        return getattr(self.context.get("view"), "django_request", request)

    def revoke(self, user: Any) -> None:
        """End all logins of a user, as far as the server can end them.

        Back-channel logout calls it inside a transaction, with a serializer that has neither an
        instance nor a context. Call it yourself to sign a user out everywhere, for example after
        a change of the password. This base class does nothing: override the method if you issue
        tokens of your own.

        :param user: an instance of the project's user model.
        """

    def to_representation(self, instance: Login) -> dict[str, Any]:
        """Return the body of the response."""
        login = {field.name: getattr(instance, field.name) for field in fields(instance)}
        values: Any = {
            **login,
            "is_new_user": instance.is_new,
            "profile": instance.user,
            **self.issue(instance),
        }
        return dict(super().to_representation(values))


def _get_optional_field(name: str) -> serializers.Field[Any, Any, Any, Any]:
    if name == "profile":
        field: serializers.Field[Any, Any, Any, Any] = get_user_serializer_class()(read_only=True)
        return field
    return serializers.BooleanField(read_only=True)


def loaded_classes(paths: Iterable[str]) -> Iterator[Any]:
    """Yield the classes whose module is imported. Others have no configured subclass."""
    for path in paths:
        module, _, name = path.rpartition(".")
        if value := getattr(sys.modules.get(module), name, None):
            yield value
