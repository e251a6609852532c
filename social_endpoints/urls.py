"""The paths, relative to where the project includes them (normally ``auth/``)."""

from __future__ import annotations

from django.urls import path

from social_endpoints.views import (
    ConnectionDetailView,
    ConnectionListView,
    ProviderAuthView,
    ProviderCallbackView,
    ProviderConnectView,
    ProviderListView,
    ProviderTokenView,
)

urlpatterns = [
    path("o/", ProviderListView.as_view(), name="provider-list"),
    path("o/<str:provider>/", ProviderAuthView.as_view(), name="provider-auth"),
    path(
        "o/<str:provider>/callback/",
        ProviderCallbackView.as_view(),
        name="provider-callback",
    ),
    path("o/<str:provider>/token/", ProviderTokenView.as_view(), name="provider-token"),
    path(
        "o/<str:provider>/connect/",
        ProviderConnectView.as_view(),
        name="provider-connect",
    ),
    path("connections/", ConnectionListView.as_view(), name="connection-list"),
    path("connections/<str:id>/", ConnectionDetailView.as_view(), name="connection-detail"),
]
