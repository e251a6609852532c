"""The login endpoints, the site's own API, its page, and the provider."""

from __future__ import annotations

from django.contrib.auth.views import LoginView
from django.urls import include, path
from django.views.static import serve
from drf_spectacular.views import SpectacularJSONAPIView
from oauth2_provider.urls import base_urlpatterns, oidc_urlpatterns

from example_project.site import views

# The OpenAPI document, for everybody.
schema = SpectacularJSONAPIView.as_view(authentication_classes=[], permission_classes=[])

urlpatterns = [
    path("auth/", include("social_endpoints.urls")),
    path("api/me/", views.MeView.as_view()),
    path("api/profile/<str:provider>/", views.ProviderProfileView.as_view()),
    path("api/schema/", schema),
    path("provider/login/", LoginView.as_view(), name="login"),
    # The patterns for managing clients are left out: every user could register a client.
    path("provider/", include((base_urlpatterns + oidc_urlpatterns, "oauth2_provider"))),
    path("config.json", views.page_config),
    path("", views.page),
    path("login/callback/", views.page),
    path("<path:path>", serve, {"document_root": views.PAGE}),
]
