"""Connect a new identity to the account that has its verified e-mail address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from social_endpoints.conf import import_setting
from social_endpoints.internal.accounts.emails import email_field, fold, is_same_mailbox
from social_endpoints.internal.accounts.provider_emails import verified_email

ASSOCIATING_STEPS = frozenset({"associate_by_email", "associate_by_verified_email"})
"""The names of the steps that look for an account by its e-mail address."""


def associate_by_verified_email(
    *args: Any,
    backend: Any,
    details: Mapping[str, Any],
    response: Any,
    user: Any = None,
    **kwargs: Any,
) -> dict[str, Any] | None:
    """Connect a new identity to the one active account with its e-mail address, if this is safe.

    Add this step to the pipeline after ``social_core.pipeline.social_auth.social_user`` and
    before ``social_core.pipeline.user.get_username``::

        "social_endpoints.pipeline.associate_by_verified_email",

    It connects the identity if the provider asserts that the address is verified
    (:func:`is_email_verified`), exactly one active account has the address, and the callable in
    ``EMAIL_ASSOCIATION_POLICY`` returns a true value. Otherwise the pipeline continues unchanged.
    ``SOCIAL_AUTH_ACTIVE_USERS_FILTER`` defines which accounts are active.

    :raises ImproperlyConfigured: the policy cannot be imported.
    """
    if user or backend.ASSOCIATION_ONLY or not is_email_verified(backend, details, response):
        return None
    email = details["email"]
    account = _account_with(email, backend.strategy.storage.user)
    policy = import_setting("EMAIL_ASSOCIATION_POLICY")
    context = {"email": email, "backend": backend, "details": details, "response": response}
    if account is None or not policy(account, **context):
        return None
    return {"user": account, "is_new": False}


def is_email_verified(backend: Any, details: Mapping[str, Any], response: Any) -> bool:
    """Return whether the provider asserts that ``details["email"]`` is verified.

    ``details`` may contain an address other than the verified one, so the two are compared.

    :param backend: the backend of this login.
    :param details: the pipeline's ``details``.
    :param response: the pipeline's ``response``, which the provider has sent.
    """
    email, verified = details.get("email"), verified_email(backend, response)
    return isinstance(email, str) and verified is not None and is_same_mailbox(email, verified)


def local_email_is_verified(user: Any, **context: Any) -> bool:
    """Return whether ``user.email_verified`` is True. The default policy.

    Without this check, an attacker could register here with another person's address, and that
    person would sign in to the attacker's account.

    :param user: the account. ``email_verified`` is a field or a property of the user model.
    """
    return getattr(user, "email_verified", None) is True


def _account_with(email: str, users: Any) -> Any:
    name = email_field(users.user_model())
    if name is None:
        return None
    found = users.get_users_by_email(email)
    accounts = [user for user in found if fold(getattr(user, name)) == fold(email)]
    if len(accounts) != 1 or not is_same_mailbox(getattr(accounts[0], name), email):
        return None
    return accounts[0]
