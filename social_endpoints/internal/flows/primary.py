"""python-social-auth's storage, read from the primary database.

social_django reads through default managers, which a router may send to a replica: a login would
not find the account that was created a moment ago. Here the same queries use the primary
database. A method that the project overrides is called unchanged.

Remove when social_django reads from ``router.db_for_write()``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from typing import Any

from django.conf import settings
from django.core.exceptions import (
    FieldDoesNotExist,
    FieldError,
    ImproperlyConfigured,
    ValidationError,
)
from django.db import IntegrityError, OperationalError, router, transaction
from django.db.models import CharField, F, IntegerField, Model, Q, Value
from django.db.models.functions import Lower
from django.db.models.lookups import Exact
from django.utils.module_loading import import_string
from social_core.backends.base import BaseAuth
from social_core.exceptions import AuthAssociationError, AuthResponseError
from social_core.utils import setting_name

from social_endpoints.internal.flows.columns import (
    fit_fields,
    is_address,
    is_identifier,
    without_supplementary,
)
from social_endpoints.internal.log.events import add_default_log_values

_INCORRECT_STRING = 1366  # ER_TRUNCATED_WRONG_VALUE_FOR_FIELD of MySQL and MariaDB

_DEFAULT_ACTIVE_FILTER = {"is_active": True}

_UNKNOWN_ADDRESS = "social_endpoints_unknown_address"  # In the flow: the digest of an address.


def on_primary(manager: Any) -> Any:
    """Return a queryset of a manager that reads from the primary database."""
    return manager.using(router.db_for_write(manager.model))


def has_usual_key(user_model: Any) -> bool:
    """Return whether the primary key is named ``id`` and has values that JSON supports."""
    key = user_model._meta.pk
    return key.name == "id" and isinstance(key, (CharField, IntegerField))


def with_id(user: Any) -> Any:
    """Return a user with the attribute ``id``, which social-core reads instead of ``pk``."""
    if isinstance(user, Model) and not hasattr(user, "id"):
        vars(user)["id"] = user.pk
    return user


def _digest(email: Any) -> str:
    return hashlib.sha256(str(email).encode(errors="replace")).hexdigest()[:32]


def _functions_of(field: str, model: Any) -> list[Any]:
    """Return the functions of a field in the model's constraints, such as ``Lower(field)``."""
    expressions = [
        each for one in model._meta.constraints for each in getattr(one, "expressions", ())
    ]
    functions = [each for each in expressions if not isinstance(each, F)]
    return [each for each in functions if F(field) in each.flatten()]


class StorageProxy:
    """Proxy for a storage class of the project. Subclasses override some of its methods."""

    def __init__(self, project: Any) -> None:
        self._project = project

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # copy() looks for hooks before _project is set.
            raise AttributeError(name)
        return getattr(self._project, name)

    def _max_length(self, name: str) -> int | None:
        """Return the length of a column, or None if the project's class is not a model."""
        meta = getattr(self._project, "_meta", None)
        length: int | None = meta.get_field(name).max_length if meta else None
        return length

    def _inherits(self, name: str) -> bool:
        """Return whether the project's class inherits a method from social_django."""
        from social_django import models  # Not at import time: the app registry must be ready.

        shipped = (models.UserSocialAuth, models.Partial, models.Nonce, models.Association)
        if not isinstance(self._project, type):
            return False
        owner = next((base for base in self._project.__mro__ if name in vars(base)), object)
        return any(issubclass(model, owner) for model in (*shipped, models.Code))


class PrimaryUsers(StorageProxy):
    """The project's user storage: users and their connections.

    :ivar lock_address: makes other logins that look for an address wait until the transaction ends.
    :ivar session: the session of the flow.
    """

    lock_address: Callable[[str], None]
    session: dict[str, Any]

    def is_account(self, user: Any) -> bool:
        """Return whether an object is a user of the project, or represents one.

        The primary key of an instance of another model may equal that of a user. An object that is
        not a model instance, such as a user built from a token, is accepted.
        """
        return not isinstance(user, Model) or isinstance(user, self.user_model())

    @property
    def primary_key(self) -> Any:
        """The model field that identifies a connection, or None if the class is not a model."""
        meta = getattr(self._project, "_meta", None)
        return meta and meta.pk

    def get_social_auth(self, provider: str, uid: str | int, id_key: str | None = None) -> Any:
        if not self._inherits("get_social_auth"):
            return self._project.get_social_auth(provider, uid, id_key=id_key)
        if not self._holds(uid):
            return None
        lookup = {"provider": provider, "uid": str(uid)}
        if id_key is not None:
            lookup["id_key"] = id_key
        rows = on_primary(self._project.objects).select_related("user").filter(**lookup)
        # Some databases ignore case, so the values are compared again.
        for row in rows:
            if lookup.items() <= vars(row).items():
                with_id(row.user)
                add_default_log_values(user=row.user.pk)
                return row
        return None

    def get_social_auth_for_user(
        self,
        user: Any,
        provider: str | None = None,
        id: Any = None,  # noqa: A002 - social-core's name
    ) -> Any:
        if not self._inherits("get_social_auth_for_user"):
            if not isinstance(user, self.user_model()):  # The method may use a relation of it.
                user = self.user_model()(pk=getattr(user, "pk", user))
            return self._project.get_social_auth_for_user(user, provider, id)
        rows = on_primary(self._project.objects).filter(user=getattr(user, "pk", user))
        rows = rows.filter(provider=provider) if provider else rows
        return rows if id is None else rows.filter(pk=id)

    def get_social_auths_by_extra_data(
        self, provider: str, names: Collection[str], value: str
    ) -> list[Any]:
        """Return the connections with a text under one of these names in ``extra_data``.

        The query reads all connections of the provider, unless the project has created an index.
        The list is empty if the project's storage class replaces ``get_social_auth()``.
        """
        if not self._inherits("get_social_auth") or not self._holds(value):
            return []
        condition = Q()
        for name in names:
            condition |= Q(**{f"extra_data__{name}": value})
        rows = on_primary(self._project.objects).select_related("user").filter(condition)
        found = [
            row
            for row in rows.filter(provider=provider).order_by("pk")
            # Some databases ignore case, so the values are compared again.
            if value in [row.extra_data.get(name) for name in names] and row.provider == provider
        ]
        for row in found:
            with_id(row.user)
        return found

    def create_social_auth(self, user: Any, uid: Any, provider: str, id_key: str = "") -> Any:
        """Create a connection.

        :raises AuthResponseError: the column cannot hold the identifier unchanged.
        :raises AuthAssociationError: the database does not distinguish the identifier from
            another one, because its collation ignores case or spaces at the end.
        """
        self._require_identifier(uid)
        try:
            return self._project.create_social_auth(user, uid, provider, id_key=id_key)
        except IntegrityError as error:
            rows = on_primary(self._project.objects).filter(provider=provider, uid=uid)
            if not rows or self.get_social_auth(provider, uid) is not None:
                raise
            raise AuthAssociationError(code="identity_in_use", stage="pipeline") from error

    def migrate_social_auth(self, social: Any, uid: Any, *args: Any, **kwargs: Any) -> Any:
        """Replace the identifier of a connection.

        :raises AuthResponseError: the column cannot hold the identifier unchanged.
        """
        self._require_identifier(uid)
        migrated = self._project.migrate_social_auth(social, uid, *args, **kwargs)
        if self._inherits("migrate_social_auth"):
            migrated.user = social.user  # Otherwise a router chooses where it is read.
        return migrated

    def allowed_to_disconnect(
        self, user: Any, backend_name: str, association_id: Any = None
    ) -> Any:
        if not self._inherits("allowed_to_disconnect"):
            return bool(self._project.allowed_to_disconnect(user, backend_name, association_id))
        has_password = getattr(user, "has_usable_password", lambda: True)
        if has_password():
            return True
        lookup = {"provider": backend_name} if association_id is None else {"pk": association_id}
        others = self.get_social_auth_for_user(user).exclude(**lookup)
        # Not social-core's cache of backends, which may be incomplete while it is filled.
        backends = map(import_string, settings.AUTHENTICATION_BACKENDS)
        names = {
            each.name
            for each in backends
            if issubclass(each, BaseAuth) and not each.ASSOCIATION_ONLY
        }
        return any(provider in names for provider in others.values_list("provider", flat=True))

    def user_exists(self, *args: Any, **kwargs: Any) -> bool:
        if not self._inherits("user_exists"):
            return bool(self._project.user_exists(*args, **kwargs))
        model, field = self._project.user_model(), self._project.username_field()
        # "Ada" is taken by "ada" if the model has a constraint on Lower("username").
        functions = _functions_of(field, model)
        if "username" in kwargs:
            username = kwargs.pop("username")
            if any(isinstance(each, Lower) for each in functions):  # Its index serves this.
                args = (*args, Exact(Lower(field), Lower(Value(username))))
            else:
                kwargs[f"{field}__iexact" if functions else field] = username
        if not self._inherits("filter_users"):
            return bool(self._project.filter_users(*args, **kwargs).exists())
        # Not the default manager, which may hide users whose names are taken nevertheless.
        return bool(on_primary(model._base_manager).filter(*args, **kwargs).exists())

    def filter_users(self, *args: Any, **kwargs: Any) -> Any:
        if not self._inherits("filter_users"):
            return self._project.filter_users(*args, **kwargs)
        return on_primary(self._project.user_model()._default_manager).filter(*args, **kwargs)

    def filter_active_users(self, *args: Any, **kwargs: Any) -> Any:
        if not self._inherits("filter_active_users"):
            return self._project.filter_active_users(*args, **kwargs)
        # A subquery, because a filter on a relation may match several rows of one user. It has
        # the same condition, so that the database does not read all active users.
        active = on_primary(self._project.user_model()._default_manager)
        if self._inherits("filter_users"):
            active = active.filter(*args, **kwargs)
        try:
            active = active.filter(**self._active_filter()).values("pk")
        except FieldError as error:
            raise ImproperlyConfigured(f"{setting_name('ACTIVE_USERS_FILTER')}: {error}") from error
        return self.filter_users(*args, **kwargs).filter(pk__in=active)

    def get_user(self, pk: Any = None, **kwargs: Any) -> Any:
        if not self._inherits("get_user"):
            return self._project.get_user(pk, **kwargs)
        lookup = kwargs if pk is None else {"pk": pk}
        try:
            users = self.filter_active_users(**lookup)[:2] if lookup else []
        except (TypeError, ValueError, ValidationError):  # The key has another type.
            return None
        return with_id(users[0]) if len(users) == 1 else None

    def get_users_by_email(self, email: str) -> Any:
        """Lock an address, and return the active users who have it.

        A step that finds no user lets the pipeline create one. So the next login with the address
        waits, and finds this user.
        """
        self.lock_address(email)
        if self._inherits("get_users_by_email"):
            name = getattr(self._project.user_model(), "EMAIL_FIELD", "email")
            found = self.filter_active_users(**{f"{name}__iexact": email})
        else:
            found = self._project.get_users_by_email(email)
        if not found:
            self.session[_UNKNOWN_ADDRESS] = _digest(email)
        return found

    def was_unknown(self, email: Any) -> bool:
        """Return whether the last search for a user by this address, before a pause, found none."""
        return bool(self.session.get(_UNKNOWN_ADDRESS) == _digest(email))

    def is_primary(self, user: Any) -> bool:
        """Return whether a user was read from the primary database."""
        return bool(user._state.db == router.db_for_write(type(user)))

    def read_again(self, user: Any) -> Any:
        """Return a user as stored now, or None if the row no longer exists."""
        return with_id(on_primary(type(user)._base_manager).filter(pk=user.pk).first())

    def read_extra_data_again(self, social: Any) -> None:
        """Read the extra data of a connection as stored now, and lock its row.

        The lock ends with the transaction. A row that no longer exists is not changed.
        """
        if not isinstance(social, Model):
            return
        rows = on_primary(type(social)._base_manager).filter(pk=social.pk).select_for_update()
        stored = rows.values_list("extra_data", flat=True).first()
        if stored is not None:
            vars(social)["extra_data"] = stored

    def is_among_active_users(self, user: Any) -> bool:
        """Return whether a user matches ``SOCIAL_AUTH_ACTIVE_USERS_FILTER``, if it is set.

        This does not replace a check of ``is_active``.
        """
        overrides = isinstance(self._project, type) and not self._inherits("filter_active_users")
        if not overrides and self._active_filter().items() <= _DEFAULT_ACTIVE_FILTER.items():
            return True
        return bool(self.filter_active_users(pk=user.pk).exists())

    def changed(self, user: Any) -> None:
        """Save a user whose fields were updated with the provider's details."""
        fit_fields(user)
        replaced = without_supplementary(user)
        if not replaced:
            self._project.changed(user)
            return
        try:
            with transaction.atomic(using=router.db_for_write(type(user))):
                self._project.changed(user)
        except OperationalError as error:
            if error.args[0] != _INCORRECT_STRING:
                raise
            vars(user).update(replaced)
            self._project.changed(user)

    def username_max_length(self) -> int | None:
        """Return the length to which a username is cut; None for an address, which is not cut."""
        if self.has_address_as_username():
            return None
        length: int | None = self._project.username_max_length()
        return length

    def has_address_as_username(self) -> bool:
        """Return whether users sign in with an e-mail address.

        The username is not changed then, because it would be the address of somebody else.
        """
        model = self._project.user_model()
        return is_address(model._meta.get_field(self._project.username_field()))

    def _require_identifier(self, uid: Any) -> None:
        if not self._holds(uid):
            raise AuthResponseError(code="malformed_response", claim="uid", stage="pipeline")

    def _holds(self, uid: Any) -> bool:
        """Return whether the column of identifiers can hold one unchanged."""
        text = str(uid)  # White space alone is an empty text in MySQL's collations.
        return bool(text.strip()) and is_identifier(text, self._max_length("uid"))

    def _active_filter(self) -> dict[str, Any]:
        default = _DEFAULT_ACTIVE_FILTER if self._has_active_field() else {}
        name = setting_name("ACTIVE_USERS_FILTER")
        try:
            return dict(getattr(settings, name, default))
        except (TypeError, ValueError) as error:
            raise ImproperlyConfigured(f"{name} must be a dictionary.") from error

    def _has_active_field(self) -> bool:
        # AbstractBaseUser.is_active is an attribute, and a project may write a property.
        try:
            self._project.user_model()._meta.get_field("is_active")
        except FieldDoesNotExist:
            return False
        return True


class PrimaryCodes(StorageProxy):
    """The project's codes for the validation of e-mail addresses."""

    def get_code(self, code: str) -> Any:
        if not self._inherits("get_code"):
            return self._project.get_code(code)
        return on_primary(self._project.objects).filter(code=code).first()

    def make_code(self, email: str) -> Any:
        """Create a code.

        :raises AuthResponseError: the column cannot hold the address unchanged.
        """
        if not is_identifier(email, self._max_length("email")):
            raise AuthResponseError(code="malformed_response", claim="email", stage="pipeline")
        return self._project.make_code(email)
