"""social-core's own methods of a connection, for rows with encrypted tokens.

A project may call ``social.refresh_token(load_strategy())``, and social_django's views store and
revoke tokens. They use a backend without our extensions.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from django.apps import apps
from django.db.models.signals import post_init, pre_save
from social_core.storage import UserMixin

from social_endpoints.conf import settings
from social_endpoints.internal.backends.loading import extend
from social_endpoints.internal.connections.encryption import (
    LostToken,
    contains_encrypted,
    reveal,
    to_stored,
)


def connect_models() -> None:
    """Prepare the instances of all models of connections, which may be the project's own."""
    for model in apps.get_models():
        if issubclass(model, UserMixin):
            post_init.connect(_prepare, sender=model, dispatch_uid=__name__)
            pre_save.connect(_encrypt, sender=model, dispatch_uid=__name__)


def _encrypt(sender: Any, instance: Any, **kwargs: Any) -> None:
    """Encrypt tokens that other code stores, such as the login views of social_django.

    The instance gets another dictionary, because the caller may use the old one elsewhere.
    """
    extra_data = vars(instance).get("extra_data")
    if isinstance(extra_data, dict):
        stored = to_stored(extra_data)
        if stored != extra_data:
            instance.extra_data = stored


def _prepare(sender: Any, instance: Any, **kwargs: Any) -> None:
    """Replace two public methods of an instance that may contain encrypted tokens.

    Remove when a strategy of social-core decides how tokens are stored.
    """
    values = vars(instance)
    is_deferred = "extra_data" not in values
    if settings.ENCRYPT_PROVIDER_TOKENS or is_deferred or contains_encrypted(values["extra_data"]):
        instance.get_backend_instance = partial(_get_backend_instance, instance)
        instance.get_access_token = partial(_get_access_token, instance)


def _get_backend_instance(social: Any, strategy: Any) -> Any:
    """Return a backend that decrypts tokens before it sends them, and encrypts new ones."""
    backend = type(social).get_backend_instance(social, strategy)
    return None if backend is None else extend(backend)


def _get_access_token(social: Any, strategy: Any) -> Any:
    """Return the access token in clear, refreshed if it has expired; None if it is lost."""
    token = type(social).get_access_token(social, strategy)
    try:
        return reveal(token)
    except LostToken:
        return None
