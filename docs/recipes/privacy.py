# accounts/privacy.py
"""Export and delete what a project stores about a person's social logins."""

from __future__ import annotations

from typing import Any

import requests
from django.db import transaction
from django.db.models import Q
from social_django.models import Code, Partial, UserSocialAuth
from social_django.utils import load_strategy

from social_endpoints.provider_tokens import decrypt_extra_data

# RFC 7009. Look the URL up in the documentation of your provider.
REVOCATION_ENDPOINTS = {
    "google-oauth2": "https://oauth2.googleapis.com/revoke",
    "oidc": "https://id.example.com/revoke",
}
# Add the names of other tokens, if your EXTRA_DATA stores any.
SECRETS = ("apikey", "assertion", "jwt", "password", "privatekey", "secret", "sessionkey", "token")


def export(user: Any) -> dict[str, Any]:
    """Return the data about a user as JSON can contain it, without tokens."""
    return {
        "connections": [
            {
                "provider": social.provider,
                "uid": social.uid,
                "created": social.created.isoformat(),
                "modified": social.modified.isoformat(),
                "data": data_without_tokens(social),
            }
            for social in user.social_auth.order_by("pk")
        ],
        "paused_logins": [
            {"provider": partial.backend, "since": partial.timestamp.isoformat()}
            for partial in paused_logins(user)
        ],
        "confirmations": [
            {"email": code.email, "sent": code.timestamp.isoformat(), "verified": code.verified}
            for code in confirmations(user)
        ],
    }


def data_without_tokens(social: Any) -> Any:
    """Return ``extra_data`` without tokens. An old row of social_django can contain it as text."""
    data = social.extra_data
    return without_secrets(data if isinstance(data, dict) else decrypt_extra_data(data))


def without_secrets(value: Any) -> Any:
    """Return a value without encrypted texts, and without entries with the name of a secret."""
    if isinstance(value, dict):
        entries = value.items()
        return {name: without_secrets(each) for name, each in entries if not is_secret(each, name)}
    if isinstance(value, list):
        return [without_secrets(each) for each in value if not is_secret(each)]
    return value


def is_secret(value: Any, name: str = "") -> bool:
    """Return whether a value is encrypted, or has the name of a secret."""
    if isinstance(value, str) and value.startswith("encrypted:"):
        return True
    return any(secret in name.lower().replace("_", "") for secret in SECRETS)


def paused_logins(user: Any) -> Any:
    """Return the paused logins of a user, and those of the user's identities."""
    is_of_user = Q(data__kwargs__social_endpoints_user=str(user.pk))
    for social in user.social_auth.all():
        is_of_user |= Q(backend=social.provider, data__kwargs__uid=social.uid)
    return Partial.objects.filter(is_of_user)


def confirmations(user: Any) -> Any:
    """Return the codes of social-core's ``mail_validation`` for the user's address."""
    return Code.objects.filter(email__iexact=user.email) if user.email else Code.objects.none()


def delete(user: Any) -> list[str]:
    """Delete a user with all data of social logins. Return the providers that keep a token."""
    not_revoked = revoke_tokens(user)
    with transaction.atomic():
        paused_logins(user).delete()
        confirmations(user).delete()
        user.delete()  # Django also deletes the connections and tokens of the user.
    return not_revoked


def revoke_tokens(user: Any) -> list[str]:
    """Ask the providers to end the tokens of a user. Return the providers that did not."""
    strategy = load_strategy()
    not_revoked = []
    for social in user.social_auth.all():
        tokens = decrypt_extra_data(social.extra_data)
        token = tokens.get("refresh_token") or tokens.get("access_token")
        if not token:
            if has_token(social.extra_data):  # Its key is lost.
                not_revoked.append(social.provider)
            continue
        try:
            url = REVOCATION_ENDPOINTS[social.provider]
            key, secret = social.get_backend_instance(strategy).get_key_and_secret()
            client = {"client_id": key, "client_secret": secret}
            requests.post(url, {"token": token, **client}, timeout=5).raise_for_status()
        # AttributeError: the provider is not configured any more, so there is no backend.
        except (AttributeError, KeyError, requests.RequestException):
            not_revoked.append(social.provider)
    return not_revoked


def has_token(extra_data: Any) -> bool:
    """Return whether a row contains an access or refresh token, encrypted or not."""
    names = ("refresh_token", "access_token")
    return isinstance(extra_data, dict) and any(map(extra_data.get, names))


def forget_tokens(provider: str) -> int:
    """Delete the stored tokens of all users at a provider. They remain connected."""
    rows = UserSocialAuth.objects.filter(provider=provider)
    for social in rows.iterator():
        social.extra_data = data_without_tokens(social)
        social.save(update_fields=["extra_data"])
    return rows.count()
