"""The login endpoints, the site's own API, its page, and the fake provider."""

from __future__ import annotations

from django.contrib.staticfiles.views import serve as serve_static
from django.urls import include, path
from drf_spectacular.views import SpectacularJSONAPIView

from example_project.site import views

# The OpenAPI document, for everybody.
schema = SpectacularJSONAPIView.as_view(authentication_classes=[], permission_classes=[])

urlpatterns = [
    path("auth/", include("social_endpoints.urls")),
    path("api/me/", views.MeView.as_view()),
    path("api/profile/<str:provider>/", views.ProviderProfileView.as_view()),
    path("api/schema/", schema),
    path("provider/", include("social_endpoints.testing.urls")),
    # A real project serves static files with its web server or WhiteNoise.
    path("static/<path:path>", serve_static, {"insecure": True}),
    path("", views.page),
    path("login/callback/", views.page),
    path("popup/", views.popup_page),
    path("<path:path>", views.file),
]
