"""The URLs of a project that routes begin and complete by itself, and no hand-off."""

from __future__ import annotations

from django.urls import path

from social_endpoints.views import ProviderAuthView

urlpatterns = [path("auth/o/<str:provider>/", ProviderAuthView.as_view())]
