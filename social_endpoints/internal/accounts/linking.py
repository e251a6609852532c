"""The step that links a new identity to the account that has its verified e-mail address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from social_endpoints.conf import import_setting
from social_endpoints.internal.accounts.emails import email_field, folded, is_same
from social_endpoints.internal.accounts.provider_emails import verified_email


def associate_by_verified_email(
    *args: Any,
    backend: Any,
    details: Mapping[str, Any],
    response: Any,
    user: Any = None,
    **kwargs: Any,
) -> dict[str, Any] | None:
    """Link a new identity to the one active account with its address, if that is safe.

    A step for the pipeline, in any strategy. It stands after
    ``social_core.pipeline.social_auth.social_user`` and before
    ``social_core.pipeline.user.get_username``::

        "social_endpoints.pipeline.associate_by_verified_email",

    It links only if the provider asserts that it has verified the address
    (:func:`is_email_verified`), just one active account has it, and the callable in
    ``EMAIL_ASSOCIATION_POLICY`` agrees. Else it does nothing, and the pipeline goes on
    as for a newcomer. Which users are active, ``SOCIAL_AUTH_ACTIVE_USERS_FILTER`` says.

    :raises ImproperlyConfigured: the policy cannot be imported.
    """
    if user or backend.ASSOCIATION_ONLY or not is_email_verified(backend, details, response):
        return None
    email = details["email"]
    account = _account_with(email, backend.strategy.storage.user)
    policy = import_setting("EMAIL_ASSOCIATION_POLICY")
    known = {"email": email, "backend": backend, "details": details, "response": response}
    if account is None or not policy(account, **known):
        return None
    return {"user": account, "is_new": False}


def is_email_verified(backend: Any, details: Mapping[str, Any], response: Any) -> bool:
    """Say whether the provider asserts that it has verified ``details["email"]``.

    The address may come from another claim than the one that is verified, so the two
    are compared.

    :param backend: the backend of this login.
    :param details: the pipeline's ``details``.
    :param response: the pipeline's ``response``: what the provider said.
    """
    email, verified = details.get("email"), verified_email(backend, response)
    return isinstance(email, str) and verified is not None and is_same(email, verified)


def local_email_is_verified(user: Any, **known: Any) -> bool:
    """Agree if the account says that its own address is verified: ``user.email_verified`` is True.

    The default policy. Without it an attacker who registers here with somebody else's
    address, which nobody verified, would wait for the owner to sign in to that account.

    :param user: the account; ``email_verified`` is a field or a property of the user
        model. Anything but True, or none there, is a refusal.
    """
    return getattr(user, "email_verified", None) is True


def _account_with(email: str, users: Any) -> Any:
    name = email_field(users.user_model())
    if name is None:
        return None
    found = users.get_users_by_email(email)
    accounts = [user for user in found if folded(getattr(user, name)) == folded(email)]
    if len(accounts) != 1 or not is_same(getattr(accounts[0], name), email):
        return None
    return accounts[0]
