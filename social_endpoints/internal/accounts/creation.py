"""Create an account, and report an e-mail address or username that is taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import IntegrityError, router, transaction
from django.db.models import CharField, TextField
from social_core.exceptions import AuthAssociationError, AuthResponseError, SocialAuthBaseException

from social_endpoints.conf import settings
from social_endpoints.internal.accounts.emails import accounts_with, email_field, lock_address
from social_endpoints.internal.flows.columns import fit, is_address

UserT = TypeVar("UserT")

_EMPTY = (None, "")


def create_account(create: Callable[..., UserT], fields: Mapping[str, Any], storage: Any) -> UserT:
    """Create an account unless its e-mail address or username is taken or missing.

    The cause of an ``AuthAssociationError`` is an ``IntegrityError``. The unit of work then runs
    again, because another first login of the same identity may have created the account.

    :param create: creates and returns the account from its values.
    :param fields: the account's values, named as in social-core's pipeline.
    :param storage: python-social-auth's storage.
    :raises AuthAssociationError: ``email_in_use`` or ``username_in_use``.
    :raises AuthResponseError: ``profile_email_missing``, ``missing_claim`` or
        ``malformed_response``.
    """
    users = storage.user
    model, key = users.user_model(), users.user_model()._meta.pk.name
    fields = {name: _storable_value(name, fields, users) for name in fields}
    address, missing = _address(fields, users), _missing_fields(fields, users)
    if users.username_field() in missing:
        raise _missing_error(missing, model)
    # Model.save() would update an account that has the same primary key.
    if address and (settings.UNIQUE_EMAIL or key == email_field(model)):
        _refuse_taken(address, storage)
    try:
        # A savepoint, so that queries are possible after an IntegrityError.
        with transaction.atomic(using=router.db_for_write(model)):
            if key == users.username_field() and users.user_exists(username=fields.get("username")):
                raise _in_use_error("username") from IntegrityError("The username is taken.")
            user = create(**fields)
            _replace_empty_address(user)
            # The project's manager may have set a value.
            if any(getattr(user, name) in _EMPTY for name in missing):
                raise _missing_error(missing, model)
            return user
    except SocialAuthBaseException as error:
        # social_django reports a column. Username and address may share one.
        columns = {"email_in_use": email_field(model), "username_in_use": users.username_field()}
        if columns.get(str(error.code), "") != email_field(model):
            raise
        is_taken = address and email_field(model) not in _taken_empty_fields(fields, users)
        raise (_in_use_error("email") if is_taken else _missing_address_error()) from error
    except (TypeError, ValueError, ValidationError, IntegrityError) as error:
        cause = (
            _missing_error(missing, model)
            if missing
            else _conflict_error(error, address, fields, users)
        )
        if cause is None:
            raise
        raise cause from error


def _replace_empty_address(user: Any) -> None:
    """Store NULL in place of an empty address, if the column is unique and can be NULL.

    ``BaseUserManager.normalize_email()`` returns an empty text for None. A unique column can hold
    it only once.
    """
    name = email_field(type(user))
    field: Any = type(user)._meta.get_field(name) if name else None
    if name and field.null and field.unique and getattr(user, name) == "":
        setattr(user, name, None)
        user.save(update_fields=[name])


def _conflict_error(
    error: Exception, address: str, fields: Mapping[str, Any], users: Any
) -> SocialAuthBaseException | None:
    """Return the error for a violated unique constraint, or None if the constraint is unknown."""
    if not _is_duplicate(error):
        return None
    empty = _taken_empty_fields(fields, users)
    if empty:
        return _missing_error(empty, users.user_model())
    name = _taken_name(address, fields.get("username"), users)
    if name is not None:
        return _in_use_error(name)
    email = email_field(users.user_model())
    if address or email is None:
        return None
    # If several accounts have no address, an empty address cannot violate a constraint.
    model = users.user_model()
    without = model._base_manager.using(router.db_for_write(model)).filter(**{email: ""})
    return _missing_address_error() if len(without[:2]) == 1 else None


def _taken_empty_fields(fields: Mapping[str, Any], users: Any) -> list[str]:
    """Return the names of unique fields that are empty here and in another account."""
    model, names = users.user_model(), []
    accounts = model._base_manager.using(router.db_for_write(model))
    for field in model._meta.concrete_fields:
        is_text = isinstance(field, (CharField, TextField))
        if is_text and field.unique and field.name != users.username_field():
            value = fields.get(field.name, field.get_default())
            if value == "" and accounts.filter(**{field.name: ""}).exists():
                names.append(field.name)
    return names


def _storable_value(name: str, fields: Mapping[str, Any], users: Any) -> Any:
    """Return the value to create an account with."""
    model, field_name, value = users.user_model(), _field_name(name, fields, users), fields[name]
    if value is None and field_name != users.username_field():
        with suppress(FieldDoesNotExist):
            field = model._meta.get_field(field_name)
            if isinstance(field, (CharField, TextField)) and not field.null:
                return field.get_default()
    return fit(model, field_name, value)


def _field_name(name: str, fields: Mapping[str, Any], users: Any) -> str:
    """Return the field of the user model that social_django sets to a value."""
    username_field = str(users.username_field())
    return username_field if name == "username" and username_field not in fields else name


def _address(fields: Mapping[str, Any], users: Any) -> str:
    """Return the e-mail address of the new account, or an empty string."""
    name = email_field(users.user_model())
    names = [name, "email"]
    if name == users.username_field():
        names.append("username")
    address = next((fields[name] for name in names if name and fields.get(name)), "")
    return str(address).strip()


def _missing_fields(fields: Mapping[str, Any], users: Any) -> list[str]:
    """Return the names of the model's fields whose required value is missing.

    A unique field that cannot be NULL requires a value, because only one account can have an
    empty text.
    """
    model, names = users.user_model(), []
    for name, value in fields.items():
        try:
            field = model._meta.get_field(_field_name(name, fields, users))
        except FieldDoesNotExist:
            continue
        is_username = field.name == users.username_field()
        # social-core can generate a username, but not an address.
        is_generated = is_username and is_address(field) and "@" not in str(value)
        has_value = field.get_default() not in _EMPTY
        optional = field.null or has_value or (field.blank and not field.unique)
        if is_generated or (value in _EMPTY and (is_username or not optional)):
            names.append(field.name)
    return names


def _missing_error(names: list[str], model: Any) -> AuthResponseError:
    fields = [model._meta.get_field(name) for name in names]
    if any(map(is_address, fields)):
        return _missing_address_error()
    return AuthResponseError(code="missing_claim", claim=names[0], stage="pipeline")


def _missing_address_error() -> AuthResponseError:
    return AuthResponseError(code="profile_email_missing", stage="pipeline")


def _refuse_taken(address: str, storage: Any) -> None:
    """Refuse an address of an existing account, and keep others from creating one."""
    lock_address(address, storage)
    if accounts_with(address, storage.user.user_model()):
        raise _in_use_error("email") from IntegrityError("The address is taken.")


def _is_duplicate(error: Exception) -> bool:
    """Return whether a unique constraint is violated.

    The codes are from PostgreSQL's manual, appendix A (psycopg and psycopg2), ER_DUP_ENTRY of
    MySQL and MariaDB, and SQLite's extended result codes.
    """
    cause = error.__cause__
    codes = [getattr(cause, name, None) for name in ("sqlstate", "pgcode", "sqlite_errorname")]
    codes += getattr(cause, "args", ())[:1]
    return any(code in {"23505", 1062, "SQLITE_CONSTRAINT_UNIQUE"} for code in codes)


def _taken_name(address: str, username: Any, users: Any) -> str | None:
    """Return ``email`` or ``username`` if another account has this value, else None.

    The error of the database is not parsed: its text differs between databases, and a
    constraint on ``Lower("email")`` does not name a column. The address is looked up first,
    because social-core has chosen a username that was free.
    """
    model = users.user_model()
    if address and accounts_with(address, model):
        return "email"
    lookup = f"{users.username_field()}__iexact"
    accounts = model._base_manager.using(router.db_for_write(model))
    return "username" if username and accounts.filter(**{lookup: username}).exists() else None


def _in_use_error(name: str) -> AuthAssociationError:
    return AuthAssociationError(code=f"{name}_in_use", stage="pipeline")
