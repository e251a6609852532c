"""The views. A project can subclass a view and route the subclass itself."""

from social_endpoints.views.connections import (
    ConnectionDetailView,
    ConnectionListView,
    ProviderConnectTokenView,
    ProviderConnectView,
)
from social_endpoints.views.current_user import CurrentUserView
from social_endpoints.views.handoff import ProviderCallbackView
from social_endpoints.views.login import ProviderAuthView, ProviderTokenView
from social_endpoints.views.logout import LogoutView
from social_endpoints.views.provider_logout import (
    ProviderBackchannelLogoutView,
    ProviderLogoutView,
)
from social_endpoints.views.providers import ProviderListView
from social_endpoints.views.refresh import RefreshView

__all__ = [
    "ConnectionDetailView",
    "ConnectionListView",
    "CurrentUserView",
    "LogoutView",
    "ProviderAuthView",
    "ProviderBackchannelLogoutView",
    "ProviderCallbackView",
    "ProviderConnectTokenView",
    "ProviderConnectView",
    "ProviderListView",
    "ProviderLogoutView",
    "ProviderTokenView",
    "RefreshView",
]
