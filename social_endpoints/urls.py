"""The paths, relative to where the project includes them (normally ``auth/``)."""

from __future__ import annotations

from django.urls import path

from social_endpoints.pages import ProviderCallbackView
from social_endpoints.provider_list import ProviderListView
from social_endpoints.views import ProviderAuthView

urlpatterns = [
    path("o/", ProviderListView.as_view(), name="provider-list"),
    path("o/<str:provider>/", ProviderAuthView.as_view(), name="provider-auth"),
    path(
        "o/<str:provider>/callback/",
        ProviderCallbackView.as_view(),
        name="provider-callback",
    ),
]
