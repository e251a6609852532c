"""The URL patterns. Include them under a path such as ``auth/``."""

from __future__ import annotations

from django.urls import path

from social_endpoints import views

urlpatterns = [
    path("o/", views.ProviderListView.as_view(), name="provider-list"),
    path("o/<str:provider>/", views.ProviderAuthView.as_view(), name="provider-auth"),
    path(
        "o/<str:provider>/callback/", views.ProviderCallbackView.as_view(), name="provider-callback"
    ),
    path("o/<str:provider>/token/", views.ProviderTokenView.as_view(), name="provider-token"),
    path("o/<str:provider>/connect/", views.ProviderConnectView.as_view(), name="provider-connect"),
    path(
        "o/<str:provider>/connect/token/",
        views.ProviderConnectTokenView.as_view(),
        name="provider-connect-token",
    ),
    path("o/<str:provider>/logout/", views.ProviderLogoutView.as_view(), name="provider-logout"),
    path(
        "o/<str:provider>/logout/backchannel/",
        views.ProviderBackchannelLogoutView.as_view(),
        name="provider-backchannel-logout",
    ),
    path("me/", views.CurrentUserView.as_view(), name="current-user"),
    path("refresh/", views.RefreshView.as_view(), name="refresh"),
    path("logout/", views.LogoutView.as_view(), name="logout"),
    path("connections/", views.ConnectionListView.as_view(), name="connection-list"),
    path("connections/<str:id>/", views.ConnectionDetailView.as_view(), name="connection-detail"),
]
