"""The login page and the endpoints of the provider."""

from __future__ import annotations

from django.contrib.auth.views import LoginView
from django.urls import include, path
from oauth2_provider.urls import base_urlpatterns, oidc_urlpatterns

urlpatterns = [
    path("login/", LoginView.as_view(), name="login"),
    # The patterns for managing clients are left out: every user could register a client.
    path("", include((base_urlpatterns + oidc_urlpatterns, "oauth2_provider"))),
]
