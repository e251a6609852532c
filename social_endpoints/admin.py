"""The admin of social_django's models, without secrets and without our single-use rows.

Django's admin imports this module. A class that the project has registered is not replaced.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.formats import localize
from django.utils.timezone import is_aware, localtime
from django.utils.translation import pgettext, pgettext_lazy
from social_django.admin import AssociationOption, NonceOption, UserSocialAuthOption
from social_django.models import Association, Nonce, UserSocialAuth

from social_endpoints.internal.connections.encryption import STATE
from social_endpoints.internal.connections.token_state import as_datetime, read_state
from social_endpoints.internal.flows.storage import CLAIM_PREFIX

# Translators: Replaces a secret value in the admin.
HIDDEN = pgettext_lazy("connection", "(hidden)")

# Any other text may be a token: its name in extra_data is the project's choice.
_SHOWN = frozenset(
    {"email", "expires", "expires_in", "id", "login", "scope", "token_type", "uid", "username"}
)


class _SecretFieldMixin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Mixin for an admin that hides the secret fields in ``exclude``, also in filters."""

    exclude: ClassVar[Any]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Refuse filters in the query string that could reveal a secret letter by letter."""
        is_secret = lookup.partition("__")[0] in self.exclude
        return not is_secret and super().lookup_allowed(lookup, value, request)


class ConnectionAdmin(_SecretFieldMixin, UserSocialAuthOption):
    """Connections, which can be searched by uid. The provider's tokens are hidden."""

    exclude = ("extra_data",)
    readonly_fields: ClassVar[Any] = (
        *UserSocialAuthOption.readonly_fields,
        *("token_expires_at", "scopes", "needs_reconnect", "provider_data"),
    )

    # Translators: Label of a time in the admin. "Access token" is the term of OAuth 2.0.
    @admin.display(description=pgettext_lazy("connection", "access token expires at"))
    def token_expires_at(self, social: UserSocialAuth) -> str:
        """Return the expiry of the access token, in the current time zone."""
        expires_at = read_state(social.extra_data).expires_at
        if expires_at is None:
            # Translators: In the admin, after the label "access token expires at".
            return pgettext("connection", "never, or unknown")
        moment = as_datetime(expires_at)
        return str(localize(localtime(moment) if is_aware(moment) else moment))

    # Translators: Label in the admin. "Scope" is the term of OAuth 2.0.
    @admin.display(description=pgettext_lazy("connection", "scopes"))
    def scopes(self, social: UserSocialAuth) -> str:
        """Return the granted scopes."""
        # Translators: In the admin, in place of the scopes.
        return " ".join(read_state(social.extra_data).scopes) or pgettext("connection", "unknown")

    # Translators: Label in the admin, followed by yes or no: the user has to connect the account at
    # the provider again, because no access token can be obtained for it.
    @admin.display(description=pgettext_lazy("connection", "needs reconnect"), boolean=True)
    def needs_reconnect(self, social: UserSocialAuth) -> bool:
        """Return whether only a new login or connect can bring a new access token."""
        return read_state(social.extra_data).needs_reconnect

    # Translators: Label in the admin of the data that a provider has sent.
    @admin.display(description=pgettext_lazy("connection", "extra data"))
    def provider_data(self, social: UserSocialAuth) -> str:
        """Return ``extra_data`` as JSON, with most texts hidden."""
        shown = social.extra_data
        if isinstance(shown, dict):
            shown = {name: value for name, value in shown.items() if name != STATE}
        hidden = str(HIDDEN)
        return json.dumps(_hide_values(shown), default=lambda value: hidden, ensure_ascii=False)

    def get_search_fields(self, request: Any = None) -> Any:
        admin_of_users: Any = super()  # social_django has no types for it.
        return [*admin_of_users.get_search_fields(request), "uid"]


class AssociationAdmin(_SecretFieldMixin, AssociationOption):
    """Associations of OpenID 2.0, without the key that verifies the provider's signatures."""

    exclude = ("secret",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False. The form would create an empty key, with which anyone could sign."""
        return False


class NonceAdmin(NonceOption):
    """Nonces, without the claims of flows and tokens that can be used once."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).exclude(server_url__startswith=CLAIM_PREFIX)


def _hide_values(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _hide_values(each, str(key)) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_hide_values(each, name) for each in value]
    is_shown = name in _SHOWN or isinstance(value, (int, float, type(None)))
    return value if is_shown else str(HIDDEN)


def replace_classes(site: admin.AdminSite) -> None:
    """Replace social_django's classes in an admin site."""
    for model, theirs, ours in (
        (UserSocialAuth, UserSocialAuthOption, ConnectionAdmin),
        (Nonce, NonceOption, NonceAdmin),
        (Association, AssociationOption, AssociationAdmin),
    ):
        if site.is_registered(model) and type(site.get_model_admin(model)) is theirs:
            site.unregister(model)
            site.register(model, ours)


# The import above has registered social_django's classes, in any order of INSTALLED_APPS.
replace_classes(admin.site)
