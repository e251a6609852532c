"""The views, for projects that subclass them and route them themselves."""

from social_endpoints.views.connect import ProviderConnectView
from social_endpoints.views.connections import ConnectionDetailView, ConnectionListView
from social_endpoints.views.handoff import ProviderCallbackView
from social_endpoints.views.login import ProviderAuthView, ProviderTokenView
from social_endpoints.views.providers import ProviderListView

__all__ = [
    "ConnectionDetailView",
    "ConnectionListView",
    "ProviderAuthView",
    "ProviderCallbackView",
    "ProviderConnectView",
    "ProviderListView",
    "ProviderTokenView",
]
