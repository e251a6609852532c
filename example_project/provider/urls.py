"""The provider's endpoints and its login page; the consent page is ``authorize/``."""

from __future__ import annotations

from django.contrib.auth.views import LoginView
from django.urls import include, path
from oauth2_provider.urls import base_urlpatterns, oidc_urlpatterns

urlpatterns = [
    path("login/", LoginView.as_view(), name="login"),
    # Without the pages on which anyone who is logged in could register a client.
    path("", include((base_urlpatterns + oidc_urlpatterns, "oauth2_provider"))),
]
