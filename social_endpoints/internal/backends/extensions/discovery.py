"""OpenID Connect discovery, remembered for the project."""

from __future__ import annotations

from functools import partial
from typing import Any

from social_core.backends.azuread import AzureADOAuth2
from social_core.backends.utils import OIDCDiscoveryMixin

from social_endpoints.internal.backends.extensions.bases import Backend
from social_endpoints.internal.backends.extensions.cached_by_core import fetched, is_cores
from social_endpoints.internal.network.document_cache import Remembered

# Without one of these (OpenID Connect Discovery section 3), it is a page about something else.
_SAID = ("issuer", "authorization_endpoint", "jwks_uri")


def discovers(backend: Any) -> bool:
    """Say whether a backend's class has discovery, and in social-core's way.

    A project's class that has a way of its own keeps it.
    """
    kinds = (OIDCDiscoveryMixin, AzureADOAuth2)
    return issubclass(backend, kinds) and is_cores(backend, "get_openid_configuration")


class RememberedDiscovery(Backend):
    """A mixin above the backend's class: what the provider says of itself."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._documents: dict[str, dict[str, Any]] = {}

    def get_openid_configuration(self, url: str) -> dict[str, Any]:
        """Return the document at a URL (OpenID Connect Discovery section 4).

        A login, which asks many times, goes on with the one that it has begun with.
        """
        if url not in self._documents:
            known: Any = super()
            fetch = partial(fetched, known.get_openid_configuration, self, url)
            document = Remembered("discovery", self, url, fetch, _is_discovery).get()
            self._documents[url] = document
        return self._documents[url]


def _is_discovery(value: Any) -> bool:
    return isinstance(value, dict) and any(isinstance(value.get(name), str) for name in _SAID)
